"""What a paper account begins with and pays: the settings of ``connect(paper={…})``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from lotusx.errors import ConfigurationError, InvalidArgument
from lotusx.model.numbers import decimal_from_user
from lotusx_paper.exactly import exactly

_BALANCES = MappingProxyType({"USDC": Decimal(10_000), "USDT": Decimal(10_000)})
_NUMBERS = ("maker", "taker", "leverage", "max_leverage", "maintenance")
_SECONDS = ("latency_s", "wait_s")


@dataclass(frozen=True, slots=True)
class Terms:
    """The account and what it is charged. No default is a fact of any exchange.

    Attributes:
        balances: What is there at the start, by asset.
        maker, taker: Fee rates as fractions; spot charges them on what is received, perpetuals on the value in settle.
        latency_s: Seconds from a call to its arrival in the matching engine.
        wait_s: Seconds the first order of an instrument waits for its book.
        leverage, max_leverage: What perpetuals begin with, and the most that may be chosen.
        maintenance: Margin below this fraction of the value at mark is liquidated.
    """

    balances: Mapping[str, Decimal] = field(default_factory=lambda: _BALANCES)
    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")
    latency_s: float = 0.1
    wait_s: float = 30.0
    leverage: Decimal = Decimal(1)
    max_leverage: Decimal = Decimal(20)
    maintenance: Decimal = Decimal("0.025")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Terms:
        """Read *settings*.

        Raises:
            ConfigurationError: A name nobody knows, an inexact number, or terms that contradict each other.
        """
        known = ("balances", *_NUMBERS, *_SECONDS)
        for name in settings:
            if name not in known:
                raise ConfigurationError(f"paper has no setting {name!r} (known: {', '.join(known)})")
        read: dict[str, Any] = {name: _number(name, settings[name]) for name in _NUMBERS if name in settings}
        read |= {name: _seconds(name, settings[name]) for name in _SECONDS if name in settings}
        if "balances" in settings:
            read["balances"] = _balances(settings["balances"])
        terms = cls(**read)
        if terms.maker.copy_abs() >= 1 or terms.taker.copy_abs() >= 1:
            raise ConfigurationError("paper: maker and taker are fractions, 0.001 is 0.1 %")
        if not 1 <= terms.leverage <= terms.max_leverage:
            raise ConfigurationError("paper: leverage must be 1 or more, and not above max_leverage")
        with exactly():
            at_most = terms.maintenance * terms.max_leverage
        if not 0 <= at_most <= 1:
            raise ConfigurationError("paper: maintenance is a fraction, and at most 1 / max_leverage")
        return terms


def _number(name: str, value: object) -> Decimal:
    try:
        return decimal_from_user(value, name=name)
    except InvalidArgument as error:
        raise ConfigurationError(f"paper: {error}") from error


def _seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 3_600:
        raise ConfigurationError(f"paper: {name} must be seconds, 0 to 3600, not {value!r}")
    return float(value)


def _balances(value: object) -> Mapping[str, Decimal]:
    if not isinstance(value, Mapping):
        raise ConfigurationError('paper: balances is a mapping of assets to amounts, such as {"USDT": "10000"}')
    read = {str(asset): _number(f"balances.{asset}", amount) for asset, amount in value.items()}
    for asset, amount in read.items():
        if amount < 0:
            raise ConfigurationError(f"paper: balances.{asset} must not be below zero, it is {amount}")
    return MappingProxyType(read)
