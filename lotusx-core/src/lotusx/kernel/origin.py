"""Whose command a request is: known in the task that makes it, so that no plugin has to pass it on."""

from __future__ import annotations

from contextvars import ContextVar

from lotusx.kernel.request import Origin

_ORIGIN: ContextVar[Origin] = ContextVar("lotusx_origin", default=Origin.NATIVE)


class made_as:  # a word of the sentence that begins the block
    """Say of all commands of the block whose they are. Whatever is said of none is native: nobody has checked it."""

    __slots__ = ("_origin", "_token")

    def __init__(self, origin: Origin) -> None:
        self._origin = origin

    def __enter__(self) -> None:
        self._token = _ORIGIN.set(self._origin)

    def __exit__(self, *_: object) -> None:
        _ORIGIN.reset(self._token)


def current_origin() -> Origin:
    """Return whose a command would be that is made here."""
    return _ORIGIN.get()
