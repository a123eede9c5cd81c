"""Backpack for LotusX: the exchange ``backpack`` (spot and perpetuals)."""
