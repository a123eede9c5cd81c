"""What Bybit's refusals mean: one table per surface, because numbers are reused with other meanings.

REST and the trade socket answer with numbers, the stream sockets with words only. Source: bybit-exchange/docs,
v5/error, v5/enum and v5/ws/trade/guideline; words of the stream sockets as recorded (2026-09).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from lotusx.errors import ErrorKind as K

PARAMETER_ERROR = 10001
TOO_MANY_VISITS = 10006

_REST: Mapping[K, Iterable[int]] = {
    K.UNKNOWN_EXECUTION: (
        *(429, 10000, 10016),  # overloaded, timed out, restarting: the documents do not say that nothing was done
        10014,  # "duplicate request": the first one may have been executed
        *(170001, 170007, 170032, 170234, 3400214),  # errors and timeouts behind the gateway
        170035,  # submitted, being processed
        *(170146, 170147, 170310),  # create, cancel, amend timed out
        *(131001, 131003, 131200, 131201),  # a fault inside the service that moves money
        *(170149, 170150, 170311),  # create, cancel, amend failed: to be verified
        *(170190, 170212, 40004),  # cancel finished or in progress, order changed meanwhile: ask what became of it
    ),
    K.TIMESTAMP_SKEW: (-1, 10002),
    K.AUTHENTICATION: (-2015, 10003, 10004, 10007, 33004),
    K.PERMISSION: (
        *(10005, 10008, 10009, 10010, 10024, 10027, 10028, 100028),
        *(110088, 110100, 110119, 110123, 110124, 110125, 110132),
        *(170036, 170037, 170209, 170224, 170241, 170344, 170348, 170355),
    ),
    K.RATE_LIMITED: (TOO_MANY_VISITS, 10018, 170005, 170222),
    K.UNAVAILABLE: (110079, 170191),  # the order is being processed, try later
    K.INVALID_SYMBOL: (10029, 170121),
    K.ORDER_NOT_FOUND: (
        *(110001, 170143, 170213),
        *(110008, 110010, 170139, 170142),  # filled or canceled already
    ),
    K.DUPLICATE_ORDER: (110072, 170141),
    K.INSUFFICIENT_FUNDS: (
        *(110004, 110006, 110007, 110012, 110014, 110044, 110045, 110051, 110052, 110053),
        *(170033, 170034, 170131, 170207),
        *(131085, 131212),  # to withdraw, to transfer
    ),
    K.ORDER_LIMIT: (110009, 110020, 110061, 170810),
    K.REDUCE_ONLY_REJECTED: (110017,),
    K.POST_ONLY_WOULD_TAKE: (170218,),
    K.WOULD_TRIGGER: (110092, 110093),
    K.MARKET_CLOSED: (
        *(110021, 110022, 110023, 110042, 110063, 110066, 110074, 110095, 110098, 110099, 30228),
        *(170031, 170151, 170157, 170159, 170206, 170223, 170226),
    ),
    K.NO_CHANGE: (110025, 110026, 110027, 110043, 110075, 34040),
    K.INVALID_ORDER: (
        *(30208, 30209, 110003, 110120, 110121),  # price outside the band
        *(110011, 110039, 110040, 110046),  # would lead to liquidation
        *(110013, 110085, 110086, 110087, 110089, 110090, 3400139),  # leverage, risk limit
        *(110057, 110058, 110059, 110060),  # take profit and stop loss
        *(110064, 170313),  # amended below what is filled
        *(110094, 170136, 170140),  # too small
        *(110103, 170217),  # post-only orders only, now
        110118,  # nothing to match a market order
        *(170124, 170228, 170229, 170341, 170381, 170382),  # too large
        *(170132, 170133, 170134, 170192, 170193, 170194, 170203, 170204, 170371, 170372),  # price
        *(170137, 170148),  # decimals
        *(170144, 170145, 170312),  # locked
        *(170195, 170196, 170197, 170198, 170199, 170200),  # far from the market
        170210,
    ),
    K.BAD_REQUEST: (
        *(PARAMETER_ERROR, 10017),
        *(110015, 110019, 110024, 110028, 110029, 110032, 110036, 110038, 110073, 110076, 110077, 3400045),
        *(170105, 170115, 170116, 170117, 170130, 170201, 170202),
    ),
}
_TRADE: Mapping[K, Iterable[int]] = {
    K.RATE_LIMITED: (10003, 10403, 10429, 20003),  # 10003: too many sessions of this account
    K.UNAVAILABLE: (10019,),  # this node restarts and takes no new requests
    K.BAD_REQUEST: (10404,),  # unknown op or category
    K.NO_CHANGE: (20001,),  # logged in already
    K.UNKNOWN_EXECUTION: (20006,),  # this request id was used: that request may have been executed
}


def _by_code(table: Mapping[K, Iterable[int]]) -> dict[int, K]:
    return {code: kind for kind, codes in table.items() for code in codes}


REST_KINDS: Final[Mapping[int, K]] = MappingProxyType(_by_code(_REST))
"""``retCode`` of a REST reply, and of one item of a batch, → kind. What is not here is `BAD_REQUEST`."""

TRADE_KINDS: Final[Mapping[int, K]] = MappingProxyType(_by_code(_REST) | _by_code(_TRADE))
"""``retCode`` of a reply on the trade socket → kind; numbers of REST keep their meaning unless reused."""

_SPOT_MARGIN = range(176_000, 177_000)
_WORDS: tuple[tuple[re.Pattern[str], K], ...] = (
    (re.compile(r"position idx"), K.INVALID_ORDER),  # the account is in the other position mode
    (re.compile(r"not supported symbols|symbol\b.* invalid|invalid symbol"), K.INVALID_SYMBOL),
    (re.compile(r"\b(buy|sell):\s*\[.*\]\s*invalid"), K.INVALID_ORDER),  # no price for a market order
)
"""The catch-all code 10001 is told apart by its words."""

PUBLIC_WORDS: Final[tuple[tuple[str, K], ...]] = (
    ("error:already subscribed", K.NO_CHANGE),
    ("error:handler not found", K.INVALID_SYMBOL),  # a topic that does not exist, or not for this symbol
    ("error:invalid op", K.BAD_REQUEST),
    ("args size", K.BAD_REQUEST),
    ("failed to decode incoming data", K.BAD_REQUEST),
)
"""How the words of a refusal on a public socket begin → kind. What is not here is `BAD_REQUEST`."""

PRIVATE_WORDS: Final[tuple[tuple[str, K], ...]] = (
    ("params error", K.AUTHENTICATION),  # a log-in that expired, or is about to
    ("request not authorized", K.AUTHENTICATION),
    *PUBLIC_WORDS,
)
"""The same of the private socket. A refused log-in is `AUTHENTICATION` whatever its words."""


def kind_of(code: int, text: str, table: Mapping[int, K] = REST_KINDS) -> K:
    """Say what a numbered refusal means on the surface that *table* is of."""
    if code == PARAMETER_ERROR:
        words = text.lower()
        for pattern, kind in _WORDS:
            if pattern.search(words):
                return kind
    if code in _SPOT_MARGIN:
        return K.PERMISSION
    return table.get(code, K.BAD_REQUEST)


def kind_of_words(text: str, table: tuple[tuple[str, K], ...]) -> K:
    """Say what a refusal in words means on the surface that *table* is of."""
    words = text.lower()
    return next((kind for beginning, kind in table if words.startswith(beginning)), K.BAD_REQUEST)
