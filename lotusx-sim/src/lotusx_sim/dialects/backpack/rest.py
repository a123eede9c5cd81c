"""HTTP: paths, who may ask what how often, and answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from lotusx_sim.dialects.backpack import account, funds, market, trading
from lotusx_sim.dialects.backpack.call import Call
from lotusx_sim.dialects.backpack.errors import JSON, TEXT, VenueError
from lotusx_sim.dialects.backpack.params import Params
from lotusx_sim.dialects.backpack.signing import Key, read_body, signer_of
from lotusx_sim.dialects.backpack.state import VenueState
from lotusx_sim.dialects.backpack.text import NS_PER_MS
from lotusx_sim.wire import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``instruction``: what is signed with it; "": public."""

    answer: Callable[[Call], Any]
    instruction: str = ""
    trades: bool = False  # needs a key that may trade


_PUBLIC = {
    "/api/v1/ping": market.ping,
    "/api/v1/time": market.time,
    "/api/v1/status": market.status,
    "/api/v1/assets": market.assets,
    "/api/v1/collateral": market.collateral,
    "/api/v1/securities": market.securities,
    "/api/v1/markets": market.markets,
    "/api/v1/market": market.market,
    "/api/v1/depth": market.depth,
    "/api/v1/trades": market.trades,
    "/api/v1/trades/history": market.trades,
    "/api/v1/klines": market.klines,
    "/api/v1/ticker": market.ticker,
    "/api/v1/tickers": market.tickers,
    "/api/v1/markPrices": market.mark_prices,
    "/api/v1/fundingRates": market.funding_rates,
    "/api/v1/openInterest": market.open_interest,
}
_ROUTES: dict[tuple[str, str], Endpoint] = {("GET", path): Endpoint(answer) for path, answer in _PUBLIC.items()}
_ROUTES |= {
    ("GET", "/api/v1/account"): Endpoint(account.account, "accountQuery"),
    ("PATCH", "/api/v1/account"): Endpoint(account.update_account, "accountUpdate", trades=True),
    ("GET", "/api/v1/account/limits/order"): Endpoint(account.max_order, "maxOrderQuantity"),
    ("GET", "/api/v1/capital"): Endpoint(account.capital, "balanceQuery"),
    ("GET", "/api/v1/capital/collateral"): Endpoint(account.collateral, "collateralQuery"),
    ("GET", "/api/v1/borrowLend/positions"): Endpoint(account.lent, "borrowLendPositionQuery"),
    ("GET", "/api/v1/position"): Endpoint(account.positions, "positionQuery"),
    ("GET", "/api/v1/order"): Endpoint(trading.query, "orderQuery"),
    ("POST", "/api/v1/order"): Endpoint(trading.execute, "orderExecute", trades=True),
    ("DELETE", "/api/v1/order"): Endpoint(trading.cancel, "orderCancel", trades=True),
    ("GET", "/api/v1/orders"): Endpoint(trading.open_orders, "orderQueryAll"),
    ("POST", "/api/v1/orders"): Endpoint(trading.execute_batch, "orderExecute", trades=True),
    ("DELETE", "/api/v1/orders"): Endpoint(trading.cancel_all, "orderCancelAll", trades=True),
    ("GET", "/wapi/v1/capital/deposits"): Endpoint(funds.deposits, "depositQueryAll"),
    ("GET", "/wapi/v1/capital/withdrawals"): Endpoint(funds.withdrawals, "withdrawalQueryAll"),
    ("POST", "/wapi/v1/capital/withdrawals"): Endpoint(funds.withdraw, "withdraw", trades=True),
    ("GET", "/wapi/v1/history/orders"): Endpoint(account.order_history, "orderHistoryQueryAll"),
    ("GET", "/wapi/v1/history/fills"): Endpoint(account.fill_history, "fillHistoryQueryAll"),
    ("GET", "/wapi/v1/history/funding"): Endpoint(account.funding_history, "fundingHistoryQueryAll"),
}
_BATCH = ("POST", "/api/v1/orders")


def respond(state: VenueState, request: HttpRequest, now_ns: int, ip: str) -> HttpResponse:
    """Answer one request as the venue would."""
    route = (request.method, request.path)
    endpoint = _ROUTES.get(route)
    if endpoint is None:
        return HttpResponse(404, (TEXT,), b"not found")
    try:
        key: Key | None = None
        if endpoint.instruction:
            key = signer_of(state.keys, request, endpoint.instruction, now_ns // NS_PER_MS)
        state.limits.count(f"account {key.account}" if key is not None else f"address {ip}", request.path, now_ns)
        if key is not None and endpoint.trades and not key.may_trade:
            raise VenueError("FORBIDDEN", "Forbidden", 403)
        answer = endpoint.answer(_read(state, request, now_ns, key, is_batch=route == _BATCH))
    except VenueError as error:
        return error.response()
    if isinstance(answer, HttpResponse):
        return answer
    return HttpResponse(200, (JSON,), msgspec.json.encode(answer))


def _read(state: VenueState, request: HttpRequest, now_ns: int, key: Key | None, *, is_batch: bool) -> Call:
    if request.method == "GET":
        return Call(state, Params(dict(parse_qsl(request.query, keep_blank_values=True))), now_ns, key)
    content = read_body(request.body)
    if isinstance(content, list) != is_batch:
        raise VenueError("", f"parse request payload error: expected {'a list' if is_batch else 'an object'}")
    if isinstance(content, list):
        return Call(state, Params({}), now_ns, key, tuple(Params(item) for item in content))
    return Call(state, Params(content), now_ns, key)
