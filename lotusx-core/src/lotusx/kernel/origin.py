"""Whose command a request is: known in the task that makes it, so that no plugin has to pass it on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from lotusx.kernel.request import Origin

_ORIGIN: ContextVar[Origin] = ContextVar("lotusx_origin", default=Origin.NATIVE)


@contextmanager
def made_as(origin: Origin) -> Iterator[None]:
    """Say of all commands of the block whose they are. Whatever is said of none is native: nobody has checked it."""
    token = _ORIGIN.set(origin)
    try:
        yield
    finally:
        _ORIGIN.reset(token)


def current_origin() -> Origin:
    """Return whose a command would be that is made here."""
    return _ORIGIN.get()
