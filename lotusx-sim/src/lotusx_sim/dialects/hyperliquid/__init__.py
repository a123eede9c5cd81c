"""Hyperliquid's wire dialect."""

from lotusx_sim.dialects.hyperliquid.accounts import (
    DEFAULT_ACCOUNT,
    DEFAULT_ADDRESS,
    DEFAULT_AGENT_ADDRESS,
    DEFAULT_AGENT_KEY,
    DEFAULT_PRIVATE_KEY,
    Account,
    Wallets,
)
from lotusx_sim.dialects.hyperliquid.limits import LimitRules
from lotusx_sim.dialects.hyperliquid.signing import MissingLibrary, address_of_key
from lotusx_sim.dialects.hyperliquid.state import DEFAULT_BALANCES
from lotusx_sim.dialects.hyperliquid.venue import Hyperliquid

__all__ = [
    "DEFAULT_ACCOUNT",
    "DEFAULT_ADDRESS",
    "DEFAULT_AGENT_ADDRESS",
    "DEFAULT_AGENT_KEY",
    "DEFAULT_BALANCES",
    "DEFAULT_PRIVATE_KEY",
    "Account",
    "Hyperliquid",
    "LimitRules",
    "MissingLibrary",
    "Wallets",
    "address_of_key",
]
