"""Memory of one book of 1 000 levels a side: the mean of many.

python -m bench.book_memory lotusx 100
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

from bench.memory import private_kb
from bench.venues.binance import snapshot


def lotusx() -> Any:
    """Return a ladder, as a live book holds it."""
    from lotusx.kernel.book import Ladder, Lane

    document = json.loads(snapshot())
    ladder = Ladder(Lane.FLOAT)
    sides = ([(str(price), str(quantity)) for price, quantity in document[side]] for side in ("bids", "asks"))
    ladder.replace(*sides, complete=True)
    return ladder


def ccxt() -> Any:
    """Return a book of ccxt.pro, filled as its Binance class does."""
    book = import_module("ccxt.async_support.base.ws.order_book").OrderBook({}, 1_000)
    document = json.loads(snapshot())
    for side in ("bids", "asks"):
        for price, quantity in document[side]:
            book[side].store(float(price), float(quantity))
    return book


def main(library: str, count: int) -> None:
    """Make them and print what one takes."""
    make = {"lotusx": lotusx, "ccxt": ccxt}[library]
    kept = [make()]
    before = private_kb()
    kept += [make() for _ in range(count)]
    print(json.dumps({"kb": (private_kb() - before) / count, "books": len(kept)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
