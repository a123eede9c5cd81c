"""The wire dialect of Binance USDⓈ-M futures."""

from lotusx_sim.dialects.binance.venue import DEFAULT_KEY
from lotusx_sim.dialects.binance_perp.contracts import SYMBOLS, UmSymbol
from lotusx_sim.dialects.binance_perp.state import UM_RULES
from lotusx_sim.dialects.binance_perp.venue import DEFAULT_BALANCES, UM_FEES, BinancePerp

__all__ = ["DEFAULT_BALANCES", "DEFAULT_KEY", "SYMBOLS", "UM_FEES", "UM_RULES", "BinancePerp", "UmSymbol"]
