"""Closed vocabularies of the model.

An exchange may add values at any time. A value we do not know becomes ``UNKNOWN`` where that is
harmless (the raw text stays beside it); where it decides the meaning of money, such as a side, the
item is rejected and counted instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from lotusx.errors import ItemRejected

T = TypeVar("T")


class Side(StrEnum):
    """Direction of an order, a fill, or the aggressor of a public trade."""

    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """How an order executes once it works."""

    MARKET = "market"
    LIMIT = "limit"
    STOP_LOSS = "stop_loss"
    STOP_LOSS_LIMIT = "stop_loss_limit"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_LIMIT = "take_profit_limit"
    TRAILING_STOP = "trailing_stop"
    UNKNOWN = "unknown"

    @property
    def has_limit_price(self) -> bool:
        """Whether the order carries a limit price."""
        return self in _WITH_A_LIMIT

    @property
    def is_conditional(self) -> bool:
        """Whether the order waits for a trigger before it works."""
        return self in _CONDITIONAL


_WITH_A_LIMIT = frozenset((OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT))
_CONDITIONAL = frozenset(OrderType) - {OrderType.MARKET, OrderType.LIMIT, OrderType.UNKNOWN}


class TimeInForce(StrEnum):
    """How long an order works."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    GTD = "gtd"
    UNKNOWN = "unknown"


class OrderStatus(StrEnum):
    """Where an order stands at the exchange."""

    PENDING = "pending"  # known to the exchange, not working yet (trigger or list)
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    @property
    def is_terminal(self) -> bool:
        """Whether the exchange will not execute any more of it. Late fills may still be reported."""
        return self in _ENDED


_ENDED = frozenset((OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED))


class InstrumentKind(StrEnum):
    """What sort of product an instrument is."""

    SPOT = "spot"
    LINEAR = "linear"
    INVERSE = "inverse"
    OPTION = "option"
    UNKNOWN = "unknown"


class InstrumentStatus(StrEnum):
    """Whether an instrument trades now."""

    TRADING = "trading"
    CANCEL_ONLY = "cancel_only"
    HALTED = "halted"
    PENDING = "pending"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class QuantityUnit(StrEnum):
    """What a quantity counts."""

    BASE = "base"
    QUOTE = "quote"
    CONTRACTS = "contracts"


class Liquidity(StrEnum):
    """Whether our order rested or matched a resting one."""

    MAKER = "maker"
    TAKER = "taker"


class MarginMode(StrEnum):
    """Whether a position shares the account's margin or has its own."""

    CROSS = "cross"
    ISOLATED = "isolated"
    UNKNOWN = "unknown"


class PositionSide(StrEnum):
    """Which of the two positions of one instrument, in hedge mode."""

    LONG = "long"
    SHORT = "short"


class OptionRight(StrEnum):
    """Call or put."""

    CALL = "call"
    PUT = "put"


class Interval(StrEnum):
    """Length of a candle."""

    S1 = "1s"
    M1 = "1m"
    M3 = "3m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H2 = "2h"
    H4 = "4h"
    H6 = "6h"
    H8 = "8h"
    H12 = "12h"
    D1 = "1d"
    D3 = "3d"
    W1 = "1w"
    MONTH1 = "1M"

    @property
    def fixed_ms(self) -> int | None:
        """Length in milliseconds; ``None`` for a calendar month, which has no fixed length."""
        unit = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}.get(self.value[-1])
        return None if unit is None else int(self.value[:-1]) * unit


def known(table: Mapping[str, T], raw: str, *, field: str) -> T:
    """Look up a value that decides the meaning of money.

    Raises:
        ItemRejected: *raw* is not in *table*.
    """
    try:
        return table[raw]
    except KeyError:
        raise ItemRejected(f"unknown value {raw!r} of {field}", field=field, value=raw) from None
