"""Bybit spot for LotusX, and `lotusx_bybit.v5`, what Bybit's products have in common."""
