"""Binance's wire dialect."""

from lotusx_sim.dialects.binance.limits import LimitRules
from lotusx_sim.dialects.binance.signing import ApiKey
from lotusx_sim.dialects.binance.spot import DEFAULT_BALANCES, DEFAULT_KEY, BinanceSpot
from lotusx_sim.dialects.binance.symbols import SYMBOLS, SpotSymbol

__all__ = ["DEFAULT_BALANCES", "DEFAULT_KEY", "SYMBOLS", "ApiKey", "BinanceSpot", "LimitRules", "SpotSymbol"]
