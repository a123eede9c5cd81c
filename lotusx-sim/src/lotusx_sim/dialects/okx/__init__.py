"""OKX's wire dialect: spot and linear swaps, which are one API and one account."""

from lotusx_sim.dialects.okx.signing import DEFAULT_KEY, OkxKey
from lotusx_sim.dialects.okx.state import DEFAULT_BALANCES
from lotusx_sim.dialects.okx.venue import Okx

__all__ = ["DEFAULT_BALANCES", "DEFAULT_KEY", "Okx", "OkxKey"]
