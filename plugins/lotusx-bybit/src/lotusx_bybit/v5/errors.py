"""Reads what Bybit answers to a request by REST: is it an error, and what is left of the quota.

Refusals come with HTTP 200 and a ``retCode``; a page instead of JSON comes from the network in front of the exchange.
Source: bybit-exchange/docs, v5/error and v5/rate-limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from lotusx.errors import ErrorKind as K, ExchangeError, LotusXError, MalformedReply, RateLimited, exchange_error
from lotusx.plugin import Effect, Request, Response, Usage
from lotusx_bybit.v5.codes import REST_KINDS, TOO_MANY_VISITS, kind_of
from lotusx_bybit.v5.facts import QUOTA_S

BAN_S = 600.0
"""An address that sent too much is shut out for at least ten minutes."""

_SUCCESS = b'{"retCode":0,'
_BLOCKED_COUNTRY = re.compile(r"\b(country|region|usa)\b", re.IGNORECASE)


class Refusal(msgspec.Struct):
    """What of a reply says no. ``time`` and ``result`` may be missing; ``result`` holds reasons at times."""

    retCode: int
    retMsg: str = ""
    result: Any = None
    time: int | None = None


_refusal = msgspec.json.Decoder(Refusal).decode


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of one endpoint's quota, as a reply tells it.

    Attributes:
        limit: Requests (orders, of batches) a second.
        left: How many of them were left.
        reset_ms: When there is more, on the exchange's clock; in the past or now where nothing is held back.
    """

    limit: int
    left: int
    reset_ms: int

    def usage(self, pool: str) -> Usage:
        """Return it as what the exchange counted in *pool*."""
        return Usage(pool, QUOTA_S, max(0, self.limit - self.left))

    def wait_s(self, now_ms: int | None) -> float | None:
        """Return how long until there is more, *now_ms* being the exchange's time of the reply."""
        return None if now_ms is None else max(0.0, (self.reset_ms - now_ms) / 1_000)


def quota_of(headers: Mapping[str, str]) -> Quota | None:
    """Read the three headers of a quota, names in lower case; ``None``: not all are there, as on public endpoints."""
    texts = [headers.get(f"x-bapi-limit{part}", "") for part in ("", "-status", "-reset-timestamp")]
    if not all(text.isdecimal() for text in texts):
        return None
    limit, left, reset_ms = map(int, texts)
    return Quota(limit, left, reset_ms)


def refusal_error(
    exchange: str,
    code: int,
    text: str,
    *,
    command: bool,
    table: Mapping[int, K] = REST_KINDS,
    pool: str | None = None,
    **facts: Any,
) -> ExchangeError:
    """Build the error of a numbered refusal. Keyword arguments as in `ExchangeError`.

    Args:
        pool: The quota that is used up if it was one of the account's.
    """
    kind = kind_of(code, text, table)
    if kind is K.UNKNOWN_EXECUTION and not command:
        kind = K.UNAVAILABLE
    if kind is not K.RATE_LIMITED:
        facts.pop("after_s", None)  # what is left of a quota is no reason to wait with anything else
    error = exchange_error(kind, exchange, str(code), text or "no text", **facts)
    if code == TOO_MANY_VISITS and isinstance(error, RateLimited):
        error.pool = pool
    return error


def _names_another_reason(said: Refusal | None) -> bool:
    """Say whether a reply with HTTP 403 is the exchange's own, and about something else than too much traffic."""
    return said is not None and kind_of(said.retCode, said.retMsg) not in (K.BAD_REQUEST, K.RATE_LIMITED)


class RestErrors:
    """Reads REST replies for one exchange, which it names in errors."""

    def __init__(self, exchange: str) -> None:
        self._exchange = exchange

    def error(self, request: Request, response: Response) -> LotusXError | None:
        """Return the error a reply stands for; ``None``: it is a success."""
        status, body = response.status, response.body
        if 200 <= status < 300 and body.startswith(_SUCCESS):
            return None
        try:
            said = _refusal(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            said = None
        if 200 <= status < 300:
            if said is None:
                return self._malformed(response)
            return self._refused(said, request, response) if said.retCode else None
        return self._failed(said, request, response)

    def usage(self, request: Request, response: Response) -> Iterable[Usage]:
        """Return what was counted of the endpoint's quota; nothing where the reply does not say."""
        quota = quota_of(response.headers)
        return () if quota is None else (quota.usage(request.path),)

    def _refused(self, said: Refusal, request: Request, response: Response) -> ExchangeError:
        quota = quota_of(response.headers)
        return refusal_error(
            self._exchange,
            said.retCode,
            said.retMsg,
            command=request.effect is Effect.COMMAND,
            pool=request.path,
            http_status=response.status,
            request_id=response.headers.get("traceid"),
            after_s=None if quota is None else quota.wait_s(said.time),
            details=said.result or None,
        )

    def _failed(self, said: Refusal | None, request: Request, response: Response) -> LotusXError:
        """Read a status that is no success: what comes from the network in front has no number of its own."""
        status, command = response.status, request.effect is Effect.COMMAND
        text = said.retMsg if said is not None and said.retMsg else response.body[:200].decode("utf-8", "replace")
        after_s = None
        if status == 403 and not _names_another_reason(said):
            # A ban of the address, or a country that is not served. A GET with a body, the third reason, is never sent.
            kind, after_s = (K.PERMISSION, None) if _BLOCKED_COUNTRY.search(text) else (K.BANNED, BAN_S)
        elif status == 429 or status == 408 or status >= 500:
            doubt = K.RATE_LIMITED if status == 429 else K.UNAVAILABLE
            kind = K.UNKNOWN_EXECUTION if command else doubt
        elif said is not None and said.retCode:
            return self._refused(said, request, response)
        elif status in (400, 401, 404):
            kind = K.AUTHENTICATION if status == 401 else K.BAD_REQUEST
        else:
            return self._malformed(response)
        code = str(said.retCode) if said is not None and said.retCode else str(status)
        return exchange_error(kind, self._exchange, code, text or "no text", http_status=status, after_s=after_s)

    def _malformed(self, response: Response) -> MalformedReply:
        kind = response.headers.get("content-type", "no content type")
        return MalformedReply(
            f"{self._exchange}: HTTP {response.status} with a body that is not Bybit's ({kind})",
            status=response.status,
            body=response.body[:2000].decode("utf-8", "replace"),
        )
