"""The REST surface: routes, headers, status codes."""

from typing import Any

import msgspec

from lotusx_sim.dialects.binance import accounts, markets, replacing, trading
from lotusx_sim.dialects.binance.call import Call, Operation, Security
from lotusx_sim.dialects.binance.errors import RateLimited, VenueError
from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.security import check_signature, check_time, key_of
from lotusx_sim.dialects.binance.signing import rest_payload
from lotusx_sim.dialects.binance.state import NS_PER_MS, SpotState
from lotusx_sim.wire import HttpRequest, HttpResponse

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
    ("GET", "/sapi/v1/capital/config/getall"): accounts.COINS,
    ("GET", "/sapi/v1/margin/allPairs"): accounts.MARGIN_PAIRS,
    ("GET", "/sapi/v1/margin/isolated/allPairs"): accounts.MARGIN_PAIRS,
}
_PATHS = frozenset(path for _, path in ROUTES)
_GONE = frozenset({"/api/v3/userDataStream", "/api/v3/userDataStream/isolated"})
_JSON = ("content-type", "application/json;charset=UTF-8")


def respond(state: SpotState, request: HttpRequest, now_ns: int, ip: str) -> HttpResponse:
    """Answer one request as the venue would."""
    operation = ROUTES.get((request.method, request.path))
    try:
        state.limits.check_ban(ip, now_ns)
        if request.path in _GONE:
            raise VenueError(-1020, "This endpoint is no longer supported.", status=410)
        if operation is None:
            return _unrouted(request)
        answer, account = _answer(state, operation, request, now_ns, ip)
    except VenueError as error:
        return refusal(state, error, now_ns, ip)
    usage = _usage(state, ip, now_ns)
    if operation.is_order:
        ten_seconds, day = state.limits.order_counts(account, now_ns)
        usage += [("x-mbx-order-count-10s", str(ten_seconds)), ("x-mbx-order-count-1d", str(day))]
    return _json(200, answer, usage)


def refusal(state: SpotState, error: VenueError, now_ns: int, ip: str) -> HttpResponse:
    """Return *error* as a response."""
    headers = _usage(state, ip, now_ns)
    if isinstance(error, RateLimited):
        headers.append(("retry-after", str(error.retry_after_s)))
    return _json(error.status, error.body(), headers)


def _answer(state: SpotState, operation: Operation, request: HttpRequest, now_ns: int, ip: str) -> tuple[Any, str]:
    try:
        body = request.body.decode()
    except UnicodeDecodeError:
        raise VenueError(-1100, "Illegal characters found in a parameter.") from None
    params = Params.of_rest(request.query, body)
    weight = operation.weight_of(params)
    state.limits.charge(ip, weight, now_ns)
    call = Call(state, params, now_ns, unit=_time_unit(request))
    if operation.security is not Security.NONE:
        key = key_of(state, request.header("x-mbx-apikey"), operation.security)
        payload, signature = rest_payload(request.query, body)
        params.need("timestamp")
        check_signature(key, payload, signature)
        check_time(params, now_ns)
        call.account = key.account
    params.allow(operation.names)
    answer = operation.run(call)
    if operation.is_order:
        state.limits.refund(ip, weight, now_ns)
    return answer, call.account


def _time_unit(request: HttpRequest) -> int:
    unit = (request.header("x-mbx-time-unit") or "MILLISECOND").upper()
    if unit == "MICROSECOND":
        return 1_000
    if unit != "MILLISECOND":
        raise VenueError(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
    return NS_PER_MS


def _unrouted(request: HttpRequest) -> HttpResponse:
    if request.path in _PATHS:
        return _json(405, {"code": -1000, "msg": f"Request method '{request.method}' not supported"}, [])
    page = b"<html><body><h2>404 Not found</h2></body></html>\n"
    return HttpResponse(404, (("content-type", "text/html"),), page)


def _usage(state: SpotState, ip: str, now_ns: int) -> list[tuple[str, str]]:
    used = str(state.limits.used_weight(ip, now_ns))
    return [("x-mbx-used-weight", used), ("x-mbx-used-weight-1m", used)]


def _json(status: int, content: Any, headers: list[tuple[str, str]]) -> HttpResponse:
    return HttpResponse(status, (_JSON, *headers), msgspec.json.encode(content))
