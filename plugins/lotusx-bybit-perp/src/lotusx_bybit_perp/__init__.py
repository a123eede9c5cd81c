"""Bybit perpetuals and futures, linear and inverse, for LotusX."""
