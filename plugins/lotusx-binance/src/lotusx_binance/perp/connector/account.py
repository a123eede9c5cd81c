"""Holdings and settings of one account, and its events."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.errors import InvalidArgument, ItemRejected, LotusXError, MalformedReply, NoChange
from lotusx.model import (
    AccountEvent,
    Balance,
    Fees,
    FundingPayment,
    Instrument,
    Leverage,
    MarginMode,
    Permissions,
    Position,
    PositionSide,
    Symbol,
    Transfer,
    decimal_from_wire,
)
from lotusx.plugin import AccountPort, Channel, ChannelKind, ItemDropped, Lease, Page, Span
from lotusx_binance.account_orders import CLOCKS_APART_MS
from lotusx_binance.codec import ACCOUNT_KEY
from lotusx_binance.conversions import MS
from lotusx_binance.funds import Funds
from lotusx_binance.perp import account_conversions as convert, order_requests as write
from lotusx_binance.perp.account_events import AccountReader, PositionMode
from lotusx_binance.perp.connector.lease import ListenKeyLease
from lotusx_binance.perp.windows import window
from lotusx_binance.public_data import MAX_PAGE, first_ms, last_ms

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_binance.perp.account_types import Income
    from lotusx_binance.perp.rest import Endpoints

logger = logging.getLogger("lotusx.binance")

_MARGIN_TYPE = {MarginMode.CROSS: "CROSSED", MarginMode.ISOLATED: "ISOLATED"}
_POSITION_SIDE = {PositionSide.LONG: "LONG", PositionSide.SHORT: "SHORT"}


class PerpAccount(AccountPort):
    """One account of USDⓈ-M futures."""

    def __init__(self, kernel: Kernel, rest: Endpoints) -> None:
        self._kernel = kernel
        self._exchange = kernel.facts.name
        self._rest = rest
        self._funds = Funds(kernel)
        self._mode = PositionMode()

    async def prepare(self) -> None:
        """Learn the position mode: a funding fee that the stream tells may be half of what its symbol has paid.

        Where that fails, fees are asked for until a position shows the mode.
        """
        try:
            self._mode.is_hedge = (await self._rest.account_config()).dualSidePosition
        except LotusXError as error:
            self._mode.is_hedge = None
            logger.warning("%s: the position mode could not be asked for: %s", self._exchange, error)

    async def balances(self) -> Sequence[Balance]:
        """Return wallet balances that are not zero, profit and loss of open positions left out.

        ``free`` is what is available as margin.
        """
        return [
            convert.to_balance(item)
            for item in await self._rest.balances()
            if decimal_from_wire(item.balance, field="balance")
        ]

    async def positions(self) -> Sequence[Position]:
        """Return open positions; in hedge mode there may be two of one symbol.

        One of a symbol that is not listed is left out, counted and logged.
        """
        rows = [row for row in await self._rest.positions() if decimal_from_wire(row.positionAmt, field="positionAmt")]
        if not rows:
            return []
        for row in rows:
            self._mode.holds(row.positionSide)
        configs = {item.symbol: item for item in await self._rest.symbol_config()}
        found = []
        for row in rows:
            try:
                found.append(convert.to_position(row, configs.get(row.symbol), symbol=self._symbol_of(row.symbol)))
            except ItemRejected as error:
                self._drop("positionRisk", f"the position in {row.symbol} was left out: {error}")
        return found

    def _drop(self, key: str, reason: str) -> None:
        logger.warning("%s: %s", self._exchange, reason)
        self._kernel.telemetry.emit(ItemDropped(self._exchange, key, reason))

    def _symbol_of(self, venue_symbol: str) -> Symbol:
        return self._kernel.instruments.by_venue_symbol(venue_symbol).symbol

    async def fees(self, instrument: Instrument) -> Fees:
        """Return the account's rates, before any discount for paying in BNB."""
        rates = await self._rest.commission(instrument.venue_symbol)
        return Fees(
            instrument.symbol,
            maker=decimal_from_wire(rates.makerCommissionRate, field="makerCommissionRate"),
            taker=decimal_from_wire(rates.takerCommissionRate, field="takerCommissionRate"),
        )

    async def permissions(self) -> Permissions:
        """Return what the key may do; to trade is to trade futures.

        Raises:
            NotSupported: There is no ``/sapi`` in this environment.
        """
        known, raw = await self._rest.api_restrictions()
        return Permissions(known.enableReading, known.enableFutures, known.enableWithdrawals, known.ipRestrict, raw)

    # Leverage and margin

    async def leverage(self, instrument: Instrument) -> Leverage:
        """Return leverage and margin mode, and the highest leverage that a small position may have."""
        configs = {item.symbol: item for item in await self._rest.symbol_config(instrument.venue_symbol)}
        config = configs.get(instrument.venue_symbol)
        if config is None:
            raise MalformedReply(f"{self._exchange}: symbolConfig says nothing of {instrument.venue_symbol}")
        brackets = (await self._rest.brackets(instrument.venue_symbol)).brackets
        return Leverage(
            instrument.symbol,
            Decimal(config.leverage),
            convert.to_margin_mode(config.marginType),
            Decimal(max(bracket.initialLeverage for bracket in brackets)) if brackets else None,
        )

    async def set_leverage(self, instrument: Instrument, leverage: Decimal) -> None:
        if leverage != leverage.to_integral_value():
            raise InvalidArgument(f"leverage is a whole number at {self._exchange}, not {leverage}", rule="leverage")
        await self._rest.set_leverage(instrument.venue_symbol, int(leverage))

    async def set_margin_mode(self, instrument: Instrument, mode: MarginMode) -> None:
        """Set it; that it is so already is a success.

        Raises:
            InvalidOrder: There are open orders or a position, or the account is in multi-assets mode.
        """
        try:
            await self._rest.set_margin_type(instrument.venue_symbol, _MARGIN_TYPE[mode])
        except NoChange:
            return

    async def change_margin(self, instrument: Instrument, amount: Decimal, side: PositionSide | None = None) -> None:
        params = {"symbol": instrument.venue_symbol, **write.margin_change(amount)}
        if side is not None:
            params["positionSide"] = _POSITION_SIDE[side]
        await self._rest.change_position_margin(params)

    async def funding_payments_page(
        self, instrument: Instrument | None, span: Span, cursor: str | None, limit: int
    ) -> Page[FundingPayment]:
        """One page of ``income`` of the type FUNDING_FEE; the cursor is where its window starts, in ms.

        In hedge mode the fees of both positions of a symbol are one payment: nothing says of which each is. It is told
        from three seconds after the newer of them was booked, for the other may be listed late. As many fees as there
        can be are asked for, whatever *limit* is: those of one hour are told together.

        Raises:
            MalformedReply: The fees of one hour fill the page: their sum is not known.
        """
        venue_symbol = None if instrument is None else instrument.venue_symbol
        params = {"symbol": venue_symbol, "incomeType": "FUNDING_FEE", "limit": MAX_PAGE}
        start, end = first_ms(span), last_ms(span)
        if start is None:
            rows, _ = convert.whole_hours(await self._rest.income({**params, "endTime": end}), MAX_PAGE, newest=True)
            return Page((await self._payments(rows))[-limit:], None)
        last = self._kernel.exchange_ns() // MS + CLOCKS_APART_MS if end is None else end
        opens, closes = window(cursor, start, last)
        rows = await self._rest.income({**params, "startTime": opens, "endTime": closes})
        rows, cut_ms = convert.whole_hours(rows, MAX_PAGE, newest=False)
        following = None if closes >= last else str(closes + 1)
        return Page(await self._payments(rows), following if cut_ms is None else str(cut_ms))

    async def _payments(self, rows: Sequence[Income]) -> list[FundingPayment]:
        settled = convert.without_halves(rows, self._kernel.exchange_ns() // MS)
        if len(settled) < len(rows):
            await self.prepare()
            if self._mode.is_hedge is not False:
                rows = settled
        await self._kernel.instruments.refresh_if_unlisted({row.symbol for row in rows})
        by_symbol: dict[str, list[Income]] = {}
        for row in rows:
            by_symbol.setdefault(row.symbol, []).append(row)
        found: list[FundingPayment] = []
        for name, fees in by_symbol.items():
            try:
                found += convert.to_payments(fees, symbol=self._symbol_of(name))
            except ItemRejected as error:
                self._drop("income", f"funding fees of {name} were left out: {error}")
        return sorted(found, key=lambda payment: payment.exchange_ns)

    # Events

    def leases(self) -> Mapping[str, Lease]:
        """Return what keeps the address of user data: its key."""
        return {"private": ListenKeyLease(self._rest)}

    async def transfer(self, asset: str, amount: Decimal, source: str, target: str, transfer_id: str) -> Transfer:
        return await self._funds.transfer(asset, amount, source, target, transfer_id)

    def transfer_look_up(self, source: str, target: str, transfer_id: str) -> str:
        return self._funds.look_up(source, target)

    def channels(self) -> Sequence[Channel[AccountEvent]]:
        """Return the one channel that carries orders, fills, balances, positions and funding."""
        reader = AccountReader(self._symbol_of, self._mode)
        return (Channel("private", ACCOUNT_KEY, ChannelKind.ACCOUNT, reader.read, private=True),)
