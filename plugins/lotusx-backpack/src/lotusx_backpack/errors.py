"""What Backpack's refusals mean.

They are ``{"code": "…", "message": "…"}``. The HTTP status says little, and one code covers many problems: code and
words decide together. Parameters that cannot be read and paths that do not exist are answered in plain text. Source:
the exchange's OpenAPI document (2026-08), its support site, and refusals that other clients match on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

from lotusx.errors import ErrorKind as K, LotusXError, MalformedReply, exchange_error
from lotusx.plugin import Effect, Request, Response, Usage, Verb

KINDS: Mapping[str, K] = MappingProxyType(
    {
        "INVALID_SIGNATURE": K.AUTHENTICATION,
        "UNAUTHORIZED": K.AUTHENTICATION,
        "FORBIDDEN": K.PERMISSION,
        "ACCOUNT_DEACTIVATED": K.PERMISSION,
        "ACCOUNT_LIQUIDATING": K.PERMISSION,
        "INVALID_TWO_FACTOR_CODE": K.PERMISSION,
        "INSUFFICIENT_FUNDS": K.INSUFFICIENT_FUNDS,
        "INSUFFICIENT_MARGIN": K.INSUFFICIENT_FUNDS,
        "MAX_LEVERAGE_REACHED": K.INSUFFICIENT_FUNDS,
        "INSUFFICIENT_SUPPLY": K.INSUFFICIENT_FUNDS,
        "BORROW_LIMIT": K.INSUFFICIENT_FUNDS,
        "LEND_LIMIT": K.INSUFFICIENT_FUNDS,
        "BORROW_REQUIRES_LEND_REDEEM": K.INSUFFICIENT_FUNDS,
        "LEND_REQUIRES_BORROW_REPAY": K.INSUFFICIENT_FUNDS,
        "INVALID_ORDER": K.INVALID_ORDER,
        "INVALID_PRICE": K.INVALID_ORDER,
        "INVALID_QUANTITY": K.INVALID_ORDER,
        "ORDER_LIMIT": K.ORDER_LIMIT,
        "POSITION_LIMIT": K.ORDER_LIMIT,
        "INVALID_MARKET": K.INVALID_SYMBOL,
        "INVALID_SYMBOL": K.INVALID_SYMBOL,
        "INVALID_CLIENT_REQUEST": K.BAD_REQUEST,
        "INVALID_ASSET": K.BAD_REQUEST,
        "INVALID_POSITION_ID": K.BAD_REQUEST,
        "INVALID_RANGE": K.BAD_REQUEST,
        "INVALID_SOURCE": K.BAD_REQUEST,
        "NOT_IMPLEMENTED": K.BAD_REQUEST,
        "PRECONDITION_FAILED": K.BAD_REQUEST,
        "RESOURCE_NOT_FOUND": K.BAD_REQUEST,  # what was not found depends on the call
        "TOO_MANY_REQUESTS": K.RATE_LIMITED,
        "TRADING_PAUSED": K.UNAVAILABLE,
        "MAINTENANCE": K.UNAVAILABLE,
        "TIMEOUT": K.UNKNOWN_EXECUTION,  # the engine did not answer in time
        "SERVER_ERROR": K.UNKNOWN_EXECUTION,
        "TOO_EARLY": K.UNKNOWN_EXECUTION,  # perhaps a repetition that was noticed: its meaning is not documented
    }
)
"""Code → kind. Every code that is not here is `BAD_REQUEST`, with its name and words kept."""

# The first part that occurs decides; lower case.
_WORDS: Mapping[str, tuple[tuple[str, K], ...]] = MappingProxyType(
    {
        "INVALID_CLIENT_REQUEST": (
            ("invalid signature", K.AUTHENTICATION),
            ("invalid x-signature", K.AUTHENTICATION),
            ("request has expired", K.TIMESTAMP_SKEW),
            ("invalid market symbol", K.INVALID_SYMBOL),
            ("symbol not found", K.INVALID_SYMBOL),
            ("decimal too long", K.INVALID_ORDER),
            ("triggerprice", K.INVALID_ORDER),
            ("order not found", K.ORDER_NOT_FOUND),
            ("timestamp", K.TIMESTAMP_SKEW),
        ),
        "INVALID_ORDER": (
            ("would immediately match", K.POST_ONLY_WOULD_TAKE),
            ("reduce only", K.REDUCE_ONLY_REJECTED),
            ("reduce-only", K.REDUCE_ONLY_REJECTED),
            ("reduceonly", K.REDUCE_ONLY_REJECTED),
        ),
    }
)

_EXPIRY: Mapping[str, K] = MappingProxyType(
    {
        **dict.fromkeys(("postonlytaker", "postonlymode"), K.POST_ONLY_WOULD_TAKE),
        **dict.fromkeys(("reduceonlynotreduced", "stopwithoutposition"), K.REDUCE_ONLY_REJECTED),
        **dict.fromkeys(
            (
                "insufficientfunds",
                "insufficientmargin",
                "insufficientborrowablequantity",
                "borrowrequireslendredeem",
                "negativeequity",
            ),
            K.INSUFFICIENT_FUNDS,
        ),
        **dict.fromkeys(
            (
                "invalidprice",
                "invalidquantity",
                "priceoutofbounds",
                "priceband",
                "priceimpact",
                "slippagetoleranceexceeded",
            ),
            K.INVALID_ORDER,
        ),
        **dict.fromkeys(("positionlimit", "maxstopordersperposition"), K.ORDER_LIMIT),
        **dict.fromkeys(("userpermissions", "accounttradingsuspended"), K.PERMISSION),
    }
)

_ORDER_PATHS = frozenset({"/api/v1/order", "/api/v1/orders", "/wapi/v1/history/orders"})
_BOOK_PATH = "/api/v1/depth"
_PLAIN_PATHS = frozenset({"/api/v1/ping", "/api/v1/time"})
_JSON_STARTS = frozenset(b'{["-0123456789tfn')
_KEPT = 200


class ErrorBody(msgspec.Struct):
    """``{"code": "INVALID_ORDER", "message": "Invalid order"}``."""

    code: str
    message: str | None = None


_decode = msgspec.json.Decoder(ErrorBody).decode


def kind_of(code: str, text: str) -> K:
    """Say what a refusal means; where one code covers several problems, its words decide."""
    words = text.lower()
    for part, kind in _WORDS.get(code, ()):
        if part in words:
            return kind
    return KINDS.get(code, K.BAD_REQUEST)


def expiry_kind(reason: str) -> K | None:
    """Say which refusal the reason of an expiry stands for; ``None``: it is a usual end, or not known.

    Streams write ``PRICE_BAND`` where documents write ``PriceBand``.
    """
    return _EXPIRY.get(reason.replace("_", "").casefold())


def item_error(exchange: str, code: str, text: str) -> LotusXError:
    """Build the error of one order of a batch, which is answered with HTTP 200."""
    return exchange_error(kind_of(code, text), exchange, code, text, http_status=200)


class BackpackDialect:
    """Reads REST replies. ``exchange`` names it in errors."""

    def __init__(self, exchange: str) -> None:
        self._exchange = exchange

    def error(self, request: Request, response: Response) -> LotusXError | None:
        """Return the error of a reply; 202 and 204 are successes without a document, and so is an empty 200."""
        status, body = response.status, response.body
        if 200 <= status < 300:
            if body and request.path not in _PLAIN_PATHS and body[0] not in _JSON_STARTS:
                return self._malformed(response)
            return None
        try:
            said = _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._plain(request, response)
        text = said.message or said.code
        return self._refusal(request, status, said.code, text, self._by_call(request, said.code, text))

    def usage(self, request: Request, response: Response) -> Iterable[Usage]:
        return ()  # replies say nothing of what was counted

    def _by_call(self, request: Request, code: str, text: str) -> K:
        if code == "RESOURCE_NOT_FOUND":
            if request.path in _ORDER_PATHS and request.verb is not Verb.POST:
                return K.ORDER_NOT_FOUND
            if request.path == _BOOK_PATH:
                return K.MARKET_CLOSED  # a closed market has no book (measured, 2026-09)
        return kind_of(code, text)

    def _plain(self, request: Request, response: Response) -> LotusXError:
        """Read what is no error document: plain text of the exchange, or a page of something in front of it."""
        status = response.status
        text = response.body[:_KEPT].decode("utf-8", "replace").strip()
        if status == 404 and text.lower() == "not found":
            kind = K.ENDPOINT_GONE
        elif status == 429:
            kind = K.RATE_LIMITED
        elif status >= 500 or status == 408 or text.startswith("<"):  # a page is not the exchange's own answer
            kind = K.UNKNOWN_EXECUTION
        elif status == 401:
            kind = K.AUTHENTICATION
        elif status == 403:
            kind = K.PERMISSION
        elif status == 400 and not text.startswith("{"):
            kind = kind_of("INVALID_CLIENT_REQUEST", text)
        else:
            return self._malformed(response)
        return self._refusal(request, status, str(status), text or f"HTTP {status} without a text", kind)

    def _refusal(self, request: Request, status: int, code: str, text: str, kind: K) -> LotusXError:
        if status == 429:
            kind = K.RATE_LIMITED
        elif (status >= 500 or status == 408) and kind is not K.UNAVAILABLE:
            kind = K.UNKNOWN_EXECUTION  # only a pause that the exchange names proves that nothing was done
        if kind is K.UNKNOWN_EXECUTION and request.effect is not Effect.COMMAND:
            kind = K.UNAVAILABLE
        return exchange_error(kind, self._exchange, code, text, http_status=status)

    def _malformed(self, response: Response) -> MalformedReply:
        kind = response.headers.get("content-type", "no content type")
        return MalformedReply(
            f"{self._exchange}: HTTP {response.status} with a body that is not JSON ({kind})",
            status=response.status,
            body=response.body[:2000].decode("utf-8", "replace"),
        )
