"""Capabilities, limits and deadlines of Bybit spot."""

from __future__ import annotations

from datetime import date

from lotusx.plugin import Capability as C, ExchangeFacts, Support
from lotusx_bybit.environments import ENVIRONMENTS
from lotusx_bybit.v5 import (
    CREDENTIALS,
    DERIVATIVES,
    HORIZON_S,
    OPTIONS,
    RECEIVE_WINDOW_MS,
    TIMESTAMP_MARGIN_MS,
    capabilities,
    limits,
    ws_facts,
)

_BATCH = Support.partial("10 orders a request; each counts as one", max_items=10)
_NO_DERIVATIVES = Support.not_offered("the exchange bybit-perp")

FACTS = ExchangeFacts(
    name="bybit",
    contract=1,
    title="Bybit spot",
    documentation="https://bybit-exchange.github.io/docs/v5/intro",
    as_of=date(2026, 7, 24),
    holdings="bybit",  # one unified wallet serves all products
    environments=ENVIRONMENTS,
    capabilities=capabilities(
        {
            C.RECENT_TRADES: Support.partial("the newest 60", max_limit=60),
            C.QUOTE_QUANTITY: Support.partial("market orders without trigger"),
            C.CANCEL_ALL: Support.full(),
            **dict.fromkeys((C.BATCH_ORDERS, C.BATCH_CANCEL, C.BATCH_AMEND), _BATCH),
            C.TEST_ORDER: Support.not_offered("environment='testnet'"),
            **dict.fromkeys(DERIVATIVES, _NO_DERIVATIVES),
        }
    ),
    credentials=CREDENTIALS,
    limits=limits(
        "spot",
        {
            "/v5/order/create": 20,
            "/v5/order/amend": 10,
            "/v5/order/cancel": 20,
            "/v5/order/cancel-all": 20,
            "/v5/order/create-batch": 20,
            "/v5/order/amend-batch": 20,
            "/v5/order/cancel-batch": 20,
        },
    ),
    ws=ws_facts(["market"]),
    horizon_s=HORIZON_S,
    receive_window_ms=RECEIVE_WINDOW_MS,
    timestamp_margin_ms=TIMESTAMP_MARGIN_MS,
    options=OPTIONS,
)
