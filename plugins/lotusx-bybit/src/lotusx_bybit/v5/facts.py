"""Facts that hold for every product of Bybit, each with its source.

Source, unless said otherwise: bybit-exchange/docs, v5/rate-limit and v5/ws/connect (2026-07).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from lotusx.plugin import Capability as C, CredentialField, Limit, Support, WsFacts

IP: Final = "ip"
"""The pool of every request by REST: 600 in any 5 seconds, all hosts together."""

QUOTA_S: Final = 1.0
"""Over how long quotas are counted."""

RECEIVE_WINDOW_MS: Final = 5_000
TIMESTAMP_MARGIN_MS: Final = 250
"""A stamp 1000 ms ahead is always refused, whatever the receive window."""

HORIZON_S: Final = 30.0
"""Nothing is accepted later than its stamp + 5 s. How long a query may lag behind is not documented; 0.2 s were seen
(recorded on spot, 2024-04), and 25 s err long."""

OPTIONS: Final = MappingProxyType({"order_entry": ("rest", "ws"), "book_gaps": ("log",)})
"""What ``connect(options=…)`` may say of every product."""

CREDENTIALS: Final = (
    CredentialField("api_key", secret=False, help="the API key"),
    CredentialField("api_secret", required=False, help="secret of an HMAC key; or give private_key"),
    CredentialField("private_key", required=False, help="PEM of an RSA key (needs the extra [keys])"),
    CredentialField("passphrase", required=False, help="of an encrypted private_key"),
)

# Requests a second of one account, of each line of business: spot, and linear with inverse. Order endpoints differ and
# count orders in batches.
_LINE_QUOTAS: Final = {
    "/v5/order/realtime": 50,
    "/v5/order/history": 50,
    "/v5/execution/list": 50,
}
# Those that every product draws on.
_ACCOUNT_QUOTAS: Final = {
    "/v5/account/wallet-balance": 50,
    "/v5/account/info": 50,
    "/v5/account/fee-rate": 5,
    "/v5/account/transaction-log": 25,
    "/v5/account/set-margin-mode": 5,
    "/v5/user/query-api": 10,
}
_A_MINUTE: Final = {
    "/v5/asset/deposit/query-record": 100,
    "/v5/asset/withdraw/query-record": 300,
    "/v5/asset/transfer/inter-transfer": 60,
}


def quota(path: str, amount: int, scope: str) -> Limit:
    """Return a quota, whose pool is the path of its endpoint: so many requests, or orders, in any second."""
    return Limit(path, amount, QUOTA_S, scope=scope, aligned=False)


def limits(line: str, quotas: Mapping[str, int]) -> tuple[Limit, ...]:
    """Return the limits of one exchange: those of an ordinary account. Replies tell the true ones.

    Args:
        line: The line of business. Its quotas are its own, while the address and the rest of the account are shared.
        quotas: Path of an endpoint → requests, or orders, a second.
    """
    lines = _LINE_QUOTAS | dict(quotas)
    return (
        Limit(IP, 600, 5.0, aligned=False),
        *(quota(path, amount, "account") for path, amount in _ACCOUNT_QUOTAS.items()),
        *(Limit(path, amount, 60.0, scope="account", aligned=False) for path, amount in _A_MINUTE.items()),
        *(quota(path, amount, f"account {line}") for path, amount in lines.items()),
    )


def ws_facts(public: Iterable[str]) -> Mapping[str, WsFacts]:
    """Return the facts of the WebSocket groups: *public* ones, ``account`` and ``trade``."""
    connects = (500, 300.0)
    # 21000 characters of topics a connection, of which the longest has 40; 10 topics a message is the rule of spot and
    # worked elsewhere. An age at which a socket is closed is not documented.
    streams = WsFacts(max_channels=400, max_keys_per_message=10, connects_per_window=connects, lifetime_s=None)
    account = WsFacts(max_channels=50, max_keys_per_message=10, connects_per_window=connects, lifetime_s=None)
    # 3000 requests a second and address; quotas of the account come first.
    trade = WsFacts(
        max_channels=1, max_keys_per_message=1, control_per_s=500.0, connects_per_window=connects, lifetime_s=None
    )
    return MappingProxyType({**dict.fromkeys(public, streams), "account": account, "trade": trade})


_FULL = (
    C.SERVER_TIME,
    C.INSTRUMENTS,
    C.TICKER,
    C.BEST_BID_OFFER,
    C.STREAM_TRADES,
    C.STREAM_TICKER,
    C.STREAM_BEST_BID_OFFER,
    C.PLACE_ORDER,
    C.CONDITIONAL_ORDERS,
    C.POST_ONLY,
    C.AMEND_ORDER,
    C.CANCEL_ORDER,
    C.QUERY_ORDER,
    C.OPEN_ORDERS,
    C.BALANCES,
    C.FEES,
    C.PERMISSIONS,
    C.STREAM_ACCOUNT,
)
_INTERVALS = "1, 3, 5, 15, 30 minutes, 1, 2, 4, 6, 12 hours, day, week, month"

_COMMON: Final[Mapping[C, Support]] = MappingProxyType(
    {
        **dict.fromkeys(_FULL, Support.full()),
        C.CANDLES: Support.partial(_INTERVALS, max_limit=1_000),
        C.STREAM_CANDLES: Support.partial(_INTERVALS),
        C.ORDER_BOOK: Support.partial("at most 1000 levels a side", max_depth=1_000),
        C.STREAM_ORDER_BOOK: Support.partial("the best level of each side", max_depth=1),
        C.LIVE_ORDER_BOOK: Support.partial("50, 200 or 1000 levels a side", max_depth=1_000),
        C.MAX_SLIPPAGE: Support.partial("market orders without trigger, in whole basis points up to 10 %"),
        C.ORDER_HISTORY: Support.partial(
            "7 days a request; without fills: canceled and rejected orders 24 hours back, others 7 days", max_limit=50
        ),
        C.FILLS: Support.partial("7 days a request", max_limit=100),
        C.WEBSOCKET_ORDERS: Support.partial("with the option order_entry='ws'"),
        C.TRADE_HISTORY: Support.not_offered("recent_trades, or stream_trades from now on"),
        C.GTD: Support.not_offered("GTC, and a cancel of your own"),
        C.TRAILING_ORDERS: Support.not_offered("a stop order that you move"),
        C.CANCEL_ALL_AFTER: Support.not_offered(
            "cancel_all (only institutional accounts have /v5/order/disconnected-cancel-all)"
        ),
        C.DEPOSITS: Support.partial("on the chain; without a time until they succeed", max_limit=50),
        C.WITHDRAWALS: Support.partial("with the master account's key", max_limit=50),
        C.TRANSFER: Support.partial("between unified and funding"),
    }
)


DERIVATIVES: Final = (
    C.HEDGE_MODE,
    C.REDUCE_ONLY,
    C.FUNDING_RATE,
    C.FUNDING_HISTORY,
    C.FUNDING_PAYMENTS,
    C.MARK_PRICE,
    C.OPEN_INTEREST,
    C.STREAM_MARK_PRICE,
    C.STREAM_LIQUIDATIONS,
    C.POSITIONS,
    C.LEVERAGE,
    C.MARGIN_MODE,
    C.ISOLATED_MARGIN,
)
"""What spot does not have."""


def capabilities(own: Mapping[C, Support]) -> Mapping[C, Support]:
    """Return what every product offers, and what is one product's *own*."""
    return MappingProxyType({**_COMMON, **own})
