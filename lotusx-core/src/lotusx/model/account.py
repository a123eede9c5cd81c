"""Balances, positions, fees and permissions, and the events of an account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lotusx.model.enums import InstrumentKind, MarginMode, PositionSide
from lotusx.model.orders import Fill, OrderState
from lotusx.model.symbol import Symbol


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds of one asset. ``total`` = ``free`` + ``locked`` on spot.

    ``wallet`` is where it lies, in the exchange's words, where one asset can lie in several places; "": the only one.
    """

    asset: str
    free: Decimal
    locked: Decimal
    total: Decimal
    updated_ns: int = 0
    wallet: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    """A derivatives position; ``quantity`` is signed, long > 0, in base units (contracts × contract size).

    ``margin`` is what it ties up, in the settle asset; ``None``: not stated. ``side``: which of the two
    positions of hedge mode it is. ``position_id``: the exchange's own, where several of one side may stand at once.
    """

    symbol: Symbol
    kind: InstrumentKind
    quantity: Decimal
    entry_price: Decimal | None = None
    mark_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    liquidation_price: Decimal | None = None
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None
    margin: Decimal | None = None
    updated_ns: int = 0
    side: PositionSide | None = None
    position_id: str = ""


@dataclass(frozen=True, slots=True)
class Fees:
    """Fee rates as fractions of the notional (0.0001 = 1 bp); negative is a rebate."""

    symbol: Symbol
    maker: Decimal
    taker: Decimal


@dataclass(frozen=True, slots=True)
class Leverage:
    """How far positions of one instrument are leveraged."""

    symbol: Symbol
    leverage: Decimal
    margin_mode: MarginMode
    maximum: Decimal | None = None


@dataclass(frozen=True, slots=True)
class FundingPayment:
    """Funding of one position at the end of one interval; ``amount`` > 0 was received, in ``asset``.

    ``(symbol, side, exchange_ns)`` identifies it at one exchange; ``side`` as in `Position`.
    """

    symbol: Symbol
    amount: Decimal
    asset: str
    exchange_ns: int
    rate: Decimal | None = None
    quantity: Decimal | None = None
    received_ns: int = 0
    side: PositionSide | None = None


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a key may do; ``None``: the exchange does not say."""

    read: bool | None
    trade: bool | None
    withdraw: bool | None
    ip_restricted: bool | None = None
    raw: dict[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """An order changed."""

    state: OrderState


@dataclass(frozen=True, slots=True)
class FillEvent:
    """An order of ours matched; each fill is delivered exactly once."""

    fill: Fill


@dataclass(frozen=True, slots=True)
class BalanceEvent:
    """Balances changed; absolute values of the assets (and wallets) named."""

    balances: tuple[Balance, ...]


@dataclass(frozen=True, slots=True)
class PositionEvent:
    """Positions changed; absolute values of the symbols named."""

    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class FundingEvent:
    """Funding was paid or received; each payment is delivered exactly once."""

    payment: FundingPayment


@dataclass(frozen=True, slots=True)
class VenueEvent:
    """Something the exchange said of the account that the model has no word for, such as a liquidation notice.

    Delivered as it came; not recovered after an interruption.
    """

    name: str
    raw: Mapping[str, Any] = field(compare=False)
    received_ns: int = 0


@dataclass(frozen=True, slots=True)
class Recovered:
    """The account stream was interrupted and is whole again; what was missed has been delivered before this.

    Attributes:
        from_ns, to_ns: Our time of the last event before and of the end of the recovery.
        events: How many missed events were delivered.
    """

    from_ns: int
    to_ns: int
    events: int


AccountEvent = OrderEvent | FillEvent | BalanceEvent | PositionEvent | FundingEvent | VenueEvent | Recovered
