"""A feed as a consumer has it: every message once, every gap noticed."""

from __future__ import annotations

import pytest

from lotusx.errors import ItemRejected
from lotusx_gateway.feed import Feed, Missed, Up
from lotusx_gateway.messages import EVENT, STATE, Followed, State, encode, feed_message

AT_FIVE = Followed("e1", 5, up=True)


def event(seq: int, epoch: str = "e1") -> bytes:
    return feed_message(epoch, seq, EVENT, b"%d" % seq)


def state(seq: int, up: bool, reason: str = "") -> bytes:
    return feed_message("e1", seq, STATE, encode(State(up, reason)))


def started() -> Feed:
    feed = Feed("trades BTC/USDT")
    assert feed.begin(AT_FIVE) == ([], None)
    return feed


def test_messages_that_came_before_the_answer_are_delivered_from_where_it_says() -> None:
    feed = Feed("trades BTC/USDT")
    for seq in (4, 5, 6, 7):
        assert feed.take(event(seq)) is None
    assert feed.begin(AT_FIVE) == ([b"6", b"7"], None)
    assert feed.take(event(8)) == b"8"


def test_a_gap_is_noticed_with_its_size_and_nothing_after_it_is_delivered() -> None:
    feed = started()
    assert feed.take(event(6)) == b"6"
    assert feed.take(event(10)) == Missed("3 messages of the gateway were lost on the way")
    assert feed.take(event(11)) is None


def test_a_gap_among_messages_that_came_early_is_noticed() -> None:
    feed = Feed("trades BTC/USDT")
    for seq in (6, 8):
        feed.take(event(seq))
    assert feed.begin(AT_FIVE) == ([b"6"], Missed("1 messages of the gateway were lost on the way"))


def test_a_repetition_is_left_out() -> None:
    feed = started()
    assert [feed.take(event(seq)) for seq in (6, 6, 5, 7)] == [b"6", None, None, b"7"]


def test_another_epoch_is_a_loss_of_unknown_size() -> None:
    assert started().take(event(6, "e2")) == Missed("the gateway has begun to count anew")


def test_the_loss_of_the_last_messages_is_noticed_at_the_second_renewal() -> None:
    feed = started()
    feed.take(event(6))
    assert feed.check(Followed("e1", 8, up=True)) is None  # they may be on their way
    assert feed.check(Followed("e1", 8, up=True)) == Missed("2 messages of the gateway were lost on the way")


def test_a_gateway_that_no_longer_knows_us_is_a_loss() -> None:
    assert started().check(Followed()) == Missed("the gateway no longer serves it to us")


def test_what_the_exchange_does_not_serve_is_missed_until_it_does() -> None:
    feed = started()
    assert feed.take(state(6, False, "the socket was closed")) == Missed("the socket was closed")
    assert feed.take(state(7, True)) == Up()
    assert feed.begin(Followed("e1", 7, up=True)) == ([], None)
    assert feed.take(event(8)) == b"8"


def test_a_snapshot_comes_first_and_again_where_it_is_asked_for_again() -> None:
    import msgspec

    feed = Feed("book:20 BTC/USDT")
    found = Followed("e1", 5, up=True, snapshot=msgspec.Raw(b'"whole"'))
    assert feed.begin(found) == ([b'"whole"'], None)
    assert feed.take(event(6)) == b"6"
    assert feed.begin(found) == ([b'"whole"'], None)
    assert feed.take(event(7)) == b"7"


@pytest.mark.parametrize("data", [b"", b"e1", b"e1 x E {}", b"e1 1 S nothing"])
def test_what_is_no_message_of_a_feed_is_rejected(data: bytes) -> None:
    with pytest.raises(ItemRejected):
        started().take(data)
