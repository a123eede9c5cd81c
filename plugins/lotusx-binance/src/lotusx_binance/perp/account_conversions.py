"""Pure: balances, positions and funding of USDⓈ-M futures → the model."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from lotusx.model import (
    Balance,
    FundingPayment,
    InstrumentKind,
    MarginMode,
    Position,
    Symbol,
    added,
    decimal_from_wire,
    known,
    subtracted,
)
from lotusx_binance.conversions import MS
from lotusx_binance.perp import account_types as types
from lotusx_binance.perp.order_conversions import POSITION_SIDES
from lotusx_binance.perp.windows import incomplete

_MARGIN_MODE = {"cross": MarginMode.CROSS, "crossed": MarginMode.CROSS, "isolated": MarginMode.ISOLATED}
_HOUR_MS = 3_600_000
FEES_APART_MS = 3_000
"""How long after one fee that of the symbol's other position may still be missing from the list. Not documented."""


def to_balance(item: types.AssetBalance) -> Balance:
    """Convert a wallet balance; ``free`` may be more than the wallet, where open positions have a profit.

    ``locked`` is what of the wallet is not available. Margin in use that such a profit covers is not in it, for this
    list does not state margin.
    """
    total = decimal_from_wire(item.balance, field="balance")
    free = decimal_from_wire(item.availableBalance, field="availableBalance")
    return Balance(item.asset, free, max(subtracted(total, free), Decimal(0)), total, item.updateTime * MS)


def to_balance_change(change: types.BalanceChange, *, updated_ms: int) -> Balance:
    """Convert a balance in ``ACCOUNT_UPDATE``, which tells only what is set aside for isolated positions.

    The margin of cross positions and of orders is not deducted from ``free``.
    """
    total, free = decimal_from_wire(change.wb, field="wb"), decimal_from_wire(change.cw, field="cw")
    return Balance(change.a, free, total - free, total, updated_ms * MS)


def to_margin_mode(text: str) -> MarginMode:
    """Read ``CROSSED``, ``cross``, ``ISOLATED`` or ``isolated``."""
    return _MARGIN_MODE.get(text.lower(), MarginMode.UNKNOWN)


def to_position(item: types.PositionRisk, config: types.SymbolConfig | None, *, symbol: Symbol) -> Position:
    """Convert a row of ``positionRisk`` with what ``symbolConfig`` says of its symbol."""
    number = decimal_from_wire
    quantity = number(item.positionAmt, field="positionAmt")
    mode = None if config is None else to_margin_mode(config.marginType)
    margin = number(item.isolatedWallet, field="isolatedWallet") if mode is MarginMode.ISOLATED else None
    if mode is MarginMode.CROSS and item.positionInitialMargin is not None:
        margin = number(item.positionInitialMargin, field="positionInitialMargin")
    return Position(
        symbol,
        InstrumentKind.LINEAR,
        quantity,
        entry_price=number(item.entryPrice, field="entryPrice") or None,
        mark_price=number(item.markPrice, field="markPrice") or None,
        unrealized_pnl=number(item.unRealizedProfit, field="unRealizedProfit"),
        liquidation_price=number(item.liquidationPrice, field="liquidationPrice") or None,
        leverage=None if config is None else Decimal(config.leverage),
        margin_mode=mode,
        margin=margin,
        updated_ns=item.updateTime * MS,
        side=known(POSITION_SIDES, item.positionSide, field="positionSide"),
    )


def to_position_change(change: types.PositionChange, *, symbol: Symbol, updated_ms: int) -> Position:
    """Convert a position in ``ACCOUNT_UPDATE``, which tells neither mark price nor leverage."""
    number = decimal_from_wire
    mode = to_margin_mode(change.mt)
    return Position(
        symbol,
        InstrumentKind.LINEAR,
        number(change.pa, field="pa"),
        entry_price=number(change.ep, field="ep") or None,
        unrealized_pnl=number(change.up, field="up"),
        margin_mode=mode,
        margin=number(change.iw, field="iw") if mode is MarginMode.ISOLATED else None,
        updated_ns=updated_ms * MS,
        side=known(POSITION_SIDES, change.ps, field="ps"),
    )


def whole_hours(rows: Sequence[types.Income], limit: int, *, newest: bool) -> tuple[Sequence[types.Income], int | None]:
    """Leave out the hour at which a full page may have been cut; return where it begins, in ms.

    In hedge mode there are two rows of one symbol, and nothing says of which position each is: they are told together.

    Args:
        newest: The page is the newest one, cut where it is oldest. ``None`` is returned then.

    Raises:
        MalformedReply: All of a full page is of one hour: what was cut off it cannot be asked for.
    """
    if len(rows) < limit:
        return rows, None
    hours = [row.time // _HOUR_MS for row in rows]
    cut = min(hours) if newest else max(hours)
    kept = [row for row, hour in zip(rows, hours, strict=True) if hour != cut]
    if not kept:
        raise incomplete(
            f"{limit} funding fees or more are of the hour that begins at {cut * _HOUR_MS} ms",
            "ask for one symbol at a time, or for what is before that hour and for what is after it",
        )
    return kept, None if newest else min(row.time for row in rows if row.time // _HOUR_MS == cut)


def without_halves(rows: Sequence[types.Income], now_ms: int) -> list[types.Income]:
    """Leave out what a symbol paid a moment ago: in hedge mode the fee of its other position may not be listed yet."""
    fresh = {(row.symbol, row.time // _HOUR_MS) for row in rows if row.time > now_ms - FEES_APART_MS}
    return [row for row in rows if (row.symbol, row.time // _HOUR_MS) not in fresh]


def to_payments(rows: Sequence[types.Income], *, symbol: Symbol) -> list[FundingPayment]:
    """Convert the funding fees of one symbol, those of one hour and asset added up, oldest first."""
    sums: dict[tuple[int, str], Decimal] = {}
    for row in rows:
        place = (row.time // _HOUR_MS, row.asset)
        sums[place] = added(sums.get(place, Decimal(0)), decimal_from_wire(row.income, field="income"))
    return [
        FundingPayment(symbol, amount, asset, hour * _HOUR_MS * MS) for (hour, asset), amount in sorted(sums.items())
    ]


def to_payment(*, symbol: Symbol, amount: str, asset: str, time_ms: int, received_ns: int) -> FundingPayment:
    """Convert the fee of an event. It is booked a little after the end of its interval, which is a whole hour."""
    return FundingPayment(
        symbol,
        decimal_from_wire(amount, field="income"),
        asset,
        time_ms // _HOUR_MS * _HOUR_MS * MS,
        received_ns=received_ns,
    )
