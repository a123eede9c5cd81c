"""What Binance's refusals mean, spot.

Source: binance-spot-api-docs, errors.md and the message list behind -1010, -2010, -2011 and -2038.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from lotusx.errors import ErrorKind as K
from lotusx_binance.replies import BinanceDialect, Meanings


class Code(IntEnum):
    """The codes whose meaning decides what a caller may do next. Names as in errors.md."""

    UNKNOWN = -1000
    DISCONNECTED = -1001
    UNAUTHORIZED = -1002
    TOO_MANY_REQUESTS = -1003
    UNEXPECTED_RESP = -1006
    TIMEOUT = -1007
    SERVER_BUSY = -1008
    ERROR_MSG_RECEIVED = -1010
    INVALID_MESSAGE = -1013
    UNKNOWN_ORDER_COMPOSITION = -1014
    TOO_MANY_ORDERS = -1015
    SERVICE_SHUTTING_DOWN = -1016
    UNSUPPORTED_OPERATION = -1020
    INVALID_TIMESTAMP = -1021
    INVALID_SIGNATURE = -1022
    TOO_MANY_CONNECTIONS = -1034
    BAD_PRECISION = -1111
    NO_DEPTH = -1112
    TIF_NOT_REQUIRED = -1114
    INVALID_TIF = -1115
    INVALID_ORDER_TYPE = -1116
    INVALID_SIDE = -1117
    BAD_SYMBOL = -1121
    BAD_API_ID = -2008
    NEW_ORDER_REJECTED = -2010
    CANCEL_REJECTED = -2011
    NO_SUCH_ORDER = -2013
    BAD_API_KEY_FMT = -2014
    REJECTED_MBX_KEY = -2015
    NO_TRADING_WINDOW = -2016
    ORDER_CANCEL_REPLACE_PARTIALLY_FAILED = -2021
    ORDER_CANCEL_REPLACE_FAILED = -2022
    ORDER_ARCHIVED = -2026
    SUBSCRIPTION_ACTIVE = -2035
    ORDER_AMEND_REJECTED = -2038
    SYMBOL_STATUS_MISMATCH = -1220
    WITHDRAWAL_NOT_COVERED = -4026
    NOT_COVERED = -5002
    TRANSFER_PENDING = -5012
    TRANSFER_NOT_COVERED = -5013


# Order-list composition, peg parameters: refused by a rule of the order.
_ORDER_RULES = (
    *range(-1168, -1157),
    *range(-1199, -1195),
    *range(-1225, -1221),
    -1210,
    -1211,
)

KINDS: Mapping[int, K] = MappingProxyType(
    {
        **dict.fromkeys(_ORDER_RULES, K.INVALID_ORDER),
        Code.UNKNOWN: K.UNKNOWN_EXECUTION,
        Code.DISCONNECTED: K.UNKNOWN_EXECUTION,
        Code.UNAUTHORIZED: K.AUTHENTICATION,
        Code.TOO_MANY_REQUESTS: K.RATE_LIMITED,
        Code.UNEXPECTED_RESP: K.UNKNOWN_EXECUTION,
        Code.TIMEOUT: K.UNKNOWN_EXECUTION,
        Code.SERVER_BUSY: K.UNKNOWN_EXECUTION,  # the spot documents do not say that nothing was placed
        Code.ERROR_MSG_RECEIVED: K.INVALID_ORDER,
        Code.INVALID_MESSAGE: K.INVALID_ORDER,
        Code.UNKNOWN_ORDER_COMPOSITION: K.INVALID_ORDER,
        Code.TOO_MANY_ORDERS: K.RATE_LIMITED,
        Code.SERVICE_SHUTTING_DOWN: K.UNAVAILABLE,
        Code.UNSUPPORTED_OPERATION: K.BAD_REQUEST,
        Code.INVALID_TIMESTAMP: K.TIMESTAMP_SKEW,
        Code.INVALID_SIGNATURE: K.AUTHENTICATION,
        Code.TOO_MANY_CONNECTIONS: K.RATE_LIMITED,
        Code.BAD_PRECISION: K.INVALID_ORDER,
        Code.NO_DEPTH: K.INVALID_ORDER,
        Code.TIF_NOT_REQUIRED: K.INVALID_ORDER,
        Code.INVALID_TIF: K.INVALID_ORDER,
        Code.INVALID_ORDER_TYPE: K.INVALID_ORDER,
        Code.INVALID_SIDE: K.INVALID_ORDER,
        Code.BAD_SYMBOL: K.INVALID_SYMBOL,
        Code.BAD_API_ID: K.AUTHENTICATION,
        Code.NEW_ORDER_REJECTED: K.INVALID_ORDER,
        Code.CANCEL_REJECTED: K.INVALID_ORDER,
        Code.NO_SUCH_ORDER: K.ORDER_NOT_FOUND,
        Code.BAD_API_KEY_FMT: K.AUTHENTICATION,
        Code.REJECTED_MBX_KEY: K.AUTHENTICATION,
        Code.NO_TRADING_WINDOW: K.MARKET_CLOSED,
        Code.ORDER_CANCEL_REPLACE_PARTIALLY_FAILED: K.PARTIAL_FAILURE,
        Code.ORDER_CANCEL_REPLACE_FAILED: K.INVALID_ORDER,
        Code.ORDER_ARCHIVED: K.ORDER_NOT_FOUND,
        Code.SUBSCRIPTION_ACTIVE: K.BAD_REQUEST,
        Code.ORDER_AMEND_REJECTED: K.INVALID_ORDER,
        Code.SYMBOL_STATUS_MISMATCH: K.MARKET_CLOSED,
        Code.WITHDRAWAL_NOT_COVERED: K.INSUFFICIENT_FUNDS,
        Code.NOT_COVERED: K.INSUFFICIENT_FUNDS,
        Code.TRANSFER_PENDING: K.UNKNOWN_EXECUTION,
        Code.TRANSFER_NOT_COVERED: K.INSUFFICIENT_FUNDS,
    }
)
"""Code → kind. Every code that is not here is `BAD_REQUEST`, with its number and words kept."""

_BY_WORDS = frozenset(
    {
        Code.ERROR_MSG_RECEIVED,
        Code.INVALID_MESSAGE,
        Code.NEW_ORDER_REJECTED,
        Code.CANCEL_REJECTED,
        Code.ORDER_AMEND_REJECTED,
    }
)
_WORDS: tuple[tuple[str, K], ...] = (
    ("insufficient balance", K.INSUFFICIENT_FUNDS),
    ("duplicate order sent", K.DUPLICATE_ORDER),
    ("unknown order sent", K.ORDER_NOT_FOUND),
    ("would immediately match and take", K.POST_ONLY_WOULD_TAKE),
    ("would trigger immediately", K.WOULD_TRIGGER),
    ("market is closed", K.MARKET_CLOSED),
    ("is restricted for this account", K.PERMISSION),
    ("not permitted for this account", K.PERMISSION),
    ("disabled on this account", K.PERMISSION),
    ("may not place or cancel", K.PERMISSION),
    ("would change no state", K.NO_CHANGE),
    ("filter failure: max_num_", K.ORDER_LIMIT),
    ("filter failure: exchange_max_num_", K.ORDER_LIMIT),
    ("filter failure: max_position", K.ORDER_LIMIT),
)

SPOT = Meanings(KINDS, _BY_WORDS, _WORDS, halves=frozenset({Code.ORDER_CANCEL_REPLACE_FAILED}))


class SpotDialect(BinanceDialect):
    """Reads the REST replies of spot."""

    def __init__(self, exchange: str) -> None:
        super().__init__(exchange, SPOT)
