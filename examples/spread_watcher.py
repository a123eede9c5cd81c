"""Watch the best prices of one coin at several exchanges, and tell when one bids more than another asks.

python spread_watcher.py binance=BTC/USDT bybit=BTC/USDT hyperliquid=BTC/USDC:USDC

Public data: no key is needed. Fees, transfers, and the different quotes (USDT is not USDC) are yours to judge.
"""

import sys
from contextlib import suppress
from decimal import Decimal

import anyio

import lotusx
from lotusx.model import BestBidOffer
from lotusx.streams import StreamState

WHERE = ["binance=BTC/USDT", "bybit=BTC/USDT", "hyperliquid=BTC/USDC:USDC"]

Board = dict[str, BestBidOffer]


async def follow(name: str, symbol: str, board: Board) -> None:
    """Keep *name*'s best prices on the board: they hold until they change, or until the connection is in doubt.

    The connection heals itself. While it does, there is no price.
    """
    async with lotusx.connect(name) as exchange, exchange.market.stream_best_bid_offer(symbol) as stream:
        board[name] = await exchange.market.best_bid_offer(symbol)  # a calm market says nothing for a while
        async for event in stream.with_status():
            if isinstance(event, BestBidOffer):
                board[name] = event
            elif event.state in (StreamState.SILENT, StreamState.LOST):
                board.pop(name, None)
                print(f"{name}: {event.state} {event.reason}", flush=True)


def widest(board: Board) -> tuple[str, str, Decimal] | None:
    """Return where to sell, where to buy, and the difference as a fraction; below zero: nobody overlaps."""
    bids = {name: best.bid_price for name, best in board.items() if best.bid_price is not None}
    asks = {name: best.ask_price for name, best in board.items() if best.ask_price is not None}
    if len(bids) < 2 or len(asks) < 2:
        return None
    sell, buy = max(bids, key=bids.__getitem__), min(asks, key=asks.__getitem__)
    return sell, buy, (bids[sell] - asks[buy]) / asks[buy]


async def report(board: Board) -> None:
    while True:
        for name, best in sorted(board.items()):
            print(f"{name:<14}{best.bid_price!s:>12} {best.ask_price!s:>12}")
        if (found := widest(board)) is not None:
            sell, buy, edge = found
            mark = "  <<<" if edge > 0 else ""
            print(f"sell at {sell}, buy at {buy}: {edge * 10_000:+.1f} bp{mark}\n", flush=True)
        await anyio.sleep(1)


async def main(where: list[str]) -> None:
    board: Board = {}
    async with anyio.create_task_group() as tasks:
        for item in where:
            name, _, symbol = item.partition("=")
            tasks.start_soon(follow, name, symbol, board)
        tasks.start_soon(report, board)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # Ctrl-C
        anyio.run(main, sys.argv[1:] or WHERE)
