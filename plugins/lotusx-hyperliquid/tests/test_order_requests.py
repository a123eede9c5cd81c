"""What is sent for each kind of order, and what is refused before it is."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hyperliquid_corpus import CORPUS, needs_corpus

from lotusx.errors import InvalidArgument, NotSupported
from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, OrderRequest, Side, SignificantDigits, Symbol
from lotusx_hyperliquid.actions import OrderItem
from lotusx_hyperliquid.order_requests import order_item, place_action

SOL = Instrument(
    Symbol("SOL", "USDC", "USDC"),
    "SOL",
    InstrumentKind.LINEAR,
    InstrumentStatus.TRADING,
    SignificantDigits(5, 4),
    Decimal("0.01"),
)
HYPE = Instrument(
    Symbol("HYPE", "USDC"),
    "@107",
    InstrumentKind.SPOT,
    InstrumentStatus.TRADING,
    SignificantDigits(5, 6),
    Decimal("0.01"),
)
CLOID = "0x1234567890abcdef1234567890abcdef"


def limit(**more: Any) -> OrderRequest:
    return OrderRequest.limit(SOL.symbol, "buy", "0.10", "100.90", **more)


def market(side: str = "buy", **more: Any) -> OrderRequest:
    return OrderRequest.market(SOL.symbol, side, "1", **more)


def conditional(kind: str, **more: Any) -> OrderRequest:
    return OrderRequest(symbol=SOL.symbol, side="sell", type=kind, quantity="2", **more)


def sent(request: OrderRequest, **more: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(msgspec.json.encode(order_item(request, SOL, 5, **more)))
    return document


@pytest.mark.parametrize(
    ("more", "tif"),
    [({}, "Gtc"), ({"time_in_force": "gtc"}, "Gtc"), ({"time_in_force": "ioc"}, "Ioc"), ({"post_only": True}, "Alo")],
)
def test_limit_order(more: dict[str, Any], tif: str) -> None:
    assert sent(limit(**more)) == {
        "a": 5,
        "b": True,
        "p": "100.9",
        "s": "0.1",
        "r": False,
        "t": {"limit": {"tif": tif}},
    }


def test_sell_that_only_reduces_under_an_id() -> None:
    item = sent(OrderRequest.limit(SOL.symbol, "sell", "2", "90", reduce_only=True), cloid=CLOID)

    assert (item["b"], item["r"], item["c"]) == (False, True, CLOID)


@pytest.mark.parametrize(("side", "opposite", "price"), [("buy", "110.13", "115.63"), ("sell", "110.13", "104.63")])
def test_market_order_takes_at_once_no_further_than_its_bound(side: str, opposite: str, price: str) -> None:
    item = sent(market(side, max_slippage="0.05"), best_opposite=Decimal(opposite))

    assert item["p"] == price
    assert item["t"] == {"limit": {"tif": "Ioc"}}


def test_market_order_without_a_bound_says_what_to_write() -> None:
    with pytest.raises(InvalidArgument, match=r"max_slippage=Decimal\('0.01'\)") as caught:
        order_item(market(), SOL, 5, best_opposite=Decimal(110))

    assert caught.value.rule == "max_slippage"


def test_market_order_into_an_empty_book_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="nobody is on the other side of SOL/USDC:USDC"):
        order_item(market(max_slippage="0.05"), SOL, 5)


@pytest.mark.parametrize(("kind", "tpsl"), [("stop_loss", "sl"), ("take_profit", "tp")])
def test_market_trigger_is_bounded_from_its_trigger_price(kind: str, tpsl: str) -> None:
    item = sent(conditional(kind, trigger_price="90", max_slippage="0.1", reduce_only=True))

    assert item["p"] == "81"
    assert item["t"] == {"trigger": {"isMarket": True, "triggerPx": "90", "tpsl": tpsl}}
    assert item["r"] is True


@pytest.mark.parametrize(("kind", "tpsl"), [("stop_loss_limit", "sl"), ("take_profit_limit", "tp")])
def test_limit_trigger_has_both_prices(kind: str, tpsl: str) -> None:
    item = sent(conditional(kind, trigger_price="90.50", price="89"))

    assert item["p"] == "89"
    assert item["t"] == {"trigger": {"isMarket": False, "triggerPx": "90.5", "tpsl": tpsl}}


def test_market_trigger_without_a_bound_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="max_slippage is missing: here a stop_loss order"):
        order_item(conditional("stop_loss", trigger_price="90"), SOL, 5)


@pytest.mark.parametrize(
    ("request_", "what"),
    [
        (limit(time_in_force="fok"), "FOK"),
        (limit(time_in_force="gtd", expires_ns=1), "GTD"),
        (market(quantity_unit="quote", max_slippage="0.1"), "a quantity in quote"),
        (limit(quantity_unit="contracts"), "a quantity in contracts"),
        (conditional("trailing_stop", trailing_fraction="0.01"), "trailing"),
        (conditional("stop_loss", trigger_price=90, trailing_fraction="0.01", max_slippage="0.1"), "trailing"),
    ],
)
def test_what_the_exchange_does_not_have_is_refused_with_something_instead(request_: OrderRequest, what: str) -> None:
    with pytest.raises(NotSupported, match=f"{what}.*instead"):
        order_item(request_, SOL, 5, best_opposite=Decimal(100))


def test_spot_has_no_position_to_reduce() -> None:
    with pytest.raises(NotSupported, match="reduce_only on spot"):
        order_item(OrderRequest.limit(HYPE.symbol, Side.SELL, 1, 20, reduce_only=True), HYPE, 10_107)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (market(max_slippage="0.1", time_in_force="gtc"), "a market order takes at once"),
        (conditional("stop_loss_limit", trigger_price=90, price=89, time_in_force="ioc"), "time_in_force is not used"),
        (limit(native={"tif": "FrontendMarket"}), r"native\['tif'\]"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(request_: OrderRequest, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        order_item(request_, SOL, 5, best_opposite=Decimal(100))


def test_ninth_decimal_is_refused_not_rounded() -> None:
    with pytest.raises(InvalidArgument, match=r"quantity 0\.000000001 has more than 8 decimals"):
        order_item(OrderRequest.limit(SOL.symbol, "buy", "1E-9", 1), SOL, 5)


def item() -> OrderItem:
    return order_item(limit(), SOL, 5)


def test_orders_of_one_action_share_one_grouping() -> None:
    grouped = limit(native={"grouping": "normalTpsl"})

    assert place_action([limit()], [item()]).grouping == "na"
    assert place_action([grouped, grouped], [item(), item()]).grouping == "normalTpsl"
    with pytest.raises(InvalidArgument, match="one grouping, not na and normalTpsl"):
        place_action([limit(), grouped], [item(), item()])
    with pytest.raises(InvalidArgument, match="not 'oco'"):
        place_action([limit(native={"grouping": "oco"})], [item()])


@needs_corpus
def test_same_orders_as_another_client_sends() -> None:
    shapes = json.loads((CORPUS / "hyperliquid" / "requests.json").read_bytes())["ccxt_static_requests"]
    compared = 0
    for shape in shapes:
        action = json.loads(shape["output"]).get("action", {})
        if action.get("type") != "order":
            continue
        for theirs in action["orders"]:
            assert sent(
                _same_order(theirs, shape["input"]), cloid=theirs.get("c"), best_opposite=_reference(shape)
            ) == (theirs | {"a": 5})
            compared += 1
    assert compared > 3


def _reference(shape: dict[str, Any]) -> Decimal:
    return Decimal(str(shape["input"][4])) if len(shape["input"]) > 4 else Decimal(1)


def _same_order(theirs: dict[str, Any], asked: list[Any]) -> OrderRequest:
    """That client's market orders: five per cent from the price it is given."""
    common: dict[str, Any] = {"symbol": SOL.symbol, "side": "buy" if theirs["b"] else "sell", "quantity": theirs["s"]}
    trigger = theirs["t"].get("trigger")
    if trigger is not None:
        return OrderRequest(**common, type="stop_loss", trigger_price=trigger["triggerPx"], max_slippage="0.05")
    if asked[1] == "market":
        return OrderRequest(**common, type="market", max_slippage="0.05")
    return OrderRequest(**common, type="limit", price=theirs["p"])
