"""The WS API: every method, sessions, and user data. Source: binance-spot-api-docs, web-socket-api.md."""

import json
from typing import Any
from urllib.parse import parse_qs

import msgspec

from lotusx_sim.dialects.binance import accounts, markets, payloads, replacing, trading
from lotusx_sim.dialects.binance.call import Call, Operation, Security
from lotusx_sim.dialects.binance.errors import RateLimited, VenueError, missing
from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.security import check_signature, check_time, key_of, not_permitted
from lotusx_sim.dialects.binance.signing import ApiKey, ws_payload
from lotusx_sim.dialects.binance.state import NS_PER_MS, SpotState
from lotusx_sim.dialects.binance.symbols import text
from lotusx_sim.engine.orders import BalanceEvent, OrderEvent
from lotusx_sim.venue import Outbox
from lotusx_sim.wire import HttpResponse

USER_TOPIC = "user"
_MAX_SUBSCRIPTIONS = 1_000

METHODS: dict[str, Operation] = {
    "ping": markets.PING,
    "time": markets.TIME,
    "exchangeInfo": markets.EXCHANGE_INFO,
    "depth": markets.DEPTH,
    "trades.recent": markets.TRADES,
    "trades.historical": markets.HISTORICAL_TRADES,
    "trades.aggregate": markets.AGGREGATE_TRADES,
    "klines": markets.KLINES,
    "uiKlines": markets.KLINES,
    "avgPrice": markets.AVERAGE_PRICE,
    "ticker.24hr": markets.TICKER_DAY,
    "ticker.price": markets.TICKER_PRICE,
    "ticker.book": markets.TICKER_BOOK,
    "order.place": trading.PLACE,
    "order.test": trading.TEST,
    "order.status": trading.QUERY,
    "order.cancel": trading.CANCEL,
    "order.cancelReplace": replacing.REPLACE,
    "order.amend.keepPriority": trading.AMEND,
    "openOrders.status": trading.OPEN_ORDERS,
    "openOrders.cancelAll": trading.CANCEL_ALL,
    "allOrders": accounts.ALL_ORDERS,
    "myTrades": accounts.MY_TRADES,
    "account.status": accounts.ACCOUNT,
    "account.commission": accounts.COMMISSION,
    "account.rateLimits.orders": accounts.ORDER_COUNTS,
}


class WsApiPeer:
    """One connection to ``/ws-api/v3``."""

    def __init__(self, state: SpotState, out: Outbox, *, target: str, ip: str, opened_ns: int) -> None:
        query = parse_qs(target.partition("?")[2])
        self.opened_ns = opened_ns
        self._state = state
        self._out = out
        self._ip = ip
        self._shows_limits = query.get("returnRateLimits", ["true"])[0] != "false"
        self._unit = 1_000 if query.get("timeUnit", [""])[0].upper() == "MICROSECOND" else NS_PER_MS
        self._session: ApiKey | None = None
        self._session_ns = 0
        self._subscriptions: dict[int, str] = {}  # id -> account
        self._next_subscription = 0

    def receive(self, text: str, now_ns: int) -> None:
        try:
            message = json.loads(text, parse_float=str)
        except ValueError:
            self._send_error(None, VenueError(-1135, "Invalid JSON Request"), now_ns)
            return
        request_id = message.get("id") if isinstance(message, dict) else None
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            self._send_error(request_id, missing("method"), now_ns)
            return
        params = message.get("params")
        if params is not None and not isinstance(params, dict):
            self._send_error(request_id, VenueError(-1135, "Invalid JSON Request"), now_ns)
            return
        shows = (params or {}).get("returnRateLimits", self._shows_limits) is not False
        try:
            result = self._answer(message["method"], Params.of_json(params or {}), now_ns)
        except VenueError as error:
            self._send_error(request_id, error, now_ns, shows_limits=shows)
            return
        self._send({"id": request_id, "status": 200, "result": result}, now_ns, shows_limits=shows)

    def pinged(self, now_ns: int) -> None:
        """Nothing is counted here: this surface is limited by weight."""

    def closed(self, now_ns: int) -> None:
        del now_ns
        self._subscriptions.clear()

    def end(self, code: int, reason: str) -> None:
        self._out.close(code, reason)

    # -- requests ------------------------------------------------------------------------------------------------

    def _answer(self, method: str, params: Params, now_ns: int) -> Any:
        special = {
            "session.logon": self._logon,
            "session.status": self._session_status,
            "session.logout": self._logout,
            "session.subscriptions": self._list_subscriptions,
            "userDataStream.subscribe": self._subscribe_session,
            "userDataStream.subscribe.signature": self._subscribe_signed,
            "userDataStream.unsubscribe": self._unsubscribe,
        }.get(method)
        if special is not None:
            self._state.limits.charge(self._ip, 2, now_ns)
            return special(params, now_ns)
        operation = METHODS.get(method)
        if operation is None:
            self._state.limits.charge(self._ip, 1, now_ns)
            if method.startswith("userDataStream."):
                raise VenueError(-1020, "This method is no longer supported.", status=410)
            raise VenueError(-1100, f"Unknown method '{method}'.")
        weight = operation.weight_of(params)
        self._state.limits.charge(self._ip, weight, now_ns)
        call = Call(self._state, params, now_ns, unit=self._unit)
        if operation.security is not Security.NONE:
            call.account = self._authenticate(params, operation.security, now_ns).account
        params.allow((*operation.names, "returnRateLimits"))
        answer = operation.run(call)
        if operation.is_order:
            self._state.limits.refund(self._ip, weight, now_ns)
        return answer

    def _authenticate(self, params: Params, security: Security, now_ns: int) -> ApiKey:
        """Accept a signed request, or an unsigned one on a logged-on session."""
        if self._session is not None and "signature" not in params and "apiKey" not in params:
            if self._state.keys.get(self._session.key) is not self._session:
                self._session = None
                raise not_permitted()
            check_time(params, now_ns)
            return key_of(self._state, self._session.key, security)
        params.need("apiKey")
        key = key_of(self._state, params.need("apiKey"), security)
        params.need("timestamp")
        check_signature(key, ws_payload(params.texts), params.text("signature"))
        check_time(params, now_ns)
        return key

    def _logon(self, params: Params, now_ns: int) -> dict[str, Any]:
        params.need("signature")
        key = self._authenticate(params, Security.USER_DATA, now_ns)
        if key.kind != "ed25519":
            raise VenueError(-4056, "HMAC_SHA256 API key is not supported.")
        self._session, self._session_ns = key, now_ns
        return self._session_status(params, now_ns)

    def _session_status(self, params: Params, now_ns: int) -> dict[str, Any]:
        del params
        session = self._session
        return {
            "apiKey": session.key if session is not None else None,
            "authorizedSince": self._session_ns // self._unit if session is not None else None,
            "connectedSince": self.opened_ns // self._unit,
            "returnRateLimits": self._shows_limits,
            "serverTime": now_ns // self._unit,
            "userDataStream": bool(self._subscriptions),
        }

    def _logout(self, params: Params, now_ns: int) -> dict[str, Any]:
        if self._session is not None:
            account, self._session = self._session.account, None
            for subscription in [i for i, owner in self._subscriptions.items() if owner == account]:
                self._terminate(subscription, now_ns)
        return self._session_status(params, now_ns)

    # -- user data -----------------------------------------------------------------------------------------------

    def _list_subscriptions(self, params: Params, now_ns: int) -> list[dict[str, int]]:
        del params, now_ns
        return [{"subscriptionId": number} for number in self._subscriptions]

    def _subscribe_session(self, params: Params, now_ns: int) -> dict[str, int]:
        del params, now_ns
        if self._session is None:
            raise VenueError(-1102, "This request requires a session; log on first with session.logon.", status=400)
        return self._subscribe(self._session.account)

    def _subscribe_signed(self, params: Params, now_ns: int) -> dict[str, int]:
        params.need("apiKey")
        params.need("signature")
        return self._subscribe(self._authenticate(params, Security.USER_DATA, now_ns).account)

    def _subscribe(self, account: str) -> dict[str, int]:
        if account in self._subscriptions.values():
            raise VenueError(-2035, "User Data Stream subscription already active.")
        if len(self._subscriptions) >= _MAX_SUBSCRIPTIONS:
            raise VenueError(-2042, "User Data Stream subscription ID has reached its maximum.")
        number = self._next_subscription
        self._next_subscription += 1
        self._subscriptions[number] = account
        return {"subscriptionId": number}

    def _unsubscribe(self, params: Params, now_ns: int) -> dict[str, Any]:
        number = params.integer("subscriptionId")
        if number is not None and number not in self._subscriptions:
            raise VenueError(-2036, "User Data Stream subscription not active.")
        for subscription in [number] if number is not None else list(self._subscriptions):
            self._terminate(subscription, now_ns)
        return {}

    def _terminate(self, number: int, now_ns: int) -> None:
        if self._subscriptions.pop(number, None) is not None:
            self._push(number, {"e": "eventStreamTerminated", "E": now_ns // self._unit})

    def expire_subscriptions(self, now_ns: int) -> None:
        for number in list(self._subscriptions):
            self._terminate(number, now_ns)

    def announce_shutdown(self, now_ns: int) -> None:
        event = {"event": {"e": "serverShutdown", "E": now_ns // self._unit}}
        self._out.send(msgspec.json.encode(event).decode(), USER_TOPIC)

    def private_event(self, event: OrderEvent | BalanceEvent) -> None:
        """Push *event* to whoever subscribed to its account."""
        for number, account in self._subscriptions.items():
            if account == event.account:
                self._push(number, self._event_payload(event))

    def _event_payload(self, event: OrderEvent | BalanceEvent) -> dict[str, Any]:
        unit = self._unit
        if isinstance(event, OrderEvent):
            return payloads.execution_report(event, unit)
        if event.delta is not None:
            return {
                "e": "balanceUpdate",
                "E": event.ns // unit,
                "a": event.assets[0],
                "d": text(event.delta),
                "T": event.ns // unit,
            }
        ledger = self._state.exchange.accounts
        return {
            "e": "outboundAccountPosition",
            "E": event.ns // unit,
            "u": event.ns // unit,
            "B": [
                {"a": asset, "f": text(balance.free), "l": text(balance.locked)}
                for asset in event.assets
                for balance in (ledger.balance(event.account, asset),)
            ],
        }

    def _push(self, number: int, event: dict[str, Any]) -> None:
        self._out.send(msgspec.json.encode({"subscriptionId": number, "event": event}).decode(), USER_TOPIC)

    # -- replies -------------------------------------------------------------------------------------------------

    def _send_error(self, request_id: Any, error: VenueError, now_ns: int, *, shows_limits: bool = True) -> None:
        content = error.body()
        if isinstance(error, RateLimited):
            content["data"] = {**error.data, "serverTime": now_ns // NS_PER_MS}
        reply = {"id": request_id, "status": error.status, "error": content}
        self._send(reply, now_ns, shows_limits=shows_limits)

    def _send(self, reply: dict[str, Any], now_ns: int, *, shows_limits: bool) -> None:
        if shows_limits:
            rules = self._state.options.rules
            reply["rateLimits"] = [
                {
                    "rateLimitType": "REQUEST_WEIGHT",
                    "interval": "MINUTE",
                    "intervalNum": 1,
                    "limit": rules.weight_per_minute,
                    "count": self._state.limits.used_weight(self._ip, now_ns),
                }
            ]
        self._out.send(msgspec.json.encode(reply).decode(), "")


def scripted_reply(request: str, response: HttpResponse, now_ns: int) -> str:
    """Return *response* in the shape of this surface: its JSON as result or error, Retry-After as a moment."""
    try:
        content = msgspec.json.decode(response.body)
    except msgspec.DecodeError:
        content = None
    reply: dict[str, Any] = {"id": json.loads(request).get("id"), "status": response.status}
    if response.status < 400:
        reply["result"] = content
        return msgspec.json.encode(reply).decode()
    if not isinstance(content, dict):
        content = {"code": -1001, "msg": "Internal error; unable to process your request. Please try again."}
    retry_after = dict(response.headers).get("retry-after", "")
    if retry_after.isdigit():
        now_ms = now_ns // NS_PER_MS
        content["data"] = {"serverTime": now_ms, "retryAfter": now_ms + int(retry_after) * 1_000}
    reply["error"] = content
    return msgspec.json.encode(reply).decode()
