"""Binance's wire dialect."""

from lotusx_sim.dialects.binance.limits import LimitRules
from lotusx_sim.dialects.binance.signing import ApiKey
from lotusx_sim.dialects.binance.spot import DEFAULT_BALANCES, BinanceSpot
from lotusx_sim.dialects.binance.symbols import SYMBOLS, SpotSymbol
from lotusx_sim.dialects.binance.venue import DEFAULT_KEY

__all__ = ["DEFAULT_BALANCES", "DEFAULT_KEY", "SYMBOLS", "ApiKey", "BinanceSpot", "LimitRules", "SpotSymbol"]
