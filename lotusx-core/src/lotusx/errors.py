"""Everything LotusX raises on purpose.

::

    LotusXError
    ├── ConfigurationError            nothing was sent; fix the set-up
    │   ├── UnknownExchange           no installed plugin has that name
    │   ├── PluginError               a plugin is broken, claimed twice, or incompatible
    │   ├── UnknownEnvironment        the exchange has no such environment
    │   └── CredentialsError          a key is missing or cannot be used
    ├── RefusedBeforeSending          nothing was sent; fix the call
    │   ├── InvalidArgument           a value is of the wrong kind or breaks a rule of the instrument
    │   ├── UnknownSymbol             the exchange does not list it; near matches are named
    │   ├── NotSupported              the exchange or environment lacks it; the alternative is named
    │   ├── OrderVetoed               a check that stands before every order refused it
    │   └── JournalFailed             the order journal cannot keep what would be sent
    ├── TransportError                the network or the reply failed
    │   ├── ConnectionFailed          no connection, or it broke
    │   ├── BudgetsUnreachable        where machines count their limits together cannot be reached; nothing was sent
    │   ├── RequestTimeout            no reply before the deadline
    │   └── MalformedReply            a reply that is not what the exchange documents
    ├── ExchangeError                 the exchange said no; keeps its code and text
    │   ├── AuthenticationError  PermissionDenied  TimestampSkew
    │   ├── RateLimited  Banned  Unavailable  EndpointGone
    │   ├── InsufficientFunds  InvalidOrder  PostOnlyWouldTake  WouldTrigger  ReduceOnlyRejected
    │   ├── DuplicateOrder  OrderNotFound  OrderLimitReached  MarketClosed
    │   └── NoChange  PartialFailure  BadRequest
    ├── OrderOutcomeUnknown           sent, and nothing proves what the exchange did
    ├── ConnectorFailed               one of several connections cannot be used; it is named
    ├── TransferOutcomeUnknown        the same, of money between two wallets
    └── StreamError                   a subscription or what is built on it
        ├── SubscriptionRefused  StreamGap  StreamClosed
        ├── SlowConsumer              the reader fell behind a stream that must not lose events
        ├── SourceFailed              one of several streams or books has ended; it is named
        └── StaleBook  BeyondHorizon

Every error answers three questions: ``retryable`` (may the same call be tried again without harm),
``after_s`` (how long to wait first, ``None``: unknown) and ``may_have_executed`` (may the exchange
have acted). Every error pickles.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar


class LotusXError(Exception):
    """Base of all errors LotusX raises on purpose."""

    retryable: bool = False
    after_s: float | None = None
    may_have_executed: bool = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, dict(self.__dict__)))


def _reason_of(error: BaseException) -> str:
    """Return what *error* says, or its kind where it says nothing."""
    return str(error) or type(error).__name__


def _take_over(failed: LotusXError, error: BaseException) -> None:
    """Let *failed* answer as *error* does, and name it as its cause."""
    failed.__cause__ = error
    if isinstance(error, LotusXError):
        failed.retryable, failed.after_s = error.retryable, error.after_s
        failed.may_have_executed = error.may_have_executed


def _rebuild(kind: type[LotusXError], args: tuple[Any, ...], attributes: Mapping[str, Any]) -> LotusXError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(attributes)
    return error


class ConfigurationError(LotusXError):
    """The set-up is wrong. Nothing was sent."""


class UnknownExchange(ConfigurationError):
    """No installed plugin has that name."""

    def __init__(self, name: str, installed: tuple[str, ...] = (), near: tuple[str, ...] = ()) -> None:
        have = ", ".join(installed) if installed else "none"
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        super().__init__(  # no package is made up of a name that somebody typed: anybody may have published it
            f"no exchange {name!r} is installed (installed: {have}).{hint} Others come in packages, "
            "pip install lotusx-…: the documentation lists those of this project; any other can use your keys"
        )
        self.name = name
        self.installed = installed
        self.near = near


class PluginError(ConfigurationError):
    """A plugin cannot be used: broken, claimed by two distributions, or made for another contract."""

    def __init__(self, name: str, message: str, distributions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.name = name
        self.distributions = distributions


class UnknownEnvironment(ConfigurationError):
    """The exchange has no such environment."""

    def __init__(self, exchange: str, environment: str, known: tuple[str, ...]) -> None:
        super().__init__(f"{exchange} has no environment {environment!r}; it has: {', '.join(known)}")
        self.exchange = exchange
        self.environment = environment
        self.known = known


class CredentialsError(ConfigurationError):
    """A key is missing, incomplete or of the wrong kind. The value is never part of the text."""


class RefusedBeforeSending(LotusXError):
    """The call cannot succeed as it stands. Nothing was sent."""


class InvalidArgument(RefusedBeforeSending):
    """A value is of the wrong kind, or breaks a rule of the instrument.

    Attributes:
        rule: Name of the rule broken, such as ``tick_size``; empty when the kind of value is wrong.
        nearest: Valid values next to the one refused, lower first; may be empty.
    """

    def __init__(self, message: str, *, rule: str = "", nearest: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.rule = rule
        self.nearest = nearest


class UnknownSymbol(RefusedBeforeSending):
    """The exchange does not list this symbol."""

    def __init__(self, exchange: str, symbol: str, near: tuple[str, ...] = ()) -> None:
        hint = f"; near matches: {', '.join(near)}" if near else ""
        super().__init__(f"{exchange} does not list {symbol!r}{hint}")
        self.exchange = exchange
        self.symbol = symbol
        self.near = near


class NotSupported(RefusedBeforeSending):
    """The exchange, or this environment of it, does not offer this."""

    def __init__(self, exchange: str, what: str, instead: str = "") -> None:
        super().__init__(f"{exchange} does not offer {what}" + (f"; instead: {instead}" if instead else ""))
        self.exchange = exchange
        self.what = what
        self.instead = instead


class OrderVetoed(RefusedBeforeSending):
    """A check that stands before every order refused this one; the text says why. Nothing was sent.

    Attributes:
        rule: Name of the rule, such as ``max_notional``.
    """

    def __init__(self, message: str, *, rule: str) -> None:
        super().__init__(message)
        self.rule = rule


class JournalFailed(RefusedBeforeSending):
    """The order journal cannot be read or written; the text says why, and what to do. Nothing was sent."""


class TransportError(LotusXError):
    """The network, or the form of the reply, failed.

    ``sent`` is False only when not one byte of the request can have left this machine.
    """

    retryable = True

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent
        self.may_have_executed = sent


class ConnectionFailed(TransportError):
    """No connection could be made, or it broke."""


class BudgetsUnreachable(TransportError):
    """Where machines count their limits together cannot be reached; the text says why. Nothing was sent."""

    def __init__(self, message: str) -> None:
        super().__init__(message, sent=False)


class RequestTimeout(TransportError):
    """No complete reply came before the deadline."""


class MalformedReply(TransportError):
    """The reply is not what the exchange documents: HTML, truncated JSON, another content type.

    Attributes:
        status: HTTP status; 0 on a WebSocket.
        body: Start of the reply, at most 2 000 characters, redacted.
    """

    def __init__(self, message: str, *, status: int = 0, body: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body = body[:2000]


class ErrorKind(StrEnum):
    """What an exchange's refusal means, whichever exchange it is."""

    AUTHENTICATION = "authentication"
    PERMISSION = "permission"
    TIMESTAMP_SKEW = "timestamp_skew"
    RATE_LIMITED = "rate_limited"
    BANNED = "banned"
    UNAVAILABLE = "unavailable"
    ENDPOINT_GONE = "endpoint_gone"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    INVALID_ORDER = "invalid_order"
    INVALID_SYMBOL = "invalid_symbol"
    POST_ONLY_WOULD_TAKE = "post_only_would_take"
    WOULD_TRIGGER = "would_trigger"
    REDUCE_ONLY_REJECTED = "reduce_only_rejected"
    DUPLICATE_ORDER = "duplicate_order"
    ORDER_NOT_FOUND = "order_not_found"
    ORDER_LIMIT = "order_limit"
    MARKET_CLOSED = "market_closed"
    NO_CHANGE = "no_change"
    PARTIAL_FAILURE = "partial_failure"
    UNKNOWN_EXECUTION = "unknown_execution"
    BAD_REQUEST = "bad_request"


class ExchangeError(LotusXError):
    """The exchange said no.

    Attributes:
        kind: What the refusal means.
        code: The exchange's own code, as text.
        text: The exchange's own words.
        http_status: HTTP status of the reply; ``None`` where there was none.
        request_id: The exchange's id of the request, where it gives one.
        details: The exchange's structured details, such as the two halves of a cancel-replace.
    """

    kind: ErrorKind = ErrorKind.BAD_REQUEST
    advice: ClassVar[str] = ""

    def __init__(
        self,
        exchange: str,
        code: str,
        text: str,
        *,
        kind: ErrorKind | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        after_s: float | None = None,
        may_have_executed: bool = False,
        details: Any = None,
    ) -> None:
        status = f", HTTP {http_status}" if http_status is not None else ""
        advice = f" {self.advice}" if self.advice else ""
        super().__init__(f"{exchange}: {text} (code {code}{status}).{advice}")
        self.exchange = exchange
        self.code = code
        self.text = text
        if kind is not None:
            self.kind = kind
        self.http_status = http_status
        self.request_id = request_id
        if after_s is not None:
            self.after_s = after_s
        self.may_have_executed = may_have_executed
        self.details = details


class AuthenticationError(ExchangeError):
    """The key, its signature or its address list was refused."""

    kind = ErrorKind.AUTHENTICATION
    advice = "Check the key, its IP list and that it belongs to this environment."


class PermissionDenied(ExchangeError):
    """The key is known but may not do this."""

    kind = ErrorKind.PERMISSION


class TimestampSkew(ExchangeError):
    """The request arrived outside its receive window. It was not executed."""

    kind = ErrorKind.TIMESTAMP_SKEW
    retryable = True


class RateLimited(ExchangeError):
    """Too many requests; ``after_s`` says how long the exchange wants silence, if it said.

    Attributes:
        pool: The one limit that is used up, such as the orders of an account; ``None``: any that the request took from.
    """

    pool: str | None = None
    kind = ErrorKind.RATE_LIMITED
    retryable = True


class Banned(ExchangeError):
    """The exchange has shut this address out; all traffic stops until ``after_s`` has passed."""

    kind = ErrorKind.BANNED


class Unavailable(ExchangeError):
    """The exchange is overloaded, in maintenance or broken."""

    kind = ErrorKind.UNAVAILABLE
    retryable = True


class EndpointGone(ExchangeError):
    """The exchange has retired this endpoint. Update the plugin."""

    kind = ErrorKind.ENDPOINT_GONE
    advice = "The exchange retired this endpoint: update the plugin."


class InsufficientFunds(ExchangeError):
    """Balance or margin is too small."""

    kind = ErrorKind.INSUFFICIENT_FUNDS


class InvalidOrder(ExchangeError):
    """The order breaks a rule of the exchange."""

    kind = ErrorKind.INVALID_ORDER


class InvalidSymbol(ExchangeError):
    """The exchange does not know the symbol."""

    kind = ErrorKind.INVALID_SYMBOL


class PostOnlyWouldTake(InvalidOrder):
    """A post-only order would have matched at once."""

    kind = ErrorKind.POST_ONLY_WOULD_TAKE


class WouldTrigger(InvalidOrder):
    """A conditional order would have triggered at once."""

    kind = ErrorKind.WOULD_TRIGGER


class ReduceOnlyRejected(InvalidOrder):
    """A reduce-only order would have increased the position."""

    kind = ErrorKind.REDUCE_ONLY_REJECTED


class DuplicateOrder(InvalidOrder):
    """An order with this client order id exists already."""

    kind = ErrorKind.DUPLICATE_ORDER


class OrderNotFound(ExchangeError):
    """The exchange does not find the order here and now. Right after sending this proves nothing."""

    kind = ErrorKind.ORDER_NOT_FOUND


class OrderLimitReached(ExchangeError):
    """Too many open orders, or too large a position."""

    kind = ErrorKind.ORDER_LIMIT


class MarketClosed(ExchangeError):
    """The instrument is not trading."""

    kind = ErrorKind.MARKET_CLOSED


class NoChange(ExchangeError):
    """It already is as asked."""

    kind = ErrorKind.NO_CHANGE


class PartialFailure(ExchangeError):
    """Half of a two-step command happened; ``details`` says which half.

    Attributes:
        ended: The `OrderState` in which an amendment left the old order, where the reply proves that it has ended and
            that no new one stands in for it; ``None``: it does not.
    """

    kind = ErrorKind.PARTIAL_FAILURE
    ended: Any = None


class BadRequest(ExchangeError):
    """The request was refused for another reason; also every code the plugin does not know."""

    kind = ErrorKind.BAD_REQUEST


_BY_KIND: dict[ErrorKind, type[ExchangeError]] = {
    error.kind: error
    for error in (
        AuthenticationError,
        PermissionDenied,
        TimestampSkew,
        RateLimited,
        Banned,
        Unavailable,
        EndpointGone,
        InsufficientFunds,
        InvalidOrder,
        InvalidSymbol,
        PostOnlyWouldTake,
        WouldTrigger,
        ReduceOnlyRejected,
        DuplicateOrder,
        OrderNotFound,
        OrderLimitReached,
        MarketClosed,
        NoChange,
        PartialFailure,
        BadRequest,
    )
}


def exchange_error(kind: ErrorKind, exchange: str, code: str, text: str, **facts: Any) -> ExchangeError:
    """Build the error class that belongs to *kind*. Keyword arguments as in `ExchangeError`.

    ``UNKNOWN_EXECUTION`` becomes `Unavailable` with ``may_have_executed`` set: on a command the
    kernel turns that into doubt, on a read into a retry.
    """
    if kind is ErrorKind.UNKNOWN_EXECUTION:
        facts["may_have_executed"] = True
        return Unavailable(exchange, code, text, kind=kind, **facts)
    return _BY_KIND[kind](exchange, code, text, **facts)


class OrderOutcomeUnknown(LotusXError):
    """A command was sent and nothing proves whether the exchange acted on it.

    Covers timeouts, dropped connections and 5xx replies. Do not send it again: ask for the order by
    its client order id first.

    Attributes:
        evidence: What was tried and seen, oldest first, one sentence each.
    """

    may_have_executed = True

    def __init__(self, exchange: str, client_order_id: str, evidence: tuple[str, ...] = ()) -> None:
        trail = "; ".join(evidence) if evidence else "no evidence either way"
        super().__init__(
            f"{exchange}: outcome of {client_order_id} is unknown ({trail}). "
            "Do not send it again; ask for it by its client order id."
        )
        self.exchange = exchange
        self.client_order_id = client_order_id
        self.evidence = evidence


class ConnectorFailed(LotusXError):
    """One of several connections could not be opened, or broke; ``__cause__`` is what it raised.

    Attributes:
        connector: The name the caller gave it.
        reason: What it raised, as text.
    """

    def __init__(self, connector: str, error: BaseException) -> None:
        self.connector = connector
        self.reason = _reason_of(error)
        super().__init__(f"the connection {connector!r} cannot be used: {self.reason}")
        _take_over(self, error)


class TransferOutcomeUnknown(LotusXError):
    """A transfer between wallets was sent, and nothing proves whether the exchange made it.

    Do not send it again before you have looked: a second one moves the money a second time.

    Attributes:
        transfer_id: Of this call; where the exchange takes one it was sent along, in the form that ``look_up`` has.
        evidence: What was tried and seen, oldest first, one sentence each.
        look_up: How to see whether it was made.
    """

    may_have_executed = True

    def __init__(self, exchange: str, transfer_id: str, evidence: tuple[str, ...], look_up: str) -> None:
        super().__init__(
            f"{exchange}: outcome of transfer {transfer_id} is unknown ({'; '.join(evidence)}). "
            f"Do not send it again; look first: {look_up}"
        )
        self.exchange = exchange
        self.transfer_id = transfer_id
        self.evidence = evidence
        self.look_up = look_up


class StreamError(LotusXError):
    """A subscription, or what is built on it, failed."""


class SourceFailed(StreamError):
    """One of several streams or books that are read together has ended; ``__cause__`` is what ended it.

    Attributes:
        source: The name the caller gave it.
        reason: What ended it, as text.
    """

    def __init__(self, source: object, error: BaseException) -> None:
        self.source = source
        self.reason = _reason_of(error)
        super().__init__(f"{source}: {self.reason}")
        _take_over(self, error)


class SubscriptionRefused(StreamError):
    """The exchange refused the subscription; its words are in the text."""


class StreamGap(StreamError):
    """Events were lost between two sequence numbers."""


class StreamClosed(StreamError):
    """The stream was closed and holds nothing more."""


class SlowConsumer(StreamError):
    """The reader fell so far behind that a stream which may not lose events had to fail."""


class StaleBook(StreamError):
    """The book is known not to be current; it is being resynchronised."""

    retryable = True


class BeyondHorizon(StreamError):
    """The question reaches deeper than what is known of the book."""


class ItemRejected(LotusXError):
    """One item of a message cannot be understood safely; it is counted and dropped, the stream lives on."""

    def __init__(self, message: str, *, field: str = "", value: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.value = value


class BeginningMissing(ItemRejected):
    """A change of something whose beginning is missing, or has been lost: its channel is subscribed again."""
