"""Capabilities, limits and deadlines of Bybit's linear and inverse perpetuals."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType

from lotusx.plugin import Capability as C, ExchangeFacts, Sunset, Support
from lotusx_bybit import v5
from lotusx_bybit_perp.environments import ENVIRONMENTS

_CHANGES = "https://bybit-exchange.github.io/docs/changelog/v5"
_BATCH = Support.partial("20 orders a request; each counts as one", max_items=20)

FACTS = ExchangeFacts(
    name="bybit-perp",
    contract=1,
    title="Bybit perpetuals",
    documentation="https://bybit-exchange.github.io/docs/v5/intro",
    sunsets=(Sunset("orderbook.500.{symbol}", date(2025, 9, 11), "orderbook.200 or orderbook.1000", _CHANGES),),
    as_of=date(2026, 7, 24),
    holdings="bybit",  # one unified wallet serves all products
    environments=ENVIRONMENTS,
    capabilities=v5.capabilities(
        {
            **dict.fromkeys(v5.DERIVATIVES, Support.full()),
            C.RECENT_TRADES: Support.partial("the newest 1000", max_limit=1_000),
            C.CANCEL_ALL: Support.partial("by instrument; for all, one call per settle asset with open orders"),
            **dict.fromkeys((C.BATCH_ORDERS, C.BATCH_CANCEL), _BATCH),
            C.BATCH_AMEND: Support.partial("20 orders a request; no conditional ones", max_items=20),
            C.TEST_ORDER: Support.partial("orders without trigger, in cross and portfolio margin"),
            C.TRAILING_ORDERS: Support.not_offered("native.trading_stop, of a position"),
            C.MARGIN_MODE: Support.partial("of the whole account, not of one instrument"),
            C.ISOLATED_MARGIN: Support.partial("in isolated margin mode, one-way"),
            C.FUNDING_PAYMENTS: Support.partial("7 days a request", max_limit=100),
            C.FUNDING_HISTORY: Support.partial("200 rates a request", max_limit=200),
            C.QUOTE_QUANTITY: Support.not_offered("a quantity in base units, or in contracts of inverse instruments"),
        }
    ),
    credentials=v5.CREDENTIALS,
    limits=v5.limits(
        "derivatives",
        {
            **dict.fromkeys(
                [f"/v5/order/{name}" for name in ("create", "amend", "cancel", "cancel-all")],
                10,
            ),
            **dict.fromkeys([f"/v5/order/{name}-batch" for name in ("create", "amend", "cancel")], 10),
            "/v5/order/pre-check": 10,
            "/v5/position/list": 50,
            "/v5/position/set-leverage": 10,
            "/v5/position/add-margin": 10,
            "/v5/position/switch-mode": 10,
            "/v5/position/trading-stop": 10,
        },
    ),
    ws=v5.ws_facts(["linear", "inverse"]),
    horizon_s=v5.HORIZON_S,
    receive_window_ms=v5.RECEIVE_WINDOW_MS,
    timestamp_margin_ms=v5.TIMESTAMP_MARGIN_MS,
    options=MappingProxyType({**v5.OPTIONS, "trigger_by": ("LastPrice", "MarkPrice", "IndexPrice")}),
)
