"""Pure: OKX's balances, positions, fees, bills and private messages → the model. Source: OKX API v5 (2026-06)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from typing import Any

import msgspec

from lotusx.errors import ItemRejected
from lotusx.model import (
    AccountEvent,
    Balance,
    BalanceEvent,
    Fees,
    FillEvent,
    FundingPayment,
    Instrument,
    InstrumentKind,
    Leverage,
    MarginMode,
    OrderEvent,
    Permissions,
    Position,
    PositionEvent,
    VenueEvent,
    added,
    decimal_from_wire,
    known,
    negated,
    subtracted,
)
from lotusx_okx import account_types as types
from lotusx_okx.client_ids import ClientIds
from lotusx_okx.conversions import size_of
from lotusx_okx.markets import SPOT, SWAP
from lotusx_okx.numbers import in_base, ns_of, number, positive
from lotusx_okx.order_conversions import POSITION_SIDES, streamed_fill, to_order
from lotusx_okx.types import Push

FUNDING = "8"
"""``type`` of bills that funding is among; no document lists the types. Source: ccxt 4.5."""
FUNDING_PAID = frozenset({"173", "174"})
"""``subType`` of what was paid and received. Source: trading-account-rest-api-get-bills-details-last-7-days."""

_ZERO = Decimal(0)
_MODES = {"cross": MarginMode.CROSS, "isolated": MarginMode.ISOLATED}
_NORMAL = "normal"

Traded = Callable[[str], Instrument | None]
"""The exchange's symbol → ours; ``None``: it is not traded here. Raises `ItemRejected` where it is not listed."""

_rows = msgspec.json.Decoder(Push[msgspec.Raw]).decode
_order = msgspec.json.Decoder(types.Order).decode
_positions = msgspec.json.Decoder(Push[types.Position]).decode
_accounts = msgspec.json.Decoder(Push[types.Account]).decode


def to_balance(item: types.Holding) -> Balance:
    """Convert what is held of one currency: ``cashBal``, without the profit of open positions."""
    total = decimal_from_wire(item.cashBal or "0", field="cashBal")
    free = number(item.availBal, "availBal")
    locked = number(item.frozenBal, "frozenBal") or _ZERO
    if free is None:
        free = max(_ZERO, subtracted(total, locked))
    return Balance(item.ccy, free, locked, total, ns_of(item.uTime, "uTime"))


def to_position(item: types.Position, *, instrument: Instrument) -> Position:
    """Convert a position of a linear swap: ``pos`` counts contracts, and is never negative in long/short mode.

    Raises:
        ItemRejected: Its side is unknown, or something in it is no number.
    """
    quantity = in_base(item.pos or "0", size_of(instrument), "pos")
    side = known(POSITION_SIDES, item.posSide, field="posSide")
    if item.posSide == "short":
        quantity = negated(quantity.copy_abs())
    mode = _MODES.get(item.mgnMode, MarginMode.UNKNOWN)
    return Position(
        symbol=instrument.symbol,
        kind=InstrumentKind.LINEAR,
        quantity=quantity,
        entry_price=positive(item.avgPx, "avgPx"),
        mark_price=positive(item.markPx, "markPx"),
        unrealized_pnl=number(item.upl, "upl"),
        liquidation_price=positive(item.liqPx, "liqPx"),
        leverage=positive(item.lever, "lever"),
        margin_mode=mode,
        margin=number(item.margin if mode is MarginMode.ISOLATED else item.imr, "margin"),
        updated_ns=ns_of(item.uTime, "uTime"),
        side=side,
        position_id=item.posId,  # one of each margin mode may stand at once
    )


def to_fees(rates: types.FeeRates, *, instrument: Instrument) -> Fees:
    """Convert the rates of the instrument's fee group; OKX writes what it takes as a negative number.

    Raises:
        ItemRejected: The group is not among them.
    """
    group = instrument.raw.get("groupId")
    found = [row for row in rates.feeGroup if row.groupId == group]
    if len(found) != 1:
        raise ItemRejected(f"no fee rates of group {group!r}", field="feeGroup", value=str(group))
    maker = decimal_from_wire(found[0].maker, field="maker")
    taker = decimal_from_wire(found[0].taker, field="taker")
    return Fees(instrument.symbol, maker=negated(maker), taker=negated(taker))


def to_permissions(config: types.Config, raw: dict[str, object]) -> Permissions:
    """Convert what the key may do; ``perm`` lists it."""
    granted = config.perm.split(",")
    return Permissions(
        read="read_only" in granted or None,
        trade="trade" in granted,
        withdraw="withdraw" in granted,
        ip_restricted=bool(config.ip),
        raw=raw,
    )


def to_leverage(row: types.Leverage, *, instrument: Instrument) -> Leverage:
    """Convert the leverage of one instrument, with the highest that the exchange has for it."""
    stated = instrument.raw.get("lever")
    return Leverage(
        instrument.symbol,
        decimal_from_wire(row.lever, field="lever"),
        _MODES.get(row.mgnMode, MarginMode.UNKNOWN),
        maximum=positive(stated, "lever") if isinstance(stated, str) else None,
    )


def by_moment(bills: Iterable[types.Bill]) -> list[list[types.Bill]]:
    """Put those of one instrument, asset and moment together."""
    found: dict[tuple[str, str, str], list[types.Bill]] = {}
    for bill in bills:
        found.setdefault((bill.instId, bill.ccy, bill.ts), []).append(bill)
    return list(found.values())


def to_funding_payment(bills: Sequence[types.Bill], *, instrument: Instrument, received_ns: int) -> FundingPayment:
    """Make one payment of the bills of funding of one instrument, asset and moment: they do not say whose they are.

    These are the two sides of long/short mode, or cross and isolated margin. No rate is stated, and no size has a sign.

    Raises:
        ItemRejected: What one of them paid cannot be told; the others alone are not what was paid.
    """
    return FundingPayment(
        symbol=instrument.symbol,
        amount=reduce(added, map(_paid, bills)),
        asset=bills[0].ccy,
        exchange_ns=ns_of(bills[0].ts, "ts"),
        received_ns=received_ns,
    )


def _paid(bill: types.Bill) -> Decimal:
    """Return what one bill changed: an isolated position pays out of its own balance, not out of the account's."""
    isolated = _MODES.get(bill.mgnMode) is MarginMode.ISOLATED
    field, text = ("posBalChg", bill.posBalChg) if isolated else ("balChg", bill.balChg)
    amount = decimal_from_wire(text, field=field)
    if not amount and number(bill.pnl, "pnl"):
        raise ItemRejected(f"funding of {bill.pnl} that is no change of {field}", field=field, value=text)
    return amount


# Private messages


def to_order_events(message: bytes, received_ns: int, *, traded: Traded, ids: ClientIds) -> list[AccountEvent]:
    """Convert a message of ``orders``: the fill, if it was one, and then the order's new state.

    One that the exchange made, such as a liquidation, is announced before that, in its own words. Orders of kinds that
    are not served here, such as futures, options and inverse swaps, are announced in their own words, and that is all.
    """
    events: list[AccountEvent] = []
    for document in _rows(message).data:
        item = _order(document)
        instrument = traded(item.instId) if item.instType in (SPOT, SWAP) else None
        if item.category != _NORMAL or instrument is None:
            raw: Mapping[str, Any] = msgspec.json.decode(document)
            events.append(VenueEvent(f"order {item.category} {item.instType}", raw, received_ns))
        if instrument is None:
            continue
        fill = streamed_fill(item, instrument=instrument, ids=ids, received_ns=received_ns)
        if fill is not None:
            events.append(FillEvent(fill))
        events.append(OrderEvent(to_order(item, instrument=instrument, ids=ids)))
    return events


def to_position_events(message: bytes, received_ns: int, *, traded: Traded) -> Sequence[AccountEvent]:
    """Convert a message of ``positions``, those that come every five seconds among them; inverse ones are left out."""
    pairs = [(item, traded(item.instId)) for item in _positions(message).data]
    found = tuple(to_position(item, instrument=instrument) for item, instrument in pairs if instrument is not None)
    return [PositionEvent(found)] if found else []


def to_balance_events(message: bytes, received_ns: int) -> Sequence[AccountEvent]:
    """Convert a message of ``account``: the currencies that changed, or all of them."""
    balances = tuple(to_balance(item) for account in _accounts(message).data for item in account.details)
    return [BalanceEvent(balances)] if balances else []
