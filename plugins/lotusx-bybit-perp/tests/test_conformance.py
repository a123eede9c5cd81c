"""What lotusx-testing asks of every connector; the documents it is asked with are Bybit's own."""

from __future__ import annotations

import json
from decimal import Decimal

import bybit_perp_documents as documented

from lotusx_bybit.v5 import account_types, types
from lotusx_bybit_perp.facts import FACTS
from lotusx_testing import Conformance, Expected, NewValue, Payload, RequestExample, Subject

BTC = documented.BTC


class TestBybitPerp(Conformance):
    subject = Subject(
        FACTS,
        symbol="BTC/USDT:USDT",
        credentials=documented.CREDENTIALS,
        instruments=[BTC],
        vectors=[documented.VECTOR],
        payloads=[
            Payload(
                "ticker",
                documented.ticker_push("snapshot", 1, **documented.TICKER),
                types.Push[types.ContractTicker],
                documented.UNREAD_OF_TICKER,
            ),
            Payload(
                "liquidation",
                documented.liquidation_push([documented.LIQUIDATION]),
                types.Push[list[types.LiquidationEvent]],
            ),
            Payload("position", json.dumps(documented.POSITION), account_types.Position, documented.UNREAD_OF_POSITION),
        ],
        new_values=[
            NewValue("status", json.dumps(documented.LISTED), ("status",), documented.read_listed),
        ],
        requests=[
            RequestExample(
                "leverage",
                lambda x: x.account.set_leverage(BTC, Decimal(5)),
                documented.envelope({}),
                Expected(
                    "POST",
                    "/v5/position/set-leverage",
                    body=b'{"category":"linear","symbol":"BTCUSDT","buyLeverage":"5","sellLeverage":"5"}',
                    headers={"X-BAPI-API-KEY": documented.API_KEY},
                    signed=True,
                ),
            ),
        ],
    )
