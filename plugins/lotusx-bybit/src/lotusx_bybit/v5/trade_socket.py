"""Order entry over the trade socket: the parameters and results of REST in another envelope.

A request carries a time stamp and no signature of its own; the log-in of the socket vouches for it. Only orders go this
way: there is no query and no cancel-all. Source: bybit-exchange/docs, v5/ws/trade/guideline.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from lotusx.errors import LotusXError, MalformedReply
from lotusx.plugin import SigningContext, Usage
from lotusx_bybit.v5.codes import TRADE_KINDS
from lotusx_bybit.v5.errors import quota_of, refusal_error

OPS: Final[Mapping[str, str]] = {
    "/v5/order/create": "order.create",
    "/v5/order/amend": "order.amend",
    "/v5/order/cancel": "order.cancel",
    "/v5/order/create-batch": "order.create-batch",
    "/v5/order/amend-batch": "order.amend-batch",
    "/v5/order/cancel-batch": "order.cancel-batch",
}
"""REST endpoint → what it is called here; their quotas are shared."""


class TradeReply(msgspec.Struct):
    """A reply. ``data`` is what ``result`` is by REST, and ``{}`` with an error; ``retExtInfo`` may be missing then."""

    retCode: int
    retMsg: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")
    retExtInfo: msgspec.Raw = msgspec.Raw(b"{}")
    header: dict[str, str] = {}


_decode = msgspec.json.Decoder(TradeReply).decode
_encode = msgspec.json.Encoder().encode


def request_name(request_id: int, now_ms: int) -> str:
    """Write a ``reqId``. It must not repeat, over whatever span the exchange remembers: the time makes it unique."""
    return f"{request_id}.{now_ms}"


def request_number(name: str) -> int | None:
    """Return the request id that `request_name` was given; ``None``: the name is none of ours."""
    number = name.partition(".")[0]
    return int(number) if number.isascii() and number.isdecimal() else None


def write_request(op: str, params: object, request_id: int, context: SigningContext) -> str:
    """Write one request; *params* is the body that the same endpoint takes by REST."""
    message = {
        "reqId": request_name(request_id, context.now_ms),
        "header": {
            "X-BAPI-TIMESTAMP": str(context.now_ms),
            "X-BAPI-RECV-WINDOW": str(context.receive_window_ms),
        },
        "op": op,
        "args": [params],
    }
    return _encode(message).decode()


def read_reply(exchange: str, message: bytes, *, pool: str | None = None) -> TradeReply:
    """Return a reply that says yes. *pool*: the quota that the request took from.

    Raises:
        MalformedReply: It is no such reply; nothing is known then.
        ExchangeError: It says no.
    """
    try:
        reply = _decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedReply(
            f"{exchange}: not a reply of the trade socket ({error})", body=message[:2000].decode("utf-8", "replace")
        ) from None
    if reply.retCode == 0:
        return reply
    headers = headers_of(reply)
    quota, now = quota_of(headers), headers.get("timenow", "")
    raise refusal_error(
        exchange,
        reply.retCode,
        reply.retMsg,
        command=True,
        table=TRADE_KINDS,
        pool=pool,
        request_id=headers.get("traceid"),
        after_s=None if quota is None else quota.wait_s(int(now) if now.isdecimal() else None),
    )


def reply_error(exchange: str, message: bytes, *, pool: str | None = None) -> LotusXError | None:
    """Return the error a reply stands for; ``None``: it is a success. *pool* as in `read_reply`."""
    try:
        read_reply(exchange, message, pool=pool)
    except LotusXError as error:
        return error
    return None


def reply_usage(pool: str, message: bytes) -> Iterable[Usage]:
    """Return what a reply of any kind says was counted in *pool*; nothing where it cannot be read."""
    try:
        quota = quota_of(headers_of(_decode(message)))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ()
    return () if quota is None else (quota.usage(pool),)


def headers_of(reply: TradeReply) -> dict[str, str]:
    """Return the headers of a reply, names in lower case."""
    return {name.lower(): value for name, value in reply.header.items()}
