"""What plugins have running while a connection is open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from lotusx.lifespans import Lifespans

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def noted(log: list[str], name: str, *, entering: str = "", leaving: str = "") -> AsyncIterator[None]:
    if entering:
        raise RuntimeError(entering)
    async with anyio.create_task_group() as tasks:
        log.append(f"{name} entered")
        yield
        if leaving:
            raise RuntimeError(leaving)
        log.append(f"{name} left")
        tasks.cancel_scope.cancel()


async def test_they_are_left_when_the_connection_ends_though_its_caller_is_cancelled() -> None:
    log: list[str] = []
    lifespans = Lifespans("acme")
    with anyio.CancelScope() as caller:
        try:
            await lifespans.start([noted(log, "a"), noted(log, "b")])
            caller.cancel()
            await anyio.sleep_forever()
        finally:
            await lifespans.stop()

    assert sorted(log) == ["a entered", "a left", "b entered", "b left"]


async def test_an_error_on_entering_is_the_callers_and_the_others_are_left() -> None:
    log: list[str] = []
    lifespans = Lifespans("acme")
    with pytest.raises(RuntimeError, match="in use"):
        await lifespans.start([noted(log, "a"), noted(log, "b", entering="the port is in use")])
    await lifespans.stop()

    assert log == ["a entered", "a left"]


async def test_an_error_on_leaving_is_logged_and_goes_no_further(caplog: pytest.LogCaptureFixture) -> None:
    log: list[str] = []
    lifespans = Lifespans("acme")
    await lifespans.start([noted(log, "a", leaving="cannot flush")])
    await lifespans.stop()

    assert "acme: a plugin raised when the connection was closed" in caplog.text


async def test_one_that_breaks_while_the_connection_is_open_is_logged_as_that(caplog: pytest.LogCaptureFixture) -> None:
    @asynccontextmanager
    async def breaking() -> AsyncIterator[None]:
        async def broken() -> None:
            raise RuntimeError("the disk is full")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(broken)
            yield

    lifespans = Lifespans("acme")
    await lifespans.start([breaking()])
    with anyio.fail_after(30):
        while "a plugin raised" not in caplog.text:  # noqa: ASYNC110 - nothing is told of it
            await anyio.sleep(0.001)
    await lifespans.stop()

    assert "acme: a plugin raised while the connection was open" in caplog.text
    assert "cut off" not in caplog.text


async def test_one_that_does_not_end_is_cancelled(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("lotusx.lifespans.LEAVE_S", 0.01)
    gone = anyio.Event()

    @asynccontextmanager
    async def stuck() -> AsyncIterator[None]:
        try:
            yield
            await anyio.sleep_forever()
        finally:
            gone.set()

    lifespans = Lifespans("acme")
    await lifespans.start([stuck()])
    await lifespans.stop()

    assert gone.is_set()
    assert "acme: a plugin was not done 0.01 s after the connection was closed, and was cut off" in caplog.text


async def test_a_caller_that_is_cancelled_in_the_moment_one_is_entered_is_not_held() -> None:
    log: list[str] = []
    lifespans = Lifespans("acme")
    with anyio.CancelScope() as caller:

        @asynccontextmanager
        async def unlucky() -> AsyncIterator[None]:
            caller.cancel()
            log.append("entered")
            yield
            log.append("left")

        try:
            await lifespans.start([unlucky()])
        finally:
            await lifespans.stop()

    assert log == ["entered", "left"]


async def test_an_error_on_entering_that_nobody_waits_for_any_more_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    lifespans = Lifespans("acme")
    with anyio.CancelScope() as caller:

        @asynccontextmanager
        async def late() -> AsyncIterator[None]:
            caller.cancel()
            await anyio.sleep(0.01)
            async with noted([], "a", entering="the port is in use"):
                yield

        try:
            await lifespans.start([late()])
        finally:
            await lifespans.stop()

    assert "acme: a plugin raised while nobody waited for it" in caplog.text
