"""A recorded market of any exchange in the engine: what is shown, and how orders meet it."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lotusx_sim import Bybit
from lotusx_sim.dialects.market_capture import market_of, read_market
from lotusx_sim.engine.capture import CaptureError
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.orders import Kind, NewOrder, Side, Status, TradeEvent
from lotusx_sim.engine.recorded_market import RecordedMarket, market_named
from lotusx_sim.engine.terms import Contract, Market, MarketKind

SECOND = 1_000_000_000


Levels = list[tuple[str, str]]


def book(at_s: float, bids: Levels, asks: Levels, *, whole: bool = False) -> dict[str, Any]:
    return {"at_ns": round(at_s * SECOND), "bids": bids, "asks": asks, "whole": whole}


def printed(at_s: float, side: str, price: str, quantity: str) -> dict[str, Any]:
    return {"at_ns": round(at_s * SECOND), "side": side, "price": price, "quantity": quantity}


STORY = [
    {"market": "BTC/USDT"},
    printed(99, "buy", "1", "1"),  # before the first book
    book(100, [("99", "2"), ("98", "5")], [("101", "1"), ("102", "4")], whole=True),
    book(101, [("99", "0.5")], []),
    printed(102, "sell", "98.5", "0.3"),
    book(103, [("97", "1")], [("103", "1")], whole=True),
]


def lines(story: list[dict[str, Any]]) -> list[bytes]:
    return [json.dumps(each).encode() for each in story]


@pytest.fixture
def exchange() -> Exchange:
    perpetual = Contract(MarketKind.LINEAR, "USDT", Decimal(100), Decimal("0.005"))
    made = Exchange(
        [
            Market("spot", "BTC", "USDT", Decimal("0.1")),
            Market("linear:dated-in-december", "BTC", "USDT", Decimal("0.1"), contract=perpetual),
            Market("linear", "BTC", "USDT", Decimal("0.1"), contract=perpetual),
        ]
    )
    made.open_account("me", {"USDT": Decimal(10_000), "BTC": Decimal(10)})
    return made


def played(exchange: Exchange, *, speed: float = 1.0) -> RecordedMarket:
    market = RecordedMarket(market_of(lines(STORY)), speed)
    market.open(exchange, 0)
    exchange.take_events()
    return market


def shown(exchange: Exchange) -> tuple[Levels, ...]:
    sides = (exchange.books["spot"].half(side) for side in (Side.BUY, Side.SELL))
    return tuple([(str(price), str(quantity)) for price, quantity in half.top(9)] for half in sides)


def test_the_book_is_what_was_recorded(exchange: Exchange) -> None:
    market = played(exchange)
    assert shown(exchange) == ([("99", "2"), ("98", "5")], [("101", "1"), ("102", "4")])
    market.begin(10 * SECOND)
    assert market.next_due_ns() == 11 * SECOND
    market.step(11 * SECOND)
    assert shown(exchange)[0] == [("99", "0.5"), ("98", "5")]
    market.step(12 * SECOND)
    market.step(13 * SECOND)
    assert shown(exchange) == ([("97", "1")], [("103", "1")])
    assert market.next_due_ns() is None


def test_it_waits_to_be_told_and_goes_as_fast_as_it_is_told(exchange: Exchange) -> None:
    market = played(exchange, speed=4)
    assert market.next_due_ns() is None
    market.begin(10 * SECOND)
    assert market.next_due_ns() == 10 * SECOND + SECOND // 4
    with pytest.raises(ValueError, match="above 0"):
        played(exchange, speed=0)


def test_a_print_fills_what_rests_at_its_price_or_beyond_and_the_rest_of_it_is_shown(exchange: Exchange) -> None:
    market = played(exchange)
    order = exchange.place(NewOrder("me", "spot", Side.BUY, Kind.LIMIT, Decimal("0.2"), price=Decimal(100)), 0)
    market.begin(0)
    market.step(SECOND)
    exchange.take_events()
    market.step(2 * SECOND)
    assert (order.status, order.executed) == (Status.FILLED, Decimal("0.2"))
    prints = [event for event in exchange.take_events() if isinstance(event, TradeEvent)]
    assert [(each.price, each.quantity, each.taker_side) for each in prints] == [
        (Decimal(100), Decimal("0.2"), Side.SELL),  # at the resting order's price
        (Decimal("98.5"), Decimal("0.1"), Side.SELL),
    ]
    assert len({each.trade_id for each in prints}) == 2


def test_an_order_that_takes_meets_the_recorded_levels(exchange: Exchange) -> None:
    played(exchange)
    order = exchange.place(NewOrder("me", "spot", Side.BUY, Kind.MARKET, Decimal(2)), 0)
    assert [(fill.price, fill.quantity) for fill in exchange.fills if fill.order_id == order.id] == [
        (Decimal(101), Decimal(1)),
        (Decimal(102), Decimal(1)),
    ]


def test_a_perpetual_is_told_from_what_has_a_date(exchange: Exchange) -> None:
    assert market_named("BTC/USDT:USDT", exchange) == "linear"
    with pytest.raises(ValueError, match="the capture is of ETH/USDT, which is not listed"):
        market_named("ETH/USDT", exchange)


@pytest.mark.parametrize(
    ("story", "why"),
    [
        ([], "names no market"),
        (STORY[1:], "names no market"),
        (STORY[:2], "no whole book"),
        ([*STORY, STORY[3]], "not in order"),
    ],
)
def test_what_cannot_be_played_is_refused(story: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(CaptureError, match=why):
        market_of(lines(story))


@pytest.mark.parametrize("text", [b"nonsense", b'{"market": "BTC/USDT"}\n{"at_ns": 1}\n{"whole": true}', b"[]"])
def test_a_file_that_is_no_capture_is_refused_by_its_name(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(text)
    with pytest.raises(CaptureError, match=r"file (is not a capture of a market|cannot be played): "):
        read_market(tmp_path / "file")
    with pytest.raises(CaptureError, match="cannot read"):
        Bybit(capture=tmp_path / "none")
