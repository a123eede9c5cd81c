"""What a plugin states about its exchange before anyone connects to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from lotusx.kernel.codec import WsFacts

CONTRACT = 1
"""Number of the plugin contract this core speaks."""


class Capability(StrEnum):
    """What an exchange may offer. One name per call of the table of names, and the fine print that varies."""

    SERVER_TIME = "server_time"
    INSTRUMENTS = "instruments"
    TICKER = "ticker"
    BEST_BID_OFFER = "best_bid_offer"
    ORDER_BOOK = "order_book"
    RECENT_TRADES = "recent_trades"
    TRADE_HISTORY = "trade_history"
    CANDLES = "candles"
    STREAM_TRADES = "stream_trades"
    STREAM_TICKER = "stream_ticker"
    STREAM_BEST_BID_OFFER = "stream_best_bid_offer"
    STREAM_ORDER_BOOK = "stream_order_book"
    STREAM_CANDLES = "stream_candles"
    LIVE_ORDER_BOOK = "live_order_book"
    FUNDING_RATE = "funding_rate"
    FUNDING_HISTORY = "funding_history"
    MARK_PRICE = "mark_price"
    OPEN_INTEREST = "open_interest"
    STREAM_MARK_PRICE = "stream_mark_price"
    STREAM_LIQUIDATIONS = "stream_liquidations"
    PLACE_ORDER = "place_order"
    TEST_ORDER = "test_order"
    CONDITIONAL_ORDERS = "conditional_orders"
    TRAILING_ORDERS = "trailing_orders"
    QUOTE_QUANTITY = "quote_quantity"
    MAX_SLIPPAGE = "max_slippage"
    POST_ONLY = "post_only"
    REDUCE_ONLY = "reduce_only"
    GTD = "gtd"
    BATCH_ORDERS = "batch_orders"
    BATCH_CANCEL = "batch_cancel"
    BATCH_AMEND = "batch_amend"
    AMEND_ORDER = "amend_order"
    CANCEL_ORDER = "cancel_order"
    CANCEL_ALL = "cancel_all"
    CANCEL_ALL_AFTER = "cancel_all_after"
    QUERY_ORDER = "query_order"
    OPEN_ORDERS = "open_orders"
    ORDER_HISTORY = "order_history"
    FILLS = "fills"
    WEBSOCKET_ORDERS = "websocket_orders"
    BALANCES = "balances"
    POSITIONS = "positions"
    FEES = "fees"
    PERMISSIONS = "permissions"
    LEVERAGE = "leverage"
    MARGIN_MODE = "margin_mode"
    HEDGE_MODE = "hedge_mode"
    ISOLATED_MARGIN = "isolated_margin"
    FUNDING_PAYMENTS = "funding_payments"
    DEPOSITS = "deposits"
    WITHDRAWALS = "withdrawals"
    TRANSFER = "transfer"
    STREAM_ACCOUNT = "stream_account"


class SupportLevel(StrEnum):
    """How far a capability is there."""

    FULL = "full"
    PARTIAL = "partial"
    NOT_OFFERED = "not_offered"  # the exchange has no such thing
    NOT_WRITTEN = "not_written"  # the exchange has it, this plugin does not yet


@dataclass(frozen=True, slots=True)
class Support:
    """How far a capability is there, with its limits in words and what to use instead."""

    level: SupportLevel
    note: str = ""
    instead: str = ""
    limits: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def full(cls) -> Support:
        """All of it."""
        return cls(SupportLevel.FULL)

    @classmethod
    def partial(cls, note: str = "", **limits: int) -> Support:
        """Part of it; *note* says which."""
        return cls(SupportLevel.PARTIAL, note, limits=MappingProxyType(dict(limits)))

    @classmethod
    def not_offered(cls, instead: str = "") -> Support:
        """The exchange has no such thing."""
        return cls(SupportLevel.NOT_OFFERED, instead=instead)

    @classmethod
    def not_written(cls, instead: str = "native.call") -> Support:
        """The exchange has it; this plugin does not yet."""
        return cls(SupportLevel.NOT_WRITTEN, instead=instead)

    def __bool__(self) -> bool:
        return self.level in (SupportLevel.FULL, SupportLevel.PARTIAL)


@dataclass(frozen=True, slots=True)
class Environment:
    """One set of addresses of an exchange, and what is different there.

    Attributes:
        name: ``live``, ``testnet``, ``demo`` or ``simulator``.
        rest: Service name → base URL. ``{base}`` stands for the caller's ``base_url`` (http…), ``{ws}`` for the same
            address with its WebSocket scheme; an environment that has either needs ``base_url``.
        ws: Group name → WebSocket URL, likewise.
        real_money: Whether an order here costs money.
        lacks: Capabilities that the exchange has elsewhere but not here.
    """

    name: str
    rest: Mapping[str, str]
    ws: Mapping[str, str]
    real_money: bool = False
    lacks: Mapping[Capability, Support] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Limit:
    """One of the exchange's limits: *amount* per *window_s* seconds out of *pool*.

    Attributes:
        scope: Who shares it: ``ip``, ``account``, or a part of an account, in words that begin with ``account``.
        aligned: Windows start at whole multiples of their length (UTC), not at the first request.
    """

    pool: str
    amount: int
    window_s: float
    scope: str = "ip"
    aligned: bool = True


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One part of an exchange's credentials, such as ``api_key``."""

    name: str
    secret: bool = True
    required: bool = True
    help: str = ""


@dataclass(frozen=True, slots=True)
class Sunset:
    """The end of something of an exchange's interface: announced, or come already.

    Attributes:
        what: In the exchange's words; of a REST endpoint its path, ``*`` standing for any text.
        on: First day (UTC) on which it cannot be relied on.
        instead: What takes its place.
        source: Where the exchange says so.
        used: Whether this plugin still depends on it.
    """

    what: str
    on: date
    instead: str = ""
    source: str = ""
    used: bool = False


@dataclass(frozen=True, slots=True)
class ExchangeFacts:
    """What LotusX must know about an exchange before anyone connects to it.

    Attributes:
        read_credentials: Those that suffice to read an account, where nobody needs to sign for that.
        deadline_by_our_clock: An order's deadline is reckoned by our clock, and the exchange takes any: the clock is
            measured before the first order, or the horizon would prove nothing.
        horizon_s: After this long, an order that cannot be found was never accepted (0: unknown, never conclude).
            A fact of the exchange, with its source in the plugin.
        hidden_by: Native options, with their values, that make the exchange hide an order which has a trigger or only
            reduces from every read until another one fills: that such an order is not found never proves anything.
        options: What ``connect(options=…)`` may hold: name → the texts that it may have (none: any text). Anything else
            is refused. A plugin that is made with its options looks at them itself.
        receive_window_ms: How late the exchange still accepts a signed request.
        timestamp_margin_ms: How far our stamp stays behind our estimate of the exchange's clock.
        sunsets: Ends of endpoints and streams that the exchange has announced, the past ones too.
        as_of: Up to which day the exchange's notices are known here; ``None``: not stated.
        holdings: The same text at exchanges that show the same holdings to one key, such as one wallet that serves all
            products; "": no other exchange shows them.
        snapshots_per_s: Book snapshots that all books of a connection may ask for together, after a first burst of
            five; half of what the exchange's limits admit. Only where ``BookRule.costs`` does not say what one costs.
    """

    name: str
    contract: int
    environments: Mapping[str, Environment]
    capabilities: Mapping[Capability, Support]
    credentials: tuple[CredentialField, ...] = (CredentialField("api_key", secret=False), CredentialField("api_secret"))
    read_credentials: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    ws: Mapping[str, WsFacts] = field(default_factory=lambda: MappingProxyType({}))
    horizon_s: float = 0.0
    deadline_by_our_clock: bool = False
    receive_window_ms: int = 5_000
    timestamp_margin_ms: int = 0
    snapshots_per_s: float = 1.0
    title: str = ""
    documentation: str = ""
    sunsets: tuple[Sunset, ...] = ()
    as_of: date | None = None
    holdings: str = ""
    hidden_by: Mapping[str, Collection[str]] = field(default_factory=lambda: MappingProxyType({}))
    options: Mapping[str, Collection[str]] = field(default_factory=lambda: MappingProxyType({}))
