"""Orders of one account: what every market does in the same way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from lotusx.errors import InvalidArgument, ItemRejected, LotusXError, MalformedReply
from lotusx.plugin import ItemDropped, OrderRef, Span, TradingPort
from lotusx_binance.conversions import MS
from lotusx_binance.public_data import first_ms, last_ms

if TYPE_CHECKING:
    from lotusx.model import OrderState
    from lotusx.plugin import Kernel

logger = logging.getLogger("lotusx.binance")

CLOCKS_APART_MS = 60_000
"""How wrong our idea of the exchange's clock may be before a search up to now misses the newest."""


class OfSymbol(Protocol):
    """An order as it is listed."""

    @property
    def symbol(self) -> str: ...


S = TypeVar("S", bound=OfSymbol)


def named(ref: OrderRef, *, order_id: str = "orderId", client: str = "origClientOrderId") -> dict[str, str | int]:
    """Name an order: by its number alone where that is known, which Binance finds fastest."""
    if ref.venue_order_id is not None:
        if not ref.venue_order_id.isdecimal():
            raise InvalidArgument(f"venue_order_id is a number at binance, not {ref.venue_order_id!r}")
        return {order_id: int(ref.venue_order_id)}
    if ref.client_order_id is not None:
        return {client: ref.client_order_id}
    raise InvalidArgument("name the order: client_order_id or venue_order_id")


def is_same(name: OrderRef, ref: OrderRef) -> bool | None:
    """Say whether both name one order; ``None``: they have no kind of id in common."""
    if name.venue_order_id and ref.venue_order_id:
        return name.venue_order_id == ref.venue_order_id
    if name.client_order_id and ref.client_order_id:
        return name.client_order_id == ref.client_order_id
    return None


def check_name(ref: OrderRef, name: OrderRef) -> None:
    """Raise `MalformedReply` where a command about *ref* was answered with *name*, which is another order's.

    What became of the one that was meant is open then.
    """
    if is_same(name, ref) is False:
        raise MalformedReply(f"binance: the reply names another order, {name}: what became of {ref} is open")


def of(ref: OrderRef, state: OrderState) -> OrderState:
    """Return *state*, which a command about *ref* was answered with.

    Raises:
        MalformedReply: It is another order's: what became of the one that was meant is open.
    """
    check_name(ref, OrderRef(state.client_order_id, state.venue_order_id))
    return state


class AccountOrders(TradingPort):
    """What is asked of the account as a whole, and of its history."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._now_ns = kernel.clock.now_ns

    def _bounds(self, span: Span) -> tuple[int | None, int]:
        """Return first and last millisecond; an open end is now, by the exchange: ours may have been set."""
        end = last_ms(span)
        return first_ms(span), self._kernel.exchange_ns() // MS + CLOCKS_APART_MS if end is None else end

    async def _of_account(
        self, items: Sequence[S], to: Callable[..., OrderState], key: str, *, cancelled: bool = False
    ) -> list[OrderState]:
        """Convert orders of any symbol; those of one that is not listed are left out, counted and logged.

        Orders that are *cancelled* are told though a fresh list of symbols cannot be had: nothing takes that back.
        """
        what = "a cancelled order" if cancelled else "an open order"
        try:
            await self._kernel.instruments.refresh_if_unlisted({item.symbol for item in items})
        except LotusXError:
            if not cancelled:
                raise
        orders = []
        for item in items:
            try:
                orders.append(to(item, symbol=self._kernel.instruments.by_venue_symbol(item.symbol).symbol))
            except ItemRejected as error:
                exchange = self._kernel.facts.name
                logger.warning("%s: %s of %s was left out: %s", exchange, what, item.symbol, error)
                self._kernel.telemetry.emit(ItemDropped(exchange, key, str(error)))
        return orders
