"""The decimal context of a paper account: its own, so that the caller's rounds nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext

from lotusx.model import quotient

_AMOUNTS = Context(prec=100, traps=[DivisionByZero, InvalidOperation, Overflow])
_ONE = Decimal(1)


@contextmanager
def exactly() -> Iterator[None]:
    """Reckon with a hundred digits while the block runs.

    What the engine adds up and multiplies is exact then; what does not end it rounds itself, to 1e-8. Nobody's callback
    may run inside: it has a decimal context of its own.
    """
    with localcontext(_AMOUNTS):
        yield


def as_price(price: Decimal | None) -> Decimal | None:
    """Return a price that was divided, to 28 digits: an average mostly does not end."""
    return None if price is None else quotient(price, _ONE)
