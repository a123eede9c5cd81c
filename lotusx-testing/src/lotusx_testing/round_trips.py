"""Checks of conversions both ways: what is written for the exchange is read back as the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

M = TypeVar("M")
W = TypeVar("W")


@dataclass(frozen=True)
class RoundTrip(Generic[M, W]):
    """A conversion and its reverse.

    Attributes:
        values: Of the model: every word of an enum, the smallest and the largest number, the longest id.
        write: To the exchange's form.
        read: Back.
    """

    name: str
    values: Sequence[M]
    write: Callable[[M], W]
    read: Callable[[W], M]

    def __str__(self) -> str:
        return self.name

    def check(self) -> None:
        """Write, read, compare; no two values may be written alike.

        Raises:
            AssertionError: A value comes back as another, or two of them cannot be told apart at the exchange.
        """
        if not self.values:
            raise AssertionError(f"{self.name}: there is no value to convert")
        written: list[tuple[M, W]] = []
        for value in self.values:
            wire = self.write(value)
            back = self.read(wire)
            if back != value:
                raise AssertionError(f"{self.name}: {value!r} is written as {wire!r}, which is read as {back!r}")
            for other, same in written:
                if same == wire and other != value:
                    raise AssertionError(f"{self.name}: {other!r} and {value!r} are both written as {wire!r}")
            written.append((value, wire))
