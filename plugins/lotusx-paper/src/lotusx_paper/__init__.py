"""Paper trading for LotusX: ``lotusx.connect(name, paper=True)`` finds this by its entry point."""
