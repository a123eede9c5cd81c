"""What may be sent: limits, read strictly from the table ``[risk]`` or from arguments."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from lotusx.errors import ConfigurationError, InvalidArgument
from lotusx.model import Symbol, decimal_from_user

_OF_A_SYMBOL = ("max_notional", "max_position", "price_collar")
_GENERAL = ("max_notional", "price_collar")


@dataclass(frozen=True, slots=True)
class SymbolLimits:
    """Limits of one symbol. ``None``: there is none.

    Attributes:
        max_notional: What one order may be worth at most, in the quote asset.
        max_position: How far a position may go to either side, with everything open that leads there: base units,
            contracts where the product is inverse.
        price_collar: How far through the best opposite price a limit order may go, as a fraction: 0.05 is 5 %.
    """

    max_notional: Decimal | None = None
    max_position: Decimal | None = None
    price_collar: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits of a connection.

    Attributes:
        general: Holds for symbols of which nothing else is said.
        symbols: What is said of single symbols.
        allow: Nothing else may be traded; ``None``: everything may.
        max_orders, per_s: At most so many orders and amendments in any stretch of so many seconds.
        halted: Nothing may be sent but cancels.
        kill_file: While this file exists, the same.
        unpriced: Whether an order passes whose worth or price cannot be judged because there is no price; whatever
            this says, one that could go beyond ``max_position`` does not.
        price_age_s: How old a price may be that orders are compared with.
        native: Whether commands of native calls may be sent, which nobody can check by their meaning.
        position_age_s: After how long the position is asked for anew, for what happened elsewhere.
    """

    general: SymbolLimits = field(default_factory=SymbolLimits)
    symbols: Mapping[Symbol, SymbolLimits] = field(default_factory=dict)
    allow: frozenset[Symbol] | None = None
    max_orders: int | None = None
    per_s: Decimal = Decimal(1)
    halted: bool = False
    kill_file: Path | None = None
    unpriced: bool = False
    native: bool = True
    price_age_s: Decimal = Decimal(2)
    position_age_s: Decimal = Decimal(60)

    def of(self, symbol: Symbol) -> SymbolLimits:
        """Return what holds for *symbol*."""
        return self.symbols.get(symbol, self.general)


def limits_of(options: Mapping[str, Any]) -> Limits:
    """Read *options*, the table ``[risk]``.

    Raises:
        ConfigurationError: A name nobody knows, a number that is not exact, or no limit at all.
    """
    known = (*_GENERAL, *(each.name for each in fields(Limits) if each.name != "general"))
    _only(options, known, "[risk]")
    general = _symbol_limits({name: options[name] for name in _GENERAL if name in options}, "[risk]", SymbolLimits())
    limits = Limits(
        general=general,
        symbols=_symbols(options.get("symbols", {}), general),
        allow=_allowed(options.get("allow")),
        max_orders=_count(options.get("max_orders")),
        per_s=_number(options.get("per_s", 1), "[risk] per_s"),
        halted=_truth(options.get("halted", False), "[risk] halted"),
        kill_file=_path(options.get("kill_file")),
        unpriced=_allows(options.get("unpriced", "refuse"), "unpriced"),
        native=_allows(options.get("native", "allow"), "native"),
        price_age_s=_number(options.get("price_age_s", 2), "[risk] price_age_s"),
        position_age_s=_number(options.get("position_age_s", 60), "[risk] position_age_s"),
    )
    if not _limits_anything(limits):
        raise ConfigurationError(
            "[risk] limits nothing: set allow, max_notional, price_collar, max_orders, kill_file, native, or a limit "
            "of a symbol"
        )
    return limits


def _limits_anything(limits: Limits) -> bool:
    stated = (limits.allow, limits.max_orders, limits.kill_file, limits.general.max_notional)
    return (
        limits.halted
        or not limits.native
        or bool(limits.symbols)
        or any(item is not None for item in (*stated, limits.general.price_collar))
    )


def _symbols(value: object, general: SymbolLimits) -> dict[Symbol, SymbolLimits]:
    if not isinstance(value, Mapping):
        raise ConfigurationError('[risk.symbols] must be a table of tables: [risk.symbols."BTC/USDT"]')
    found = {}
    for name, table in value.items():
        where = f"[risk.symbols.{str(name)!r}]"
        if not isinstance(table, Mapping):
            raise ConfigurationError(f"{where} must be a table")
        _only(table, _OF_A_SYMBOL, where)
        found[_symbol(name, where)] = _symbol_limits(table, where, general)
    return found


def _symbol_limits(table: Mapping[str, Any], where: str, otherwise: SymbolLimits) -> SymbolLimits:
    read = {name: _number(value, f"{where} {name}") for name, value in table.items()}
    return SymbolLimits(**{name: read.get(name, getattr(otherwise, name)) for name in _OF_A_SYMBOL})


def _allowed(value: object) -> frozenset[Symbol] | None:
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset):
        raise ConfigurationError(f"[risk] allow must be a list of symbols, not {value!r}")
    return frozenset(_symbol(item, "[risk] allow") for item in value)


def _symbol(value: object, where: str) -> Symbol:
    try:
        return Symbol.parse(value)  # type: ignore[arg-type]  # it says itself what it does not take
    except InvalidArgument as error:
        raise ConfigurationError(f"{where}: {error}") from error


def _number(value: object, where: str) -> Decimal:
    try:
        number = decimal_from_user(value, name=where.rpartition(" ")[2])
    except InvalidArgument as error:
        raise ConfigurationError(f"{where}: {error}") from error
    if number <= 0:
        raise ConfigurationError(f"{where} must be above zero, not {number}")
    return number


def _count(value: object) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigurationError(f"[risk] max_orders must be a whole number of at least 1, not {value!r}")
    return value


def _truth(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{where} must be true or false, not {value!r}")
    return value


def _path(value: object) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str | Path) or not str(value).strip():
        raise ConfigurationError(f"[risk] kill_file must be a path, not {value!r}")
    return Path(value).expanduser()


def _allows(value: object, name: str) -> bool:
    if value not in ("refuse", "allow"):
        raise ConfigurationError(f"[risk] {name} must be 'refuse' or 'allow', not {value!r}")
    return value == "allow"


def _only(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in table:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(f"{where} has an unknown key {name!r}{hint} (known: {', '.join(known)})")
