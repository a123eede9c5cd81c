"""Numbers and times as the venue writes them."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal

NS_PER_US = 1_000
NS_PER_MS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WIDE = Context(prec=60)  # entry prices have 25 decimals


def plain(value: Decimal) -> str:
    """Write *value* without trailing zeros, as REST does."""
    text = format(value.normalize(_WIDE), "f")
    return "0" if text == "-0" else text


def padded(value: Decimal, unit: Decimal) -> str:
    """Write *value* with the decimals of *unit* (a tick or step), as streams do."""
    return format(value.quantize(unit, rounding=ROUND_HALF_EVEN, context=_WIDE), "f")


def rounded(value: Decimal, decimals: int = 8) -> str:
    """Write *value* with so many decimals at most."""
    return plain(value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN, context=_WIDE))


def _moment(ns: int) -> datetime:
    return _EPOCH + timedelta(microseconds=ns // NS_PER_US)


def iso(ns: int) -> str:
    """Write a time as histories do: UTC, without saying so, to the millisecond."""
    moment = _moment(ns).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")


def spaced(ms: int) -> str:
    """Write a candle's time as REST does."""
    return _moment(ms * NS_PER_MS).strftime("%Y-%m-%d %H:%M:%S")
