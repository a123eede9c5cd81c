"""Names of the pools that Binance's limits are counted in, the same on every market."""

WEIGHT = "ip-weight"
RAW_REQUESTS = "raw-requests"
ORDERS = "orders"
SAPI_WEIGHT = "sapi-ip-weight"
FUNDING_CALLS = "funding-calls"
