"""What REST is like on every Binance market: headers, status codes, the order of the checks."""

from collections.abc import Mapping
from typing import Any, Generic

import msgspec

from lotusx_sim.dialects.binance.call import Books, CallOn, OperationOn, Security, StateT
from lotusx_sim.dialects.binance.errors import RateLimited, VenueError
from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.security import check_signature, check_time, key_of
from lotusx_sim.dialects.binance.signing import rest_payload
from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.wire import HttpRequest, HttpResponse

JSON = ("content-type", "application/json;charset=UTF-8")


class RestSurface(Generic[StateT]):
    """The REST endpoints of one market.

    Args:
        routes: By verb and path.
        gone: Paths that were retired; they answer 410.
    """

    def __init__(
        self,
        routes: Mapping[tuple[str, str], OperationOn[StateT]],
        *,
        gone: frozenset[str] = frozenset(),
    ) -> None:
        self._routes = routes
        self._paths = frozenset(path for _, path in routes)
        self._gone = gone

    def respond(self, state: StateT, request: HttpRequest, now_ns: int, ip: str) -> HttpResponse:
        """Answer one request as the venue would."""
        operation = self._routes.get((request.method, request.path))
        try:
            state.limits.check_ban(ip, now_ns)
            if request.path in self._gone:
                raise VenueError(-1020, "This endpoint is no longer supported.", status=410)
            if operation is None:
                return self._unrouted(request)
            answer, account = self._answer(state, operation, request, now_ns, ip)
        except VenueError as error:
            return self.refusal(state, error, now_ns, ip)
        headers = _usage(state, ip, now_ns)
        if operation.is_order:
            counts = state.limits.order_counts(account, now_ns)
            headers += [(f"x-mbx-order-count-{name}", str(count)) for name, count in counts.items()]
        return _json(200, answer, headers)

    def refusal(self, state: StateT, error: VenueError, now_ns: int, ip: str) -> HttpResponse:
        """Return *error* as a response."""
        headers = _usage(state, ip, now_ns)
        if isinstance(error, RateLimited):
            headers.append(("retry-after", str(error.retry_after_s)))
        return _json(error.status, error.body(), headers)

    def _answer(
        self, state: StateT, operation: OperationOn[StateT], request: HttpRequest, now_ns: int, ip: str
    ) -> tuple[Any, str]:
        try:
            body = request.body.decode()
        except UnicodeDecodeError:
            raise VenueError(-1100, "Illegal characters found in a parameter.") from None
        params = Params.of_rest(request.query, body)
        weight = operation.weight_of(params)
        state.limits.charge(ip, weight, now_ns)
        call = CallOn(state, params, now_ns, unit=_time_unit(request))
        if operation.security is not Security.NONE:
            key = key_of(state.keys, request.header("x-mbx-apikey"), operation.security)
            if operation.security is not Security.KEY:
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

    def _unrouted(self, request: HttpRequest) -> HttpResponse:
        if request.path in self._paths:
            return _json(405, {"code": -1000, "msg": f"Request method '{request.method}' not supported"}, [])
        page = b"<html><body><h2>404 Not found</h2></body></html>\n"
        return HttpResponse(404, (("content-type", "text/html"),), page)


def _time_unit(request: HttpRequest) -> int:
    unit = (request.header("x-mbx-time-unit") or "MILLISECOND").upper()
    if unit == "MICROSECOND":
        return 1_000
    if unit != "MILLISECOND":
        raise VenueError(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
    return NS_PER_MS


def _usage(state: Books, ip: str, now_ns: int) -> list[tuple[str, str]]:
    used = str(state.limits.used_weight(ip, now_ns))
    return [("x-mbx-used-weight", used), ("x-mbx-used-weight-1m", used)]


def _json(status: int, content: Any, headers: list[tuple[str, str]]) -> HttpResponse:
    return HttpResponse(status, (JSON, *headers), msgspec.json.encode(content))
