"""A message that is not as documented is refused, or means the same: it is never read as an empty one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

import msgspec
import pytest
from backpack_corpus import symbol_of
from hypothesis import given, settings, strategies as st

from lotusx.errors import ItemRejected
from lotusx.model import Interval
from lotusx_backpack import (
    account_conversions as account,
    account_events as events,
    account_types,
    conversions as convert,
    markets,
    order_conversions as orders,
    types,
)
from lotusx_backpack.triggers import Triggers

K = TypeVar("K")
SOL, PERP = symbol_of("SOL_USDC"), symbol_of("SOL_USDC_PERP")


class Sample(NamedTuple):
    """A document as the exchange describes it, what reads it, and what of it may be missing."""

    document: dict[str, Any]
    read: Callable[[bytes], object]
    optional: frozenset[str] = frozenset()


def of(kind: type[K], to: Callable[..., object], **more: object) -> Callable[[bytes], object]:
    decode = msgspec.json.Decoder(kind).decode
    return lambda message: to(decode(message), **more)


def framed(read: Callable[..., object], *more: object) -> Callable[[bytes], object]:
    return lambda document: read(b'{"data":%s,"stream":"x"}' % document, 5, *more)


AT = {"E": 1_700_000_000_000_009, "T": 1_700_000_000_000_001, "s": "SOL_USDC"}
HERE = {"symbol": SOL, "received_ns": 5}
OPTIONAL_OF_ORDERS = frozenset(
    {"clientId", "quantity", "quoteQuantity", "price", "postOnly", "reduceOnly", "triggerPrice", "triggerQuantity"}
)

SAMPLES: Mapping[str, Sample] = {
    "trade": Sample(AT | {"p": "1", "q": "2", "t": 7, "m": True}, of(types.TradeEvent, convert.to_trade, **HERE)),
    "bookTicker": Sample(
        AT | {"b": "1", "B": "2", "a": "3", "A": "4", "u": 5},
        of(types.BookTickerEvent, convert.to_best_bid_offer, **HERE),
    ),
    "depth": Sample(
        AT | {"U": 5, "u": 7, "b": [["1", "2"]], "a": []}, of(types.DepthEvent, convert.to_book_update, **HERE)
    ),
    "kline": Sample(
        {
            "s": "SOL_USDC",
            "t": "2023-11-14T22:00:00",
            "T": "2023-11-15T00:00:00",
            "X": False,
            "n": 2,
            "o": "3",
            "c": "3",
            "h": "4",
            "l": "2",
            "v": "1",
        },
        of(types.KlineEvent, convert.to_candle_event, interval=Interval.H2, **HERE),
    ),
    "ticker": Sample(
        AT | {"o": "3", "c": "3", "h": "4", "l": "2", "v": "1", "V": "3", "n": 2},
        of(types.TickerEvent, convert.to_ticker_event, **HERE),
    ),
    "markPrice": Sample(
        AT | {"p": "1", "i": "2", "f": "0.1", "n": 3},
        of(types.MarkPriceEvent, convert.to_mark_price_event, **HERE),
        frozenset("ifn"),
    ),
    "liquidation": Sample(
        AT | {"S": "Bid", "p": "1", "q": "2"}, of(types.LiquidationEvent, convert.to_liquidation, **HERE)
    ),
    "rest depth": Sample(
        {"asks": [["2", "1"]], "bids": [["1", "1"]], "lastUpdateId": "7", "timestamp": 8},
        of(types.Depth, convert.to_order_book, wanted=5, asked=5, **HERE),
    ),
    "rest ticker": Sample(
        {
            "symbol": "SOL_USDC",
            "firstPrice": "1",
            "lastPrice": "2",
            "priceChange": "1",
            "volume": "5",
            "priceChangePercent": "1",
            "high": "2",
            "low": "1",
            "quoteVolume": "6",
            "trades": "3",
        },
        of(types.DayTicker, convert.to_ticker, **HERE),
    ),
    "order update": Sample(
        {
            **AT,
            "e": "orderFill",
            "S": "Bid",
            "o": "LIMIT",
            "f": "GTC",
            "i": "42",
            "c": 7,
            "X": "PartiallyFilled",
            "q": "2",
            "Q": "3",
            "p": "1.5",
            "z": "1",
            "Z": "1.5",
            "t": 9,
            "l": "1",
            "L": "1.5",
            "m": True,
            "n": "0.1",
            "N": "SOL",
            "r": False,
            "y": True,
            "O": "USER",
            "R": "x",
            "P": "1",
            "Y": "2",
            "I": "8",
        },
        framed(events.to_order_events, symbol_of, str, Triggers().known_again),
        frozenset("cqQpmnNryORPYI"),
    ),
    "position update": Sample(
        {**AT, "s": "SOL_USDC_PERP", "q": "-2", "B": "1", "M": "2", "P": "3", "e": "positionOpened"},
        framed(events.to_position_events, symbol_of),
        frozenset("BMPe"),
    ),
    "balance update": Sample(
        {**AT, "a": "SOL", "A": "1", "L": "2", "S": "3"}, framed(events.to_balance_events), frozenset("T")
    ),
    "order": Sample(
        {
            "id": "42",
            "symbol": "SOL_USDC",
            "side": "Ask",
            "orderType": "Limit",
            "status": "New",
            "price": "1",
            "timeInForce": "GTC",
            "executedQuantity": "0",
            "executedQuoteQuantity": "0",
            "createdAt": 7,
            "clientId": 7,
            "quantity": "2",
            "quoteQuantity": "2",
            "postOnly": True,
            "reduceOnly": True,
            "triggerPrice": "1",
            "triggerQuantity": "1",
        },
        of(account_types.Order, orders.to_order, symbol=SOL, ours=str),
        OPTIONAL_OF_ORDERS,
    ),
    "fill": Sample(
        {
            "tradeId": 9,
            "orderId": "42",
            "clientId": "7",
            "symbol": "SOL_USDC",
            "side": "Bid",
            "price": "1",
            "quantity": "2",
            "fee": "0.1",
            "feeSymbol": "SOL",
            "isMaker": True,
            "timestamp": "2023-11-14T22:00:00",
        },
        of(account_types.Fill, orders.to_fill, ours=str, **HERE),
        frozenset({"tradeId", "clientId"}),
    ),
    "position": Sample(
        {
            "symbol": "SOL_USDC_PERP",
            "netQuantity": "1",
            "entryPrice": "2",
            "markPrice": "3",
            "pnlUnrealized": "4",
            "estLiquidationPrice": "5",
        },
        of(account_types.Position, account.to_position, symbol=PERP, as_of_ns=5),
        frozenset({"estLiquidationPrice"}),
    ),
    "funding payment": Sample(
        {"symbol": "SOL_USDC_PERP", "quantity": "1", "fundingRate": "2", "intervalEndTimestamp": "2023-11-14T22:00:00"},
        of(account_types.FundingPayment, account.to_funding_payment, symbol=PERP, received_ns=5),
    ),
    "market": Sample(
        {
            "symbol": "SOL_USDC",
            "quoteSymbol": "USDC",
            "marketType": "SPOT",
            "orderBookState": "Open",
            "filters": {"price": {"tickSize": "1"}, "quantity": {"stepSize": "1"}},
        },
        lambda message: markets.to_instrument(msgspec.Raw(message)),
    ),
}
REFUSED = (ItemRejected, msgspec.DecodeError)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(["1", "-0.5", "NaN", "1e999"]),
    lambda part: st.lists(part, max_size=2) | st.dictionaries(st.text(max_size=2), part, max_size=2),
    max_leaves=4,
)


def read(sample: Sample, document: dict[str, Any]) -> object:
    return sample.read(msgspec.json.encode(document))


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_is_understood(name: str) -> None:
    sample = SAMPLES[name]

    assert read(sample, sample.document) == read(sample, sample.document | {"somethingNew": [1]})
    assert set(sample.document) >= sample.optional


@pytest.mark.parametrize("name", SAMPLES)
def test_field_that_is_missing_is_refused_unless_it_may_be(name: str) -> None:
    sample = SAMPLES[name]
    whole = read(sample, sample.document)
    for field in sample.document:
        rest = {key: value for key, value in sample.document.items() if key != field}
        try:
            found = read(sample, rest)
        except REFUSED:
            assert field not in sample.optional, field
        else:
            assert field in sample.optional or found == whole, field


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=50)
@given(data=st.data())
def test_field_of_another_kind_is_refused_or_read_and_breaks_nothing(name: str, data: st.DataObject) -> None:
    sample = SAMPLES[name]
    field = data.draw(st.sampled_from(sorted(sample.document)))
    with suppress(*REFUSED):
        read(sample, sample.document | {field: data.draw(anything)})
