"""What lotusx-testing asks of every connector, of USDⓈ-M futures."""

from __future__ import annotations

import binance_perp_conformance as documented
import pytest

from lotusx.plugin import OrderRef
from lotusx_binance import types as shared
from lotusx_binance.perp import account_types, types
from lotusx_binance.perp.facts import FACTS
from lotusx_testing import Conformance, NewValue, Payload, RequestExample, Subject
from lotusx_testing.arena import DIALECTS, Simulated
from lotusx_testing.cases import Case

PERP = documented.PERP
HEAD = ["stream", "data.e", "data.st"]


class TestBinancePerp(Conformance):
    subject = Subject(
        FACTS,
        symbol="BTC/USDT:USDT",
        credentials=documented.CREDENTIALS,
        instruments=[PERP],
        vectors=[documented.VECTOR],
        payloads=[
            Payload("trade", documented.TRADE, shared.Combined[shared.AggregateTradeEvent], [*HEAD, "data.nq"]),
            Payload("depth", documented.DEPTH, shared.Combined[types.DepthEvent], [*HEAD, "data.ps"]),
            Payload("mark", documented.MARK, shared.Combined[types.MarkPriceEvent], [*HEAD, "data.ap", "data.P"]),
            Payload("symbol", documented.SYMBOL, types.SymbolInfo, documented.UNREAD_OF_SYMBOL),
            Payload("order", documented.ORDER, account_types.Order, documented.UNREAD_OF_ORDER),
            Payload("conditional", documented.CONDITIONAL, account_types.AlgoOrder, documented.UNREAD_OF_CONDITIONAL),
        ],
        new_values=[
            NewValue("symbol", documented.SYMBOL, ("status",), documented.read_symbol),
            NewValue("order", documented.ORDER, ("status",), documented.read_order),
            NewValue("conditional", documented.CONDITIONAL, ("algoStatus",), documented.read_conditional),
        ],
        requests=[
            RequestExample(
                "depth", lambda x: x.market.order_book(PERP, 100), documented.SNAPSHOT, documented.GET_DEPTH
            ),
            RequestExample(
                "order", lambda x: x.trading.order(OrderRef(None, "28"), PERP), documented.ORDER, documented.GET_ORDER
            ),
            RequestExample(
                "amend",
                lambda x: x.trading.amend(documented.STANDING, documented.LARGER, PERP),
                documented.ORDER,
                documented.PUT_ORDER,
            ),
        ],
    )

    @pytest.mark.anyio
    @pytest.mark.skipif(FACTS.name not in DIALECTS, reason="lotusx-testing has no simulation of binance-perp")
    async def test_case(self, conformance_case: Case, simulated: Simulated) -> None:
        await super().test_case(conformance_case, simulated)
