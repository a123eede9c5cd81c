"""Cancelling everything goes on behind what fails, and says what was done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from lotusx.errors import (
    ConnectionFailed,
    LotusXError,
    OrderNotFound,
    PartialFailure,
    PermissionDenied,
    RequestTimeout,
)
from lotusx.plugin import cancel_each, raise_failed

REFUSED = PermissionDenied("ex", "-1", "no")


def step(error: LotusXError | None, done: list[str], name: str) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        done.append(name)
        if error is not None:
            raise error

    return run


def cancelled(errors: dict[str, LotusXError | None]) -> list[str]:
    done: list[str] = []
    anyio.run(cancel_each, "ex", {name: step(error, done, name) for name, error in errors.items()})
    return done


def test_every_step_is_done_and_nothing_to_cancel_is_a_success() -> None:
    assert cancelled({"a": None, "b": OrderNotFound("ex", "1", "none"), "c": None}) == ["a", "b", "c"]


def test_what_fails_does_not_keep_the_rest_from_being_cancelled() -> None:
    with pytest.raises(PartialFailure, match=r"of a not all orders were cancelled; those of b, c were") as caught:
        cancelled({"a": REFUSED, "b": None, "c": None})

    assert (caught.value.code, caught.value.may_have_executed, caught.value.details) == ("-1", False, {"a": REFUSED})


def test_where_nothing_could_be_done_the_reason_is_raised_and_one_in_doubt_goes_first() -> None:
    with pytest.raises(PermissionDenied):
        cancelled({"a": REFUSED, "b": ConnectionFailed("never left", sent=False)})
    with pytest.raises(RequestTimeout):
        cancelled({"a": REFUSED, "b": RequestTimeout("no reply")})


def test_a_partial_failure_in_which_something_is_in_doubt_says_so() -> None:
    with pytest.raises(PartialFailure) as caught:
        cancelled({"a": None, "b": REFUSED, "c": RequestTimeout("no reply")})

    assert caught.value.may_have_executed
    assert "reason: no reply" in str(caught.value)


def test_an_error_that_does_not_say_whether_the_exchange_has_acted_leaves_it_in_doubt() -> None:
    with pytest.raises(PartialFailure) as caught:
        raise_failed("ex", {"a": REFUSED, "b": ValueError("a defect")}, ["c"])

    assert caught.value.may_have_executed


def test_of_many_names_a_few_are_said() -> None:
    with pytest.raises(PartialFailure, match=r"those of 1, 2, 3, 4, 5 and 2 more were"):
        cancelled({"0": REFUSED, **{str(number): None for number in range(1, 8)}})
