"""Listings become instruments: symbols from what is stated, rules exact, new words visible."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from lotusx.errors import ItemRejected
from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, TickSize
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.instruments import to_instrument

SPOT: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "innovation": "0",
    "status": "Trading",
    "marginTrading": "utaOnly",
    "lotSizeFilter": {
        "basePrecision": "0.000001",
        "quotePrecision": "0.0000001",
        "minOrderQty": "0.000011",
        "maxOrderQty": "83",
        "minOrderAmt": "5",
        "maxOrderAmt": "8000000",
        "maxLimitOrderQty": "83",
        "maxMarketOrderQty": "41.5",
        "postOnlyMaxLimitOrderSize": "60000",
    },
    "priceFilter": {"tickSize": "0.1"},
    "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.01"},
}
LINEAR: dict[str, Any] = {
    "symbol": "ETHUSDT",
    "contractType": "LinearPerpetual",
    "status": "Trading",
    "baseCoin": "ETH",
    "quoteCoin": "USDT",
    "settleCoin": "USDT",
    "launchTime": "1602720000000",
    "deliveryTime": "0",
    "priceScale": "2",
    "fundingInterval": 480,
    "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
    "priceFilter": {"minPrice": "0.01", "maxPrice": "199999.98", "tickSize": "0.01"},
    "lotSizeFilter": {
        "minOrderQty": "0.01",
        "maxOrderQty": "7240.00",
        "maxMktOrderQty": "1500.00",
        "qtyStep": "0.01",
        "minNotionalValue": "5",
    },
}


def _read(document: dict[str, Any], category: Category = Category.LINEAR) -> Instrument:
    return to_instrument(msgspec.Raw(msgspec.json.encode(document)), category=category)


def test_pair_carries_its_rules_and_its_whole_document() -> None:
    found = _read(SPOT, Category.SPOT)

    assert str(found.symbol) == "BTC/USDT"
    assert (found.kind, found.status) == (InstrumentKind.SPOT, InstrumentStatus.TRADING)
    assert found.price_rule == TickSize(Decimal("0.1"))
    assert found.step_size == Decimal("0.000001")
    assert found.min_quantity is None  # deprecated, and not enforced
    assert (found.max_quantity, found.market_max_quantity) == (Decimal(83), Decimal("41.5"))
    assert (found.min_notional, found.contract_size) == (Decimal(5), Decimal(1))
    assert found.raw == SPOT


def test_perpetual_carries_its_rules() -> None:
    found = _read(LINEAR)

    assert (str(found.symbol), found.venue_symbol, found.kind) == ("ETH/USDT:USDT", "ETHUSDT", InstrumentKind.LINEAR)
    assert found.price_rule == TickSize(Decimal("0.01"), Decimal("0.01"), Decimal("199999.98"))
    assert (found.step_size, found.min_quantity) == (Decimal("0.01"), Decimal("0.01"))
    assert (found.max_quantity, found.market_max_quantity) == (Decimal(7240), Decimal(1500))
    assert (found.min_notional, found.contract_size) == (Decimal(5), Decimal(1))


@pytest.mark.parametrize(
    ("changes", "symbol", "kind"),
    [
        ({}, "ETH/USDT:USDT", InstrumentKind.LINEAR),
        ({"symbol": "ETHPERP", "quoteCoin": "USDC", "settleCoin": "USDC"}, "ETH/USDC:USDC", InstrumentKind.LINEAR),
        ({"symbol": "ETHPERP", "quoteCoin": "USD", "settleCoin": "USDC"}, "ETH/USDC:USDC", InstrumentKind.LINEAR),
        ({"symbol": "ETHPERP", "quoteCoin": "USD", "settleCoin": "USD"}, "ETH/USDC:USDC", InstrumentKind.LINEAR),
        (
            {"contractType": "InversePerpetual", "quoteCoin": "USD", "settleCoin": "ETH"},
            "ETH/USD:ETH",
            InstrumentKind.INVERSE,
        ),
        (
            {"contractType": "LinearFutures", "symbol": "ETHUSDT-26DEC26", "deliveryTime": "1798272000000"},
            "ETH/USDT:USDT-261226",
            InstrumentKind.LINEAR,
        ),
        (
            {
                "contractType": "InverseFutures",
                "symbol": "ETHUSDZ26",
                "quoteCoin": "USD",
                "settleCoin": "ETH",
                "deliveryTime": "1798185600000",
            },
            "ETH/USD:ETH-261225",
            InstrumentKind.INVERSE,
        ),
        ({"deliveryTime": "1798185600000"}, "ETH/USDT:USDT", InstrumentKind.LINEAR),  # to be delisted then
        (
            {"contractType": "MoonPerpetual", "deliveryTime": "1798185600000"},
            "ETH/USDT:USDT-261225",
            InstrumentKind.UNKNOWN,
        ),
    ],
)
def test_symbol_is_made_of_what_the_listing_states(changes: dict[str, str], symbol: str, kind: InstrumentKind) -> None:
    found = _read({**LINEAR, **changes})

    assert (str(found.symbol), found.kind) == (symbol, kind)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Trading", InstrumentStatus.TRADING),
        ("PreLaunch", InstrumentStatus.PENDING),
        ("Delivering", InstrumentStatus.HALTED),
        ("Closed", InstrumentStatus.CLOSED),
        ("MoonPhase", InstrumentStatus.UNKNOWN),
        ("1", InstrumentStatus.UNKNOWN),
    ],
)
def test_status_that_is_new_stays_visible(status: str, expected: InstrumentStatus) -> None:
    for document, category in ((SPOT, Category.SPOT), (LINEAR, Category.LINEAR)):
        found = _read({**document, "status": status}, category)

        assert (found.status, found.raw_status) == (expected, status)


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"curAuctionPhase": "ContinuousTrading", "phases": []}, InstrumentStatus.TRADING),
        ({"curAuctionPhase": "CallAuction"}, InstrumentStatus.PENDING),
        ({"curAuctionPhase": "Finished"}, InstrumentStatus.PENDING),
        ({}, InstrumentStatus.PENDING),
        (None, InstrumentStatus.PENDING),
    ],
)
def test_contract_trades_before_its_launch_once_its_auction_is_over(
    info: dict[str, Any] | None, expected: InstrumentStatus
) -> None:
    found = _read({**LINEAR, "status": "PreLaunch", "isPreListing": True, "preListingInfo": info})

    assert (found.status, found.raw_status) == (expected, "PreLaunch")
    closed = _read({**LINEAR, "status": "Closed", "preListingInfo": info})
    assert closed.status is InstrumentStatus.CLOSED


def test_rules_that_older_rows_lack_are_none() -> None:
    bare = {"lotSizeFilter": {"qtyStep": "1"}, "priceFilter": {"tickSize": "0.5", "minPrice": "", "maxPrice": "0"}}

    found = _read({**LINEAR, **bare})

    assert found.price_rule == TickSize(Decimal("0.5"))
    assert (found.min_quantity, found.max_quantity, found.market_max_quantity, found.min_notional) == (None,) * 4


@pytest.mark.parametrize("tick", ["0", ""])
def test_pair_without_tick_has_no_price_rule(tick: str) -> None:
    assert _read({**SPOT, "priceFilter": {"tickSize": tick}}, Category.SPOT).price_rule is None


@pytest.mark.parametrize(
    "changes",
    [
        {"priceFilter": {"tickSize": "one"}},
        {"contractType": "LinearFutures", "deliveryTime": "soon"},
        {"contractType": "LinearFutures", "deliveryTime": "9" * 30},
    ],
)
def test_rule_that_is_no_number_rejects_the_row(changes: dict[str, Any]) -> None:
    with pytest.raises(ItemRejected):
        _read({**LINEAR, **changes})


@pytest.mark.parametrize("category", list(Category))
def test_category_and_kind_are_one_to_one(category: Category) -> None:
    assert [each for each in Category if each.kind is category.kind] == [category]
