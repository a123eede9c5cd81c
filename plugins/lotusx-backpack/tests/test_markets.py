"""Markets and their rules."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import msgspec
import pytest

from lotusx.errors import ItemRejected
from lotusx.model import InstrumentKind, InstrumentStatus, Symbol, TickSize
from lotusx_backpack.markets import funding_interval_s, to_instrument


def market(**more: Any) -> msgspec.Raw:
    """A perpetual as documented, or what *more* makes of it."""
    document = {
        "symbol": "SOL_USDC_PERP",
        "baseSymbol": "SOL",
        "quoteSymbol": "USDC",
        "marketType": "PERP",
        "filters": {
            "price": {"minPrice": "0.01", "maxPrice": "1000", "tickSize": "0.010", "maxMultiplier": "1.25"},
            "quantity": {"minQuantity": "0.02", "maxQuantity": None, "stepSize": "0.01"},
        },
        "fundingInterval": 3_600_000,
        "orderBookState": "Open",
        "visible": True,
    }
    return msgspec.Raw(msgspec.json.encode(document | more))


def test_perpetual_is_linear_and_settles_in_its_quote() -> None:
    found = to_instrument(market())

    assert (found.symbol, found.venue_symbol) == (Symbol("SOL", "USDC", settle="USDC"), "SOL_USDC_PERP")
    assert (found.kind, found.status, found.raw_status) == (InstrumentKind.LINEAR, InstrumentStatus.TRADING, "Open")
    assert found.price_rule == TickSize(D("0.01"), D("0.01"), D(1_000))
    assert (found.step_size, found.min_quantity, found.max_quantity) == (D("0.01"), D("0.02"), None)
    assert (found.min_notional, found.contract_size) == (None, D(1))
    assert found.raw["visible"] is True


@pytest.mark.parametrize(
    ("fields", "symbol"),
    [
        ({"symbol": "SOL_USDC", "marketType": "SPOT"}, Symbol("SOL", "USDC")),
        ({"symbol": "kPEPE_USDC_PERP", "baseSymbol": "PEPE"}, Symbol("kPEPE", "USDC", settle="USDC")),
        ({"symbol": "AAPL.US_USDC_PERP", "baseSymbol": "AAPL"}, Symbol("AAPL.US", "USDC", settle="USDC")),
    ],
)
def test_base_is_what_stands_before_the_quote_in_the_name(fields: dict[str, Any], symbol: Symbol) -> None:
    found = to_instrument(market(**fields))

    assert found.symbol == symbol
    assert Symbol.parse(str(symbol)) == symbol


@pytest.mark.parametrize(
    "fields",
    [
        {"marketType": "PREDICTION"},
        {"marketType": "IPERP"},
        {"marketType": "DATED"},
        {"symbol": "SOL_USDC"},
        {"symbol": "_USDC_PERP"},
        {"symbol": "SOL_USDT_PERP"},
    ],
)
def test_market_that_the_model_cannot_name_is_left_out(fields: dict[str, Any]) -> None:
    with pytest.raises(ItemRejected):
        to_instrument(market(**fields))


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("Open", InstrumentStatus.TRADING),
        ("LimitOnly", InstrumentStatus.TRADING),
        ("PostOnly", InstrumentStatus.TRADING),
        ("CancelOnly", InstrumentStatus.CANCEL_ONLY),
        ("Closed", InstrumentStatus.CLOSED),
        ("Auction", InstrumentStatus.UNKNOWN),
    ],
)
def test_state_of_the_book_stays_visible(state: str, status: InstrumentStatus) -> None:
    found = to_instrument(market(orderBookState=state))

    assert (found.status, found.raw_status) == (status, state)


def test_bounds_that_are_not_there_are_none() -> None:
    filters = {"price": {"minPrice": None, "tickSize": "0"}, "quantity": {"stepSize": "0", "minQuantity": "0"}}

    found = to_instrument(market(filters=filters))

    assert (found.price_rule, found.step_size, found.min_quantity, found.max_quantity) == (None, None, None, None)


@pytest.mark.parametrize(("stated", "seconds"), [(3_600_000, 3_600), ("28800000", 28_800), (None, None)])
def test_funding_interval_is_read_from_the_market(stated: object, seconds: int | None) -> None:
    assert funding_interval_s(to_instrument(market(fundingInterval=stated))) == seconds


@pytest.mark.parametrize("field", ["symbol", "quoteSymbol", "marketType", "orderBookState", "filters"])
def test_market_without_a_field_is_an_error_and_not_an_empty_one(field: str) -> None:
    document = msgspec.json.decode(market())
    del document[field]

    with pytest.raises(msgspec.DecodeError):
        to_instrument(msgspec.Raw(msgspec.json.encode(document)))
