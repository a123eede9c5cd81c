"""What Binance's refusals mean on USDⓈ-M futures, where several codes mean other things than on spot.

Source: developers.binance.com, USDⓈ-M futures, "Error codes" and "General info" (HTTP return codes).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lotusx.errors import ErrorKind as K
from lotusx_binance.replies import BinanceDialect, ErrorBody, Meanings

NO_NEED_TO_CHANGE_MARGIN_TYPE = -4046
NO_NEED_TO_CHANGE_POSITION_SIDE = -4059
FOK_NOT_FILLABLE = -5021
_BUSY = -1008

_CODES: Mapping[K, tuple[int, ...]] = {
    # -1001: "may be sent again", say the documents; looking first costs little. -4083: a batch failed on the way.
    # -5012: a transfer that is pending.
    K.UNKNOWN_EXECUTION: (-1000, -1001, -1006, -1007, -4083, -5012),
    K.UNAVAILABLE: (_BUSY, -1016, -2012),
    K.AUTHENTICATION: (-1002, -1022, -1099, -2014, -2015),
    K.PERMISSION: (
        *(-1005, -1011, -2017, -2023, -4087, -4088, -4105, -4106, -4107, -4109, -4189, -4192),
        *(*range(-4209, -4201), *range(-4403, -4399)),
    ),
    K.RATE_LIMITED: (-1003, -1015),
    K.TIMESTAMP_SKEW: (-1021, -5028),
    K.INVALID_SYMBOL: (-1121, -4104, -4144),
    K.MARKET_CLOSED: (-2016, -4140, -4141),
    K.INSUFFICIENT_FUNDS: (-2018, -2019, -2024, -4050, -4051, -5002, -5013),
    K.ORDER_LIMIT: (-2025, -2027, -2028, -4045),
    K.DUPLICATE_ORDER: (-4116,),
    # -4117: the conditional order is triggering just now, and is another order in a moment.
    K.ORDER_NOT_FOUND: (-2011, -2013, -4117),
    K.WOULD_TRIGGER: (-2021, -4142),
    K.REDUCE_ONLY_REJECTED: (-2022, -4118),
    K.POST_ONLY_WOULD_TAKE: (-5022,),
    K.NO_CHANGE: (NO_NEED_TO_CHANGE_MARGIN_TYPE, NO_NEED_TO_CHANGE_POSITION_SIDE, -4171, -5027),
    K.INVALID_ORDER: (
        *(-1010, -1013, -1014, -1111, -1112, -1114, -1115, -1116, -1117, -2010, -2020, -2026),
        *range(-4007, -3999),
        *(-4013, -4014, -4015, -4016, -4020, -4023, -4024, -4031, -4047, -4048, -4060, -4061, -4062, -4067, -4068),
        *(-4120, -4131, *range(-4139, -4134), -4164, -4168, -4170, -4183, -4184, -4210, -4211, -4531),
        *(FOK_NOT_FILLABLE, -5024, -5025, -5026, -5029, *range(-5041, -5036), -5043, -5047),
    ),
}

KINDS: Mapping[int, K] = MappingProxyType({code: kind for kind, codes in _CODES.items() for code in codes})
"""Code → kind. Every code that is not here is `BAD_REQUEST`, with its number and words kept."""

_CANCEL_REJECTED = -2011
_WORDS = (("cancel restrictions", K.INVALID_ORDER),)


def _at_fault(status: int, body: ErrorBody) -> K:
    """Of the server's own failures two prove that nothing was placed: it was throttled, or not there at all.

    Documented for HTTP 503 alone, and for these words alone. A page that is no document of Binance's is of something
    in between, which does not know what became of the order.
    """
    if status != 503 or body.code == -status:
        return K.UNKNOWN_EXECUTION
    is_doubtful = KINDS.get(body.code) is K.UNKNOWN_EXECUTION
    is_absent = not is_doubtful and body.msg.strip().rstrip(".").lower() == "service unavailable"
    return K.UNAVAILABLE if body.code == _BUSY or is_absent else K.UNKNOWN_EXECUTION


PERP = Meanings(KINDS, frozenset({_CANCEL_REJECTED}), _WORDS, at_fault=_at_fault)


class PerpDialect(BinanceDialect):
    """Reads the REST replies of USDⓈ-M futures."""

    def __init__(self, exchange: str) -> None:
        super().__init__(exchange, PERP)
