"""What all accounts hold, each with its source and its time; what could not be read is said, and is never zero."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio

from lotusx.errors import LotusXError, NotSupported, RequestTimeout
from lotusx.many.exactly import EXACT
from lotusx.model.account import Balance, Position

if TYPE_CHECKING:
    from lotusx.exchange import Exchange
    from lotusx.kernel.clock import Clock

T = TypeVar("T")

logger = logging.getLogger("lotusx.many")


class ReadState(StrEnum):
    """Whether something of an account is known."""

    READ = "read"
    NOT_OFFERED = "not_offered"  # this exchange has no such thing, such as positions on spot
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What one account said when it was asked once.

    Attributes:
        items: What it holds; empty: nothing. ``None``: not known, ``error`` says why.
        asked_ns, answered_ns: Our time before asking and after the answer (or the failure), nanoseconds since the
            epoch: what is read was true at some moment between.
    """

    state: ReadState
    items: tuple[T, ...] | None
    error: LotusXError | None
    asked_ns: int
    answered_ns: int


@dataclass(frozen=True, slots=True)
class Holdings:
    """One account. ``exchange``, ``environment`` and ``account`` are ``None`` where the connection is not open.

    ``same_as`` names the connection, earlier in the caller's order, that shows the same holdings: of the same account
    and key, at the same exchange or at one with which it shares its wallet.
    """

    connector: str
    exchange: str | None
    environment: str | None
    account: str | None
    balances: Reading[Balance]
    positions: Reading[Position]
    same_as: str | None = None


@dataclass(frozen=True, slots=True)
class AssetTotal:
    """What all accounts that could be read hold of one asset; ``missing``: connections that could not be.

    What several connections show with one key counts once. Nothing tells two keys of one account from two accounts.
    """

    asset: str
    free: Decimal
    locked: Decimal
    total: Decimal
    missing: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every account was read."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class Portfolio:
    """All accounts, by connection, in the caller's order. Not one moment: each reading has its own."""

    accounts: Mapping[str, Holdings]

    @property
    def unread(self) -> Mapping[str, tuple[LotusXError, ...]]:
        """Why something is not known, by connection; what an exchange does not offer is not among it."""
        found = {
            name: tuple(
                reading.error
                for reading in (holdings.balances, holdings.positions)
                if reading.state is ReadState.FAILED and reading.error is not None
            )
            for name, holdings in self.accounts.items()
        }
        return {name: errors for name, errors in found.items() if errors}

    @property
    def is_complete(self) -> bool:
        """Whether everything that the exchanges offer was read."""
        return not self.unread

    @property
    def balances(self) -> tuple[tuple[str, Balance], ...]:
        """What was read, each with the connection it is from."""
        return tuple((name, item) for name, each in self.accounts.items() for item in each.balances.items or ())

    @property
    def positions(self) -> tuple[tuple[str, Position], ...]:
        """What was read, each with the connection it is from."""
        return tuple((name, item) for name, each in self.accounts.items() for item in each.positions.items or ())

    def asset(self, asset: str) -> AssetTotal:
        """Return how much of *asset* the accounts hold together, exactly, and whose part is missing from it."""
        read: dict[str, Holdings] = {}
        for name, each in self.accounts.items():
            if each.balances.state is ReadState.READ:
                read.setdefault(each.same_as or name, each)
        held = [item for each in read.values() for item in each.balances.items or () if item.asset == asset]
        return AssetTotal(
            asset,
            _sum(balance.free for balance in held),
            _sum(balance.locked for balance in held),
            _sum(balance.total for balance in held),
            tuple(name for name, each in self.accounts.items() if (each.same_as or name) not in read),
        )


async def read_all(
    exchanges: Mapping[str, Exchange | LotusXError], clock: Clock, timeout_s: float
) -> dict[str, Holdings]:
    """Ask every account at once; one that does not answer within *timeout_s* counts as failed."""
    found: dict[str, Holdings] = {}
    shown_by: dict[str, str] = {}
    for name, exchange in exchanges.items():
        if not isinstance(exchange, LotusXError) and exchange._holdings:
            shown_by.setdefault(exchange._holdings, name)

    async def ask(name: str, exchange: Exchange | LotusXError) -> None:
        if isinstance(exchange, LotusXError):
            now_ns = clock.now_ns()
            nothing: Reading[Balance] = Reading(ReadState.FAILED, None, exchange, now_ns, now_ns)
            neither: Reading[Position] = Reading(ReadState.FAILED, None, exchange, now_ns, now_ns)
            found[name] = Holdings(name, None, None, None, nothing, neither)
            return
        balances: list[Reading[Balance]] = []
        positions: list[Reading[Position]] = []
        async with anyio.create_task_group() as both:
            both.start_soon(_read, exchange.account.balances, clock, timeout_s, balances)
            both.start_soon(_read, exchange.account.positions, clock, timeout_s, positions)
        first = shown_by.get(exchange._holdings, name)
        found[name] = Holdings(
            name, exchange.name, exchange.environment, exchange.account_name, balances[0], positions[0],
            None if first == name else first,
        )  # fmt: skip

    async with anyio.create_task_group() as tasks:
        for name, exchange in exchanges.items():
            tasks.start_soon(ask, name, exchange)
    return {name: found[name] for name in exchanges}


async def _read(
    call: Callable[[], Awaitable[Sequence[T]]], clock: Clock, timeout_s: float, into: list[Reading[T]]
) -> None:
    asked_ns = clock.now_ns()
    state, items = ReadState.FAILED, None
    error: LotusXError | None = None
    try:
        with anyio.fail_after(timeout_s):
            items = tuple(await call())
        state = ReadState.READ
    except NotSupported as raised:
        state, error = ReadState.NOT_OFFERED, raised
    except LotusXError as raised:
        error = raised
    except TimeoutError:
        error = RequestTimeout(f"no answer within {timeout_s} s")
    except Exception as raised:  # a defect of one plugin must not cost the readings of all others
        logger.error("an account could not be read", exc_info=raised)
        error = LotusXError(f"an unexpected error: {raised!r}")
        error.__cause__ = raised
    into.append(Reading(state, items, error, asked_ns, clock.now_ns()))


def _sum(numbers: Iterable[Decimal]) -> Decimal:
    return reduce(EXACT.add, numbers, Decimal(0))
