"""What lotusx-testing asks of every connector; the documents it is asked with are Binance's own."""

from __future__ import annotations

import binance_conformance as documented
import msgspec

from lotusx_binance import account_types, types
from lotusx_binance.facts import FACTS
from lotusx_testing import Conformance, Conversation, NewValue, Payload, RequestExample, Subject

BTC = documented.BTC
HEAD = ["stream", "data.e"]


def compact(document: str) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(document))


class TestBinance(Conformance):
    subject = Subject(
        FACTS,
        credentials=documented.CREDENTIALS,
        instruments=[BTC],
        vectors=[documented.VECTOR],
        payloads=[
            Payload("trade", documented.TRADE, types.Combined[types.TradeEvent], [*HEAD, "data.E", "data.s", "data.M"]),
            Payload("depth", documented.DEPTH, types.Combined[types.DepthEvent], HEAD),
            Payload("klines", documented.KLINES, list[types.Kline], ["[][11]"]),
            Payload("symbol", documented.SYMBOL, types.SymbolInfo, documented.UNREAD_OF_SYMBOL),
            Payload("order", documented.ORDER, account_types.Order),
        ],
        conversations=[
            Conversation("trades", lambda x: x.market.trades_channel(BTC), None, None, [compact(documented.TRADE)], 1),
            Conversation("book", lambda x: x.market.book_channel(BTC, 100), None, None, [compact(documented.DEPTH)], 1),
        ],
        new_values=[
            NewValue("symbol", documented.SYMBOL, ("status",), documented.read_symbol),
            NewValue("order", documented.ORDER, ("status",), documented.read_order),
        ],
        requests=[
            RequestExample("depth", lambda x: x.market.order_book(BTC, 100), documented.SNAPSHOT, documented.GET_DEPTH),
            RequestExample("open", lambda x: x.trading.open_orders(BTC), documented.ORDERS, documented.GET_ORDERS),
        ],
    )
