"""Order entry over a WebSocket: the same commands and rules as by REST. Source: Bybit V5, websocket/trade."""

from collections.abc import Mapping
from typing import Any

import msgspec

from lotusx_sim.dialects.binance.signing import ApiKey
from lotusx_sim.dialects.bybit import rest, trading
from lotusx_sim.dialects.bybit.call import Call
from lotusx_sim.dialects.bybit.errors import TOO_MANY_VISITS, VenueError, too_many_visits
from lotusx_sim.dialects.bybit.params import Params
from lotusx_sim.dialects.bybit.signing import check_time, stream_signer
from lotusx_sim.dialects.bybit.state import NS_PER_MS
from lotusx_sim.dialects.bybit.ws import Peer, ms_text
from lotusx_sim.wire import HttpResponse

_SINGLE: Mapping[str, trading.Single] = {
    "order.create": trading.create, "order.amend": trading.amend, "order.cancel": trading.cancel,
}  # fmt: skip
_BATCH = {
    f"{op}-batch": rest.batch_entry(single, f"{op.removeprefix('order.')}-batch") for op, single in _SINGLE.items()
}
_MAX_ID = 36
_KEPT_IDS = 10_000


class TradePeer(Peer):
    """A socket of ``/v5/trade``."""

    idle_ns = 600_000_000_000
    key: ApiKey | None = None
    is_restarting = False  # it answers 10019 from now on

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._request_ids: dict[str, None] = {}  # the newest ones

    def unreadable(self, text: str) -> None:
        del text
        self._answer({}, VenueError(10001, "json parse error"))

    def take(self, message: dict[str, Any], now_ns: int) -> None:
        op = message.get("op")
        if op == "ping":
            self.say({"retCode": 0, "retMsg": "OK", "op": "pong", "data": [ms_text(now_ns)], "connId": self.conn_id})
        elif op == "auth":
            self._auth(message, now_ns)
        elif self.state.limits.says_too_much(self.ip, now_ns):
            self._answer(message, VenueError(10403, "Exceed IP rate limit. 3000 requests per second per IP"))
        else:
            self._act(message, str(op), now_ns)

    # -- auth ----------------------------------------------------------------------------------------------------

    def _auth(self, message: dict[str, Any], now_ns: int) -> None:
        code, text = self._check_auth(message.get("args"), now_ns)
        content: dict[str, Any] = {"retCode": code, "retMsg": text, "op": "auth", "connId": self.conn_id}
        self.say({"reqId": str(message["reqId"])} | content if message.get("reqId") else content)

    def _check_auth(self, args: Any, now_ns: int) -> tuple[int, str]:
        if self.key is not None:
            return 20001, "Repeat auth"
        if not isinstance(args, list) or len(args) != 3:
            return 10001, "Params Error"
        name, expires, signature = (str(item) for item in args)
        now_ms = now_ns // NS_PER_MS
        if not expires.isdigit() or int(expires) <= now_ms:
            return 10001, "Params Error"
        self.key = stream_signer(self.state.keys, name, expires, signature, now_ms)
        return (0, "OK") if self.key is not None else (10004, "Sign error")

    # -- commands ------------------------------------------------------------------------------------------------

    def _act(self, message: dict[str, Any], op: str, now_ns: int) -> None:
        headers: dict[str, str] = {}
        try:
            result, extra = self._execute(message, op, now_ns, headers)
        except VenueError as error:
            self._answer(message, error, headers)
            return
        self._answer(message, None, headers, result, extra)

    def _execute(
        self, message: dict[str, Any], op: str, now_ns: int, headers: dict[str, str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        if self.is_restarting:
            raise VenueError(10019, "ws trade service is restarting, do not accept new request")
        if op not in _SINGLE and op not in _BATCH:
            raise VenueError(10404, "op type is not found")
        if self.key is None:
            raise VenueError(10007, "User authentication failed.")
        self._note_id(message)
        header, args = message.get("header"), message.get("args")
        header = header if isinstance(header, dict) else {}
        stamp, window = str(header.get("X-BAPI-TIMESTAMP", "")), str(header.get("X-BAPI-RECV-WINDOW", ""))
        check_time(stamp, window, now_ns // NS_PER_MS)
        if not isinstance(args, list) or len(args) != 1 or not isinstance(args[0], dict):
            raise VenueError(10001, "params error: args must hold one object")
        params = Params(args[0])
        if not self.key.may_trade:
            raise VenueError(10005, "Permission denied, please check your API key permissions.")
        if op in _BATCH:
            answer = _BATCH[op](Call(self.state, params, now_ns, self.key))
            headers |= answer.quota.headers() if answer.quota is not None else {}
            return answer.result, answer.extra
        category = params.category()
        limit = 10 if op == "order.amend" else rest.order_limit(self.state, category)
        # That single orders share the quota of REST is an assumption; of batches it is documented.
        bucket = rest.bucket(op.removeprefix("order."), category)
        quota = self.state.limits.spend(self.key.account, bucket, limit, now_ns)
        headers |= quota.headers()
        if quota.is_over:
            raise too_many_visits()
        return dict(_SINGLE[op](self.state, self.key.account, params)), {}

    def _note_id(self, message: dict[str, Any]) -> None:
        request_id = str(message.get("reqId", "") or "")
        if len(request_id) > _MAX_ID:
            raise VenueError(10001, "params error: reqId too long")
        if request_id in self._request_ids:
            raise VenueError(20006, "reqId is duplicated")
        if request_id:
            self._request_ids[request_id] = None
            if len(self._request_ids) > _KEPT_IDS:
                del self._request_ids[next(iter(self._request_ids))]

    def _answer(
        self,
        message: Mapping[str, Any],
        error: VenueError | None,
        headers: Mapping[str, str] | None = None,
        result: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        now = ms_text(self.state.now_ns)
        content: dict[str, Any] = {"reqId": str(message["reqId"])} if message.get("reqId") else {}
        content |= {
            "retCode": error.code if error else 0,
            "retMsg": error.text if error else "OK",
            "op": str(message.get("op", "")),
            "data": dict(result or {}),
            "retExtInfo": dict(extra or {}),
            "header": {**(headers or {}), "Traceid": self.state.unique("trace").replace("-", ""), "Timenow": now},
            "connId": self.conn_id,
        }
        self.say(content)


def scripted_reply(request: str, response: HttpResponse) -> str:
    """Return *response*, made up by a test, as the answer to a request: on the trade socket, or on one of streams."""
    message = msgspec.json.decode(request)
    try:
        body = msgspec.json.decode(response.body)
    except msgspec.DecodeError:
        body = None
    told: Mapping[str, Any] = body if isinstance(body, dict) else {}
    code = told.get("retCode", {403: 10403, 429: 10429}.get(response.status, 10016))
    if "req_id" in message:
        refusal = {"success": not code, "ret_msg": told.get("retMsg", ""), "conn_id": "", "op": message.get("op", "")}
        return msgspec.json.encode(refusal | {"req_id": str(message["req_id"])}).decode()
    content: dict[str, Any] = {"reqId": str(message["reqId"])} if message.get("reqId") else {}
    content |= {
        "retCode": code,
        "retMsg": told.get("retMsg", "Too many visits" if code == TOO_MANY_VISITS else "Internal server error"),
        "op": message.get("op", ""),
        "data": told.get("result") or {},
        "retExtInfo": told.get("retExtInfo") or {},
        "header": {},
        "connId": "",
    }
    return msgspec.json.encode(content).decode()
