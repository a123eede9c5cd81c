"""What the channels of an account say, as events of the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from copy import copy
from dataclasses import replace
from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec

from lotusx.model import (
    AccountEvent,
    Balance,
    BalanceEvent,
    FillEvent,
    FundingEvent,
    InstrumentKind,
    OrderEvent,
    OrderStatus,
    Position,
    PositionEvent,
    Symbol,
    VenueEvent,
)
from lotusx_hyperliquid import account_types, order_conversions as convert
from lotusx_hyperliquid.conversions import MS
from lotusx_hyperliquid.order_conversions import Ours
from lotusx_hyperliquid.triggers import WaitingTriggers
from lotusx_hyperliquid.types import Frame

_orders = msgspec.json.Decoder(Frame[list[account_types.OrderReport]]).decode
_fills = msgspec.json.Decoder(Frame[account_types.FillsEvent]).decode
_fundings = msgspec.json.Decoder(Frame[account_types.FundingsEvent]).decode
_perps = msgspec.json.Decoder(Frame[account_types.PerpStateEvent]).decode
_spot = msgspec.json.Decoder(Frame[account_types.SpotStateEvent]).decode
_event = msgspec.json.Decoder(Frame[dict[str, Any]]).decode

T = TypeVar("T")
_TOLD_ELSEWHERE = frozenset({"fills", "funding"})  # by userFills and userFundings


def is_outcome(coin: str) -> bool:
    """Say whether *coin* is an outcome market, which the catalogue does not have."""
    return coin.startswith("#")


class _Holdings(Generic[T]):
    """What the sockets of one channel have told as held, and what of that this one has told as gone.

    Two sockets side by side are told how things stand at moments of their own, and what is kept may be the message of
    either: so each tells of all that has gone, also of what only the other one has told as held, before it or since.
    """

    def __init__(self) -> None:
        self._told: dict[str, dict[T, int]] = {}  # by wallet: how often; shared by twins
        self._gone: dict[tuple[str, T], int] = {}  # how often it had been told as held by then

    def forget(self) -> None:
        self._told.clear()
        self._gone.clear()

    def twin(self) -> _Holdings[T]:
        twin = copy(self)
        twin._gone = {}
        return twin

    def gone(self, wallet: str, held: Set[T]) -> list[T]:
        """Take what a wallet holds; return what it held before and does not now, in a fixed order."""
        told = self._told.setdefault(wallet, {})
        gone = [each for each in told if each not in held and self._gone.get((wallet, each)) != told[each]]
        self._gone.update(((wallet, each), told[each]) for each in gone)
        told.update((each, told.get(each, 0) + 1) for each in held)
        return sorted(gone, key=str)


class AccountReader:
    """Converts the messages of one account's channels.

    A coin that is not listed rejects its message: the core then asks for what it said, with a fresh list.

    Args:
        symbol_of: Raises `ItemRejected` for what is not listed.
        collateral_of: What perpetuals of a dex are margined in.
        token_name: What we call a token, from its index and the exchange's name.
        since_ns: Exchange time from which events count as new. Before it lies what a subscription tells of the past.
        is_unified: Whether all balances are in the spot state; ``None``: not known (then margin is not told).
    """

    def __init__(
        self,
        symbol_of: Callable[[str], Symbol],
        ours: Ours,
        triggers: WaitingTriggers,
        collateral_of: Callable[[str], str],
        token_name: Callable[[int, str], str],
        *,
        since_ns: int,
        is_unified: bool | None,
    ) -> None:
        self._symbol_of = symbol_of
        self._ours = ours
        self._triggers = triggers
        self._collateral_of = collateral_of
        self._token_name = token_name
        self._since_ns = since_ns
        self._is_unified = is_unified
        self._positions: _Holdings[Symbol] = _Holdings()
        self._assets: _Holdings[str] = _Holdings()

    def forget(self) -> None:
        """Forget what was held: what happened to it meanwhile is found out by asking."""
        self._positions.forget()
        self._assets.forget()

    def twin(self) -> AccountReader:
        """Return a reader for a second socket, so that what goes just as the sockets change is told as gone."""
        twin = copy(self)
        twin._positions = self._positions.twin()
        twin._assets = self._assets.twin()
        return twin

    def orders(self, message: bytes, received_ns: int) -> Sequence[AccountEvent]:
        """``orderUpdates``."""
        events = []
        for report in _orders(message).data:
            if is_outcome(report.order.coin):
                continue
            state = convert.to_report(report, symbol=self._symbol_of(report.order.coin), ours=self._ours)
            if self._triggers.told(report):
                state = replace(state, status=OrderStatus.PENDING)
            events.append(OrderEvent(state))
        return events

    def fills(self, message: bytes, received_ns: int) -> Sequence[AccountEvent]:
        """``userFills``, oldest first; of its history only what is new."""
        found = _fills(message).data
        fills = [
            convert.to_fill(item, symbol=self._symbol_of(item.coin), ours=self._ours, received_ns=received_ns)
            for item in found.fills
            if not is_outcome(item.coin) and not (found.isSnapshot and item.time * MS < self._since_ns)
        ]
        return [FillEvent(fill) for fill in sorted(fills, key=lambda fill: fill.exchange_ns)]

    def fundings(self, message: bytes, received_ns: int) -> Sequence[AccountEvent]:
        """``userFundings``, oldest first; of its history only what is new."""
        found = _fundings(message).data
        events = []
        for item in sorted(found.fundings, key=lambda item: item.time):
            if found.isSnapshot and item.time * MS < self._since_ns:
                continue
            symbol = self._symbol_of(item.coin)
            payment = convert.to_payment(
                item, symbol=symbol, asset=str(symbol.settle), time_ms=item.time, received_ns=received_ns
            )
            events.append(FundingEvent(payment))
        return events

    def perps(self, message: bytes, received_ns: int) -> Sequence[AccountEvent]:
        """``clearinghouseState`` of one dex: a position that was there before and is not now has been closed.

        What the dex holds is a balance in the classic account model only.
        """
        found = _perps(message).data
        state = found.clearinghouseState
        positions = [
            convert.to_position(item.position, symbol=self._symbol_of(item.position.coin), updated_ms=state.time)
            for item in state.assetPositions
        ]
        held = {position.symbol for position in positions}
        closed = [
            Position(symbol, InstrumentKind.LINEAR, Decimal(0), updated_ns=state.time * MS)
            for symbol in self._positions.gone(convert.wallet_of(found.dex), held)
        ]
        events: list[AccountEvent] = []
        if positions or closed:
            events.append(PositionEvent((*positions, *closed)))
        if self._is_unified is False:
            asset = self._collateral_of(found.dex)
            events.append(BalanceEvent((convert.to_margin_balance(state, asset=asset, dex=found.dex),)))
        return events

    def spot(self, message: bytes, received_ns: int) -> Sequence[AccountEvent]:
        """``spotState``: of an asset that was there before and is not now nothing is left."""
        balances = [
            convert.to_spot_balance(item, asset=self._token_name(item.token, item.coin))
            for item in _spot(message).data.spotState.balances
        ]
        assets, nothing = {balance.asset for balance in balances}, Decimal(0)
        wallet = convert.SPOT_WALLET
        balances += [
            Balance(asset, nothing, nothing, nothing, wallet=wallet) for asset in self._assets.gone(wallet, assets)
        ]
        return [BalanceEvent(tuple(balances))] if balances else []

    def others(self, message: bytes, received_ns: int) -> Sequence[AccountEvent]:
        """``userEvents``: liquidations, orders that the exchange canceled, and whatever else it has to say."""
        found: Mapping[str, Any] = _event(message).data
        return [
            VenueEvent(name, value if isinstance(value, dict) else {name: value}, received_ns)
            for name, value in found.items()
            if name not in _TOLD_ELSEWHERE
        ]
