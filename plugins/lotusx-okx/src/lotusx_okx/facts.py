"""Capabilities, limits and deadlines of OKX, each with its source.

Source, unless said otherwise: OKX API v5 (2026-06), the page of the endpoint.
"""

from __future__ import annotations

from types import MappingProxyType

from lotusx.plugin import Capability as C, CredentialField, ExchangeFacts, Limit, Support, WsFacts
from lotusx_okx.environments import BUSINESS, ENVIRONMENTS, PRIVATE, PUBLIC

OTHER = "other"
"""Whatever has no pool of its own."""
ORDERS = "orders of a sub-account"
DEADLINE = "POST /api/v5/trade/cancel-all-after"

_PUBLIC_LIMITS = {
    "GET /api/v5/public/time": 10,
    "GET /api/v5/public/instruments": 20,
    "GET /api/v5/market/ticker": 20,
    "GET /api/v5/market/tickers": 20,
    "GET /api/v5/market/books": 40,
    "GET /api/v5/market/trades": 100,
    "GET /api/v5/market/candles": 40,
    "GET /api/v5/market/history-candles": 20,
    "GET /api/v5/market/index-tickers": 20,
    "GET /api/v5/public/funding-rate": 10,
    "GET /api/v5/public/funding-rate-history": 10,
    "GET /api/v5/public/mark-price": 10,
    "GET /api/v5/public/open-interest": 20,
}
# Of orders, the limits are per instrument: counted here for all instruments together, which errs short.
_ACCOUNT_LIMITS = {
    "POST /api/v5/trade/order": 60,
    "POST /api/v5/trade/cancel-order": 60,
    "POST /api/v5/trade/amend-order": 60,
    "POST /api/v5/trade/batch-orders": 300,  # orders; so the next two
    "POST /api/v5/trade/cancel-batch-orders": 300,
    "POST /api/v5/trade/amend-batch-orders": 300,
    "GET /api/v5/trade/order": 60,
    "GET /api/v5/trade/orders-pending": 60,
    "GET /api/v5/trade/orders-history": 40,
    "GET /api/v5/trade/orders-history-archive": 20,
    "GET /api/v5/trade/fills": 60,
    "GET /api/v5/trade/fills-history": 10,
    "GET /api/v5/account/balance": 10,
    "GET /api/v5/account/positions": 10,
    "GET /api/v5/account/config": 5,
    "GET /api/v5/account/trade-fee": 5,
    "GET /api/v5/account/leverage-info": 20,
    "POST /api/v5/account/set-leverage": 20,
    "POST /api/v5/account/set-position-mode": 5,
    "GET /api/v5/account/bills": 10,  # 5 a second
    "GET /api/v5/account/bills-archive": 5,
    "GET /api/v5/asset/deposit-history": 12,  # 6 a second; so the next
    "GET /api/v5/asset/withdrawal-history": 12,
    "POST /api/v5/asset/transfer": 4,  # 2 a second, of each currency
    "GET /api/v5/asset/transfer-state": 20,  # 10 a second
}
WINDOW_S = 2.0
# Where a window begins is not documented: any two seconds are counted.
LIMITS = (
    *(Limit(pool, amount, WINDOW_S, scope="ip", aligned=False) for pool, amount in _PUBLIC_LIMITS.items()),
    *(Limit(pool, amount, WINDOW_S, scope="account", aligned=False) for pool, amount in _ACCOUNT_LIMITS.items()),
    Limit(DEADLINE, 1, 1.0, scope="account", aligned=False),
    Limit(ORDERS, 1_000, WINDOW_S, scope="account", aligned=False),  # new ones and amendments
    Limit(OTHER, 5, WINDOW_S, scope="account", aligned=False),  # the lowest limit of any documented endpoint but one
)
POOLS = frozenset({*_PUBLIC_LIMITS, *_ACCOUNT_LIMITS, DEADLINE})

BATCH = 20
"""Orders of one request."""
DEEPEST = 400
"""Levels a side, of requests and of the stream ``books``."""

CAPABILITIES = MappingProxyType(
    {
        **dict.fromkeys(
            (
                C.SERVER_TIME,
                C.TICKER,
                C.BEST_BID_OFFER,
                C.STREAM_TRADES,
                C.STREAM_TICKER,
                C.STREAM_BEST_BID_OFFER,
                C.STREAM_CANDLES,
                C.PLACE_ORDER,
                C.POST_ONLY,
                C.AMEND_ORDER,
                C.CANCEL_ORDER,
                C.OPEN_ORDERS,
                C.BALANCES,
                C.FEES,
                C.PERMISSIONS,
                C.STREAM_ACCOUNT,
            ),
            Support.full(),
        ),
        **dict.fromkeys(
            (C.FUNDING_RATE, C.MARK_PRICE, C.OPEN_INTEREST, C.STREAM_MARK_PRICE, C.REDUCE_ONLY, C.POSITIONS),
            Support.partial("linear swaps"),
        ),
        **dict.fromkeys(
            (C.BATCH_ORDERS, C.BATCH_AMEND, C.BATCH_CANCEL), Support.partial("20 in one request", max_items=BATCH)
        ),
        C.INSTRUMENTS: Support.partial("spot and perpetual swaps; only spot and linear swaps are traded"),
        C.ORDER_BOOK: Support.partial("at most 400 levels a side", max_depth=DEEPEST),
        C.LIVE_ORDER_BOOK: Support.partial("400 levels a side, ten times a second", max_depth=DEEPEST),
        C.STREAM_ORDER_BOOK: Support.partial("5 levels a side", max_depth=5),
        C.RECENT_TRADES: Support.partial("the newest 500", max_limit=500),
        C.CANDLES: Support.partial("no 8h; candles of 6h and more begin at UTC; 1s for the last 3 months"),
        C.FUNDING_HISTORY: Support.partial("linear swaps; three months back"),
        C.FUNDING_PAYMENTS: Support.partial("three months back; when asked for: no stream tells of them", streamed=0),
        C.QUERY_ORDER: Support.partial("orders that were canceled without a fill are kept for 2 hours"),
        C.ORDER_HISTORY: Support.partial("three months; orders canceled without a fill for 2 hours"),
        C.FILLS: Support.partial("three months"),
        C.QUOTE_QUANTITY: Support.partial("market orders on spot"),
        C.CANCEL_ALL: Support.partial("what is open is listed, then canceled 20 at a time"),
        C.CANCEL_ALL_AFTER: Support.partial("the whole account; 10 to 120 seconds", min_s=10, max_s=120),
        C.LEVERAGE: Support.partial("linear swaps, in cross margin"),
        C.HEDGE_MODE: Support.partial("linear swaps; native.set_position_mode switches the account"),
        C.TRADE_HISTORY: Support.not_written("native.call('GET', '/api/v5/market/history-trades', …)"),
        C.STREAM_LIQUIDATIONS: Support.not_written("another client: the channel liquidation-orders is of all swaps"),
        C.CONDITIONAL_ORDERS: Support.not_written("native.call('POST', '/api/v5/trade/order-algo', …, signed=True)"),
        C.TRAILING_ORDERS: Support.not_written("native.call('POST', '/api/v5/trade/order-algo', …, signed=True)"),
        C.MAX_SLIPPAGE: Support.not_written("a limit order with IOC"),
        C.TEST_ORDER: Support.not_written("environment='demo', or native.call('POST', '/api/v5/trade/order-precheck')"),
        C.WEBSOCKET_ORDERS: Support.not_written("orders by REST"),
        C.ISOLATED_MARGIN: Support.not_written("native={'tdMode': 'isolated'} on the order, and native.call"),
        C.TRANSFER: Support.partial("between funding and unified (the trading account)"),
        C.DEPOSITS: Support.full(),
        C.WITHDRAWALS: Support.full(),
        C.MARGIN_MODE: Support.not_offered("native={'tdMode': 'isolated'} on the order: each order states its mode"),
        C.GTD: Support.not_offered("GTC, and a cancel of your own"),
    }
)

# A connection may send 480 requests that subscribe, end subscriptions or log in, per hour. One channel a message: its
# answer names no more than one, and how several in one message are answered is not documented. How many channels a
# connection may have is not documented either; for books fewer than 30 are recommended.
_STREAMS = WsFacts(
    max_channels=100,
    max_keys_per_message=1,
    control_per_s=5.0,
    connects_per_window=(3, 1.0),
    lifetime_s=None,
)

FACTS = ExchangeFacts(
    name="okx",
    contract=1,
    title="OKX",
    documentation="https://www.okx.com/docs-v5/en",
    environments=ENVIRONMENTS,
    capabilities=CAPABILITIES,
    credentials=(
        CredentialField("api_key", secret=False),
        CredentialField("api_secret"),
        CredentialField("passphrase", help="chosen when the key was made"),
    ),
    limits=LIMITS,
    ws=MappingProxyType(dict.fromkeys((PUBLIC, BUSINESS, PRIVATE), _STREAMS)),
    # Nothing is processed after its expTime, which is the stamp + 5 s. How soon an order that was taken shows in
    # queries is not documented: 55 s err long.
    horizon_s=60.0,
    deadline_by_our_clock=True,  # the exchange takes any expTime
    receive_window_ms=5_000,
    timestamp_margin_ms=250,  # a stamp may differ by 30 s either way
)
