"""Capabilities, limits and deadlines of Binance spot, each with its source."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType

from lotusx.plugin import Capability as C, CredentialField, ExchangeFacts, Limit, Sunset, Support, WsFacts
from lotusx_binance.environments import ENVIRONMENTS
from lotusx_binance.pools import ORDERS, RAW_REQUESTS, SAPI_ACCOUNT_WEIGHT, SAPI_WEIGHT, WEIGHT

LIMITS = (
    # rest-api.md, "Limits"; fixed windows aligned to the clock. The reply headers know the true counts.
    Limit(WEIGHT, 6_000, 60.0),
    Limit(RAW_REQUESTS, 61_000, 300.0),  # 300,000 since the change log of 2026-04-02; the documented sample is lower
    Limit(ORDERS, 50, 10.0, scope="account"),
    Limit(ORDERS, 160_000, 86_400.0, scope="account"),
    Limit(SAPI_WEIGHT, 12_000, 60.0),
    Limit(SAPI_ACCOUNT_WEIGHT, 180_000, 60.0, scope="account"),
)

_CHANGES = "https://github.com/binance/binance-spot-api-docs/blob/master/CHANGELOG.md"
SUNSETS = (
    Sunset("/api/v3/userDataStream*", date(2026, 2, 20), "userDataStream.subscribe.signature", _CHANGES),
    Sunset("userDataStream.start, .ping and .stop", date(2026, 2, 20), "userDataStream.subscribe.signature", _CHANGES),
    Sunset("/api/v1/*", date(2026, 3, 25), "/api/v3/*", _CHANGES),
)

CREDENTIALS = (
    CredentialField("api_key", secret=False, help="the API key"),
    CredentialField("api_secret", required=False, help="secret of an HMAC key; or give private_key"),
    CredentialField("private_key", required=False, help="PEM of an Ed25519 or RSA key (needs the extra [keys])"),
    CredentialField("passphrase", required=False, help="of an encrypted private_key"),
)

_NO_DERIVATIVES = Support.not_offered("the exchange binance-perp")

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
                C.LIVE_ORDER_BOOK,
                C.PLACE_ORDER,
                C.CONDITIONAL_ORDERS,
                C.POST_ONLY,
                C.CANCEL_ORDER,
                C.QUERY_ORDER,
                C.OPEN_ORDERS,
                C.ORDER_HISTORY,
                C.FILLS,
                C.BALANCES,
                C.FEES,
                C.PERMISSIONS,
                C.STREAM_ACCOUNT,
            ),
            Support.full(),
        ),
        C.ORDER_BOOK: Support.partial("at most 5000 levels a side", max_depth=5_000),
        C.RECENT_TRADES: Support.partial("the newest 1000", max_limit=1_000),
        C.TRADE_HISTORY: Support.partial("aggregated prints: one per taker order and price, with ids of their own"),
        C.STREAM_ORDER_BOOK: Support.partial("5, 10 or 20 levels every 100 ms", max_depth=20),
        C.TEST_ORDER: Support.partial("checks form and filters; balance and would-match checks do not run"),
        C.TRAILING_ORDERS: Support.partial("whole basis points; the trigger is the last price"),
        C.QUOTE_QUANTITY: Support.partial("market orders"),
        C.AMEND_ORDER: Support.partial(
            "a smaller quantity keeps the order and its place in the queue; any other change cancels and replaces it"
        ),
        C.CANCEL_ALL: Support.partial("by symbol; for all symbols, one call per symbol with open orders"),
        C.WEBSOCKET_ORDERS: Support.partial("place and cancel, with the option order_entry='ws'"),
        C.REDUCE_ONLY: _NO_DERIVATIVES,
        C.GTD: Support.not_offered("GTC, and a cancel of your own"),
        C.BATCH_ORDERS: Support.not_offered("place, once per order"),
        C.BATCH_AMEND: Support.not_offered("amend, once per order"),
        C.MAX_SLIPPAGE: Support.not_offered("a limit order with time in force IOC"),
        C.BATCH_CANCEL: Support.not_offered("cancel_all of one symbol, or cancel, once per order"),
        C.CANCEL_ALL_AFTER: Support.not_offered("cancel_all"),
        C.DEPOSITS: Support.partial("coins, not fiat", max_limit=1_000),
        C.WITHDRAWALS: Support.partial("coins, not fiat; dated to the second", max_limit=1_000),
        C.TRANSFER: Support.partial("between spot, funding, perp, inverse and margin"),
        **dict.fromkeys(
            (
                C.FUNDING_RATE,
                C.FUNDING_HISTORY,
                C.MARK_PRICE,
                C.OPEN_INTEREST,
                C.STREAM_MARK_PRICE,
                C.STREAM_LIQUIDATIONS,
                C.POSITIONS,
                C.FUNDING_PAYMENTS,
                C.ISOLATED_MARGIN,
                C.HEDGE_MODE,
                C.LEVERAGE,
                C.MARGIN_MODE,
            ),
            _NO_DERIVATIVES,
        ),
    }
)

FACTS = ExchangeFacts(
    name="binance",
    contract=1,
    title="Binance spot",
    documentation="https://github.com/binance/binance-spot-api-docs",
    sunsets=SUNSETS,
    as_of=date(2026, 9, 18),  # the change log's newest entry that was read
    environments=ENVIRONMENTS,
    capabilities=CAPABILITIES,
    credentials=CREDENTIALS,
    limits=LIMITS,
    ws=MappingProxyType(
        {
            # web-socket-streams.md: 5 messages a second, 1024 streams, 300 connections in 5 minutes, 24 hours.
            "market": WsFacts(max_channels=1_024, max_keys_per_message=200, control_per_s=5.0),
            # web-socket-api.md: requests are limited by weight, not by number; 24 hours.
            "api": WsFacts(max_channels=1_000, max_keys_per_message=1, control_per_s=500.0),
        }
    ),
    # The backend gives up after 10 s (errors.md, -1007) and nothing later than timestamp + recvWindow is accepted:
    # 10 s + 5 s, and as much again of the first for what the documents do not say.
    horizon_s=25.0,
    receive_window_ms=5_000,
    timestamp_margin_ms=250,  # refused when more than 1000 ms ahead
    options=MappingProxyType({"order_entry": ("rest", "ws")}),
)
