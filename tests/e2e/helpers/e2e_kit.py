"""What most of these tests need."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, TypeVar

import anyio

import lotusx
from lotusx.errors import StaleBook
from lotusx.streams import StreamState
from lotusx_sim import Simulator
from lotusx_sim.dialects.binance.spot import DEFAULT_KEY

T = TypeVar("T")
BTC = "BTC/USDT"
Connect = Callable[..., lotusx.Exchange]
KEY = {"api_key": DEFAULT_KEY.key, "api_secret": DEFAULT_KEY.verifier}
PLACE = ("POST", "/api/v3/order")
ASK = ("GET", "/api/v3/order")
CANCEL = ("DELETE", "/api/v3/order")


async def until(condition: Callable[[], object], within_s: float = 30.0) -> None:
    """Wait for what happens on the other side of a socket. A book that is stale meanwhile cannot tell yet."""
    with anyio.fail_after(within_s):
        while True:
            with suppress(StaleBook):
                if condition():
                    return
            await anyio.sleep(0.002)


def is_up(stream: lotusx.Stream[Any]) -> bool:
    return stream.state in (StreamState.ACKNOWLEDGED, StreamState.LIVE, StreamState.RECOVERED)


async def take(stream: AsyncIterator[T], count: int, within_s: float = 30.0) -> list[T]:
    """Return the next *count* events."""
    with anyio.fail_after(within_s):
        return [await anext(stream) for _ in range(count)]


async def collect(stream: AsyncIterator[T]) -> list[T]:
    return [item async for item in stream]


def spoil_reply(sim: Simulator, request: tuple[str, str], page: str) -> None:
    """Let the next *request* be carried out and answered by what proves nothing.

    Args:
        page: ``html`` of a gateway, ``half a reply``, or any other name for the exchange's own timeout.
    """
    if page == "html":
        sim.html_502(*request, executes=True)
    elif page == "half a reply":
        sim.cut_json(*request)
    else:
        sim.execute_but_time_out(*request)


def limit_buy(name: str, price: str = "60000", quantity: str = "0.01", **more: Any) -> lotusx.OrderRequest:
    """Return an order that rests: the market stands around 68 250."""
    return lotusx.OrderRequest.limit(BTC, "buy", quantity, price, client_order_id=name, **more)


def market_buy(name: str, quantity: str = "0.01") -> lotusx.OrderRequest:
    return lotusx.OrderRequest.market(BTC, "buy", quantity, client_order_id=name)
