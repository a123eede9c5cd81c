"""HTTP: paths, who may ask what how often, and the envelope of every answer."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from lotusx_sim.dialects.okx import account, funds, public, trading
from lotusx_sim.dialects.okx.errors import VenueError
from lotusx_sim.dialects.okx.params import Params
from lotusx_sim.dialects.okx.signing import sender_of
from lotusx_sim.dialects.okx.state import VenueState
from lotusx_sim.dialects.okx.streams import Hub
from lotusx_sim.wire import HttpRequest, HttpResponse

JSON = ("content-type", "application/json; charset=UTF-8")
Public = Callable[[VenueState, Params], list[Any]]
Private = Callable[[VenueState, str, Params], list[Any]]

_PUBLIC: dict[str, Public] = {
    "/api/v5/public/time": public.time,
    "/api/v5/public/instruments": public.instruments,
    "/api/v5/public/funding-rate": public.funding_rate,
    "/api/v5/public/funding-rate-history": public.funding_history,
    "/api/v5/public/mark-price": public.mark_price,
    "/api/v5/public/open-interest": public.open_interest,
    "/api/v5/market/ticker": public.ticker,
    "/api/v5/market/tickers": public.tickers,
    "/api/v5/market/trades": public.trades,
    "/api/v5/market/candles": public.candles,
    "/api/v5/market/history-candles": public.history_candles,
    "/api/v5/market/index-tickers": public.index_tickers,
}
_PRIVATE: dict[tuple[str, str], Private] = {
    ("GET", "/api/v5/trade/order"): account.order,
    ("GET", "/api/v5/trade/orders-pending"): account.pending,
    ("GET", "/api/v5/trade/orders-history"): account.history,
    ("GET", "/api/v5/trade/orders-history-archive"): account.history,
    ("GET", "/api/v5/trade/fills"): account.fills,
    ("GET", "/api/v5/trade/fills-history"): account.fills,
    ("POST", "/api/v5/trade/cancel-all-after"): account.cancel_all_after,
    ("GET", "/api/v5/account/balance"): account.balance,
    ("GET", "/api/v5/account/positions"): account.positions,
    ("GET", "/api/v5/account/config"): account.config,
    ("GET", "/api/v5/account/trade-fee"): account.trade_fee,
    ("GET", "/api/v5/account/leverage-info"): account.leverage,
    ("POST", "/api/v5/account/set-leverage"): account.set_leverage,
    ("POST", "/api/v5/account/set-position-mode"): account.set_position_mode,
    ("GET", "/api/v5/account/bills"): account.bills,
    ("GET", "/api/v5/asset/balances"): funds.balances,
    ("GET", "/api/v5/asset/deposit-history"): funds.deposits,
    ("GET", "/api/v5/asset/withdrawal-history"): funds.withdrawals,
    ("POST", "/api/v5/asset/withdrawal"): funds.withdraw,
    ("POST", "/api/v5/asset/transfer"): funds.transfer,
    ("GET", "/api/v5/asset/transfer-state"): funds.transfer_state,
    ("GET", "/api/v5/account/bills-archive"): account.bills,
}
_SINGLE: dict[str, trading.Single] = {
    "/api/v5/trade/order": trading.place,
    "/api/v5/trade/amend-order": trading.amend,
    "/api/v5/trade/cancel-order": trading.cancel,
}
_BATCH: dict[str, trading.Single] = {
    "/api/v5/trade/batch-orders": trading.place,
    "/api/v5/trade/amend-batch-orders": trading.amend,
    "/api/v5/trade/cancel-batch-orders": trading.cancel,
}
_BOOKS = "/api/v5/market/books"
_TRADES = frozenset({*_SINGLE, *_BATCH})
_SOME, _NONE = ("2", "Bulk operation partially succeeded."), ("1", "All operations failed")


def respond(state: VenueState, hub: Hub, request: HttpRequest, now_ns: int, ip: str) -> HttpResponse:
    """Answer one request as the venue would."""
    if state.limits.is_banned(now_ns):
        return HttpResponse(403, (("content-type", "text/html"),), b"<html><body>Access denied</body></html>")
    try:
        return _answer(state, hub, request, now_ns, ip)
    except VenueError as error:
        return envelope([], code=error.code, message=error.text, status=error.status)


def _answer(state: VenueState, hub: Hub, request: HttpRequest, now_ns: int, ip: str) -> HttpResponse:
    endpoint = f"{request.method} {request.path}"
    if request.method == "GET" and (request.path in _PUBLIC or request.path == _BOOKS):
        state.limits.count(ip, endpoint, 1, now_ns)
        params = Params(dict(parse_qsl(request.query, keep_blank_values=True)))
        if request.path == _BOOKS:
            return envelope([hub.book(state.listed(params.needed("instId")), public.depth_of(params))])
        return envelope(_PUBLIC[request.path](state, params))
    ordering = request.method == "POST" and request.path in _TRADES
    private = _PRIVATE.get((request.method, request.path))
    if not ordering and private is None:
        return envelope([], code="404", message="Not Found", status=404)
    key = sender_of(state.keys, request, now_ns // 1_000_000)
    if request.method == "POST" and not key.may_trade:
        raise VenueError("50120", "This API key doesn't have permission to use this function")
    if private is not None:
        state.limits.count(key.account, endpoint, 1, now_ns)
        return envelope(private(state, key.account, _params(request)))
    return _order(state, key.account, request, now_ns)


def _params(request: HttpRequest) -> Params:
    if request.method == "GET":
        return Params(dict(parse_qsl(request.query, keep_blank_values=True)))
    content = _content(request)
    if not isinstance(content, dict):
        raise VenueError("50002", "JSON syntax error", status=400)
    return Params(content)


def _content(request: HttpRequest) -> Any:
    if not request.body:
        raise VenueError("50000", "Body for POST request cannot be empty.", status=400)
    try:
        return msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise VenueError("50002", "JSON syntax error", status=400) from None


def _order(state: VenueState, account_name: str, request: HttpRequest, now_ns: int) -> HttpResponse:
    endpoint, single = f"{request.method} {request.path}", _SINGLE.get(request.path)
    if single is not None:
        state.limits.count(account_name, endpoint, 1, now_ns)
        rows = [trading.outcome(single, state, account_name, _params(request))]
    else:
        content = _content(request)
        if not isinstance(content, list) or not content or not all(isinstance(item, dict) for item in content):
            raise VenueError("50002", "JSON syntax error", status=400)
        if len(content) > trading.BATCH:
            raise VenueError("51111", f"Maximum {trading.BATCH} orders can be placed in bulk.")
        state.limits.count(account_name, endpoint, len(content), now_ns)
        act = _BATCH[request.path]
        rows = [trading.outcome(act, state, account_name, Params(item)) for item in content]
    failed = sum(row["sCode"] != "0" for row in rows)
    code, text = ("0", "") if not failed else _NONE if failed == len(rows) else _SOME
    stamp = str(now_ns // 1_000)
    return envelope(rows, code=code, message=text, inTime=stamp, outTime=stamp)


def envelope(data: Any, *, code: str = "0", message: str = "", status: int = 200, **more: str) -> HttpResponse:
    content = {"code": code, "msg": message, "data": data, **more}
    return HttpResponse(status, (JSON,), msgspec.json.encode(content))
