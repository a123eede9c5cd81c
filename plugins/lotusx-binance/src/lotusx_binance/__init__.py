"""Binance for LotusX: the exchange ``binance`` (spot). Use it by ``lotusx.connect("binance")``."""
