"""One type for every secret: it cannot be shown, printed, pickled or compared by accident."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """Holds a secret text. Only `reveal` gives it out; signers call it, nothing else does.

    >>> Secret("hunter2")
    Secret('***')
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def copy(self) -> Secret:
        """Return one of its own for somebody who will forget it."""
        return Secret(self._text)

    def forget(self) -> None:
        """Let go of the text. CPython frees it when nobody else holds it, and does not overwrite it."""
        self._text = ""

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")
