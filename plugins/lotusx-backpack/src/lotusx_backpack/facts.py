"""Capabilities, limits and deadlines of Backpack, each with its source.

Source, unless said otherwise: the exchange's OpenAPI document (2026-08) and its support site, "API" (2026).
"""

from __future__ import annotations

from datetime import date
from types import MappingProxyType

from lotusx.plugin import Capability as C, CredentialField, ExchangeFacts, Limit, Support, WsFacts
from lotusx_backpack.environments import ENVIRONMENTS

REQUESTS = "requests"
HISTORY = "market-history"

LIMITS = (
    # Per sub-account; what unsigned requests count against is not documented, so they share it. Where the minute begins
    # is not documented either: counted over any 60 s. Replies say nothing of what was counted.
    Limit(REQUESTS, 2_000, 60.0, scope="account", aligned=False),
    Limit(HISTORY, 30, 60.0, scope="account", aligned=False),  # "historical market data": klines and trades/history
)

MAX_RECEIVE_WINDOW_MS = 60_000

CAPABILITIES = MappingProxyType(
    {
        **dict.fromkeys(
            (
                C.SERVER_TIME,
                C.INSTRUMENTS,
                C.TICKER,
                C.BEST_BID_OFFER,
                C.CANDLES,
                C.STREAM_TRADES,
                C.STREAM_TICKER,
                C.STREAM_BEST_BID_OFFER,
                C.STREAM_CANDLES,
                C.PLACE_ORDER,
                C.POST_ONLY,
                C.CANCEL_ORDER,
                C.QUERY_ORDER,
                C.OPEN_ORDERS,
                C.FILLS,
                C.BALANCES,
                C.FEES,
                C.STREAM_ACCOUNT,
            ),
            Support.full(),
        ),
        **dict.fromkeys(
            (
                C.FUNDING_RATE,
                C.MARK_PRICE,
                C.OPEN_INTEREST,
                C.STREAM_MARK_PRICE,
                C.REDUCE_ONLY,
            ),
            Support.partial("perpetuals"),
        ),
        C.FUNDING_HISTORY: Support.partial("perpetuals; the length of past intervals is not stated"),
        C.POSITIONS: Support.partial("perpetuals; liquidation prices one by one: native.position(symbol)"),
        C.FUNDING_PAYMENTS: Support.partial("perpetuals; when asked for: no stream tells of them", streamed=0),
        C.ORDER_BOOK: Support.partial("at most 1000 levels a side", max_depth=1_000),
        C.LIVE_ORDER_BOOK: Support.partial("starts from 1000 levels a side; those beyond show when they change"),
        C.ORDER_HISTORY: Support.partial("may lag behind the engine; nobody states how far"),
        C.RECENT_TRADES: Support.partial("the newest 1000", max_limit=1_000),
        C.CONDITIONAL_ORDERS: Support.partial(
            "triggered by the last price, or native triggerBy; the exchange infers from the price of the moment "
            "whether it is a stop or a take-profit, and its reports do not say which"
        ),
        C.QUOTE_QUANTITY: Support.partial("market orders"),
        C.BATCH_ORDERS: Support.partial(
            "20 in one request: the exchange states no limit, others assume this", max_items=20
        ),
        C.CANCEL_ALL: Support.partial("by symbol; for all symbols, one call per symbol with open orders"),
        C.LEVERAGE: Support.partial("one limit for the whole account, whichever symbol is named"),
        C.TRADE_HISTORY: Support.not_written("native.call('GET', '/api/v1/trades/history', …), which knows no times"),
        C.STREAM_LIQUIDATIONS: Support.partial(
            "by the name that a third party found in 2026-09, which no document has; sides are taken for those of the "
            "closing orders"
        ),
        C.MAX_SLIPPAGE: Support.not_written("native={'slippageTolerance': …, 'slippageToleranceType': …} on the order"),
        C.DEPOSITS: Support.full(),
        C.WITHDRAWALS: Support.full(),
        C.STREAM_ORDER_BOOK: Support.not_offered("live_order_book, or order_book"),
        C.AMEND_ORDER: Support.not_offered("cancel, then place"),
        C.BATCH_AMEND: Support.not_offered("cancel, then place"),
        C.BATCH_CANCEL: Support.not_offered("cancel, once per order, or cancel_all of one symbol"),
        C.CANCEL_ALL_AFTER: Support.not_offered("cancel_all"),
        C.TEST_ORDER: Support.not_offered("environment='simulator'"),
        C.TRAILING_ORDERS: Support.not_offered("a stop order that you move"),
        C.GTD: Support.not_offered("GTC, and a cancel of your own"),
        C.WEBSOCKET_ORDERS: Support.not_offered("orders by REST, as ever"),
        C.PERMISSIONS: Support.not_offered("a call that needs the right: it is refused with PermissionDenied"),
        C.MARGIN_MODE: Support.not_offered("cross margin, which every account has"),
        C.ISOLATED_MARGIN: Support.not_offered("a sub-account of its own"),
        C.HEDGE_MODE: Support.not_offered("a sub-account for the other side"),
        C.TRANSFER: Support.not_offered("the exchange's website"),
    }
)

# Limits of connections, streams and frames are not documented. 91 streams and 3000 frames a second on one socket went
# well (measured by a third party, 2026-09); the other numbers are modest choices. Subscribing is never answered.
_STREAMS = WsFacts(
    max_channels=90,
    max_keys_per_message=90,
    control_per_s=5.0,
    connects_per_window=(30, 60.0),
    lifetime_s=None,
    acknowledges=False,
)

FACTS = ExchangeFacts(
    name="backpack",
    contract=1,
    title="Backpack",
    documentation="https://docs.backpack.exchange",
    as_of=date(2026, 8, 3),
    environments=ENVIRONMENTS,
    capabilities=CAPABILITIES,
    credentials=(
        CredentialField("api_key", secret=False, help="public key of the Ed25519 pair, base64"),
        CredentialField("api_secret", help="private key (seed) of the same pair, base64"),
    ),
    limits=LIMITS,
    ws=MappingProxyType({"market": _STREAMS, "account": _STREAMS}),
    # Nothing is accepted later than its stamp + 5 s (X-Window; "Request has expired"). An order that has ended is found
    # in the history only, of which nobody states how far it lags behind the engine: 55 s err long.
    horizon_s=60.0,
    receive_window_ms=5_000,
    timestamp_margin_ms=250,  # how far ahead a stamp may be is not documented
    snapshots_per_s=5.0,  # a book is one request of 2000 a minute: 15 % of what is there
)
