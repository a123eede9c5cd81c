"""Pure: Backpack's balances, positions, fees and funding payments → the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from lotusx.errors import ItemRejected
from lotusx.model import (
    Balance,
    Fees,
    FundingPayment,
    Instrument,
    InstrumentKind,
    Leverage,
    MarginMode,
    Position,
    Symbol,
    added,
    decimal_from_wire,
    shifted,
)
from lotusx_backpack import account_types as types
from lotusx_backpack.times import US, moment_ns, whole

ACCOUNT_WALLET = "account"
"""What orders use."""
LENT_WALLET = "lent"
"""What earns interest; an order uses it with ``autoLendRedeem``."""


def _balance(asset: str, available: str, locked: str, staked: str, updated_ns: int) -> Balance:
    number = decimal_from_wire
    free = number(available, field="available")
    held = added(number(locked, field="locked"), number(staked, field="staked"))
    return Balance(asset, free, held, added(free, held), updated_ns, ACCOUNT_WALLET)


def to_balances(
    capital: Mapping[str, types.Holding], collateral: Sequence[types.CollateralAsset], *, as_of_ns: int
) -> list[Balance]:
    """Convert what is held, and what of it is lent: the two wallets of an asset add up to what is owned.

    Staked assets count as locked.
    """
    held = [_balance(asset, item.available, item.locked, item.staked, as_of_ns) for asset, item in capital.items()]
    lent = ((item.symbol, decimal_from_wire(item.lendQuantity, field="lendQuantity")) for item in collateral)
    return held + [
        Balance(asset, Decimal(0), quantity, quantity, as_of_ns, LENT_WALLET) for asset, quantity in lent if quantity
    ]


def to_balance(event: types.BalanceEvent) -> Balance:
    """Convert a ``balanceUpdate``; what is lent is not part of it."""
    return _balance(event.a, event.A, event.L, event.S, whole(event.E if event.T is None else event.T, field="T") * US)


def _price(text: str | None, field: str) -> Decimal | None:
    """Read a price; zero says that there is none."""
    return None if text is None else decimal_from_wire(text, field=field) or None


def to_position(item: types.Position, *, symbol: Symbol, as_of_ns: int) -> Position:
    """Convert one of ``position``. Its liquidation price holds only where one symbol was asked for."""
    number = decimal_from_wire
    return Position(
        symbol=symbol,
        kind=InstrumentKind.LINEAR,
        quantity=number(item.netQuantity, field="netQuantity"),
        entry_price=_price(item.entryPrice, "entryPrice"),
        mark_price=_price(item.markPrice, "markPrice"),
        unrealized_pnl=number(item.pnlUnrealized, field="pnlUnrealized"),
        liquidation_price=_price(item.estLiquidationPrice, "estLiquidationPrice"),
        margin_mode=MarginMode.CROSS,
        updated_ns=as_of_ns,
    )


def to_position_event(event: types.PositionEvent, *, symbol: Symbol) -> Position:
    """Convert a ``positionUpdate``."""
    number = decimal_from_wire
    return Position(
        symbol=symbol,
        kind=InstrumentKind.LINEAR,
        quantity=number(event.q, field="q"),
        entry_price=_price(event.B, "B"),
        mark_price=_price(event.M, "M"),
        unrealized_pnl=None if event.P is None else number(event.P, field="P"),
        margin_mode=MarginMode.CROSS,
        updated_ns=whole(event.T, field="T") * US,
    )


def to_fees(account: types.Account, *, instrument: Instrument) -> Fees:
    """Convert the account's fees, which the exchange states in basis points."""
    if instrument.kind is InstrumentKind.SPOT:
        maker, taker = account.spotMakerFee, account.spotTakerFee
    else:
        maker, taker = account.futuresMakerFee, account.futuresTakerFee
    return Fees(
        instrument.symbol,
        maker=shifted(decimal_from_wire(maker, field="makerFee"), -4),
        taker=shifted(decimal_from_wire(taker, field="takerFee"), -4),
    )


def to_leverage(account: types.Account, *, symbol: Symbol) -> Leverage:
    """Convert the leverage limit, which is one for the whole account."""
    return Leverage(symbol, decimal_from_wire(account.leverageLimit, field="leverageLimit"), MarginMode.CROSS)


def to_funding_payment(item: types.FundingPayment, *, symbol: Symbol, received_ns: int) -> FundingPayment:
    """Convert one of ``history/funding``.

    Raises:
        ItemRejected: *symbol* is no perpetual.
    """
    if symbol.settle is None:
        raise ItemRejected(f"{symbol} pays no funding", field="symbol", value=item.symbol)
    return FundingPayment(
        symbol=symbol,
        amount=decimal_from_wire(item.quantity, field="quantity"),
        asset=symbol.settle,
        exchange_ns=moment_ns(item.intervalEndTimestamp, field="intervalEndTimestamp"),
        rate=decimal_from_wire(item.fundingRate, field="fundingRate"),
        received_ns=received_ns,
    )
