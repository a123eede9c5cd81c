"""Symbols: what is traded, what prices it, what pays the profit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from lotusx.errors import InvalidArgument
from lotusx.model.enums import OptionRight

_FORM = re.compile(
    r"(?P<base>[^/:\s]+)/(?P<quote>[^/:\-\s]+)"
    r"(?::(?P<settle>[^/:\-\s]+)(?:-(?P<expiry>\d{6})(?:-(?P<strike>\d+(?:\.\d+)?)-(?P<right>[CP]))?)?)?"
)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A product, independent of any exchange's spelling.

    Text form: ``BTC/USDT`` (spot), ``BTC/USDT:USDT`` (linear), ``BTC/USD:BTC`` (inverse),
    ``BTC/USDT:USDT-261225`` (dated), ``BTC/USDT:USDT-261225-90000-C`` (option).

    >>> Symbol.parse("BTC/USDT").base
    'BTC'
    >>> str(Symbol("BTC", "USDT", settle="USDT"))
    'BTC/USDT:USDT'
    """

    base: str
    quote: str
    settle: str | None = None
    expiry: date | None = None
    strike: Decimal | None = None
    right: OptionRight | None = None

    @classmethod
    def parse(cls, text: str | Symbol) -> Symbol:
        """Read the text form; a `Symbol` is returned as it is.

        Raises:
            InvalidArgument: *text* is not of that form.
        """
        if isinstance(text, Symbol):
            return text
        if not isinstance(text, str):
            raise InvalidArgument(f"a symbol is text such as 'BTC/USDT', not {type(text).__name__}")
        return _parsed(text)

    def __str__(self) -> str:
        text = f"{self.base}/{self.quote}"
        if self.settle is not None:
            text += f":{self.settle}"
        if self.expiry is not None:
            text += f"-{self.expiry:%y%m%d}"
        if self.strike is not None and self.right is not None:
            text += f"-{self.strike:f}-{'C' if self.right is OptionRight.CALL else 'P'}"
        return text


@lru_cache(maxsize=1_024)  # a program names few symbols, and names them in every order
def _parsed(text: str) -> Symbol:
    found = _FORM.fullmatch(text)
    if found is None:
        raise InvalidArgument(f"{text!r} is not a symbol; write base/quote such as 'BTC/USDT' or 'BTC/USDT:USDT'")
    expiry = found["expiry"]
    try:
        day = date(2000 + int(expiry[:2]), int(expiry[2:4]), int(expiry[4:])) if expiry else None
    except ValueError:
        raise InvalidArgument(f"{text!r}: {expiry} is not a date (yymmdd)") from None
    return Symbol(
        found["base"],
        found["quote"],
        found["settle"],
        day,
        Decimal(found["strike"]) if found["strike"] else None,
        {"C": OptionRight.CALL, "P": OptionRight.PUT, None: None}[found["right"]],
    )
