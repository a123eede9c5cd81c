"""What lotusx-testing asks of every connector; the documents it is asked with are Backpack's own."""

from __future__ import annotations

import backpack_documents as documented

from lotusx.plugin import OrderRef
from lotusx_backpack import account_types, types
from lotusx_backpack.facts import FACTS
from lotusx_testing import Conformance, NewValue, Payload, RequestExample, Subject

PERP = documented.PERP
HEAD = ["data.e", "data.E"]
MARKET, ORDER = documented.text(documented.MARKET), documented.text(documented.ORDER)
ONE_ORDER = {"symbol": "SOL_USDC_PERP", "orderId": "28"}
ONE_BOOK = {"symbol": "SOL_USDC_PERP", "limit": "100"}


class TestBackpack(Conformance):
    subject = Subject(
        FACTS,
        symbol="BTC/USDC:USDC",
        credentials=documented.CREDENTIALS,
        instruments=[PERP],
        vectors=[documented.VECTOR],
        payloads=[
            Payload("trade", documented.TRADES_FRAME, types.Frame[types.TradeEvent], [*HEAD, "data.a", "data.b"]),
            Payload("best", documented.BEST_FRAME, types.Frame[types.BookTickerEvent], HEAD),
            Payload("depth", documented.DEPTH_FRAME, types.Frame[types.DepthEvent], HEAD),
            Payload("kline", documented.KLINE_FRAME, types.Frame[types.KlineEvent], HEAD),
            Payload("mark", documented.MARK_FRAME, types.Frame[types.MarkPriceEvent], HEAD),
            Payload("market", MARKET, types.Market, documented.UNREAD_OF_MARKET),
            Payload("order", ORDER, account_types.Order, documented.UNREAD_OF_ORDER),
            Payload("fill", documented.text(documented.FILL), account_types.Fill, ["systemOrderType"]),
            Payload(
                "position",
                documented.text(documented.POSITION),
                account_types.Position,
                documented.UNREAD_OF_POSITION,
            ),
            Payload("collateral", documented.text(documented.COLLATERAL), account_types.Collateral),
            Payload("account", documented.text(documented.ACCOUNT), account_types.Account),
        ],
        new_values=[
            NewValue("market", MARKET, ("orderBookState",), documented.read_market),
            NewValue("status", ORDER, ("status",), documented.read_order),
            NewValue("type", ORDER, ("orderType",), documented.read_order),
            NewValue("tif", ORDER, ("timeInForce",), documented.read_order),
        ],
        requests=[
            RequestExample(
                "book",
                lambda x: x.market.order_book(PERP, 100),
                documented.text(documented.DEPTH),
                documented.asked("/api/v1/depth", ONE_BOOK),
            ),
            RequestExample(
                "order",
                lambda x: x.trading.order(OrderRef(None, "28"), PERP),
                ORDER,
                documented.asked("/api/v1/order", ONE_ORDER, signed=True),
            ),
        ],
    )
