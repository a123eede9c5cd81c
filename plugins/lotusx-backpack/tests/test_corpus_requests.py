"""What other clients send and sign, and what we do."""

from __future__ import annotations

import json
from typing import Any

from backpack_corpus import HERE, needs_corpus, symbol_of

from lotusx.model import (
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    OrderRequest,
    OrderType,
    QuantityUnit,
)
from lotusx.plugin import Request, Verb
from lotusx_backpack.order_requests import cancel_body, order_body
from lotusx_backpack.signer import request_text, signing_text

pytestmark = needs_corpus


REQUESTS: dict[str, Any] = {}


def requests_file() -> dict[str, Any]:
    if not REQUESTS:
        REQUESTS.update(json.loads((HERE / "requests.json").read_bytes()))
    return REQUESTS


def test_signing_strings_of_another_client() -> None:
    cases = requests_file()["signing_strings"]
    assert len(cases) == 4
    for case in cases:
        if "signing_string" in case:
            text = signing_text(case["instruction"], case["params"])
            assert f"{text}&timestamp={case['timestamp']}&window={case['window']}" == case["signing_string"]
        else:
            assert signing_text("x", case["params"]).split("&")[1:] == case["sorted_params"]


def same_order(sent: dict[str, Any]) -> tuple[OrderRequest, Instrument]:
    """Write in the model's words the order that *sent* asks for."""
    symbol, priced = symbol_of(sent["symbol"]), "price" in sent
    kind = OrderType.LIMIT if priced else OrderType.MARKET
    if "triggerPrice" in sent:
        kind = OrderType.STOP_LOSS_LIMIT if priced else OrderType.STOP_LOSS
    in_quote = "quoteQuantity" in sent
    request = OrderRequest(
        symbol=symbol,
        side={"Bid": "buy", "Ask": "sell"}[sent["side"]],
        type=kind,
        quantity=sent.get("quantity") or sent.get("quoteQuantity") or sent["triggerQuantity"],
        quantity_unit=QuantityUnit.QUOTE if in_quote else QuantityUnit.BASE,
        price=sent.get("price"),
        trigger_price=sent.get("triggerPrice"),
    )
    instrument_kind = InstrumentKind.LINEAR if symbol.settle else InstrumentKind.SPOT
    return request, Instrument(symbol, sent["symbol"], instrument_kind, InstrumentStatus.TRADING, None, None)


def test_another_client_sends_the_same_orders() -> None:
    bodies = [json.loads(each["output"]) for each in requests_file()["ccxt_static_requests"] if each["output"]]
    orders = [body for body in bodies if "orderType" in body]
    assert len(orders) == 4
    for body in orders:
        request, where = same_order(body)
        # What we say of our own accord is what the other leaves to the exchange.
        said = {"timeInForce": "GTC"} if request.type is OrderType.LIMIT else {}
        said |= {"triggerBy": "LastPrice"} if "triggerPrice" in body else {}
        assert order_body(request, where, client_id=body.get("clientId")) == body | said
    (cancel,) = (body for body in bodies if "orderId" in body)
    assert cancel_body(cancel["symbol"], order_id=str(cancel["orderId"])) == cancel | {"orderId": "8284661092"}


def test_every_signed_call_of_another_client_has_an_instruction() -> None:
    verbs = {"cancelOrder": Verb.DELETE, "createOrder": Verb.POST}
    public = {"fetchTrades", "fetchFundingRate", "fetchOHLCV", "fetchOrderBook"}
    for each in requests_file()["ccxt_static_requests"]:
        if each["method"] in public:
            continue
        path, _, query = each["url"].removeprefix("https://api.backpack.exchange").partition("?")
        verb = verbs.get(each["method"], Verb.GET)
        text = request_text(Request(verb, "", path, query, (each["output"] or "").encode()))
        assert text.startswith("instruction=")
