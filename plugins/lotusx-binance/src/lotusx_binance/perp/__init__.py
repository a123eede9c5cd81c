"""Binance USDⓈ-M futures: what differs from spot, in rooms of the same names."""
