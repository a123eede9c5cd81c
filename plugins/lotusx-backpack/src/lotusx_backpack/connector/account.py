"""Holdings and settings of one account, and its events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.model import (
    AccountEvent,
    Balance,
    Deposit,
    Fees,
    FundingPayment,
    Instrument,
    Leverage,
    Position,
    Symbol,
    Withdrawal,
    plain,
)
from lotusx.plugin import AccountPort, Channel, ChannelKind, Page, Span
from lotusx_backpack import account_conversions as convert, account_events as events, account_types as types
from lotusx_backpack.connector.funds import Funds
from lotusx_backpack.connector.listed import Listed, require_perpetual
from lotusx_backpack.connector.paging import newest_in
from lotusx_backpack.rest import MAX_ROWS
from lotusx_backpack.times import moment_ns

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_backpack.client_ids import ClientIds
    from lotusx_backpack.rest import Endpoints
    from lotusx_backpack.triggers import Triggers


class BackpackAccount(AccountPort):
    """One account or sub-account: that of the key."""

    def __init__(self, kernel: Kernel, rest: Endpoints, listed: Listed, ids: ClientIds, triggers: Triggers) -> None:
        self._kernel = kernel
        self._rest = rest
        self._funds = Funds(kernel)
        self._listed = listed
        self._ids = ids
        self._triggers = triggers

    async def balances(self) -> Sequence[Balance]:
        """Return what lies in ``account``, and what of it is ``lent``: two questions, one shortly after the other."""
        as_of_ns = self._kernel.exchange_ns()
        capital = await self._rest.capital()
        collateral = await self._rest.collateral()
        found = convert.to_balances(capital, collateral.collateral, as_of_ns=as_of_ns)
        return [balance for balance in found if balance.total or balance.locked]

    async def positions(self) -> Sequence[Position]:
        """Return open positions, without liquidation prices: the exchange states them for one symbol at a time."""
        as_of_ns = self._kernel.exchange_ns()

        def to(item: types.Position, symbol: Symbol) -> Position:
            position = convert.to_position(item, symbol=symbol, as_of_ns=as_of_ns)
            return replace(position, liquidation_price=None)

        found = await self._listed.of_account("position", await self._rest.positions(), to)
        return [position for position in found if position.quantity]

    async def fees(self, instrument: Instrument) -> Fees:
        return convert.to_fees(await self._rest.account(), instrument=instrument)

    async def leverage(self, instrument: Instrument) -> Leverage:
        """Return the highest leverage that the account allows itself: one for all symbols."""
        require_perpetual(instrument, "leverage")
        return convert.to_leverage(await self._rest.account(), symbol=instrument.symbol)

    async def set_leverage(self, instrument: Instrument, leverage: Decimal) -> None:
        """Set the highest leverage of the whole account, whichever symbol was named."""
        require_perpetual(instrument, "leverage")
        await self._rest.update_account({"leverageLimit": plain(leverage)})

    async def funding_payments_page(
        self, instrument: Instrument | None, span: Span, cursor: str | None, limit: int
    ) -> Page[FundingPayment]:
        """All payments of *span* in one page: they can only be asked for from the newest backwards."""
        received_ns = self._kernel.clock.now_ns()
        asked = {"symbol": None if instrument is None else instrument.venue_symbol, "sortDirection": "Desc"}

        async def ask(wanted: int, offset: int) -> Sequence[types.FundingPayment]:
            return await self._rest.funding_payments({**asked, "limit": wanted, "offset": offset or None})

        def time_of(row: types.FundingPayment) -> int:
            return moment_ns(row.intervalEndTimestamp, field="intervalEndTimestamp")

        def to(row: types.FundingPayment, symbol: Symbol) -> FundingPayment:
            return convert.to_funding_payment(row, symbol=symbol, received_ns=received_ns)

        rows = await newest_in(
            span, ask, time_of=time_of, key_of=lambda row: (row.symbol, time_of(row)), limit=limit, most=MAX_ROWS
        )
        return Page(await self._listed.of_account("history/funding", rows, to), None)

    async def deposits(self, asset: str | None, span: Span) -> Sequence[Deposit]:
        return await self._funds.deposits(asset, span)

    async def withdrawals(self, asset: str | None, span: Span) -> Sequence[Withdrawal]:
        return await self._funds.withdrawals(asset, span)

    # Events

    async def prepare(self) -> None:
        """Ask something signed: no subscription is ever answered, so a key that is refused shows here or nowhere."""
        await self._rest.account()

    def channels(self) -> Sequence[Channel[AccountEvent]]:
        """Return the channels of orders and their fills, of positions and of balances."""
        symbol_of, ours, again = self._listed.symbol_of, self._ids.ours, self._triggers.known_again
        readers: dict[str, Callable[[bytes, int], Sequence[AccountEvent]]] = {
            events.ORDERS: lambda message, at_ns: events.to_order_events(message, at_ns, symbol_of, ours, again),
            events.POSITIONS: lambda message, at_ns: events.to_position_events(message, at_ns, symbol_of),
            events.BALANCES: events.to_balance_events,
        }
        return [Channel("account", key, ChannelKind.ACCOUNT, read, private=True) for key, read in readers.items()]
