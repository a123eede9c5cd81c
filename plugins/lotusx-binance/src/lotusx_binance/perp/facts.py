"""Capabilities, limits and deadlines of Binance USDⓈ-M futures, each with its source.

Source, unless said otherwise: developers.binance.com, USDⓈ-M futures (2026).
"""

from __future__ import annotations

from datetime import date
from types import MappingProxyType

from lotusx.plugin import Capability as C, ExchangeFacts, Limit, Sunset, Support, WsFacts
from lotusx_binance.facts import CREDENTIALS
from lotusx_binance.perp.environments import ENVIRONMENTS
from lotusx_binance.pools import FUNDING_CALLS, ORDERS, SAPI_ACCOUNT_WEIGHT, SAPI_WEIGHT, WEIGHT

SUNSETS = (
    # developers.binance.com: change log of derivatives, and the page on connecting to streams
    Sunset("conditional types on /fapi/v1/order and /fapi/v1/batchOrders", date(2025, 12, 9), "/fapi/v1/algoOrder"),
    Sunset("CONDITIONAL_ORDER_TRIGGER_REJECT", date(2025, 12, 15), "ALGO_UPDATE, field rm"),
    Sunset("fstream.binance.com/ws and /stream without a path", date(2026, 4, 23), "/public, /market and /private"),
)

MAX_BATCH = 5
MAX_CANCELS = 10

LIMITS = (
    # exchangeInfo.rateLimits; shared with COIN-M futures since 2026-06-30. The reply headers know the true counts.
    Limit(WEIGHT, 2_400, 60.0),
    Limit(ORDERS, 300, 10.0, scope="account"),
    Limit(ORDERS, 1_200, 60.0, scope="account"),
    Limit(FUNDING_CALLS, 500, 300.0),  # "Get funding rate history": shared by fundingRate and fundingInfo
    Limit(SAPI_WEIGHT, 12_000, 60.0),
    Limit(SAPI_ACCOUNT_WEIGHT, 180_000, 60.0, scope="account"),
)

CAPABILITIES = MappingProxyType(
    {
        **dict.fromkeys(
            (
                C.FUNDING_RATE,
                C.FUNDING_HISTORY,
                C.MARK_PRICE,
                C.OPEN_INTEREST,
                C.SERVER_TIME,
                C.INSTRUMENTS,
                C.BEST_BID_OFFER,
                C.STREAM_BEST_BID_OFFER,
                C.STREAM_MARK_PRICE,
                C.LIVE_ORDER_BOOK,
                C.PLACE_ORDER,
                C.POST_ONLY,
                C.CANCEL_ORDER,
                C.QUERY_ORDER,
                C.OPEN_ORDERS,
                C.FILLS,
                C.BALANCES,
                C.POSITIONS,
                C.FEES,
                C.PERMISSIONS,
                C.LEVERAGE,
                C.MARGIN_MODE,
                C.ISOLATED_MARGIN,
                C.REDUCE_ONLY,
                C.HEDGE_MODE,
                C.STREAM_ACCOUNT,
            ),
            Support.full(),
        ),
        C.TICKER: Support.partial("without best bid and offer"),
        C.STREAM_TICKER: Support.partial("every 2 s, without best bid and offer"),
        C.ORDER_BOOK: Support.partial("at most 1000 levels a side, without RPI orders", max_depth=1_000),
        C.STREAM_ORDER_BOOK: Support.partial("5, 10 or 20 levels every 100 ms", max_depth=20),
        C.CANDLES: Support.partial("from one minute up"),
        C.STREAM_CANDLES: Support.partial("from one minute up"),
        C.RECENT_TRADES: Support.partial("the newest 1000", max_limit=1_000),
        C.STREAM_TRADES: Support.partial("aggregated prints of the market, every 100 ms; ids as in the history"),
        C.TRADE_HISTORY: Support.partial("aggregated prints of the last 48 hours, with ids of their own"),
        C.STREAM_LIQUIDATIONS: Support.partial("of each symbol the largest of a second"),
        C.TEST_ORDER: Support.partial("limit and market orders"),
        C.CONDITIONAL_ORDERS: Support.partial("cannot be amended; margin is checked when they trigger; 200 at most"),
        C.TRAILING_ORDERS: Support.partial("cannot be amended"),
        C.GTD: Support.partial("limit orders; whole seconds, at least 10 minutes ahead"),
        C.AMEND_ORDER: Support.partial("limit orders; the order keeps its ids and loses its place in the queue"),
        C.BATCH_ORDERS: Support.partial("conditional orders go out one by one", max_items=MAX_BATCH),
        C.BATCH_AMEND: Support.partial("limit orders", max_items=MAX_BATCH),
        C.BATCH_CANCEL: Support.partial("conditional orders go out one by one", max_items=MAX_CANCELS),
        C.CANCEL_ALL: Support.partial("by symbol; for all symbols, two calls per symbol with open orders"),
        C.CANCEL_ALL_AFTER: Support.partial("one symbol at a time", symbols=1),
        C.ORDER_HISTORY: Support.partial("conditional orders that never triggered: native.all_algo_orders"),
        C.WEBSOCKET_ORDERS: Support.partial("place, amend and cancel, with the option order_entry='ws'"),
        C.FUNDING_PAYMENTS: Support.partial("the last three months; the exchange states no rate with them"),
        C.QUOTE_QUANTITY: Support.not_offered("a quantity in base units"),
        C.MAX_SLIPPAGE: Support.not_offered("a limit order with time in force IOC"),
        C.TRANSFER: Support.partial("between spot, funding, perp, inverse and margin"),
        C.DEPOSITS: Support.not_offered("the exchange binance"),
        C.WITHDRAWALS: Support.not_offered("the exchange binance"),
    }
)

FACTS = ExchangeFacts(
    name="binance-perp",
    contract=1,
    title="Binance USDⓈ-M futures",
    documentation="https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info",
    sunsets=SUNSETS,
    as_of=date(2026, 6, 30),  # of the change log; of what came later only parts were read
    capabilities=CAPABILITIES,
    environments=ENVIRONMENTS,
    limits=LIMITS,
    credentials=CREDENTIALS,
    ws=MappingProxyType(
        {
            # 10 messages a second, 1024 streams, 24 hours. How often one may connect is not stated.
            "public": WsFacts(max_channels=1_024, max_keys_per_message=200, control_per_s=10.0),
            "market": WsFacts(max_channels=1_024, max_keys_per_message=200, control_per_s=10.0),
            # The address is the subscription. That two sockets may carry one listenKey is not stated.
            "private": WsFacts(max_channels=1, acknowledges=False, duplicates_allowed=False),
            "api": WsFacts(max_channels=1_000, max_keys_per_message=1, control_per_s=500.0),
        }
    ),
    # As for spot: the backend gives up after 10 s, and nothing later than timestamp + recvWindow is accepted; the
    # matching engine checks that once more (-5028).
    horizon_s=25.0,
    receive_window_ms=5_000,
    timestamp_margin_ms=250,  # refused when more than 1000 ms ahead
    options=MappingProxyType({"order_entry": ("rest", "ws")}),
)
