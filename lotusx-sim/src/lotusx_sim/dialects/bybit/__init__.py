"""Bybit's wire dialect: spot, linear and inverse, which are one API."""

from lotusx_sim.dialects.bybit.limits import LimitRules
from lotusx_sim.dialects.bybit.signing import DEFAULT_KEY
from lotusx_sim.dialects.bybit.state import DEFAULT_BALANCES, DEMO, LIVE, TESTNET
from lotusx_sim.dialects.bybit.venue import Bybit

__all__ = ["DEFAULT_BALANCES", "DEFAULT_KEY", "DEMO", "LIVE", "TESTNET", "Bybit", "LimitRules"]
