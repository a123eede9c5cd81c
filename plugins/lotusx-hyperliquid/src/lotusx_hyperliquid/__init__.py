"""Hyperliquid for LotusX: the exchange ``hyperliquid`` (perpetuals, builder-deployed perpetuals and spot)."""
