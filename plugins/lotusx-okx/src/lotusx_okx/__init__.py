"""OKX for LotusX."""
