"""Conformance cases: what a connector must do on a simulated exchange, by the capability it declares.

Each case runs over real sockets against the venue's own dialect and sees both sides: what the user was told, and what
the exchange has on record.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module
from inspect import isasyncgen
from typing import Any, TypeVar

import anyio

from lotusx.kernel.facts import Capability as C, ExchangeFacts, Support
from lotusx_testing.arena import Arena

E = TypeVar("E")
Run = Callable[[Arena], Awaitable[None]]
PATIENCE_S = 15.0
"""How long anything may take that should come by itself."""


@dataclass(frozen=True)
class Case:
    """One thing a connector must do if it declares *capability*.

    Attributes:
        connect: What `lotusx.connect` is to be given besides, such as options.
        quiet: Whether the market must stand still.
        symbol: What it runs with; empty: what the subject names.
    """

    name: str
    capability: C
    run: Run
    quiet: bool = False
    connect: Mapping[str, Any] | None = None
    symbol: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.symbol}".rstrip()


CASES: list[Case] = []


def case(capability: C, *, quiet: bool = False, connect: Mapping[str, Any] | None = None) -> Callable[[Run], Run]:
    """Make a function a case; its name says what must hold."""

    def add(run: Run) -> Run:
        CASES.append(Case(getattr(run, "__name__", "case"), capability, run, quiet, connect))
        return run

    return add


def declared(facts: ExchangeFacts, environment: str = "simulator") -> dict[C, Support]:
    """Return the capabilities that are there, fully or partly, in *environment*."""
    lacks = facts.environments[environment].lacks
    return {item: support for item, support in facts.capabilities.items() if support and item not in lacks}


def all_cases() -> list[Case]:
    """Return the cases of the kit, of every module that has some."""
    for name in ("market", "stream", "order", "account", "funds", "perp"):
        import_module(f"lotusx_testing.{name}_cases")  # which adds its own
    return CASES


def cases_for(facts: ExchangeFacts, more: Sequence[Case] = ()) -> list[Case]:
    """Return the cases that an exchange with these facts has to pass."""
    offered = declared(facts)
    return [item for item in (*all_cases(), *more) if item.capability in offered]


def without_case(facts: ExchangeFacts, more: Sequence[Case] = ()) -> list[str]:
    """Return the capabilities that are declared and that no case proves."""
    proven = {item.capability for item in cases_for(facts, more)}
    return sorted(item.value for item in declared(facts) if item not in proven)


def that(holds: object, otherwise: str) -> None:
    """Fail with *otherwise* unless it holds; `assert` would be rewritten in test modules only."""
    if not holds:
        raise AssertionError(otherwise)


async def first(opened: AbstractAsyncContextManager[Any], wanted: Callable[[Any], object] = lambda _: True) -> Any:
    """Return the first event that is *wanted*."""
    with anyio.fail_after(PATIENCE_S):
        async with opened as stream:
            async for event in stream:
                if wanted(event):
                    return event
    raise AssertionError("the stream ended")


async def take(items: AsyncIterator[E], count: int) -> list[E]:
    """Return the next *count*, or as many as there are."""
    found: list[E] = []
    with anyio.fail_after(PATIENCE_S):
        try:
            async for item in items:
                found.append(item)
                if len(found) == count:
                    break
        finally:
            if isasyncgen(items):  # an abandoned generator is a warning on trio
                await items.aclose()
    return found
