"""Backpack's wire dialect: spot and perpetuals, which are one API."""

from lotusx_sim.dialects.backpack.limits import LimitRules
from lotusx_sim.dialects.backpack.signing import (
    DEFAULT_API_KEY,
    DEFAULT_KEY,
    DEFAULT_SECRET,
    Key,
    MissingLibrary,
    public_key_of,
    require_libraries,
)
from lotusx_sim.dialects.backpack.state import DEFAULT_BALANCES, Amounts
from lotusx_sim.dialects.backpack.venue import Backpack

__all__ = [
    "DEFAULT_API_KEY",
    "DEFAULT_BALANCES",
    "DEFAULT_KEY",
    "DEFAULT_SECRET",
    "Amounts",
    "Backpack",
    "Key",
    "LimitRules",
    "MissingLibrary",
    "public_key_of",
    "require_libraries",
]
