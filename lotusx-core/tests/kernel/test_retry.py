"""When a request may be sent again, and after how long."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import (
    BadRequest,
    Banned,
    ConnectionFailed,
    LotusXError,
    MalformedReply,
    RateLimited,
    RequestTimeout,
    TimestampSkew,
    Unavailable,
)
from lotusx.kernel.request import Effect
from lotusx.kernel.retry import MAX_RETRY_AFTER_S, RetryPolicy, retry_after_s

POLICY = RetryPolicy()
NOW_S = 1_700_000_000.0


@given(st.integers(1, 10_000), st.integers())
def test_jitter_stays_between_nothing_and_the_doubling_step(attempt: int, seed: int) -> None:
    delay = POLICY.delay_s(attempt, Random(seed))

    assert 0.0 <= delay <= min(30.0, 0.25 * 2 ** min(attempt - 1, 20))


def test_jitter_is_spread_over_the_whole_step() -> None:
    random = Random(1)
    delays = [POLICY.delay_s(3, random) for _ in range(200)]

    assert min(delays) < 0.05
    assert max(delays) > 0.95


@given(st.floats(0, 1e6), st.integers(1, 50))
def test_what_the_exchange_asked_for_is_waited_in_full(after_s: float, attempt: int) -> None:
    assert POLICY.delay_s(attempt, Random(0), after_s) >= after_s


@pytest.mark.parametrize(
    "error",
    [
        ConnectionFailed("gone"),
        RequestTimeout("late"),
        MalformedReply("HTML", status=502),
        Unavailable("x", "503", "busy"),
        RateLimited("x", "429", "slow down"),
    ],
)
def test_a_read_is_sent_again_where_a_command_is_not(error: LotusXError) -> None:
    assert POLICY.may_resend(error, Effect.READ)
    assert not POLICY.may_resend(error, Effect.COMMAND)


@pytest.mark.parametrize("error", [ConnectionFailed("refused", sent=False), RequestTimeout("no route", sent=False)])
def test_a_command_is_sent_again_only_if_nothing_was_sent(error: LotusXError) -> None:
    assert POLICY.may_resend(error, Effect.COMMAND)


@pytest.mark.parametrize("effect", list(Effect))
@pytest.mark.parametrize("error", [BadRequest("x", "1", "no"), Banned("x", "418", "no"), TimestampSkew("x", "2", "no")])
def test_refusals_are_final(error: LotusXError, effect: Effect) -> None:
    assert POLICY.next_delay_s(error, effect, 1, 60.0, Random(0)) is None


def test_the_attempts_are_counted() -> None:
    error = ConnectionFailed("gone")

    assert POLICY.next_delay_s(error, Effect.READ, 4, 60.0, Random(0)) is not None
    assert POLICY.next_delay_s(error, Effect.READ, 5, 60.0, Random(0)) is None


def test_a_wait_that_would_outlast_the_deadline_is_not_begun() -> None:
    error = RateLimited("x", "429", "slow down", after_s=10.0)

    assert POLICY.next_delay_s(error, Effect.READ, 1, 9.9, Random(0)) is None
    assert POLICY.next_delay_s(error, Effect.READ, 1, 11.0, Random(0)) is not None


def test_a_connection_that_was_closed_while_idle_is_replaced_at_once() -> None:
    error = ConnectionFailed("closed without a reply")
    error.after_s = 0.0

    assert POLICY.next_delay_s(error, Effect.READ, 1, 60.0, Random(0)) == 0.0
    assert POLICY.next_delay_s(error, Effect.READ, 2, 60.0, Random(0)) != 0.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        ("1.5", 1.5),
        ("10000", 10_000.0),
        ("9" * 30, MAX_RETRY_AFTER_S),
        ("-5", None),
        ("", None),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tue, 14 Nov 2023 22:13:00 GMT", 0.0),
        ("Tue, 99 Nov 2023 22:13:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-after": value}, NOW_S) == seconds


def test_a_retry_after_date_counts_from_the_date_of_the_reply() -> None:
    headers = {"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT", "date": "Tue, 14 Nov 2023 22:13:40 GMT"}

    assert retry_after_s(headers, NOW_S + 3600) == 10.0


def test_a_missing_retry_after_is_none() -> None:
    assert retry_after_s({}, NOW_S) is None
