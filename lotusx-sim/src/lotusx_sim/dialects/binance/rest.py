"""The REST endpoints of spot."""

from lotusx_sim.dialects.binance import accounts, funds, markets, replacing, trading
from lotusx_sim.dialects.binance.call import Operation
from lotusx_sim.dialects.binance.rest_surface import RestSurface

ROUTES: dict[tuple[str, str], Operation] = {
    ("GET", "/api/v3/ping"): markets.PING,
    ("GET", "/api/v3/time"): markets.TIME,
    ("GET", "/api/v3/exchangeInfo"): markets.EXCHANGE_INFO,
    ("GET", "/api/v3/depth"): markets.DEPTH,
    ("GET", "/api/v3/trades"): markets.TRADES,
    ("GET", "/api/v3/historicalTrades"): markets.HISTORICAL_TRADES,
    ("GET", "/api/v3/aggTrades"): markets.AGGREGATE_TRADES,
    ("GET", "/api/v3/klines"): markets.KLINES,
    ("GET", "/api/v3/uiKlines"): markets.KLINES,
    ("GET", "/api/v3/avgPrice"): markets.AVERAGE_PRICE,
    ("GET", "/api/v3/ticker/24hr"): markets.TICKER_DAY,
    ("GET", "/api/v3/ticker/price"): markets.TICKER_PRICE,
    ("GET", "/api/v3/ticker/bookTicker"): markets.TICKER_BOOK,
    ("POST", "/api/v3/order"): trading.PLACE,
    ("POST", "/api/v3/order/test"): trading.TEST,
    ("GET", "/api/v3/order"): trading.QUERY,
    ("DELETE", "/api/v3/order"): trading.CANCEL,
    ("POST", "/api/v3/order/cancelReplace"): replacing.REPLACE,
    ("PUT", "/api/v3/order/amend/keepPriority"): trading.AMEND,
    ("GET", "/api/v3/openOrders"): trading.OPEN_ORDERS,
    ("DELETE", "/api/v3/openOrders"): trading.CANCEL_ALL,
    ("GET", "/api/v3/allOrders"): accounts.ALL_ORDERS,
    ("GET", "/api/v3/myTrades"): accounts.MY_TRADES,
    ("GET", "/api/v3/account"): accounts.ACCOUNT,
    ("GET", "/api/v3/account/commission"): accounts.COMMISSION,
    ("GET", "/api/v3/rateLimit/order"): accounts.ORDER_COUNTS,
    ("GET", "/sapi/v1/account/apiRestrictions"): accounts.RESTRICTIONS,
    ("GET", "/sapi/v1/asset/tradeFee"): accounts.TRADE_FEE,
    ("POST", "/sapi/v1/asset/transfer"): funds.transfer_of("MAIN"),
    ("GET", "/sapi/v1/asset/transfer"): funds.transfers(),
    ("GET", "/sapi/v1/capital/config/getall"): accounts.COINS,
    ("GET", "/sapi/v1/capital/deposit/hisrec"): funds.DEPOSITS,
    ("GET", "/sapi/v1/capital/withdraw/history"): funds.WITHDRAWALS,
    ("POST", "/sapi/v1/capital/withdraw/apply"): funds.WITHDRAW,
    ("GET", "/sapi/v1/margin/allPairs"): accounts.MARGIN_PAIRS,
    ("GET", "/sapi/v1/margin/isolated/allPairs"): accounts.MARGIN_PAIRS,
}
_GONE = frozenset({"/api/v3/userDataStream", "/api/v3/userDataStream/isolated"})
SURFACE = RestSurface(ROUTES, gone=_GONE)
