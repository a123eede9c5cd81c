"""What Binance's answers look like on every market: refusals, limits, replies of the WebSocket API.

What a code means is the market's own: see `Meanings`. REST and the WebSocket API share codes; the market streams have
four numbers of their own, which never concern an order. Source: binance-spot-api-docs, errors.md and rest-api.md
("HTTP return codes").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from lotusx.errors import ErrorKind as K, ItemRejected, LotusXError, MalformedReply, RateLimited, exchange_error
from lotusx.plugin import Effect, Limit, Request, Response, Usage
from lotusx_binance.pools import ORDERS, RAW_REQUESTS, SAPI_ACCOUNT_WEIGHT, SAPI_WEIGHT, WEIGHT
from lotusx_binance.types import RateLimit

TOO_MANY_REQUESTS = -1003
TOO_MANY_ORDERS = -1015

_BANNED_UNTIL = re.compile(r"banned until (\d{13})")
_USED = re.compile(r"x-(mbx-used-weight|mbx-order-count|sapi-used-ip-weight|sapi-used-uid-weight)-(\d+)([smhd])")
_POOLS = {
    "mbx-used-weight": WEIGHT,
    "mbx-order-count": ORDERS,
    "sapi-used-ip-weight": SAPI_WEIGHT,
    "sapi-used-uid-weight": SAPI_ACCOUNT_WEIGHT,
}
_STATED = {"REQUEST_WEIGHT": WEIGHT, "RAW_REQUESTS": RAW_REQUESTS, "ORDERS": ORDERS}
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


class ErrorBody(msgspec.Struct):
    """``{"code": -1121, "msg": "Invalid symbol."}``; ``data`` with cancelReplace and, on WebSocket, rate limits."""

    code: int
    msg: str
    data: Any = None


class ApiReply(msgspec.Struct):
    """A reply of the WebSocket API; exactly one of ``result`` and ``error`` is there."""

    status: int
    result: msgspec.Raw = msgspec.Raw()
    error: ErrorBody | None = None


class ApiCounts(msgspec.Struct):
    """What a reply of the WebSocket API says was counted; apart, so that it puts no order in doubt."""

    rateLimits: list[RateLimit] = []


_decode_error = msgspec.json.Decoder(ErrorBody).decode
_decode_counts = msgspec.json.Decoder(ApiCounts).decode
_decode_reply = msgspec.json.Decoder(ApiReply).decode


def _open(status: int, body: ErrorBody) -> K:
    return K.UNKNOWN_EXECUTION


@dataclass(frozen=True, slots=True)
class Meanings:
    """What one market's codes mean.

    Attributes:
        kinds: Code → kind. Every code that is not here is `BAD_REQUEST`, with its number and words kept.
        by_words: Codes under which several things stand: *words*, pairs of a part and its kind, decide.
        halves: Codes whose ``data`` holds the refusals of two requests in one.
        at_fault: What a server's own failure leaves open, by its status (5xx, 408); a body that is no document has
            the negated status as its code.
    """

    kinds: Mapping[int, K]
    by_words: frozenset[int] = frozenset()
    words: tuple[tuple[str, K], ...] = ()
    halves: frozenset[int] = frozenset()
    at_fault: Callable[[int, ErrorBody], K] = _open

    def kind_of(self, code: int, text: str, data: Any = None) -> K:
        """Say what a refusal means; where Binance puts several things under one code, its words decide."""
        if code in self.by_words:
            lowered = text.lower()
            for part, kind in self.words:
                if part in lowered:
                    return kind
        if code == TOO_MANY_REQUESTS and _BANNED_UNTIL.search(text):
            return K.BANNED
        if code in self.halves and isinstance(data, dict):
            for half in ("cancelResponse", "newOrderResponse"):  # the first that failed stopped the other
                nested = data.get(half)
                if isinstance(nested, dict) and isinstance(nested.get("code"), int):
                    return self.kind_of(nested["code"], str(nested.get("msg", "")))
        return self.kinds.get(code, K.BAD_REQUEST)

    def refusal(
        self, exchange: str, body: ErrorBody, *, status: int, command: bool, after_s: float | None = None
    ) -> LotusXError:
        """Build the error of one refusal, on either surface."""
        if status == 418:
            kind = K.BANNED
        elif status == 429:
            kind = self.kind_of(body.code, body.msg)
            if kind not in (K.BANNED, K.PARTIAL_FAILURE):  # the limit may stop the second half of a replacement only
                kind = K.RATE_LIMITED
        elif status == 410:
            kind = K.ENDPOINT_GONE
        elif status >= 500 or status == 408:
            kind = self.at_fault(status, body)
        else:
            kind = self.kind_of(body.code, body.msg, body.data)
        if kind is K.UNKNOWN_EXECUTION and not command:
            kind = K.UNAVAILABLE
        error = exchange_error(
            kind, exchange, str(body.code), body.msg, http_status=status, after_s=after_s, details=body.data
        )
        if isinstance(error, RateLimited) and body.code == TOO_MANY_ORDERS:
            error.pool = ORDERS  # reads and cancels go on
        return error


class BinanceDialect:
    """Reads Binance's REST replies. ``exchange`` names it in errors."""

    def __init__(self, exchange: str, meanings: Meanings) -> None:
        self._exchange = exchange
        self._meanings = meanings

    def error(self, request: Request, response: Response) -> LotusXError | None:
        status, body = response.status, response.body
        if 200 <= status < 300:
            return None if body[:1] in (b"{", b"[") else self._malformed(response)
        try:
            refused = _decode_error(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            refused = None
        if refused is None:
            words = {
                403: "refused by the web application firewall",
                410: "this endpoint is gone",
                418: "banned",
                429: "too many requests",
            }
            if status in words:
                refused = ErrorBody(TOO_MANY_REQUESTS if status in (418, 429) else -status, words[status])
            elif status < 500:
                return self._malformed(response)
            else:
                refused = ErrorBody(-status, body[:200].decode("utf-8", "replace") or "no text")
            if status == 403:
                return exchange_error(
                    K.BANNED,
                    self._exchange,
                    "403",
                    refused.msg,
                    http_status=403,
                    after_s=_retry_after(response.headers),
                )
        return self._meanings.refusal(
            self._exchange,
            refused,
            status=status,
            command=request.effect is Effect.COMMAND,
            after_s=_retry_after(response.headers) or _ban_left(refused.msg, response.headers),
        )

    def usage(self, request: Request, response: Response) -> Iterable[Usage]:
        for name, value in response.headers.items():
            if name.startswith("x-") and (found := _USED.fullmatch(name)) and value.isdecimal():
                yield Usage(_POOLS[found[1]], int(found[2]) * _SECONDS[found[3]], int(value))

    def _malformed(self, response: Response) -> MalformedReply:
        text = response.body[:2000].decode("utf-8", "replace")
        kind = response.headers.get("content-type", "no content type")
        return MalformedReply(
            f"{self._exchange}: HTTP {response.status} with a body that is not JSON ({kind})",
            status=response.status,
            body=text,
        )


def to_limit(item: RateLimit) -> Limit:
    """Convert one of ``exchangeInfo.rateLimits``.

    Raises:
        ItemRejected: It limits something else, in another unit, or nothing.
    """
    pool = _STATED.get(item.rateLimitType)
    unit_s = _SECONDS.get(item.interval[:1].lower())
    if pool is None or unit_s is None or item.intervalNum < 1 or item.limit < 1:
        raise ItemRejected(f"no limit we know: {item}", field="rateLimits", value=item.rateLimitType)
    return Limit(pool, item.limit, item.intervalNum * unit_s, scope="account" if pool == ORDERS else "ip")


def api_usage(message: bytes) -> Iterable[Usage]:
    """Return what a reply of the WebSocket API says was counted: its ``rateLimits``, the only place."""
    try:
        stated = _decode_counts(message).rateLimits
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    for item in stated:
        with suppress(ItemRejected):
            limit = to_limit(item)
            if item.count is not None:
                yield Usage(limit.pool, limit.window_s, item.count)


def api_error(exchange: str, message: bytes, *, command: bool, meanings: Meanings) -> LotusXError | None:
    """Return the error that a reply of the WebSocket API stands for; ``None``: it is a success."""
    try:
        read_api_reply(exchange, message, command=command, meanings=meanings)
    except LotusXError as error:
        return error
    return None


def read_api_reply(exchange: str, message: bytes, *, command: bool, meanings: Meanings) -> msgspec.Raw:
    """Return the result in a reply of the WebSocket API.

    Raises:
        MalformedReply: It is no such reply; on a command nothing is known then.
        ExchangeError: It says no. ``after_s`` comes from ``retryAfter`` and ``serverTime``, both epoch ms.
    """
    try:
        reply = _decode_reply(message)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedReply(
            f"{exchange}: not a reply of the WebSocket API ({error})", body=message[:2000].decode("utf-8", "replace")
        ) from None
    if reply.error is None and 200 <= reply.status < 300:
        return reply.result
    body = reply.error or ErrorBody(-reply.status, "no error object")
    after_s = None
    if isinstance(body.data, dict):
        until, now = body.data.get("retryAfter"), body.data.get("serverTime")
        if isinstance(until, int) and isinstance(now, int):
            after_s = max(0.0, (until - now) / 1_000)
    raise meanings.refusal(exchange, body, status=reply.status, command=command, after_s=after_s)


def _date_s(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read ``Retry-After``: seconds, or a date against the reply's own ``Date`` (this code reads no clock)."""
    text = headers.get("retry-after")
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    until, now = _date_s(text), _date_s(headers.get("date"))
    return None if until is None or now is None else max(0.0, until - now)


def _ban_left(text: str, headers: Mapping[str, str]) -> float | None:
    found, now = _BANNED_UNTIL.search(text), _date_s(headers.get("date"))
    return None if found is None or now is None else max(0.0, int(found[1]) / 1_000 - now)
