"""The demo that goes on: a small trader on a simulated exchange, whose metrics are served meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from lotusx import Exchange
    from lotusx_sim import Simulator

_SYMBOLS = ("BTC/USDT", "ETH/USDT")
_ORDER_EVERY_S = 0.5
_CHECK_EVERY_S = 20.0

Say = Callable[..., None]


async def trade_for_ever(exchange: Exchange, sim: Simulator, say: Say, *, faults: bool, pause_s: float = 4.0) -> None:
    """Follow markets and the account, place and cancel orders, look at the clock; until cancelled.

    Args:
        faults: Whether something goes wrong every *pause_s* seconds, one kind after the other.
    """
    async with anyio.create_task_group() as tasks:
        for symbol in _SYMBOLS:
            tasks.start_soon(_follow, exchange.market.stream_trades(symbol))
            tasks.start_soon(_follow, exchange.market.stream_ticker(symbol))
            tasks.start_soon(_keep_book, exchange, symbol)
        tasks.start_soon(_follow, exchange.account.stream_account())
        tasks.start_soon(_order, exchange)
        tasks.start_soon(_check, exchange)
        if faults:
            tasks.start_soon(_disturb, sim, say, pause_s)


async def _follow(stream: Any) -> None:
    async with stream as events:
        async for _ in events:
            pass


async def _keep_book(exchange: Exchange, symbol: str) -> None:
    async with exchange.market.live_order_book(symbol) as book:
        async for _ in book.changes():
            pass


async def _order(exchange: Exchange) -> None:
    """Buy a little far from the market and cancel, every third time at the market, every tenth time too much."""
    from lotusx.errors import LotusXError
    from lotusx.model import OrderRequest
    from lotusx.rules import floor_to_step

    turn = 0
    while True:
        turn += 1
        await anyio.sleep(_ORDER_EVERY_S)
        try:
            if turn % 10 == 0:
                await exchange.trading.place(OrderRequest.limit("BTC/USDT", "buy", "90", "20000"))
            elif turn % 3 == 0:
                await exchange.trading.place(OrderRequest.market("BTC/USDT", "buy" if turn % 2 else "sell", "0.01"))
            else:
                top = await exchange.market.best_bid_offer("BTC/USDT")
                price = floor_to_step((top.bid_price or Decimal(60_000)) * Decimal("0.9"), Decimal(1))
                order = await exchange.trading.place(OrderRequest.limit("BTC/USDT", "buy", "0.01", price))
                await exchange.trading.cancel("BTC/USDT", client_order_id=order.client_order_id)
        except LotusXError:
            continue  # this is what the metrics are for


async def _check(exchange: Exchange) -> None:
    while True:
        await exchange.health_check()
        await anyio.sleep(_CHECK_EVERY_S)


async def _disturb(sim: Simulator, say: Say, pause_s: float) -> None:
    """Break one thing after the other."""
    too_many = {"code": -1003, "msg": "Too many requests"}
    faults: tuple[tuple[str, Callable[[], object]], ...] = (
        ("every connection is cut", lambda: sim.cut_connections("rst")),
        ("two reads are answered with 503", lambda: sim.refuse("GET", "/api/v3/ticker/bookTicker", 503, times=2)),
        ("an update of the book is lost", lambda: sim.gap("BTCUSDT")),
        ("the reply to an order is lost", lambda: sim.lose_reply_to("POST", "/api/v3/order", how="reset")),
        (
            "a read is refused: too many requests",
            lambda: sim.refuse(
                "GET", "/api/v3/ticker/bookTicker", 429, too_many, times=1, headers=[("retry-after", "1")]
            ),
        ),
        ("a message cannot be read", lambda: sim.cut_message("btcusdt@trade")),
    )
    while True:
        for what, fault in faults:
            await anyio.sleep(pause_s)
            fault()
            say(what)
