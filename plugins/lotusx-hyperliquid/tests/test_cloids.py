"""Our client order ids and the exchange's."""

from __future__ import annotations

import re

from hypothesis import given, strategies as st

from lotusx_hyperliquid.cloids import Cloids

CLOID = "0x1234567890abcdef1234567890abcdef"


def test_cloid_is_sent_as_it_is() -> None:
    cloids = Cloids()

    assert cloids.wire(CLOID) == CLOID
    assert cloids.ours(CLOID) == CLOID


def test_cloid_in_upper_case_is_sent_in_lower_case_and_comes_back_as_it_was() -> None:
    cloids, mine = Cloids(), "0x1234567890ABCDEF1234567890ABCDEF"

    assert cloids.wire(mine) == CLOID
    assert cloids.ours(CLOID) == mine


def test_other_text_has_the_same_cloid_in_every_run() -> None:
    assert Cloids().wire("grid-7") == "0x7c45a4f0f5aa5c7520fcf2ab5406308b"


@given(st.text(min_size=1, max_size=64))
def test_any_id_becomes_a_cloid_and_comes_back(client_order_id: str) -> None:
    cloids = Cloids()

    cloid = cloids.wire(client_order_id)

    assert re.fullmatch(r"0x[0-9a-f]{32}", cloid)
    assert cloids.ours(cloid) == client_order_id


def test_unknown_cloid_stays_visible() -> None:
    assert Cloids().ours(CLOID) == CLOID


def test_memory_is_bounded_and_forgets_what_was_used_longest_ago() -> None:
    cloids = Cloids(capacity=2)
    first, second = cloids.wire("a"), cloids.wire("b")
    cloids.wire("a")
    third = cloids.wire("c")

    assert [cloids.ours(cloid) for cloid in (first, second, third)] == ["a", second, "c"]
    assert cloids.wire("b") == second
    assert cloids.ours(second) == "b"
