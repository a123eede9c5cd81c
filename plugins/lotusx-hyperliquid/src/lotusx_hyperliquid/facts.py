"""Capabilities, limits and deadlines of Hyperliquid, each with its source.

Source, unless said otherwise: https://hyperliquid.gitbook.io/hyperliquid-docs, "Rate limits and user limits" (2026).
"""

from __future__ import annotations

from datetime import date
from types import MappingProxyType

from lotusx.plugin import Capability as C, CredentialField, ExchangeFacts, Limit, Support, WsFacts
from lotusx_hyperliquid.environments import ENVIRONMENTS

WEIGHT = "ip-weight"
WS_MESSAGES = "ws-messages"
ADDRESS_ACTIONS = "address-actions"
"""What an address may do at all: 10000 actions, and one more per USDC it has ever traded. No amount per time, so no
`Limit`; the exchange's refusal holds it for a while."""

LIMITS = (
    # Where the minute begins is not documented: counted over any 60 s. Replies say nothing of what was counted.
    Limit(WEIGHT, 1_200, 60.0, aligned=False),
    Limit(WS_MESSAGES, 2_000, 60.0, aligned=False),
    # Not a limit per time, so not here: an address may send 10000 actions, and one more per USDC it has ever traded.
)

RECEIVE_WINDOW_MS = 5_000

_NO_LAST_PRICE = "mid, mark and index price, volumes; no last, high and low price"

CAPABILITIES = MappingProxyType(
    {
        **dict.fromkeys(
            (
                C.SERVER_TIME,
                C.INSTRUMENTS,
                C.BEST_BID_OFFER,
                C.FUNDING_RATE,
                C.FUNDING_HISTORY,
                C.MARK_PRICE,
                C.OPEN_INTEREST,
                C.STREAM_TRADES,
                C.STREAM_BEST_BID_OFFER,
                C.STREAM_CANDLES,
                C.STREAM_MARK_PRICE,
                C.PLACE_ORDER,
                C.CONDITIONAL_ORDERS,
                C.POST_ONLY,
                C.BATCH_ORDERS,
                C.BATCH_CANCEL,
                C.BATCH_AMEND,
                C.CANCEL_ORDER,
                C.QUERY_ORDER,
                C.OPEN_ORDERS,
                C.BALANCES,
                C.POSITIONS,
                C.LEVERAGE,
                C.MARGIN_MODE,
                C.ISOLATED_MARGIN,
                C.FUNDING_PAYMENTS,
                C.STREAM_ACCOUNT,
            ),
            Support.full(),
        ),
        C.TICKER: Support.partial(_NO_LAST_PRICE),
        C.STREAM_TICKER: Support.partial(_NO_LAST_PRICE),
        C.ORDER_BOOK: Support.partial("at most 20 levels a side", max_depth=20),
        C.RECENT_TRADES: Support.partial("the exchange chooses how many"),
        C.CANDLES: Support.partial("the newest 5000 of each interval", max_limit=5_000),
        C.STREAM_ORDER_BOOK: Support.partial(
            "5 levels about every 0.5 s, or 20 about every 5 s (recorded in 2026-09)", max_depth=20
        ),
        C.LIVE_ORDER_BOOK: Support.partial("whole snapshots: 5 levels about every 0.5 s, or 20 about every 5 s"),
        C.MAX_SLIPPAGE: Support.partial(
            "market orders and triggered market orders need it: they are sent as limit orders at the worst price"
        ),
        C.REDUCE_ONLY: Support.partial("perpetuals"),
        C.AMEND_ORDER: Support.partial(
            "a new order with a new id takes the old one's place; a good-till-cancelled one becomes post-only"
        ),
        C.CANCEL_ALL: Support.partial("lists the open orders, then cancels those in one batch"),
        C.CANCEL_ALL_AFTER: Support.partial(
            "accounts that have traded 1,000,000 USD (the exchange refuses others); 6 s ahead at least, 10 times a day"
        ),
        C.ORDER_HISTORY: Support.partial("the newest 2000 of the account", max_limit=2_000),
        C.FILLS: Support.partial("the newest 10000 of the account", max_limit=2_000),
        C.FEES: Support.partial("the first dex and spot; of a builder's dex the exchange states no rates"),
        C.PERMISSIONS: Support.partial("what the address is: an account, an agent wallet, a vault or a sub-account"),
        C.TRANSFER: Support.partial("between spot and perpetuals, and with a vault or a sub-account"),
        C.WEBSOCKET_ORDERS: Support.partial("with the option order_entry='ws'"),
        C.DEPOSITS: Support.partial("USDC over the bridge; tokens that others send are in native.ledger"),
        C.WITHDRAWALS: Support.partial("USDC over the bridge, without status, address and transaction there"),
        C.TRADE_HISTORY: Support.not_offered("recent_trades, or stream_trades from now on"),
        C.STREAM_LIQUIDATIONS: Support.not_offered("stream_account, for liquidations of one's own"),
        C.TEST_ORDER: Support.not_offered("environment='testnet'"),
        C.TRAILING_ORDERS: Support.not_offered("a stop order that you move"),
        C.QUOTE_QUANTITY: Support.not_offered("a quantity in base units"),
        C.HEDGE_MODE: Support.not_offered("a sub-account for the other side"),
        C.GTD: Support.not_offered("GTC, and a cancel of your own"),
    }
)

FACTS = ExchangeFacts(
    name="hyperliquid",
    contract=1,
    title="Hyperliquid",
    documentation="https://hyperliquid.gitbook.io/hyperliquid-docs",
    as_of=date(2026, 9, 1),
    environments=ENVIRONMENTS,
    capabilities=CAPABILITIES,
    credentials=(
        CredentialField("private_key", required=False, help="32 bytes in hex: of the account, or of an agent wallet"),
        CredentialField(
            "account_address",
            secret=False,
            required=False,
            help="the account, where private_key is an agent wallet's; enough by itself to read",
        ),
        CredentialField("vault_address", secret=False, required=False, help="the sub-account or vault to act for"),
    ),
    read_credentials=("account_address",),
    limits=LIMITS,
    ws=MappingProxyType(
        {
            # Per IP, so shared by the groups: 10 connections, 30 new ones a minute, 1000 subscriptions, 2000 messages a
            # minute. The 60 s after which the server closes a silent connection are the codec's business; an age limit
            # is not documented.
            "market": WsFacts(
                max_channels=200,
                max_keys_per_message=1,
                control_per_s=20.0,
                connects_per_window=(30, 60.0),
                lifetime_s=None,
            ),
            "fast": WsFacts(
                max_channels=200,
                max_keys_per_message=1,
                control_per_s=10.0,
                connects_per_window=(30, 60.0),
                lifetime_s=None,
            ),
            "account": WsFacts(
                max_channels=100,
                max_keys_per_message=1,
                control_per_s=10.0,
                connects_per_window=(30, 60.0),
                lifetime_s=None,
            ),
        }
    ),
    # Orders carry expiresAfter = the exchange's clock as we know it + 5 s, past which they are refused. Then: a query
    # may not see a new order for 1.1 s (recorded on testnet, 2026-09), and our reading of the clock lags by 0.3 s
    # (recorded 2026-09). 5 s + 10 s leaves seven times that.
    horizon_s=15.0,
    deadline_by_our_clock=True,
    # The children of a parent wait for it to fill in no list, and orderStatus does not know them ("waitingForFill").
    hidden_by=MappingProxyType({"grouping": ("normalTpsl", "positionTpsl")}),
    receive_window_ms=RECEIVE_WINDOW_MS,
    snapshots_per_s=2.0,  # a book weighs 2 of 1200 a minute: a fifth of what is there
    options=MappingProxyType({"order_entry": ("rest", "ws")}),
)
