"""Contexts side by side: opened at once, all closed in every case, a failure isolated or fatal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio
import anyio.lowlevel
import pytest

from lotusx.errors import ConnectionFailed, ConnectorFailed, InvalidArgument, LotusXError
from lotusx.many.hosting import Failures, Hosts, to_failures

pytestmark = pytest.mark.anyio


class Rooms:
    """Contexts that note who is inside, and break when told."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.left: list[str] = []
        self.gates: dict[str, anyio.Event] = {}

    def room(
        self, name: str, *, refuses: Exception | None = None, leaving: Exception | None = None, gate: bool = False
    ) -> AbstractAsyncContextManager[str]:
        if gate:
            self.gates[name] = anyio.Event()
        return self._room(name, refuses, leaving)

    @asynccontextmanager
    async def _room(self, name: str, refuses: Exception | None, leaving: Exception | None) -> AsyncIterator[str]:
        try:
            if name in self.gates:
                await self.gates[name].wait()
            await anyio.lowlevel.checkpoint()
            if refuses is not None:
                raise refuses
            self.inside.append(name)
            try:
                yield name.upper()
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.lowlevel.checkpoint()
                self.inside.remove(name)
            if leaving is not None:
                raise leaving
        finally:
            self.left.append(name)


def hosts(failures: Failures) -> Hosts[str, str]:
    return Hosts(failures, ConnectorFailed)


async def test_all_are_entered_at_once_and_left_at_the_end() -> None:
    rooms, found = Rooms(), hosts(Failures.FATAL)
    contexts = {"a": rooms.room("a", gate=True), "b": rooms.room("b", gate=True)}
    async with anyio.create_task_group() as tasks:

        async def open_later() -> None:
            await anyio.wait_all_tasks_blocked()
            rooms.gates["b"].set()  # the second is not kept waiting by the first
            await anyio.wait_all_tasks_blocked()
            assert rooms.inside == ["b"]
            rooms.gates["a"].set()

        tasks.start_soon(open_later)
        async with found.run(contexts, wait=True):
            assert found.held == {"a": "A", "b": "B"}
    assert (rooms.inside, sorted(rooms.left), found.held) == ([], ["a", "b"], {})


async def test_a_fatal_failure_at_the_start_is_named_and_all_are_closed() -> None:
    rooms, found = Rooms(), hosts(Failures.FATAL)
    refused = ConnectionFailed("refused", sent=False)
    contexts = {"a": rooms.room("a"), "b": rooms.room("b", refuses=refused), "c": rooms.room("c", gate=True)}
    with pytest.raises(ConnectorFailed, match="'b' cannot be used: refused") as caught:
        async with found.run(contexts, wait=True):
            raise AssertionError("never begins")
    assert caught.value.__cause__ is refused
    assert (caught.value.connector, caught.value.retryable, caught.value.may_have_executed) == ("b", True, False)
    assert sorted(rooms.left) == ["a", "b", "c"]


async def test_an_isolated_failure_is_kept_and_the_others_live() -> None:
    rooms, found = Rooms(), hosts(Failures.ISOLATED)
    contexts = {"a": rooms.room("a"), "b": rooms.room("b", refuses=ConnectionFailed("refused"))}
    async with found.run(contexts, wait=True):
        assert found.held == {"a": "A"}
        assert str(found.failed["b"]).endswith("refused")
    assert sorted(rooms.left) == ["a", "b"]


async def test_a_fatal_failure_midway_ends_the_block() -> None:
    rooms, found = Rooms(), hosts(Failures.FATAL)

    async def live() -> None:
        async with found.run({"a": rooms.room("a"), "b": rooms.room("b")}, wait=True):
            found.fail("a", LotusXError("broke"))
            await anyio.sleep_forever()

    with pytest.raises(ConnectorFailed, match="'a' cannot be used: broke"):
        await live()
    assert sorted(rooms.left) == ["a", "b"]


async def test_an_isolated_failure_midway_leaves_that_context_alone() -> None:
    rooms, seen = Rooms(), list[str]()
    found: Hosts[str, str] = Hosts(Failures.ISOLATED, ConnectorFailed, seen.append)
    async with found.run({"a": rooms.room("a"), "b": rooms.room("b")}, wait=True):
        found.fail("a", LotusXError("broke"))
        found.fail("a", LotusXError("again"))
        await anyio.wait_all_tasks_blocked()
        assert (rooms.inside, list(found.held)) == (["b"], ["b"])
        assert "broke" in str(found.failed["a"])
        await found.add("a", rooms.room("a"))
        assert (found.held["a"], found.failed) == ("A", {})
    assert (sorted(seen[:2]), seen[2:]) == (["a", "b"], ["a", "a"])
    with pytest.raises(LotusXError, match="has ended"):
        await found.add("c", rooms.room("c"))


async def test_a_context_whose_own_tasks_break_has_failed_and_its_error_comes_out_of_its_group() -> None:
    @asynccontextmanager
    async def breaking() -> AsyncIterator[str]:
        async with anyio.create_task_group() as tasks:

            async def bug() -> None:
                await begun.wait()
                raise ValueError("a bug")

            tasks.start_soon(bug)
            yield "X"

    begun, failed, rooms = anyio.Event(), anyio.Event(), Rooms()
    found: Hosts[str, str] = Hosts(
        Failures.ISOLATED, ConnectorFailed, lambda key: failed.set() if key in found.failed else None
    )
    async with found.run({"x": breaking(), "a": rooms.room("a")}, wait=True):
        begun.set()
        with anyio.fail_after(30):
            await failed.wait()
        assert list(found.held) == ["a"]
        assert isinstance(found.failed["x"].__cause__, ValueError)


@pytest.mark.parametrize("mine", [KeyError("mine"), KeyboardInterrupt("mine"), SystemExit("mine")], ids=repr)
async def test_the_users_own_error_comes_out_as_it_is_once_all_are_closed(mine: BaseException) -> None:
    rooms, found = Rooms(), hosts(Failures.FATAL)
    with pytest.raises(type(mine), match="mine") as caught:
        async with found.run({"a": rooms.room("a"), "b": rooms.room("b")}, wait=True):
            raise mine
    assert caught.value is mine
    assert sorted(rooms.left) == ["a", "b"]


@pytest.mark.parametrize("failures", Failures)
async def test_closing_is_complete_when_cancelled_while_opening_and_while_open(failures: Failures) -> None:
    rooms, found = Rooms(), hosts(failures)
    with anyio.CancelScope() as scope:
        async with found.run({"a": rooms.room("a"), "b": rooms.room("b")}, wait=True):
            scope.cancel()
            await anyio.sleep_forever()
    assert (rooms.inside, sorted(rooms.left)) == ([], ["a", "b"])
    rooms, found = Rooms(), hosts(failures)
    contexts = {"a": rooms.room("a"), "slow": rooms.room("slow", gate=True)}
    async with anyio.create_task_group() as tasks:

        async def run() -> None:
            async with found.run(contexts, wait=True):
                raise AssertionError("never begins")

        tasks.start_soon(run)
        await anyio.wait_all_tasks_blocked()
        assert rooms.inside == ["a"]
        tasks.cancel_scope.cancel()
    assert (rooms.inside, sorted(rooms.left)) == ([], ["a", "slow"])


async def test_what_fails_to_close_is_said_and_the_others_are_closed() -> None:
    rooms, found = Rooms(), hosts(Failures.FATAL)
    contexts = {"a": rooms.room("a", leaving=LotusXError("stuck")), "b": rooms.room("b")}
    with pytest.raises(ConnectorFailed, match="stuck"):
        async with found.run(contexts, wait=True):
            pass
    assert sorted(rooms.left) == ["a", "b"]
    rooms, found = Rooms(), hosts(Failures.ISOLATED)
    async with found.run({"a": rooms.room("a", leaving=LotusXError("stuck"))}, wait=True):
        pass
    assert "stuck" in str(found.failed["a"])


def test_an_unknown_policy_is_refused() -> None:
    assert to_failures("isolated") is Failures.ISOLATED
    with pytest.raises(InvalidArgument, match="fatal, isolated"):
        to_failures("ignored")
