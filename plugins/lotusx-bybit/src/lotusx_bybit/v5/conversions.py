"""Pure: Bybit's trades, candles, funding and open interest → the model. Every number is kept exact.

Quantities of inverse instruments count contracts, and so do trades, books and open interest; their volumes come the
other way round (contracts are worth quote, the turnover is base).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import (
    Candle,
    FundingRate,
    Interval,
    Liquidation,
    OpenInterest,
    Side,
    Symbol,
    Trade,
    decimal_from_wire,
    exact,
    known,
    multiplied,
)
from lotusx_bybit.v5 import types
from lotusx_bybit.v5.category import Category

MS = 1_000_000
"""Nanoseconds in a millisecond."""

SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
_HALF = Decimal("0.5")

WORDS = {Side.BUY: "Buy", Side.SELL: "Sell"}

_INTERVALS = {
    Interval.M1: "1",
    Interval.M3: "3",
    Interval.M5: "5",
    Interval.M15: "15",
    Interval.M30: "30",
    Interval.H1: "60",
    Interval.H2: "120",
    Interval.H4: "240",
    Interval.H6: "360",
    Interval.H12: "720",
    Interval.D1: "D",
    Interval.W1: "W",
    Interval.MONTH1: "M",
}


def interval_text(interval: Interval) -> str:
    """Return Bybit's word for *interval*.

    Raises:
        InvalidArgument: Bybit has no such candles; the text names those it has.
    """
    try:
        return _INTERVALS[interval]
    except KeyError:
        have = ", ".join(_INTERVALS)
        raise InvalidArgument(f"bybit has no candles of {interval}; it has: {have}", rule="interval") from None


def ms_of(text: str, field: str) -> int:
    """Read a time that Bybit wrote as text, ms since the epoch.

    Raises:
        ItemRejected: It is none.
    """
    if not (text.isascii() and text.isdecimal()):
        raise ItemRejected(f"{field} is no time: {text!r}", field=field, value=text)
    return int(text)


def to_trade(item: types.TradeEvent, *, symbol: Symbol, received_ns: int) -> Trade:
    """Convert one item of ``publicTrade``."""
    side = known(SIDES, item.S, field="S")
    return Trade(symbol, item.i, side, exact(item.p), exact(item.v), item.T * MS, received_ns)


def to_recent_trades(items: Sequence[types.RecentTrade], *, symbol: Symbol, received_ns: int) -> list[Trade]:
    """Convert ``recent-trade``, oldest first. In which order the rows come is not documented."""
    rows = [(ms_of(item.time, "time"), item) for item in items]
    if rows and rows[0][0] > rows[-1][0]:
        rows.reverse()
    rows.sort(key=lambda row: row[0])
    return [
        Trade(
            symbol,
            item.execId,
            known(SIDES, item.side, field="side"),
            exact(item.price),
            exact(item.size),
            time * MS,
            received_ns,
        )
        for time, item in rows
    ]


def _volumes(volume: str, turnover: str, category: Category) -> tuple[Decimal, Decimal]:
    """Return base and quote volume."""
    first, second = decimal_from_wire(volume, field="volume"), decimal_from_wire(turnover, field="turnover")
    return (second, first) if category is Category.INVERSE else (first, second)


def _next_month_ms(start_ms: int) -> int:
    start = datetime.fromtimestamp(start_ms // 1_000, tz=UTC)
    month = start.year * 12 + start.month
    return int(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1_000


def to_candles(
    rows: Iterable[types.Kline],
    *,
    symbol: Symbol,
    category: Category,
    interval: Interval,
    now_ms: int,
    received_ns: int,
) -> list[Candle]:
    """Convert rows of ``kline`` (newest first), oldest first; *now_ms* tells which are over.

    Args:
        now_ms: The exchange's time before they were asked for: the reply may be written at once and come late.
    """
    number = decimal_from_wire
    candles = []
    for row in rows:
        start = ms_of(row.start, "start")
        end = _next_month_ms(start) if interval.fixed_ms is None else start + interval.fixed_ms
        base, quote = _volumes(row.volume, row.turnover, category)
        candles.append(
            Candle(
                symbol=symbol,
                interval=interval,
                open_ns=start * MS,
                close_ns=end * MS,
                open=number(row.open, field="open"),
                high=number(row.high, field="high"),
                low=number(row.low, field="low"),
                close=number(row.close, field="close"),
                base_volume=base,
                quote_volume=quote,
                closed=end <= now_ms,
                received_ns=received_ns,
            )
        )
    candles.sort(key=lambda candle: candle.open_ns)
    return candles


def to_candle(
    item: types.KlineEvent, *, symbol: Symbol, category: Category, interval: Interval, received_ns: int
) -> Candle:
    """Convert one item of the stream ``kline``."""
    number = decimal_from_wire
    base, quote = _volumes(item.volume, item.turnover, category)
    return Candle(
        symbol=symbol,
        interval=interval,
        open_ns=item.start * MS,
        close_ns=(item.end + 1) * MS,
        open=number(item.open, field="open"),
        high=number(item.high, field="high"),
        low=number(item.low, field="low"),
        close=number(item.close, field="close"),
        base_volume=base,
        quote_volume=quote,
        closed=item.confirm,
        received_ns=received_ns,
    )


def to_funding_rates(items: Iterable[types.FundingRecord], *, symbol: Symbol) -> list[FundingRate]:
    """Convert ``funding/history`` (newest first), oldest first."""
    rates = [
        FundingRate(
            symbol,
            decimal_from_wire(item.fundingRate, field="fundingRate"),
            ms_of(item.fundingRateTimestamp, "fundingRateTimestamp") * MS,
        )
        for item in items
    ]
    rates.sort(key=lambda rate: rate.funding_ns)
    return rates


def one_sided(single: str, both: str) -> Decimal | None:
    """Return the open interest of one side; the older figure, *both*, counts longs and shorts, which are equal."""
    if single:
        return decimal_from_wire(single, field="singleOpenInterest")
    return multiplied(decimal_from_wire(both, field="openInterest"), _HALF) if both else None


def open_interest(
    quantity: Decimal | None,
    *,
    symbol: Symbol,
    category: Category,
    exchange_ns: int,
    received_ns: int,
    value: Decimal | None = None,
) -> OpenInterest:
    """Return the open interest of one side, of linear instruments with its *value* in quote.

    Contracts of inverse instruments are worth one unit of quote each; Bybit states their value in base.

    Raises:
        ItemRejected: *quantity* is None: the exchange stated none.
    """
    if quantity is None:
        raise ItemRejected(f"no open interest of {symbol}", field="openInterest")
    notional = quantity if category is Category.INVERSE else value
    return OpenInterest(symbol, quantity, notional, exchange_ns, received_ns)


def to_liquidation(item: types.LiquidationEvent, *, symbol: Symbol, received_ns: int) -> Liquidation:
    """Convert one item of ``allLiquidation``, which names the side of the position.

    Its price is that at which the margin is gone; no trade has that price.
    """
    position = known(SIDES, item.S, field="S")
    return Liquidation(
        symbol,
        Side.SELL if position is Side.BUY else Side.BUY,
        decimal_from_wire(item.p, field="p"),
        decimal_from_wire(item.v, field="v"),
        item.T * MS,
        received_ns,
    )
