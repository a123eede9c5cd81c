"""The last, mark and index price of every market.

A mark price is what it was set to, until it is told to follow trades again. Following, it is the median of best bid,
best ask and last price after each command that traded; the last price while a side of the book is empty. A spot
market's mark price is its last price. The index is what it was set to, else the mark price.
"""

from decimal import Decimal

from lotusx_sim.engine.book import Book
from lotusx_sim.engine.orders import PriceSource


class Prices:
    def __init__(self, books: dict[str, Book]) -> None:
        self.last: dict[str, Decimal] = {}
        self._books = books
        self._marks: dict[str, Decimal] = {}
        self._indexes: dict[str, Decimal] = {}
        self._set: set[str] = set()  # markets whose mark price does not follow trades

    def mark(self, symbol: str) -> Decimal | None:
        """Return the mark price; None before the first trade."""
        return self._marks.get(symbol) or self.last.get(symbol)

    def index(self, symbol: str) -> Decimal | None:
        return self._indexes.get(symbol) or self.mark(symbol)

    def of(self, symbol: str, source: PriceSource) -> Decimal | None:
        if source is PriceSource.LAST:
            return self.last.get(symbol)
        return self.mark(symbol) if source is PriceSource.MARK else self.index(symbol)

    def set_mark(self, symbol: str, mark: Decimal, index: Decimal | None) -> None:
        self._set.add(symbol)
        self._marks[symbol] = mark
        if index is not None:
            self._indexes[symbol] = index

    def let_follow(self, symbol: str) -> None:
        """Let mark and index follow trades, beginning with the last one."""
        self._set.discard(symbol)
        self._indexes.pop(symbol, None)
        self.follow(symbol)

    def follow(self, symbol: str) -> bool:
        """Bring the mark price up to date with trades; tell whether it moved."""
        last = self.last.get(symbol)
        if symbol in self._set or last is None:
            return False
        book = self._books[symbol]
        bid, ask = book.best_bid(), book.best_ask()
        mark = last if bid is None or ask is None else sorted((bid, ask, last))[1]
        moved = self._marks.get(symbol) != mark
        self._marks[symbol] = mark
        return moved
