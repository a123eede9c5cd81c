"""What a caller asks for. Checked when it is written, so that a mistake never reaches the wire.

The only part of the model that needs pydantic; nothing imports it before an order is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Self, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from lotusx.errors import InvalidArgument
from lotusx.model.enums import OrderType, PositionSide, QuantityUnit, Side, TimeInForce
from lotusx.model.numbers import decimal_from_user
from lotusx.model.symbol import Symbol


def _positive(name: str) -> BeforeValidator:
    def check(value: object) -> object:
        if value is None:
            return None
        number = decimal_from_user(value, name=name)
        if number <= 0:
            raise InvalidArgument(f"{name} must be above zero, not {number}")
        return number

    return BeforeValidator(check)


@dataclass(frozen=True, slots=True)
class AmendRequest:
    """What should become of one working order: a new quantity, a new price, or both. ``None``: as it is.

    Attributes:
        symbol: A `Symbol` or its text.
        client_order_id, venue_order_id: Either names the order.
        quantity: The new total, what has been filled included; base units.

    Raises:
        InvalidArgument: The order is not named, nothing would change, or a number is not above zero.
    """

    symbol: Symbol | str
    client_order_id: str | None = None
    venue_order_id: str | None = None
    quantity: Decimal | int | str | None = None
    price: Decimal | int | str | None = None

    def __post_init__(self) -> None:
        if self.client_order_id is None and self.venue_order_id is None:
            raise InvalidArgument("name the order: client_order_id=… or venue_order_id=…")
        if self.quantity is None and self.price is None:
            raise InvalidArgument("an amendment needs a new quantity or a new price")
        for name in ("quantity", "price"):
            value = getattr(self, name)
            if value is not None:
                number = decimal_from_user(value, name=name)
                if number <= 0:
                    raise InvalidArgument(f"{name} must be above zero, not {number}", rule=name)
                object.__setattr__(self, name, number)

    @property
    def terms(self) -> tuple[Decimal | None, Decimal | None]:
        """Quantity and price, exact."""
        return cast("tuple[Decimal | None, Decimal | None]", (self.quantity, self.price))


class OrderRequest(BaseModel):
    """An order to be placed.

    Attributes:
        symbol: A `Symbol` or its text, ``"BTC/USDT"``.
        quantity: Exact (`Decimal`, `int` or text; a float is refused), in ``quantity_unit``.
        quantity_unit: ``base`` (default), ``quote`` (market orders, where the exchange offers it) or ``contracts``.
        price: Limit price in quote per base; with limit types only.
        trigger_price: With conditional types only.
        trailing_fraction: Callback of a trailing order as a fraction: ``Decimal("0.01")`` is 1 %.
        max_slippage: Furthest a market order, or a triggered one, may go from the best opposite price (or its trigger),
            as a fraction: ``Decimal("0.01")`` is 1 %. Needed where the exchange knows limit orders only; refused where
            it has no such bound.
        expires_ns: With GTD only; nanoseconds since the epoch.
        post_only: Never takes; the exchange rejects it instead.
        position_side: Which position it changes, in hedge mode only.
        client_order_id: Unique; made and remembered before sending if left out.
        native: Parameters of the exchange's own, added to the request as they are.

    Raises:
        InvalidArgument: When built with a combination that cannot be right; nothing was sent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    symbol: Annotated[Symbol, BeforeValidator(Symbol.parse)]
    side: Side
    type: OrderType
    quantity: Annotated[Decimal, _positive("quantity")]
    quantity_unit: QuantityUnit = QuantityUnit.BASE
    price: Annotated[Decimal | None, _positive("price")] = None
    trigger_price: Annotated[Decimal | None, _positive("trigger_price")] = None
    trailing_fraction: Annotated[Decimal | None, _positive("trailing_fraction")] = None
    max_slippage: Annotated[Decimal | None, _positive("max_slippage")] = None
    time_in_force: TimeInForce | None = None
    expires_ns: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    position_side: PositionSide | None = None
    client_order_id: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    native: Mapping[str, str] = Field(default_factory=dict)

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "order"
            raise InvalidArgument(f"{where}: {first['msg']}", rule=str(first["type"])) from error

    @classmethod
    def limit(
        cls,
        symbol: Symbol | str,
        side: Side | str,
        quantity: Decimal | int | str,
        price: Decimal | int | str,
        **more: Any,
    ) -> Self:
        """Write a limit order, good till cancelled unless ``time_in_force`` says otherwise."""
        return cls(symbol=symbol, side=side, type=OrderType.LIMIT, quantity=quantity, price=price, **more)

    @classmethod
    def market(cls, symbol: Symbol | str, side: Side | str, quantity: Decimal | int | str, **more: Any) -> Self:
        """Write a market order."""
        return cls(symbol=symbol, side=side, type=OrderType.MARKET, quantity=quantity, **more)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        kind = self.type
        if kind is OrderType.UNKNOWN or self.time_in_force is TimeInForce.UNKNOWN:
            raise InvalidArgument("an order cannot be placed with an unknown type or time in force")
        if kind.has_limit_price and self.price is None:
            raise InvalidArgument(f"price is missing: a {kind} order needs one")
        if not kind.has_limit_price and self.price is not None:
            raise InvalidArgument(f"price is not used by a {kind} order; leave it out")
        if kind.is_conditional and self.trigger_price is None and self.trailing_fraction is None:
            raise InvalidArgument(f"trigger_price is missing: a {kind} order needs one")
        if not kind.is_conditional and self.trigger_price is not None:
            raise InvalidArgument(f"trigger_price is not used by a {kind} order; leave it out")
        if self.trailing_fraction is not None and not kind.is_conditional:
            raise InvalidArgument(f"trailing_fraction is not used by a {kind} order; leave it out")
        if self.max_slippage is not None and (kind.has_limit_price or self.max_slippage >= 1):
            raise InvalidArgument("max_slippage is a fraction below 1, for orders without a limit price")
        if self.quantity_unit is QuantityUnit.QUOTE and kind is not OrderType.MARKET:
            raise InvalidArgument("a quantity in quote is for market orders only")
        if self.post_only and (kind is not OrderType.LIMIT or self.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)):
            raise InvalidArgument("post_only is for limit orders that rest (GTC or GTD)")
        if (self.time_in_force is TimeInForce.GTD) != (self.expires_ns is not None):
            raise InvalidArgument("expires_ns goes with time_in_force='gtd', and only with it")
        return self

    def plain_fields(self) -> dict[str, object]:
        """Return what was asked for by name, as JSON has it: ``OrderRequest(**plain_fields)`` is the same request.

        Numbers are text, for JSON's are not exact.
        """
        asked = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: _plain(value) for name, value in asked.items() if value is not None}

    def with_id(self, client_order_id: str) -> Self:
        """Return a copy that carries *client_order_id*."""
        return self.model_copy(update={"client_order_id": client_order_id})


def _plain(value: object) -> object:
    if isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return dict(value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)
