"""The order book as the venue shows it: whole, at most twenty levels a side, perhaps in coarser steps."""

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from lotusx_sim.dialects.hyperliquid.errors import UnknownCoin
from lotusx_sim.dialects.hyperliquid.markets import Listing
from lotusx_sim.dialects.hyperliquid.numbers import shown
from lotusx_sim.dialects.hyperliquid.state import NS_PER_MS, VenueState
from lotusx_sim.engine.book import Level
from lotusx_sim.engine.orders import Side

DEPTH, FAST_DEPTH = 20, 5
LevelRow = tuple[Decimal, Decimal, int]  # price, size, orders


def check_depth(figures: Any, mantissa: Any) -> None:
    """Make sure that such a book exists.

    Raises:
        UnknownCoin: It does not.
    """
    if figures not in (None, 2, 3, 4, 5) or isinstance(figures, bool):
        raise UnknownCoin(f"nSigFigs {figures}")
    if mantissa not in (None, 2, 5) or isinstance(mantissa, bool) or (mantissa is not None and figures != 5):
        raise UnknownCoin(f"mantissa {mantissa}")


def snapshot(
    state: VenueState,
    listing: Listing,
    now_ns: int,
    *,
    depth: int = DEPTH,
    figures: int | None = None,
    mantissa: int | None = None,
) -> dict[str, Any]:
    """Return the book of *listing*, best levels first."""
    sides = [levels(state, listing, side, depth, figures, mantissa) for side in (Side.BUY, Side.SELL)]
    content: dict[str, Any] = {
        "coin": listing.coin,
        "time": now_ns // NS_PER_MS,
        "levels": [[_level(row) for row in rows] for rows in sides],
    }
    if figures is not None and sides[0] and sides[1]:
        content["spread"] = shown(sides[1][0][0] - sides[0][0][0])
    return content


def touch(state: VenueState, listing: Listing) -> list[dict[str, Any] | None]:
    """Return the best bid and ask; None where a side is empty."""
    best = [levels(state, listing, side, 1) for side in (Side.BUY, Side.SELL)]
    return [_level(rows[0]) if rows else None for rows in best]


def levels(
    state: VenueState,
    listing: Listing,
    side: Side,
    depth: int,
    figures: int | None = None,
    mantissa: int | None = None,
) -> list[LevelRow]:
    source = state.exchange.books[listing.coin].half(side).levels()
    if figures is None:
        return [(level.price, level.total, len(level.orders)) for level, _ in zip(source, range(depth), strict=False)]
    return _grouped(source, side, depth, figures, mantissa or 1)


def _grouped(source: Iterable[Level], side: Side, depth: int, figures: int, mantissa: int) -> list[LevelRow]:
    """Sum levels by steps; a bid counts at the step below it, an ask at the one above."""
    rows: list[LevelRow] = []
    rounding = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
    for level in source:
        step = Decimal(mantissa).scaleb(level.price.adjusted() - figures + 1)
        price = (level.price / step).to_integral_value(rounding) * step
        if rows and rows[-1][0] == price:
            rows[-1] = (price, rows[-1][1] + level.total, rows[-1][2] + len(level.orders))
        elif len(rows) == depth:
            break
        else:
            rows.append((price, level.total, len(level.orders)))
    return rows


def _level(row: LevelRow) -> dict[str, Any]:
    price, size, orders = row
    return {"px": shown(price), "sz": shown(size), "n": orders}
