"""Follow an order book: the touch as it changes, depth, and what an order would cost. No key is needed.

The book is right or it says that it is stale: a gap in the exchange's numbers raises, it never shows a wrong price.
"""

from contextlib import suppress

import anyio

import lotusx
from lotusx.errors import BeyondHorizon

SYMBOL = "BTC/USDT"
LEVELS = 5
QUANTITY = "0.5"  # base units


def show(book: lotusx.LiveOrderBook) -> None:
    age_ms = (book.age or 0) * 1e3
    print(f"\n{SYMBOL}  spread {book.spread}  age {age_ms:.0f} ms  resyncs {book.resyncs}", flush=True)
    for level in reversed(book.asks(LEVELS)):
        print(f"{'':>26}{level.price:>14}  {level.quantity}")
    for level in book.bids(LEVELS):
        print(f"{level.quantity:>12}{level.price:>14}")
    try:
        print(f"buying {QUANTITY} now costs {book.vwap('buy', QUANTITY):.2f} each, fees aside", flush=True)
    except BeyondHorizon as error:  # more than the depth that is known
        print(f"buying {QUANTITY} now: {error}", flush=True)


async def main() -> None:
    async with lotusx.connect("binance") as exchange, exchange.market.live_order_book(SYMBOL) as book:
        async for _ in book.changes():  # the newest state, never a backlog
            try:
                show(book)
            except lotusx.StaleBook as error:  # this book is being fetched again; changes() goes on when it is right
                print(f"stale: {error}", flush=True)
            await anyio.sleep(1)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # Ctrl-C
        anyio.run(main)
