"""What the WS APIs of all Binance markets have in common: frames, signatures, sessions, limits.

Source: binance-spot-api-docs, web-socket-api.md.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Generic
from urllib.parse import parse_qs

import msgspec

from lotusx_sim.dialects.binance.call import CallOn, OperationOn, Security, StateT
from lotusx_sim.dialects.binance.errors import RateLimited, VenueError, missing
from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.security import check_signature, check_time, key_of, not_permitted
from lotusx_sim.dialects.binance.signing import ApiKey, ws_payload
from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.venue import Outbox
from lotusx_sim.wire import HttpResponse

Special = Callable[[Params, int], Any]


class ApiPeer(Generic[StateT]):
    """One connection to a WS API."""

    def __init__(
        self,
        state: StateT,
        methods: Mapping[str, OperationOn[StateT]],
        out: Outbox,
        *,
        target: str,
        ip: str,
        opened_ns: int,
    ) -> None:
        query = parse_qs(target.partition("?")[2])
        self.opened_ns = opened_ns
        self._state = state
        self._methods = methods
        self._out = out
        self._ip = ip
        self._shows_limits = query.get("returnRateLimits", ["true"])[0] != "false"
        self._unit = 1_000 if query.get("timeUnit", [""])[0].upper() == "MICROSECOND" else NS_PER_MS
        self._session: ApiKey | None = None
        self._session_ns = 0

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
        """Forget the session."""
        del now_ns
        self._session = None

    def end(self, code: int, reason: str) -> None:
        self._out.close(code, reason)

    # -- requests ------------------------------------------------------------------------------------------------

    def _specials(self) -> dict[str, Special]:
        """Return the methods that are about this connection."""
        return {
            "session.logon": self._logon,
            "session.status": self._session_status,
            "session.logout": self._logout,
        }

    def _answer(self, method: str, params: Params, now_ns: int) -> Any:
        special = self._specials().get(method)
        if special is not None:
            self._state.limits.charge(self._ip, 2, now_ns)
            return special(params, now_ns)
        operation = self._methods.get(method)
        if operation is None:
            self._state.limits.charge(self._ip, 1, now_ns)
            raise self._unknown(method)
        weight = operation.weight_of(params)
        self._state.limits.charge(self._ip, weight, now_ns)
        call = CallOn(self._state, params, now_ns, unit=self._unit)
        if operation.security is Security.KEY:
            call.account = key_of(self._state.keys, params.need("apiKey"), Security.USER_DATA).account
        elif operation.security is not Security.NONE:
            call.account = self._authenticate(params, operation.security, now_ns).account
        params.allow((*operation.names, "returnRateLimits"))
        answer = operation.run(call)
        if operation.is_order:
            self._state.limits.refund(self._ip, weight, now_ns)
        return answer

    def _unknown(self, method: str) -> VenueError:
        return VenueError(-1100, f"Unknown method '{method}'.")

    def _authenticate(self, params: Params, security: Security, now_ns: int) -> ApiKey:
        """Accept a signed request, or an unsigned one on a logged-on session."""
        if self._session is not None and "signature" not in params and "apiKey" not in params:
            if self._state.keys.get(self._session.key) is not self._session:
                self._session = None
                raise not_permitted()
            check_time(params, now_ns)
            return key_of(self._state.keys, self._session.key, security)
        params.need("apiKey")
        key = key_of(self._state.keys, params.need("apiKey"), security)
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
            "userDataStream": self._has_user_data,
        }

    def _logout(self, params: Params, now_ns: int) -> dict[str, Any]:
        self._session = None
        return self._session_status(params, now_ns)

    @property
    def _has_user_data(self) -> bool:
        return False

    # -- replies -------------------------------------------------------------------------------------------------

    def _send_error(self, request_id: Any, error: VenueError, now_ns: int, *, shows_limits: bool = True) -> None:
        content = error.body()
        if isinstance(error, RateLimited):
            content["data"] = {**error.data, "serverTime": now_ns // NS_PER_MS}
        reply = {"id": request_id, "status": error.status, "error": content}
        self._send(reply, now_ns, shows_limits=shows_limits)

    def _send(self, reply: dict[str, Any], now_ns: int, *, shows_limits: bool) -> None:
        if shows_limits:
            rules = self._state.limits.rules
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
