"""HTTP: paths, who may ask what how often, and the envelope of every answer."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from lotusx_sim.dialects.binance.signing import ApiKey
from lotusx_sim.dialects.bybit import (
    account,
    checks,
    closed_pnl,
    coins,
    funds,
    history,
    market,
    positions,
    queries,
    trading,
)
from lotusx_sim.dialects.bybit.call import Answer, Call
from lotusx_sim.dialects.bybit.errors import HttpRefusal, VenueError, not_on_demo, too_many_visits
from lotusx_sim.dialects.bybit.limits import Quota
from lotusx_sim.dialects.bybit.listings import Category
from lotusx_sim.dialects.bybit.params import Params
from lotusx_sim.dialects.bybit.signing import signer_of
from lotusx_sim.dialects.bybit.state import DEMO, NS_PER_MS, VenueState
from lotusx_sim.wire import HttpRequest, HttpResponse

JSON = ("content-type", "application/json; charset=utf-8")
ORDERS = -1  # as many a second as there may be orders: it differs by category


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``quota``: requests a user may make each second; 0: public. ``trades``: needs a key that may trade."""

    answer: Callable[[Call], Any]
    quota: int = 0
    trades: bool = False
    on_demo: bool = True
    counts_itself: bool = False  # a batch counts its orders


def _entry(act: Callable[[VenueState, str, Params], Any]) -> Callable[[Call], Any]:
    return lambda call: act(call.state, call.account, call.params)


def batch_entry(single: trading.Single, name: str) -> Callable[[Call], Any]:
    """Return the endpoint that does *single* many times; *name* is the bucket it shares with order entry by WS."""

    def answer(call: Call) -> Any:
        quotas: list[Quota] = []

        def may_act(category: Category) -> bool:
            limit = order_limit(call.state, category)
            quotas.append(call.state.limits.spend(call.account, bucket(name, category), limit, call.now_ns))
            return not quotas[-1].is_over

        if call.state.options.environment == DEMO and call.params.category() is not Category.LINEAR:
            raise not_on_demo()
        result, extra = trading.batch(call.state, call.account, call.params, single, may_act=may_act)
        return Answer(result, extra, quotas[-1])

    return answer


def order_limit(state: VenueState, category: Category) -> int:
    rules = state.options.rules
    return rules.spot_orders_per_second if category.is_spot else rules.derivative_orders_per_second


def bucket(name: str, category: Category | None) -> str:
    """Return what a quota counts in: linear and inverse share theirs."""
    if category is None:
        return name
    return f"{name} spot" if category.is_spot else f"{name} derivatives"


_PUBLIC = {
    "/v5/system/status": checks.system_status,
    "/v5/market/time": market.time,
    "/v5/market/instruments-info": market.instruments,
    "/v5/market/orderbook": market.orderbook,
    "/v5/market/recent-trade": market.recent_trades,
    "/v5/market/tickers": market.tickers,
    "/v5/market/price-limit": market.price_limit,
    "/v5/market/risk-limit": market.risk_limit,
    "/v5/market/kline": history.kline,
    "/v5/market/mark-price-kline": history.mark_kline,
    "/v5/market/index-price-kline": history.index_kline,
    "/v5/market/funding/history": history.funding,
    "/v5/market/open-interest": history.open_interest,
}
_orders = partial(Endpoint, quota=ORDERS, trades=True)
_ROUTES: dict[tuple[str, str], Endpoint] = {("GET", path): Endpoint(answer) for path, answer in _PUBLIC.items()}
_ROUTES |= {
    ("POST", "/v5/order/create"): _orders(_entry(trading.create)),
    ("POST", "/v5/order/amend"): Endpoint(_entry(trading.amend), 10, trades=True),
    ("POST", "/v5/order/cancel"): _orders(_entry(trading.cancel)),
    ("POST", "/v5/order/cancel-all"): _orders(_entry(trading.cancel_all)),
    ("POST", "/v5/order/create-batch"): _orders(batch_entry(trading.create, "create-batch"), counts_itself=True),
    ("POST", "/v5/order/amend-batch"): _orders(batch_entry(trading.amend, "amend-batch"), counts_itself=True),
    ("POST", "/v5/order/cancel-batch"): _orders(batch_entry(trading.cancel, "cancel-batch"), counts_itself=True),
    ("POST", "/v5/order/pre-check"): _orders(checks.pre_check, on_demo=False),
    ("GET", "/v5/order/spot-borrow-check"): Endpoint(checks.spot_borrow_check, 50),
    ("GET", "/v5/order/realtime"): Endpoint(queries.realtime, 50),
    ("GET", "/v5/order/history"): Endpoint(queries.history, 50),
    ("GET", "/v5/execution/list"): Endpoint(queries.executions, 50),
    ("GET", "/v5/position/list"): Endpoint(positions.positions, 50),
    ("GET", "/v5/position/closed-pnl"): Endpoint(closed_pnl.closed_pnl, 50),
    ("POST", "/v5/position/set-leverage"): Endpoint(positions.set_leverage, 10, trades=True),
    ("POST", "/v5/position/switch-isolated"): Endpoint(positions.switch_isolated, 10, trades=True),
    ("POST", "/v5/position/switch-mode"): Endpoint(positions.switch_mode, 10, trades=True),
    ("POST", "/v5/position/trading-stop"): Endpoint(positions.trading_stop, 10, trades=True),
    ("POST", "/v5/position/add-margin"): Endpoint(positions.add_margin, 10, trades=True),
    ("GET", "/v5/account/wallet-balance"): Endpoint(account.wallet_balance, 50),
    ("GET", "/v5/account/info"): Endpoint(account.info, 50),
    ("GET", "/v5/account/fee-rate"): Endpoint(account.fee_rate, 5, on_demo=False),
    ("GET", "/v5/account/transaction-log"): Endpoint(queries.transaction_log, 25),
    ("POST", "/v5/account/set-margin-mode"): Endpoint(account.set_margin_mode, 5, trades=True),
    ("GET", "/v5/asset/coin/query-info"): Endpoint(coins.coin_info, 5),
    ("GET", "/v5/asset/deposit/query-record"): Endpoint(funds.deposits, 5),
    ("GET", "/v5/asset/withdraw/query-record"): Endpoint(funds.withdrawals, 5),
    ("POST", "/v5/asset/withdraw/create"): Endpoint(funds.withdraw, 5, trades=True, on_demo=False),
    ("POST", "/v5/asset/transfer/inter-transfer"): Endpoint(funds.transfer, 5, trades=True, on_demo=False),
    ("GET", "/v5/asset/transfer/query-inter-transfer-list"): Endpoint(funds.transfers, 5),
    ("GET", "/v5/user/query-api"): Endpoint(account.query_api, 10),
}
_DEMO_ROUTES = {("POST", "/v5/account/demo-apply-money"): Endpoint(account.demo_money, 1, trades=True)}


def respond(state: VenueState, request: HttpRequest, now_ns: int, ip: str) -> HttpResponse:
    """Answer one request as the venue would."""
    try:
        state.limits.count_request(ip, now_ns)
        endpoint = _route(state, request)
    except HttpRefusal as refusal:
        return refused(refusal)
    quota: Quota | None = None
    try:
        key = signer_of(state.keys, request, now_ns // NS_PER_MS) if endpoint.quota else None
        params = _read(request)
        if key is not None:
            quota = _spend(state, endpoint, request, params, key, now_ns)
            if quota is not None and quota.is_over:
                raise too_many_visits()
            if endpoint.trades and not key.may_trade:
                raise VenueError(10005, "Permission denied, please check your API key permissions.")
        if not endpoint.on_demo and state.options.environment == DEMO:
            raise not_on_demo()
        answer = endpoint.answer(Call(state, params, now_ns, key))
    except HttpRefusal as refusal:
        return refused(refusal)
    except VenueError as error:
        return envelope(now_ns, error.result, code=error.code, message=error.text, quota=quota)
    if isinstance(answer, Answer):
        return envelope(now_ns, answer.result, extra=answer.extra, quota=answer.quota)
    return envelope(now_ns, answer, quota=quota)


def _route(state: VenueState, request: HttpRequest) -> Endpoint:
    routes = _ROUTES | _DEMO_ROUTES if state.options.environment == DEMO else _ROUTES
    endpoint = routes.get((request.method, request.path))
    if endpoint is None:
        other = "POST" if request.method == "GET" else "GET"
        raise HttpRefusal(400 if (other, request.path) in routes else 404)
    if request.method == "GET" and request.body:
        raise HttpRefusal(403, "a GET request must not have a body")
    return endpoint


def _read(request: HttpRequest) -> Params:
    if request.method == "GET":
        return Params(dict(parse_qsl(request.query, keep_blank_values=True)))
    try:
        content = msgspec.json.decode(request.body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise VenueError(10001, "json parse error") from None
    if not isinstance(content, dict):
        raise VenueError(10001, "json parse error")
    return Params(content)


def _spend(
    state: VenueState, endpoint: Endpoint, request: HttpRequest, params: Params, key: ApiKey, now_ns: int
) -> Quota | None:
    if endpoint.counts_itself:
        return None
    name, limit, category = request.path.removeprefix("/v5/order/"), endpoint.quota, None
    if endpoint.quota == ORDERS or name == "amend":
        category = params.category()
        if endpoint.quota == ORDERS:
            limit = order_limit(state, category)
    return state.limits.spend(key.account, bucket(name, category), limit, now_ns)


def envelope(
    now_ns: int, result: Any, *, code: int = 0, message: str = "OK", extra: Any = None, quota: Quota | None = None
) -> HttpResponse:
    content = {"retCode": code, "retMsg": message, "result": result, "retExtInfo": extra or {},
               "time": now_ns // NS_PER_MS}  # fmt: skip
    headers = [JSON, ("timenow", str(now_ns // NS_PER_MS))]
    if quota is not None:
        headers += [(name.lower(), value) for name, value in quota.headers().items()]
    return HttpResponse(200, tuple(headers), msgspec.json.encode(content))


def refused(refusal: HttpRefusal) -> HttpResponse:
    return HttpResponse(refusal.status, (("content-type", "text/html"),), refusal.text.encode())
