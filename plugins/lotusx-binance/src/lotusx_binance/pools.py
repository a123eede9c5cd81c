"""Names of the pools that Binance's limits are counted in, the same on every market."""

WEIGHT = "ip-weight"
RAW_REQUESTS = "raw-requests"
ORDERS = "orders"
SAPI_WEIGHT = "sapi-ip-weight"
SAPI_ACCOUNT_WEIGHT = "sapi-account-weight"
FUNDING_CALLS = "funding-calls"
