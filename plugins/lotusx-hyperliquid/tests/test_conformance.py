"""What lotusx-testing asks of every connector; the documents it is asked with are Hyperliquid's own."""

from __future__ import annotations

import hyperliquid_documents as documented

from lotusx_hyperliquid import account_types, types
from lotusx_hyperliquid.facts import FACTS
from lotusx_testing import Conformance, Conversation, NewValue, Payload, RequestExample, Subject

BTC = documented.BTC
COIN = ["channel", "data.coin"]


class TestHyperliquid(Conformance):
    subject = Subject(
        FACTS,
        symbol="BTC/USDC:USDC",
        credentials=documented.CREDENTIALS,
        instruments=[BTC],
        vectors=[documented.VECTOR],
        payloads=[
            Payload("trades", documented.TRADES, types.Frame[list[types.PublicTrade]], documented.UNREAD_OF_TRADES),
            Payload("book", documented.BOOK, types.Frame[types.Book], ["channel"]),
            Payload("bbo", documented.BBO, types.Frame[types.BestPrices], ["channel"]),
            Payload("candle", documented.CANDLE, types.Frame[types.Bar], ["channel"]),
            Payload("context", documented.CONTEXT, types.Frame[types.CoinCtx], documented.UNREAD_OF_CONTEXT),
            Payload("order", documented.ORDER, account_types.OrderAnswer, documented.UNREAD_OF_ORDER),
            Payload("fill", documented.FILL, account_types.UserFill, documented.UNREAD_OF_FILL),
            Payload("perps", documented.PERPS, account_types.PerpState, documented.UNREAD_OF_PERPS),
            Payload("spot", documented.SPOT, account_types.SpotState, documented.UNREAD_OF_SPOT),
        ],
        conversations=[
            Conversation("trades", lambda x: x.market.trades_channel(BTC), None, None, [documented.TRADES.encode()], 1),
            Conversation("book", lambda x: x.market.book_channel(BTC, 20), None, None, [documented.BOOK.encode()], 1),
            Conversation(
                "bbo", lambda x: x.market.best_bid_offer_channel(BTC), None, None, [documented.BBO.encode()], 1
            ),
        ],
        new_values=[
            NewValue("status", documented.ORDER, ("order", "status"), documented.read_order),
            NewValue("type", documented.ORDER, ("order", "order", "orderType"), documented.read_order),
            NewValue("tif", documented.ORDER, ("order", "order", "tif"), documented.read_order),
        ],
        requests=[
            RequestExample("book", lambda x: x.market.order_book(BTC, 20), documented.L2_BOOK, documented.ASK_BOOK),
            RequestExample("open", lambda x: x.trading.open_orders(BTC), "[]", documented.ASK_OPEN),
        ],
    )
