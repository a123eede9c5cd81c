"""What one market looks like: state, limits, book, chart, trades, own orders, in as much room as there is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from rich.text import Text

from lotusx.model import Level, Side
from lotusx_cli.monitor.drawing import ACCENT, BAD, DIM, GOOD, WARN, bar, beside, chart, decimals, fitted, number, spark
from lotusx_cli.monitor.watched import Condition, Full, Line, Said, Watched

_LOOKS = {
    Condition.IN_STEP: ("●", GOOD),
    Condition.QUIET: ("◐", WARN),
    Condition.CONNECTING: ("○", WARN),
    Condition.RESYNCING: ("◑", WARN),
    Condition.RECONNECTING: ("◌", BAD),
    Condition.FAILED: ("✖", BAD),
}
SPARK = 30
"""Cells of a sparkline at most."""
_WEIGHTS = {"good": GOOD, "bad": BAD, "plain": ""}


def look(condition: Condition) -> tuple[str, str]:
    """Return sign and colour."""
    return _LOOKS[condition]


def summary_heading(width: int) -> Text:
    """Return the names of the columns of `summary`."""
    words = f"   {'exchange':<12} {'market':<14} {'state':<12} {'bid':>10} {'ask':>10} {'age':>5}"
    if width >= 110:
        words += f" {'spread':>9} {'lag':>7} {'changes':>9} {'resyncs':>7} {'failed':>7}"
    return fitted(Text(words + "  answers", DIM), width)


def summary(line: Line, market: Watched, condition: Condition, width: int, *, chosen: bool) -> Text:
    """Return one market as one line."""
    sign, colour = look(condition)
    known = condition in (Condition.IN_STEP, Condition.QUIET)
    bids, asks = market.levels(1)
    bid, ask = bids[0].price if bids else None, asks[0].price if asks else None
    text = Text.assemble(
        ("▶" if chosen else " ", ACCENT),
        (f"{sign} ", colour),
        (f"{line.name:<12.12} {market.name:<14.14} ", "bold" if chosen else ""),
        (f"{condition:<12} ", colour),
        (f"{number(bid, 10):>10} ", GOOD if known else DIM),
        (f"{number(ask, 10):>10} ", BAD if known else DIM),
        age(market.book.age if market.book is not None else None),
    )
    if width >= 110:
        spread = None if bid is None or ask is None else ask - bid
        resyncs = market.book.resyncs if market.book is not None else 0
        text.append(f" {number(spread, 9):>9} {milliseconds(market.lag_ms):>7} {market.changes:>9} {resyncs:>7}")
        text.append(f" {line.failures:>7}", BAD if line.failures else "")
    room = width - text.cell_len - 9  # of the sparkline
    text.append(f" {milliseconds(line.latency_ms):>6} ")
    return fitted(text.append_text(spark(line.latencies, max(0, min(SPARK, room)))), width)


def age(seconds: float | None) -> tuple[str, str]:
    """Return how old the newest update is, and its colour."""
    if seconds is None:
        return f"{'-':>5}", DIM
    shown = f"{seconds:.1f}s" if seconds < 100 else f"{seconds:.0f}s"
    return f"{shown:>5}", BAD if seconds > 30 else WARN if seconds > 5 else ""


def milliseconds(value: float | None) -> str:
    """Return a duration in at most six cells."""
    return "-" if value is None else f"{value:.1f}ms" if abs(value) < 10 else f"{value:.0f}ms"


def card(line: Line, market: Watched, condition: Condition, width: int, height: int) -> list[Text]:
    """Return everything about a market in *width* times *height* cells; what has no room is left out."""
    head = _health(line, market, condition, width, rich=height >= 20)
    own = _orders(line, market, width, max(1, height // 6))
    room = max(0, height - len(head) - len(own))
    left = min(46, max(26, width * 9 // 20))
    right = width - left - 1
    book = _book(market, condition, left, room)
    rows = max(3, room * 11 // 20)
    graph = chart(market.prices, right, rows) if right >= 16 else []
    tape = _tape(market, right, room - rows)
    middle = beside(book, [*graph, *[Text()] * (rows - len(graph)), *tape], (left, right))
    lines = [*head, *middle[:room], *[Text()] * (room - len(middle)), *own]
    return [fitted(item, width) for item in lines[:height]]


def _health(line: Line, market: Watched, condition: Condition, width: int, *, rich: bool) -> list[Text]:
    sign, colour = look(condition)
    book = market.book
    first = Text.assemble((f"{sign} {condition}", f"bold {colour}"), " ")
    reason = line.trouble or market.trouble or (book.stale_reason if book is not None else "")
    if condition is Condition.IN_STEP and book is not None:
        bids, asks = market.levels(1)
        first.append(f"spread {number(asks[0].price - bids[0].price if bids and asks else None, 10)}  ")
        first.append(f"lag {milliseconds(market.lag_ms)}  " if market.lag_ms is not None else "")
        first.append(f"resyncs {book.resyncs}", DIM)
    else:
        first.append(reason or "waiting for the first snapshot", colour)
    second = Text("sockets ", DIM)
    for group, state in line.sockets.items():
        fine = state in ("live", "noticed", "rotating")
        second.append(f"{group} {'●' if fine else '◌'} ", GOOD if fine else BAD if state == "lost" else WARN)
    full = line.fullest
    if full is not None:
        second.append("limits ", DIM).append(f"{full.percent}% ", _fullness(full))
    if line.clock_ms is not None:
        second.append("clock ", DIM).append(f"{line.clock_ms:+.0f}ms ")
    second.append("answers ", DIM).append(f"{milliseconds(line.latency_ms)} ")
    second.append_text(spark(line.latencies, max(0, min(SPARK, width - second.cell_len))))
    return [first, second, *(_limits(line, width) if rich else [])]


def _fullness(full: Full) -> str:
    return BAD if full.percent >= 90 else WARN if full.percent >= 60 else GOOD


def _limits(line: Line, width: int) -> list[Text]:
    """Return the fullest limits that are used at all, at most three, each with a bar."""
    lines = []
    used = [item for item in line.budgets.items() if item[1].used or item[1].blocked_s > 0]
    for (pool, scope, window_s), full in sorted(used, key=lambda item: (-item[1].percent, item[0]))[:3]:
        words = f"{pool} {'' if scope == 'ip' else scope + ' '}per {window_s}s"
        tail = f" {full.used}/{full.limit}" + (f" held {full.blocked_s:.0f}s" if full.blocked_s else "")
        room = max(0, width - 38 - len(tail))
        filled = bar(Decimal(full.percent), Decimal(100), room)
        text = Text(f"{words:<37.37} ", DIM)
        text.append(filled, _fullness(full)).append("·" * (room - len(filled)), DIM).append(tail)
        lines.append(text)
    return lines


def _book(market: Watched, condition: Condition, width: int, height: int) -> list[Text]:
    """Return asks above bids, the touch in the middle, each with what has added up to it as a bar."""
    half = max(1, (height - 1) // 2)
    bids, asks = market.levels(half)
    if not bids and not asks:
        return [Text("no book", DIM)]
    most = max(sum((level.quantity for level in side), Decimal(0)) for side in (bids, asks))
    places = decimals(level.price for level in (*bids, *asks))
    prices = max(len(number(level.price, 12, places)) for level in (*bids, *asks))
    known = condition in (Condition.IN_STEP, Condition.QUIET)

    def rows(levels: Sequence[Level], colour: str) -> list[Text]:
        total, found = Decimal(0), []
        for level in levels:
            total += level.quantity
            text = Text(f"{number(level.price, 12, places):>{prices}} ", colour if known else DIM)
            text.append(f"{number(level.quantity, 8):>8} ", "" if known else DIM)
            found.append(text.append(bar(total, most, width - prices - 10), colour if known else DIM))
        return found

    middle = Text("─" * prices + " ", DIM)
    if not known:
        middle.append("stale", look(condition)[1])
    elif bids and asks:
        middle.append(f"{number(asks[0].price - bids[0].price, 8):>8}", DIM)
    upper = rows(asks, BAD)[::-1]
    return [*[Text()] * (half - len(upper)), *upper, middle, *rows(bids, GOOD)]


def _tape(market: Watched, width: int, height: int) -> list[Text]:
    """Return the newest trades, newest first."""
    lines = []
    newest = list(market.trades)[: -height - 1 : -1] if height > 0 else []
    places = decimals(trade.price for trade in newest)
    for trade in newest:
        buys = trade.taker_side is Side.BUY
        text = Text(f"{clock(trade.exchange_ns)} ", DIM)
        text.append(f"{'▲' if buys else '▼'} {number(trade.price, 11, places):>11} ", GOOD if buys else BAD)
        lines.append(fitted(text.append(f"{number(trade.quantity, 9):>9}"), width))
    return lines or [Text("no trades yet", DIM)][: max(0, height)]


def _orders(line: Line, market: Watched, width: int, most: int) -> list[Text]:
    """Return own orders, working ones first."""
    if line.account:
        return [Text(f"own orders: {line.account}", DIM)]
    found = line.orders_of(market.symbol)
    if not found:
        return [Text("own orders: none", DIM)]
    lines = []
    for order in found[:most]:
        buys = order.side is Side.BUY
        text = Text("own ", DIM)
        text.append(f"{order.side.value:<4} ", GOOD if buys else BAD)
        text.append(f"{number(order.filled, 9)}/{number(order.quantity, 9)} at {number(order.price, 11)} ")
        text.append(f"{order.status} ", DIM if order.status.is_terminal else "bold")
        lines.append(fitted(text.append(order.client_order_id or order.venue_order_id or "", DIM), width))
    more = len(found) - most
    if more > 0:
        lines[-1] = fitted(lines[-1], width - 10).append(f" +{more} more", DIM)
    return lines


def journal(said: Sequence[Said], width: int, height: int) -> list[Text]:
    """Return the newest lines of the journal, newest last."""
    lines = []
    for item in said[-height:] if height > 0 else []:
        text = Text(f"{clock(item.at_ns)} ", DIM).append(f"{item.who} ", ACCENT)
        lines.append(fitted(text.append(" ".join(item.text.split()), _WEIGHTS[item.weight]), width))
    return lines


def clock(ns: int) -> str:
    """Return the time of day, UTC."""
    return f"{datetime.fromtimestamp(ns // 1_000_000_000, tz=UTC):%H:%M:%S}"
