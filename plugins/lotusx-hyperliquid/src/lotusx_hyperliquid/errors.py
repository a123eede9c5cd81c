"""What Hyperliquid's refusals mean. There are no codes: words decide, and are kept.

They come in three layers: an HTTP status with text; ``{"status": "err", "response": "…"}`` in an HTTP 200; and
``{"error": "…"}`` for one item of an action that was accepted as a whole. WebSocket posts answer with the same, the
first layer as text. Source: hyperliquid-docs, "Error responses", and replies recorded in 2025 and 2026.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from lotusx.errors import ErrorKind as K, ExchangeError, LotusXError, MalformedReply, RateLimited, exchange_error
from lotusx.plugin import Effect, Request, Response, Usage
from lotusx_hyperliquid.facts import ADDRESS_ACTIONS

EXCHANGE_PATH = "/exchange"
BOOK_ENDPOINT = "info/l2Book"
"""The `Request.endpoint` whose answer ``null`` says that there is no such coin."""

ADDRESS_PAUSE_S = 10.0
"""An address that has used up its actions may send one in this time ("Rate limits and user limits")."""

# The first part that occurs decides; lower case.
_WORDS: tuple[tuple[str, K], ...] = (
    # Of the whole action.
    ("user or api wallet", K.AUTHENTICATION),  # … 0x… does not exist: another digest, network or an expired agent
    ("must deposit before performing actions", K.AUTHENTICATION),  # mostly a wrong digest: then the address is random
    ("unable to recover signer", K.AUTHENTICATION),
    ("require different signature", K.AUTHENTICATION),
    ("duplicate nonce", K.DUPLICATE_ORDER),
    ("nonce too low", K.TIMESTAMP_SKEW),
    ("nonce too high", K.TIMESTAMP_SKEW),
    ("nonce mismatch", K.BAD_REQUEST),
    ("action already expired", K.TIMESTAMP_SKEW),
    ("vault not registered", K.PERMISSION),
    ("multi-sig required", K.PERMISSION),
    ("too many cumulative requests", K.RATE_LIMITED),
    ("cannot set scheduled cancel time", K.PERMISSION),
    ("invalid leverage value", K.BAD_REQUEST),
    # Of one order, or of all where the first check of the batch fails.
    ("order must have minimum value", K.INVALID_ORDER),
    ("must be divisible by tick size", K.INVALID_ORDER),
    ("order has invalid size", K.INVALID_ORDER),
    ("zero size", K.INVALID_ORDER),
    ("order has invalid price", K.INVALID_ORDER),
    ("away from the reference price", K.INVALID_ORDER),
    ("price too far from oracle", K.INVALID_ORDER),
    ("insufficient margin", K.INSUFFICIENT_FUNDS),
    ("insufficient spot balance", K.INSUFFICIENT_FUNDS),
    ("insufficient balance", K.INSUFFICIENT_FUNDS),
    ("reduce only order would increase", K.REDUCE_ONLY_REJECTED),
    ("would have immediately matched", K.POST_ONLY_WOULD_TAKE),
    ("could not immediately match", K.INVALID_ORDER),
    ("no liquidity available", K.INVALID_ORDER),
    ("invalid tp/sl price", K.WOULD_TRIGGER),  # on the wrong side of the mark price
    ("open interest", K.INVALID_ORDER),
    ("exceed margin tier limit", K.ORDER_LIMIT),
    ("never placed, already canceled, or filled", K.ORDER_NOT_FOUND),
    ("cannot modify canceled or filled order", K.ORDER_NOT_FOUND),  # no source states these words
)
_UNFILLED = "could not immediately match"
_ASSET = re.compile(r"\s*\basset=(\d+)\s*$")
_STATUS = re.compile(r"\s*(\d{3})\b")
_JSON_STARTS = frozenset(b'{["-0123456789ntf')


class ActionReply(msgspec.Struct):
    """The answer to an action: ``response`` is a document if *status* is ``ok``, a text if it is ``err``."""

    status: str
    response: msgspec.Raw = msgspec.Raw()


_action_reply = msgspec.json.Decoder(ActionReply).decode
_text = msgspec.json.Decoder(str).decode


def kind_of(text: str, default: K = K.BAD_REQUEST) -> K:
    """Say what a refusal means, by its words; *default* for those that are not known."""
    words = text.lower()
    return next((kind for part, kind in _WORDS if part in words), default)


def is_unfilled_ioc(text: str) -> bool:
    """Say whether an order was refused because it found nothing to match: the end of an IOC order, not a mistake."""
    return _UNFILLED in text.lower()


def refusal(
    exchange: str, text: str, *, code: str = "err", http_status: int | None = None, default: K = K.BAD_REQUEST
) -> LotusXError:
    """Build the error of one refusal. *code* says where it stood: the exchange has no codes of its own."""
    kind = kind_of(text, default)
    error = exchange_error(
        kind,
        exchange,
        code,
        text,
        http_status=http_status,
        # A nonce is never used twice here: what has used it may have been this very action, sent on by something
        # between us and the exchange.
        may_have_executed=kind is K.DUPLICATE_ORDER,
        after_s=ADDRESS_PAUSE_S if kind is K.RATE_LIMITED else None,
    )
    if isinstance(error, RateLimited):
        error.pool = ADDRESS_ACTIONS  # reads go on, and cancels have a ceiling of their own
    return error


def item_error(exchange: str, text: str) -> ExchangeError:
    """Build the error of one item of a batch. ``details`` has the ``asset`` that the text ended with."""
    found = _ASSET.search(text)
    words = text[: found.start()] if found else text
    details = {"asset": int(found[1])} if found else None
    return exchange_error(kind_of(words, K.INVALID_ORDER), exchange, "error", words, details=details)


def action_error(exchange: str, document: bytes | msgspec.Raw, *, http_status: int | None = None) -> LotusXError | None:
    """Return the error that the answer to an action stands for; ``None``: it was accepted, its items may not be."""
    try:
        reply = _action_reply(document)
        if reply.status == "ok":
            return None
        if reply.status == "err":
            return refusal(exchange, _text(reply.response), http_status=http_status)
        problem = f"its status is {reply.status!r}"
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        problem = str(error)
    return MalformedReply(
        f"{exchange}: not the answer to an action ({problem})",
        status=http_status or 0,
        body=bytes(document)[:2000].decode("utf-8", "replace"),
    )


def http_error(exchange: str, status: int, text: str, *, command: bool) -> LotusXError:
    """Build the error of an HTTP status that is not a success. *text*: the body, which may be ``null``."""
    words = text if text.strip() not in ("", "null") else f"HTTP {status} without a text"
    if status == 429:
        kind = K.RATE_LIMITED
    elif status >= 500 or status == 408 or text.lstrip().startswith("<"):  # a page is not the exchange's own answer
        kind = K.UNKNOWN_EXECUTION if command else K.UNAVAILABLE
    else:
        kind = kind_of(text)
    return exchange_error(kind, exchange, str(status), words, http_status=status)


def post_error(exchange: str, payload: str, *, command: bool) -> LotusXError:
    """Build the error of a WebSocket post answered with ``type: error``: an HTTP status and words, as text.

    Its exact form is not documented. Where neither status nor words are known, a command's outcome is not either.
    """
    found = _STATUS.match(payload)
    if found:
        return http_error(exchange, int(found[1]), payload, command=command)
    default = K.UNKNOWN_EXECUTION if command else K.BAD_REQUEST
    return refusal(exchange, payload, code="post", default=default)


class HyperliquidDialect:
    """Reads REST replies. ``exchange`` names it in errors."""

    def __init__(self, exchange: str) -> None:
        self._exchange = exchange

    def error(self, request: Request, response: Response) -> LotusXError | None:
        status, body = response.status, response.body
        if not 200 <= status < 300:
            text = body[:200].decode("utf-8", "replace")
            return http_error(self._exchange, status, text, command=request.effect is Effect.COMMAND)
        if request.path == EXCHANGE_PATH:
            return action_error(self._exchange, body, http_status=status)
        if body == b"null" and request.endpoint == BOOK_ENDPOINT:
            return exchange_error(K.INVALID_SYMBOL, self._exchange, "null", "there is no such coin", http_status=status)
        if not body or body[0] not in _JSON_STARTS:
            kind = response.headers.get("content-type", "no content type")
            return MalformedReply(
                f"{self._exchange}: HTTP {status} with a body that is not JSON ({kind})",
                status=status,
                body=body[:2000].decode("utf-8", "replace"),
            )
        return None

    def usage(self, request: Request, response: Response) -> Iterable[Usage]:
        return ()  # replies say nothing of what was counted
