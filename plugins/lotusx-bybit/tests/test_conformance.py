"""What lotusx-testing asks of every connector; the documents it is asked with are Bybit's own."""

from __future__ import annotations

import bybit_conformance as documented
import msgspec

from lotusx_bybit.facts import FACTS
from lotusx_bybit.v5 import account_types, types
from lotusx_testing import Conformance, Conversation, NewValue, Payload, RequestExample, Subject

BTC = documented.SPOT_BTC
OPEN = {"category": "spot", "symbol": "BTCUSDT", "openOnly": "0", "limit": "50"}


TRADES, BOOK = (
    msgspec.json.encode(msgspec.json.decode(document)) for document in (documented.TRADES, documented.BOOK_PUSH)
)


class TestBybit(Conformance):
    subject = Subject(
        FACTS,
        credentials=documented.CREDENTIALS,
        instruments=[BTC],
        vectors=[documented.VECTOR],
        payloads=[
            Payload("trades", documented.TRADES, types.Push[list[types.TradeEvent]], documented.UNREAD_OF_TRADES),
            Payload("book", documented.BOOK_PUSH, types.Push[types.BookEvent], ["data.seq"]),
            Payload("kline", documented.KLINE_PUSH, types.Push[list[types.KlineEvent]], documented.UNREAD_OF_KLINE),
            Payload("ticker", documented.SPOT_TICKER, types.Push[types.SpotTicker], ["data.usdIndexPrice"]),
            Payload("listed", documented.SPOT_LISTED, types.SpotInstrument, documented.UNREAD_OF_LISTED),
            Payload("order", documented.DOCUMENTED_ORDER, account_types.Order, documented.UNREAD_OF_ORDER),
            Payload("fill", documented.DOCUMENTED_FILL, account_types.Execution),
        ],
        conversations=[
            Conversation("trades", lambda x: x.market.trades_channel(BTC), None, None, [TRADES], 1),
            Conversation("book", lambda x: x.market.book_channel(BTC, 50), None, None, [BOOK], 1),
        ],
        new_values=[
            NewValue("listed", documented.SPOT_LISTED, ("status",), documented.read_listed),
            NewValue("status", documented.DOCUMENTED_ORDER, ("orderStatus",), documented.read_order),
            NewValue("type", documented.DOCUMENTED_ORDER, ("orderType",), documented.read_order),
            NewValue("tif", documented.DOCUMENTED_ORDER, ("timeInForce",), documented.read_order),
        ],
        requests=[
            RequestExample(
                "book",
                lambda x: x.market.order_book(BTC, 100),
                documented.BOOK,
                documented.asked(
                    "/v5/market/orderbook", {"category": "spot", "symbol": "BTCUSDT", "limit": "100"}, signed=False
                ),
            ),
            RequestExample(
                "fees",
                lambda x: x.account.fees(BTC),
                documented.rows({"symbol": "BTCUSDT", "takerFeeRate": "0.001", "makerFeeRate": "0.001"}),
                documented.asked("/v5/account/fee-rate", {"category": "spot", "symbol": "BTCUSDT"}, signed=True),
            ),
        ],
    )
