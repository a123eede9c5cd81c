"""What OKX's refusals mean.

A refused request has a ``code`` that is not 0, mostly with HTTP 200. Where the code is 1 or 2, the reason stands with
each order, as ``sCode``. Source: OKX API v5 (2026-06), error-code-rest-api and error-code-websocket-public.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

from lotusx.errors import ErrorKind as K, ExchangeError, LotusXError, MalformedReply, RateLimited, exchange_error
from lotusx.plugin import Effect, Request, Response, Usage
from lotusx_okx.account_types import Done
from lotusx_okx.answers import names_another
from lotusx_okx.types import Refusal

YES = "0"
OF_ITEMS = ("1", "2")
"""Codes that leave the reason to the items: all of them failed, or some."""

BATCHES = frozenset(
    {"/api/v5/trade/batch-orders", "/api/v5/trade/amend-batch-orders", "/api/v5/trade/cancel-batch-orders"}
)
SINGLES = frozenset({"/api/v5/trade/order", "/api/v5/trade/amend-order", "/api/v5/trade/cancel-order"})


def _of(kind: K, *codes: str) -> dict[str, K]:
    return dict.fromkeys(codes, kind)


KINDS: Mapping[str, K] = MappingProxyType(
    {
        **_of(
            K.AUTHENTICATION,
            *("50101", "50103", "50104", "50105", "50106", "50107", "50108", "50109", "50111", "50112"),
            *("50113", "50114", "50119"),
        ),
        **_of(K.TIMESTAMP_SKEW, "50102", "50036", "50037"),
        **_of(
            K.PERMISSION,
            *("50007", "50009", "50012", "50017", "50018", "50019", "50020", "50021", "50022", "50023", "50027"),
            *("50028", "50029", "50030", "50032", "50033", "50035", "50041", "50051", "50052", "50059", "50060"),
            *("50100", "50110", "50118", "50120", "50121", "51009", "51010", "51024", "51037", "51155", "51411"),
        ),
        **_of(K.RATE_LIMITED, "50011", "50040", "50061", "51113", "51115", "58102"),
        **_of(K.UNAVAILABLE, "50001", "50046", "50062", "50064"),
        **_of(K.ENDPOINT_GONE, "50005"),
        # "Does not mean that the request was successful or failed", or says as little.
        **_of(K.UNKNOWN_EXECUTION, "50004", "50013", "50026", "51054", "51149", "51412"),
        **_of(
            K.INSUFFICIENT_FUNDS,
            *("51004", "51008", "51119", "51127", "51131", "51132", "51143", "51502", "58350"),
        ),
        **_of(
            K.INVALID_ORDER,
            *("50122", "51005", "51006", "51007", "51020", "51031", "51033", "51046", "51047", "51048", "51049"),
            *("51050", "51051", "51052", "51053", "51056", "51101", "51108", "51109", "51110", "51116", "51120"),
            *("51121", "51122", "51124", "51135", "51136", "51137", "51138", "51140", "51150", "51181", "51185"),
            *("51196", "51197", "51201", "51202", "51203", "51204", "51207", "51250", "51252", "51506", "51508"),
            *("51514",),
        ),
        **_of(K.INVALID_SYMBOL, "51001", "51002", "51015", "51021"),
        **_of(K.POST_ONLY_WOULD_TAKE, "51511"),
        **_of(
            K.REDUCE_ONLY_REJECTED,
            *("51023", "51112", "51133", "51134", "51139", "51148", "51169", "51170", "51171", "51205", "51206"),
            *("51521", "51522"),
        ),
        **_of(K.ORDER_LIMIT, "51025", "51102", "51103", "51104", "51105", "51106", "51107", "51129", "51174"),
        **_of(K.DUPLICATE_ORDER, "50071", "51011", "51016", "51065"),
        **_of(
            K.ORDER_NOT_FOUND,
            *("51063", "51400", "51401", "51402", "51405", "51410", "51416", "51503", "51509", "51510", "51603"),
        ),
        **_of(K.MARKET_CLOSED, "51022", "51027", "51028", "51029", "51030", "51087"),
    }
)
"""Code → kind, of requests and orders alike. Every code that is not here is `BAD_REQUEST`, with its words kept."""

LOGIN_KINDS: Mapping[str, K] = MappingProxyType(
    {
        **_of(K.AUTHENTICATION, "60005", "60007", "60009", "60024", "60026", "60032"),
        **_of(K.TIMESTAMP_SKEW, "60004", "60006"),
        **_of(K.RATE_LIMITED, "60023"),
        **_of(K.UNAVAILABLE, "63999"),
        **_of(K.PERMISSION, "50110"),
    }
)
"""Codes that answer a log-in."""

WS_KINDS: Mapping[str, K] = MappingProxyType(
    {
        **_of(K.RATE_LIMITED, "60014"),
        **_of(K.INVALID_SYMBOL, "60018"),
        **_of(K.PERMISSION, "64003"),
        **_of(K.UNAVAILABLE, "64007"),
    }
)
"""Codes that answer a subscription; every other is `BAD_REQUEST`."""

_STATUS: Mapping[int, K] = MappingProxyType(
    {401: K.AUTHENTICATION, 403: K.PERMISSION, 405: K.BAD_REQUEST, 410: K.ENDPOINT_GONE, 429: K.RATE_LIMITED}
)
_SUCCESS = b'{"code":"0",'
_KEPT = 200

_refusal = msgspec.json.Decoder(Refusal).decode
_items = msgspec.json.Decoder(list[Done]).decode
_body = msgspec.json.Decoder(dict[str, object]).decode


def kind_of(code: str) -> K:
    """Say what a code means; a sub-code after ``_`` says the same more closely."""
    return KINDS.get(code.partition("_")[0], K.BAD_REQUEST)


def item_error(exchange: str, item: Done) -> ExchangeError | None:
    """Return what became of one order of a command, if it was refused; ``None``: the exchange took it."""
    if item.sCode == YES:
        return None
    code = f"{item.sCode}_{item.subCode}" if item.subCode else item.sCode
    return exchange_error(kind_of(code), exchange, code, item.sMsg or "no text", http_status=200)


def another(exchange: str, item: Done, *, status: int = 200) -> MalformedReply:
    """Return the error of an answer that is of another order than the one that was asked for."""
    text = f"{exchange}: the answer names another order (ordId {item.ordId!r}, clOrdId {item.clOrdId!r})"
    return MalformedReply(f"{text}: what became of this one is open", status=status)


class OkxDialect:
    """Reads REST replies. ``exchange`` names it in errors."""

    def __init__(self, exchange: str) -> None:
        self._exchange = exchange

    def error(self, request: Request, response: Response) -> LotusXError | None:
        """Return the error of a reply; ``None``: it is a success, or a batch whose items say more."""
        status, body = response.status, response.body
        if 200 <= status < 300 and body.startswith(_SUCCESS):
            return None
        try:
            said = _refusal(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._unreadable(request, response)
        if 200 <= status < 300 and said.code == YES:
            return None
        if said.code not in OF_ITEMS:
            kind = KINDS.get(said.code, _STATUS.get(status, K.BAD_REQUEST))
            return self._refused(request, status, said.code, said.msg, kind)
        try:
            items = _items(said.data)
        except msgspec.DecodeError:
            items = []
        if items and request.path in BATCHES:
            return None
        for item in items:
            if item.sCode != YES:
                if request.path in SINGLES and request.body and names_another(item, _body(request.body)):
                    return another(self._exchange, item, status=status)
                code = f"{item.sCode}_{item.subCode}" if item.subCode else item.sCode
                return self._refused(request, status, code, item.sMsg, kind_of(code))
        return self._refused(request, status, said.code, said.msg, K.BAD_REQUEST)

    def usage(self, request: Request, response: Response) -> Iterable[Usage]:
        return ()  # replies say nothing of what was counted

    def _refused(self, request: Request, status: int, code: str, text: str, kind: K) -> ExchangeError:
        if status >= 500 or status == 408:
            kind = K.UNKNOWN_EXECUTION  # a broken server proves nothing about a command
        if kind is K.UNKNOWN_EXECUTION and request.effect is not Effect.COMMAND:
            kind = K.UNAVAILABLE
        error = exchange_error(kind, self._exchange, code, text or f"HTTP {status} without a text", http_status=status)
        if isinstance(error, RateLimited) and request.costs:
            error.pool = request.costs[0].pool  # the limits of the other endpoints are their own
        return error

    def _unreadable(self, request: Request, response: Response) -> LotusXError:
        status, body = response.status, response.body
        page = body.lstrip().startswith(b"<")
        if status in _STATUS or status == 408 or status >= 500 or (page and status >= 400):
            # A page that says 403 is a firewall's: it is the address that is shut out, not the key.
            kind = K.BANNED if page and status == 403 else _STATUS.get(status, K.UNKNOWN_EXECUTION)
            return self._refused(request, status, str(status), body[:_KEPT].decode("utf-8", "replace").strip(), kind)
        kind_of_body = response.headers.get("content-type", "no content type")
        return MalformedReply(
            f"{self._exchange}: HTTP {status} with a body that is not OKX's ({kind_of_body})",
            status=status,
            body=body[:2000].decode("utf-8", "replace"),
        )
