"""Limits are read strictly: what would limit nothing, or not as written, is refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from risk_desk import BTC, PERP

from lotusx.errors import ConfigurationError
from lotusx_risk import Risk, SymbolLimits
from lotusx_risk.limits import limits_of


def test_every_limit_is_read_and_exact() -> None:
    limits = limits_of(
        {
            "allow": ["BTC/USDT", "BTC/USDT:USDT"],
            "max_notional": "5000.10",
            "price_collar": "0.02",
            "max_orders": 5,
            "per_s": "0.5",
            "kill_file": "~/halt",
            "unpriced": "allow",
            "price_age_s": 1,
            "position_age_s": 30,
            "symbols": {"BTC/USDT": {"max_position": "0.5", "max_notional": 7}},
        }
    )
    assert limits.allow == frozenset({BTC, PERP})
    assert limits.of(PERP) == SymbolLimits(Decimal("5000.10"), None, Decimal("0.02"))
    assert limits.of(BTC) == SymbolLimits(Decimal(7), Decimal("0.5"), Decimal("0.02"))
    assert (limits.max_orders, limits.per_s, limits.unpriced) == (5, Decimal("0.5"), True)
    assert limits.kill_file == Path("~/halt").expanduser()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "limits nothing"),
        ({"per_s": 3}, "limits nothing"),
        ({"max_notionl": 5}, "did you mean 'max_notional'"),
        ({"max_position": 5}, "unknown key 'max_position'"),
        ({"max_notional": 0.5}, "must be exact"),
        ({"max_notional": "-1"}, "above zero"),
        ({"max_notional": "much"}, "not a number"),
        ({"max_orders": 0}, "at least 1"),
        ({"max_orders": True}, "at least 1"),
        ({"allow": "BTC/USDT"}, "list of symbols"),
        ({"allow": ["BTCUSDT"]}, "not a symbol"),
        ({"halted": "yes"}, "true or false"),
        ({"kill_file": " "}, "must be a path"),
        ({"unpriced": "maybe", "max_notional": 1}, "'refuse' or 'allow'"),
        ({"symbols": []}, "table of tables"),
        ({"symbols": {"BTC/USDT": 5}}, "must be a table"),
        ({"symbols": {"BTC/USDT": {"max_orders": 1}}}, "unknown key 'max_orders'"),
        ({"symbols": {"BTC": {"max_notional": 1}}}, "not a symbol"),
    ],
)
def test_what_is_not_meant_like_that_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Risk(options)


def test_limits_may_be_arguments_too() -> None:
    assert Risk({"max_orders": 3}, max_notional="10").limits.general.max_notional == 10
