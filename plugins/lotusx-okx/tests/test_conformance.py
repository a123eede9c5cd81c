"""What lotusx-testing asks of every connector; the documents it is asked with are OKX's own."""

from __future__ import annotations

import json
from dataclasses import replace

import okx_documents as documented

from lotusx.errors import ErrorKind as K
from lotusx.model import Interval
from lotusx.plugin import Capability as C, Effect, OrderRef, Request, Response, Verb
from lotusx_okx import account_types, types
from lotusx_okx.facts import FACTS
from lotusx_testing import Conformance, Conversation, Expected, NewValue, Payload, Refusal, RequestExample, Subject

SWAP = documented.SWAP
ORDER = documented.text(documented.ORDER)
PUSH = ["arg"]
PLACE = Request(Verb.POST, documented.BASE, "/api/v5/trade/order", effect=Effect.COMMAND, signed=True)
BATCH = replace(PLACE, path="/api/v5/trade/batch-orders")


def said(channel: str, inst_id: str = "BTC-USDT-SWAP") -> list[str]:
    return [json.dumps({"id": "1", "op": "subscribe", "args": [{"channel": channel, "instId": inst_id}]})]


def answer(channel: str, inst_id: str = "BTC-USDT-SWAP") -> bytes:
    arg = {"channel": channel, "instId": inst_id}
    return json.dumps({"id": "1", "event": "subscribe", "arg": arg, "connId": "a4d3ae55"}).encode()


def refused(code: str, text: str, status: int = 200, *rows: object) -> Response:
    body = json.dumps({"code": code, "msg": text, "data": list(rows)}).encode()
    return Response(status, {"content-type": "application/json"}, body)


EVIDENCE = Subject(
    FACTS,
    symbol="BTC/USDT:USDT",
    symbols={  # on spot the wire's unit is another, and so is what the account holds
        C.PLACE_ORDER: ["BTC/USDT:USDT", "BTC/USDT"],
        C.BALANCES: ["BTC/USDT:USDT", "BTC/USDT"],
        C.QUOTE_QUANTITY: ["BTC/USDT"],
    },
    credentials=documented.CREDENTIALS,
    instruments=[documented.SPOT, SWAP],
    vectors=[*map(documented.vector_of, documented.VECTORS["requests"]), documented.LOG_IN],
    payloads=[
        Payload("listed", documented.text(documented.SWAP_LISTED), types.Listed, documented.UNREAD_OF_LISTED),
        Payload(
            "ticker",
            documented.push("tickers", documented.TICKER),
            types.Push[types.Ticker],
            [*PUSH, "data[].instType", "data[].lastSz", "data[].sodUtc0", "data[].sodUtc8"],
        ),
        Payload(
            "trades",
            documented.push("trades-all", documented.TRADE),
            types.Push[types.Trade],
            [*PUSH, "data[].instId", "data[].source"],
        ),
        Payload(
            "book",
            documented.push("books", documented.BOOK, action="snapshot"),
            types.Push[types.Book],
            [*PUSH, "data[].checksum"],
        ),
        Payload("rate", documented.text(documented.RATE), types.FundingRate, documented.UNREAD_OF_RATE),
        Payload("order", ORDER, account_types.Order, documented.UNREAD_OF_ORDER),
        Payload(
            "order push",
            documented.text(documented.ORDER_PUSH),
            account_types.Order,
            documented.UNREAD_OF_PUSH,
        ),
        Payload("fill", documented.text(documented.FILL), account_types.Fill, documented.UNREAD_OF_FILL),
        Payload("done", documented.text(documented.DONE), account_types.Done, ["tag", "ts"]),
    ],
    new_values=[
        NewValue("listed", documented.text(documented.SWAP_LISTED), ("state",), documented.read_listed),
        NewValue("state", ORDER, ("state",), documented.read_order),
        NewValue("type", ORDER, ("ordType",), documented.read_order),
        NewValue("cancelSource", ORDER, ("cancelSource",), documented.read_order),
    ],
    requests=[
        RequestExample(
            "book",
            lambda x: x.market.order_book(SWAP, 100),
            documented.reply(documented.BOOK),
            Expected("GET", "/api/v5/market/books", {"instId": "BTC-USDT-SWAP", "sz": "100"}, signed=False),
        ),
        RequestExample(
            "order",
            lambda x: x.trading.order(OrderRef(None, "1752588852617379840"), SWAP),
            documented.reply(documented.ORDER),
            Expected(
                "GET",
                "/api/v5/trade/order",
                {"instId": "BTC-USDT-SWAP", "ordId": "1752588852617379840"},
                headers={"OK-ACCESS-KEY": documented.API_KEY},
                signed=True,
            ),
        ),
        RequestExample(
            "cancel",
            lambda x: x.trading.cancel(OrderRef("b15", None), SWAP),
            documented.reply(documented.DONE),
            Expected(
                "POST",
                "/api/v5/trade/cancel-order",
                body='{"instId":"BTC-USDT-SWAP","clOrdId":"b15"}',
                headers={"OK-ACCESS-KEY": documented.API_KEY},
                signed=True,
            ),
        ),
    ],
    refusals=[
        Refusal("rate limit", PLACE, refused("50011", "Too Many Requests", 429), K.RATE_LIMITED, "50011"),
        Refusal("late", PLACE, refused("50102", "Timestamp request expired.", 401), K.TIMESTAMP_SKEW, "50102"),
        Refusal("in doubt", PLACE, refused("50004", "timeout", 400), K.UNKNOWN_EXECUTION, "50004", doubtful=True),
        Refusal(
            "of one order",
            PLACE,
            refused("1", "All operations failed", 200, documented.DONE | {"sCode": "51008", "subCode": "1000"}),
            K.INSUFFICIENT_FUNDS,
            "51008_1000",
        ),
        Refusal("whole batch", BATCH, refused("51111", "Maximum 20 orders"), K.BAD_REQUEST, "51111"),
    ],
    conversations=[
        Conversation(
            "trades",
            lambda x: x.market.trades_channel(SWAP),
            said("trades-all"),
            answer("trades-all"),
            [documented.push("trades-all", documented.TRADE)],
            1,
        ),
        Conversation(
            "best",
            lambda x: x.market.best_bid_offer_channel(SWAP),
            said("bbo-tbt"),
            answer("bbo-tbt"),
            [documented.push("bbo-tbt", documented.TOP)],
            1,
        ),
        Conversation(
            "book",
            lambda x: x.market.book_channel(SWAP, 400),
            said("books"),
            answer("books"),
            [documented.push("books", documented.BOOK, action="snapshot")],
            1,
        ),
        Conversation(
            "candles",
            lambda x: x.market.candles_channel(SWAP, Interval.D1),
            said("candle1Dutc"),
            answer("candle1Dutc"),
            [documented.push("candle1Dutc", documented.CANDLE)],
            1,
        ),
        Conversation(
            "mark",
            lambda x: x.market.mark_price_channel(SWAP),
            said("mark-price"),
            answer("mark-price"),
            [documented.push("mark-price", documented.MARK)],
            1,
        ),
        Conversation(
            "orders",
            lambda x: x.account.channels()[0],
            None,
            None,
            [documented.private("orders", documented.ORDER_PUSH)],
            2,
        ),
    ],
)


class TestOkx(Conformance):
    subject = EVIDENCE
