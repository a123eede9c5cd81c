"""Our client order ids and the exchange's numbers."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import InvalidArgument
from lotusx_backpack import client_ids
from lotusx_backpack.client_ids import ClientIds

ids = st.text(min_size=1, max_size=64) | st.integers(0, 2**32 + 10).map(str)


@pytest.fixture
def one_digest(monkeypatch: pytest.MonkeyPatch) -> int:
    """Every id has the same digest, the highest there is."""
    monkeypatch.setattr(client_ids, "_digest", lambda text: 2**32 - 1)
    return 2**32 - 1


@pytest.mark.parametrize("text", ["0", "1", "77", "4294967295"])
def test_number_of_32_bits_is_sent_as_it_is(text: str) -> None:
    numbers = ClientIds()

    assert numbers.new(text) == numbers.of(text) == int(text)
    assert numbers.ours(int(text)) == text


@pytest.mark.parametrize("text", ["4294967296", "077", "+7", "7.0", "٧", "-1", "00000000000000000001"])
def test_what_is_no_such_number_gets_another(text: str) -> None:
    numbers = ClientIds()

    number = numbers.new(text)

    assert str(number) != text
    assert numbers.ours(number) == text


def test_other_text_has_the_same_number_in_every_run() -> None:
    assert ClientIds().new("grid-7") == ClientIds().of("grid-7") == 1_957_437_163


@given(st.lists(ids, unique=True, max_size=60))
def test_no_number_stands_for_two_ids_and_every_id_comes_back(names: list[str]) -> None:
    numbers = ClientIds()

    given_out = [numbers.new(name) for name in names]

    assert len(set(given_out)) == len(names)
    assert all(0 <= number < 2**32 for number in given_out)
    assert [numbers.ours(number) for number in given_out] == names
    assert [numbers.new(name) for name in names] == given_out


def test_id_whose_digest_is_taken_gets_the_next_number(one_digest: int) -> None:
    numbers = ClientIds()

    assert [numbers.new(name) for name in ("a", "b", "c")] == [one_digest, 1, 2]
    assert [numbers.of(name) for name in ("c", "b", "a")] == [2, 1, one_digest]
    assert [numbers.ours(number) for number in (one_digest, 1, 2)] == ["a", "b", "c"]


def test_id_that_is_asked_for_first_does_not_take_the_number_of_another(one_digest: int) -> None:
    numbers = ClientIds()

    assert [numbers.new("a"), numbers.of("b")] == [one_digest, 1]
    assert [numbers.ours(one_digest), numbers.ours(1)] == ["a", "b"]


def test_number_that_a_report_has_shown_is_not_given_to_a_new_order(one_digest: int) -> None:
    numbers = ClientIds()

    assert numbers.ours(one_digest) == str(one_digest)
    assert numbers.new("a") == 1


def test_order_of_an_earlier_run_is_asked_for_by_our_id_and_recognised_from_then_on() -> None:
    number = ClientIds().new("grid-7")
    numbers = ClientIds()

    assert numbers.ours(number) == str(number)
    assert numbers.of("grid-7") == number
    assert numbers.ours(number) == "grid-7"


def test_number_that_stands_for_another_id_is_refused() -> None:
    numbers = ClientIds()
    number = numbers.new("grid-7")

    for ask in (numbers.new, numbers.of):
        with pytest.raises(InvalidArgument, match="is the number of 'grid-7'") as caught:
            ask(str(number))
        assert caught.value.rule == "client_order_id"


def test_memory_is_bounded_and_forgets_what_was_used_longest_ago() -> None:
    numbers = ClientIds(capacity=2)
    first, second = numbers.new("a"), numbers.new("b")
    assert numbers.ours(first) == "a"
    third = numbers.new("c")

    assert [numbers.ours(first), numbers.ours(third)] == ["a", "c"]
    assert numbers.ours(second) == str(second)
    assert numbers.of("b") == second


@given(st.lists(st.tuples(st.sampled_from(["new", "of", "ours"]), st.integers(0, 9)), max_size=200))
def test_both_ways_agree_whatever_is_asked_in_which_order(steps: list[tuple[str, int]]) -> None:
    numbers = ClientIds(capacity=4)
    for what, which in steps:
        if what == "ours":
            numbers.ours(ClientIds().of(f"id-{which}"))
        else:
            getattr(numbers, what)(f"id-{which}")
        assert len(numbers._ids) <= 4
        known = {name: number for number, name in numbers._ids.items() if name is not None}
        assert known == numbers._numbers
