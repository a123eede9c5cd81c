"""Limits that every order must pass before it is sent, and a kill switch."""

from lotusx_risk.limits import Limits, SymbolLimits
from lotusx_risk.plugin import Risk

__all__ = ["Limits", "Risk", "SymbolLimits"]
