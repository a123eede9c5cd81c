"""A scripted exchange for the desk: what it has, what it answers, and what it loses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from decimal import Decimal as D
from itertools import count
from typing import Any

import anyio
import pytest
import trio
from trio.testing import MockClock

from lotusx.errors import ExchangeError, NotSupported, OrderNotFound, RequestTimeout
from lotusx.kernel.ports import AccountPort, Acknowledged, Amendment, OrderRef, Page, Span, TradingPort
from lotusx.model.account import AccountEvent, Balance, FundingPayment, Position
from lotusx.model.enums import InstrumentKind, InstrumentStatus, OrderStatus, Side
from lotusx.model.instruments import Instrument, TickSize
from lotusx.model.orders import Fill, OrderState
from lotusx.model.requests import OrderRequest
from lotusx.model.symbol import Symbol
from lotusx.orders import OrderDesk
from lotusx.orders.terms import asked_for

BTC = Symbol("BTC", "USDT")
INSTRUMENT = Instrument(
    BTC, "BTCUSDT", InstrumentKind.SPOT, InstrumentStatus.TRADING, TickSize(D("0.01")), D("0.001"), min_notional=D(5)
)
HORIZON_S = 15.0
EPOCH_NS = 1_700_000_000_000_000_000


class VirtualClock:
    """The clock of a loop: trio's mock clock, or asyncio's with real sleeps made a thousand times shorter."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed

    def monotonic_ns(self) -> int:
        return int(anyio.current_time() * self._speed * 1e9)

    def now_ns(self) -> int:
        return EPOCH_NS + self.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds / self._speed)


def limit(name: str | None = "a-1", quantity: str = "1", price: str = "100", **more: Any) -> OrderRequest:
    return OrderRequest.limit(BTC, Side.BUY, quantity, price, client_order_id=name, **more)


def state(
    name: str | None = "a-1", venue: str | None = "1", status: str = "open", at: int = 1, **more: Any
) -> OrderState:
    facts: dict[str, Any] = {"quantity": D(1), "filled": D(0), "price": D(100), "updated_ns": at, **more}
    for key in ("quantity", "filled", "price"):
        if facts[key] is not None:
            facts[key] = D(facts[key])
    base = asked_for(limit(name or "x"))
    return replace(base, client_order_id=name, venue_order_id=venue, status=OrderStatus(status), **facts)


def fill(trade: str = "t1", venue: str = "1", quantity: str = "1", at: int = 1, name: str | None = "a-1") -> Fill:
    return Fill(BTC, trade, venue, Side.BUY, D(100), D(quantity), at, client_order_id=name)


def refusal(kind: type[ExchangeError], **more: Any) -> ExchangeError:
    return kind("ex", "-1", "no", **more)


def raiser(error: Exception) -> Callable[..., Any]:
    def hook(*_: object) -> None:
        raise error

    return hook


class Exchange(TradingPort, AccountPort):
    """An exchange whose every answer can be replaced. Counts what is sent."""

    def __init__(self) -> None:
        self.orders: dict[str, OrderState] = {}
        self.fills: list[Fill] = []
        self.sent: list[str] = []
        self.looks = 0
        self.visible = True
        self.on: dict[str, list[Callable[..., Any]]] = {}
        self.always: dict[str, Callable[..., Any]] = {}
        self.account_fills: list[Fill] | None = None
        self.payments: list[FundingPayment] = []
        self.held_balances: list[Balance] = []
        self.held_positions: list[Position] | None = []
        self._ids = count(1)

    async def _hook(self, name: str, *arguments: Any) -> Any:
        hooks = self.on.get(name)
        hook = hooks.pop(0) if hooks else self.always.get(name)
        if hook is None:
            return None
        answer = hook(*arguments)
        return await answer if isinstance(answer, Coroutine) else answer

    def execute(self, request: OrderRequest, status: str = "open") -> OrderState:
        """Have the order, whatever is answered."""
        venue = str(next(self._ids))
        made = replace(asked_for(request), venue_order_id=venue, status=OrderStatus(status), updated_ns=int(venue))
        self.orders[str(request.client_order_id)] = made
        return made

    async def place(self, request: OrderRequest, instrument: Instrument) -> OrderState:
        self.sent.append(str(request.client_order_id))
        answer = await self._hook("place", request)
        return answer if isinstance(answer, OrderState) else self.execute(request)

    async def test(self, request: OrderRequest, instrument: Instrument) -> None: ...

    async def cancel(self, ref: OrderRef, instrument: Instrument) -> OrderState | Acknowledged:
        self.sent.append(f"cancel {ref}")
        answer = await self._hook("cancel", ref)
        return answer if isinstance(answer, OrderState | Acknowledged) else self.end(ref)

    def end(self, ref: OrderRef, status: str = "canceled") -> OrderState:
        key = next(
            key for key, each in self.orders.items()
            if ref.client_order_id == each.client_order_id or ref.venue_order_id == each.venue_order_id
        )  # fmt: skip
        old = self.orders[key]
        self.orders[key] = replace(old, status=OrderStatus(status), updated_ns=old.updated_ns + 1000)
        return self.orders[key]

    async def cancel_all(self, instrument: Instrument | None) -> Sequence[OrderState]:
        answer = await self._hook("cancel_all", instrument)
        return answer if isinstance(answer, list) else [self.end(OrderRef(name)) for name in self.orders]

    async def cancel_all_after(self, seconds: int, instrument: Instrument | None) -> None: ...

    async def amend(self, order: OrderState, change: Amendment, instrument: Instrument) -> OrderState:
        self.sent.append(f"amend {order.client_order_id}")
        answer = await self._hook("amend", order, change)
        return answer if isinstance(answer, OrderState) else self.replace(order, change)

    def replace(self, order: OrderState, change: Amendment) -> OrderState:
        """Cancel and place anew, with a new venue id and our new client id."""
        self.end(OrderRef(order.client_order_id, order.venue_order_id))
        venue = str(next(self._ids))
        made = replace(
            order, client_order_id=change.new_client_order_id, venue_order_id=venue, status=OrderStatus.OPEN,
            quantity=change.quantity or order.quantity, price=change.price or order.price, filled=D(0),
            updated_ns=order.updated_ns + 1000,
        )  # fmt: skip
        self.orders[str(change.new_client_order_id)] = made
        return made

    async def order(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        self.looks += 1
        answer = await self._hook("order", ref)
        if isinstance(answer, OrderState):
            return answer
        for each in self.orders.values():
            if self.visible and (
                each.client_order_id == ref.client_order_id
                or (ref.venue_order_id is not None and each.venue_order_id == ref.venue_order_id)
            ):
                return each
        raise OrderNotFound("ex", "-2013", "Order does not exist.")

    async def open_orders(self, instrument: Instrument | None) -> Sequence[OrderState]:
        answer = await self._hook("open_orders")
        return answer or [each for each in self.orders.values() if self.visible and not each.status.is_terminal]

    async def orders_page(self, *_: Any) -> Page[OrderState]:
        raise NotSupported("ex", "orders_page")

    async def fills_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        await self._hook("fills_page")
        start = int(cursor or 0)
        rest = len(self.fills) > start + 2
        return Page(self.fills[start : start + 2], str(start + 2) if rest else None)

    async def fills_of(self, state: OrderState, instrument: Instrument) -> Sequence[Fill]:
        answer = await self._hook("fills_of", state)
        if isinstance(answer, list):
            return answer
        return [each for each in self.fills if each.venue_order_id == state.venue_order_id]

    async def place_batch(
        self, requests: Sequence[OrderRequest], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Exception]:
        self.sent += [str(each.client_order_id) for each in requests]
        answer = await self._hook("place_batch", requests)
        return [self.execute(each) for each in requests] if answer is None else answer

    async def cancel_batch(
        self, refs: Sequence[OrderRef], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Acknowledged | Exception]:
        self.sent += [f"cancel {ref}" for ref in refs]
        answer = await self._hook("cancel_batch", refs)
        return [self.end(ref) for ref in refs] if answer is None else answer

    async def amend_batch(
        self, orders: Sequence[OrderState], changes: Sequence[Amendment], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Exception]:
        self.sent += [f"amend {order.client_order_id}" for order in orders]
        answer = await self._hook("amend_batch", orders, changes)
        if answer is not None:
            return list(answer)
        return [self.replace(order, change) for order, change in zip(orders, changes, strict=True)]

    async def account_fills_page(self, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        if self.account_fills is None:
            raise NotSupported("ex", "account_fills_page")
        return Page(self.account_fills, None)

    async def funding_payments_page(
        self, instrument: Instrument | None, span: Span, cursor: str | None, limit: int
    ) -> Page[FundingPayment]:
        start = int(cursor or 0)
        return Page(self.payments[start : start + 2], str(start + 2) if len(self.payments) > start + 2 else None)

    async def ready(self) -> None: ...

    async def balances(self) -> Sequence[Balance]:
        await self._hook("balances")
        return self.held_balances

    async def positions(self) -> Sequence[Position]:
        if self.held_positions is None:
            raise NotSupported("ex", "positions")
        return self.held_positions

    async def fees(self, instrument: Instrument) -> Any: ...
    async def permissions(self) -> Any: ...
    def channels(self) -> Sequence[Any]:
        return []


def executes_but(exchange: Exchange, error: Exception | None = None) -> Callable[[OrderRequest], None]:
    """The order is executed, and its reply lost."""

    def hook(request: OrderRequest) -> None:
        exchange.execute(request)
        raise error or RequestTimeout("no reply")

    return hook


class World:
    """An exchange, a desk, and what a follower of the account is told."""

    def __init__(self, *, horizon_s: float = HORIZON_S, speed: float = 1.0, follow: bool = True, **more: Any) -> None:
        self.exchange = Exchange()
        self.clock = VirtualClock(speed)
        numbers = count(1)
        options: dict[str, Any] = {"ids": lambda: f"id-{next(numbers)}", "horizon_s": horizon_s, **more}
        self.desk = OrderDesk("ex", self.exchange, self.clock, **options)
        self.told: list[AccountEvent] = []
        if follow:
            self.desk.listen(self.told.extend)


def in_virtual_time(test: Callable[[], Awaitable[None]]) -> None:
    """Run *test* on trio; sleeping costs no time."""
    trio.run(test, clock=MockClock(autojump_threshold=0))


def on_both_backends(test: Callable[[float], Awaitable[None]]) -> None:
    """Run *test* on trio in virtual time, and on asyncio with a clock a thousand times as fast."""
    trio.run(test, 1.0, clock=MockClock(autojump_threshold=0))
    anyio.run(test, 1000.0, backend="asyncio")


both = pytest.mark.parametrize("speed", [1.0, 1000.0], ids=["trio", "asyncio"])
