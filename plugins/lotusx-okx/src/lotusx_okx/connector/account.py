"""Holdings and settings of one account, and its events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.errors import ItemRejected, NotSupported
from lotusx.model import (
    AccountEvent,
    Balance,
    Deposit,
    Fees,
    FundingPayment,
    Instrument,
    InstrumentKind,
    Leverage,
    Permissions,
    Position,
    Transfer,
    Withdrawal,
    plain,
)
from lotusx.plugin import AccountPort, Channel, ChannelKind, Page, Span
from lotusx_okx import account_conversions as convert, account_types as types
from lotusx_okx.codec import ACCOUNT, ORDERS, POSITIONS
from lotusx_okx.connector.listed import Listed, require_swap
from lotusx_okx.connector.order_reads import MAX_ROWS
from lotusx_okx.connector.paging import newest_in, older_than
from lotusx_okx.environments import PRIVATE
from lotusx_okx.funds import Funds, client_id_of
from lotusx_okx.markets import SWAP
from lotusx_okx.numbers import MS, ns_of

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_okx.client_ids import ClientIds
    from lotusx_okx.connector.setup import AccountSetup
    from lotusx_okx.rest import Endpoints

CROSS = "cross"
BILLS_DAYS = 7


class OkxAccount(AccountPort):
    """The trading account of the key. What lies in the funding account is not part of it."""

    def __init__(self, kernel: Kernel, rest: Endpoints, listed: Listed, ids: ClientIds, setup: AccountSetup) -> None:
        self._kernel = kernel
        self._rest = rest
        self._funds = Funds(kernel)
        self._listed = listed
        self._ids = ids
        self._setup = setup

    async def balances(self) -> Sequence[Balance]:
        """Return what the trading account holds; the exchange leaves out what is zero."""
        return [convert.to_balance(item) for item in (await self._rest.balance()).details]

    async def positions(self) -> Sequence[Position]:
        """Return open positions of linear swaps, in long/short mode up to two of an instrument."""

        def one(item: types.Position, instrument: Instrument) -> Position:
            return convert.to_position(item, instrument=instrument)

        found = await self._listed.of_account("positions", await self._rest.positions(), one)
        return [position for position in found if position.quantity]

    async def fees(self, instrument: Instrument) -> Fees:
        """Return the rates of the instrument's fee group. What OKX waives for single pairs is not in them."""
        params = {"instType": self._listed.type_of(instrument), "instId": instrument.venue_symbol}
        if instrument.kind is InstrumentKind.LINEAR:
            params = {"instType": SWAP, "instFamily": f"{instrument.base}-{instrument.quote}"}
        return convert.to_fees(await self._rest.trade_fee(params), instrument=instrument)

    async def permissions(self) -> Permissions:
        return convert.to_permissions(*await self._setup.read())

    async def leverage(self, instrument: Instrument) -> Leverage:
        """Return the leverage of cross margin.

        Raises:
            NotSupported: The two positions of long/short mode differ in it.
        """
        require_swap(instrument, "leverage")
        rows = await self._rest.leverage(instrument.venue_symbol, CROSS)
        if not rows:
            raise ItemRejected(f"no leverage of {instrument.symbol} is stated", field="data")
        if len({row.lever for row in rows}) > 1:
            raise NotSupported(
                self._kernel.facts.name, "one leverage of two positions that differ in it", "native.leverage"
            )
        return convert.to_leverage(rows[0], instrument=instrument)

    async def set_leverage(self, instrument: Instrument, leverage: Decimal) -> None:
        """Set the leverage of cross margin, of both sides."""
        require_swap(instrument, "leverage")
        await self._rest.set_leverage({"instId": instrument.venue_symbol, "lever": plain(leverage), "mgnMode": CROSS})

    async def funding_payments_page(
        self, instrument: Instrument | None, span: Span, cursor: str | None, limit: int
    ) -> Page[FundingPayment]:
        """All payments of *span* in one page: they can only be read backwards, 100 at a time.

        A payment of which one bill cannot be read is left out, counted and logged: the rest of it is not what was paid.
        """
        if instrument is not None:
            require_swap(instrument, "funding")
        paid = await self._funding_bills(instrument, span, limit)
        moments = {bills[0].billId: bills for bills in paid}
        received_ns = self._kernel.clock.now_ns()

        def one(row: types.Bill, of: Instrument) -> FundingPayment:
            return convert.to_funding_payment(moments[row.billId], instrument=of, received_ns=received_ns)

        found = await self._listed.of_account("bills", [bills[0] for bills in moments.values()], one)
        return Page(found if span.start_ns is not None else found[-limit:], None)

    async def _funding_bills(
        self, instrument: Instrument | None, span: Span, limit: int
    ) -> Sequence[Sequence[types.Bill]]:
        """Return the bills of each payment of *span*, oldest first; without a start of the newest *limit* or more."""
        archive = older_than(span, BILLS_DAYS, self._kernel.exchange_ns() // MS)
        asked = {"instType": SWAP, "type": convert.FUNDING}

        async def ask(after: str | None, count: int) -> Sequence[types.Bill]:
            return await self._rest.bills({**asked, "after": after, "limit": count}, archive=archive)

        def payments(rows: Iterable[types.Bill]) -> list[list[types.Bill]]:
            return convert.by_moment(
                row
                for row in rows
                if row.subType in convert.FUNDING_PAID and (instrument is None or row.instId == instrument.venue_symbol)
            )

        def at_ns(row: types.Bill) -> int:
            return ns_of(row.ts, "ts")

        def whole(rows: Sequence[types.Bill]) -> list[list[types.Bill]]:
            """Leave out the oldest moment: more of it may follow."""
            oldest_ns = min(map(at_ns, rows), default=0)
            return payments(row for row in rows if at_ns(row) != oldest_ns)

        rows = await newest_in(
            span,
            ask,
            time_of=at_ns,
            name_of=lambda row: row.billId,
            limit=limit,
            most=MAX_ROWS,
            count=lambda rows: len(whole(rows)),
        )
        newest = whole(rows)
        return newest if span.start_ns is None and len(newest) >= limit else payments(rows)

    async def deposits(self, asset: str | None, span: Span) -> Sequence[Deposit]:
        return await self._funds.deposits(asset, span)

    async def withdrawals(self, asset: str | None, span: Span) -> Sequence[Withdrawal]:
        return await self._funds.withdrawals(asset, span)

    async def transfer(self, asset: str, amount: Decimal, source: str, target: str, transfer_id: str) -> Transfer:
        return await self._funds.transfer(asset, amount, source, target, transfer_id)

    def transfer_look_up(self, source: str, target: str, transfer_id: str) -> str:
        return (
            "native.call('GET', '/api/v5/asset/transfer-state', "
            f"{{'clientId': '{client_id_of(transfer_id)}'}}, signed=True)"
        )

    # Events

    def channels(self) -> Sequence[Channel[AccountEvent]]:
        """Return the channels of orders and their fills, of positions and of balances."""
        traded, ids = self._listed.traded, self._ids
        readers: dict[str, Callable[[bytes, int], Sequence[AccountEvent]]] = {
            ORDERS: lambda message, at: convert.to_order_events(message, at, traded=traded, ids=ids),
            POSITIONS: lambda message, at: convert.to_position_events(message, at, traded=traded),
            ACCOUNT: convert.to_balance_events,
        }
        return [Channel(PRIVATE, key, ChannelKind.ACCOUNT, read, private=True) for key, read in readers.items()]
