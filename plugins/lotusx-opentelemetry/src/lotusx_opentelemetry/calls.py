"""A span for every call to an exchange: attempts, retries and waits are its events."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from opentelemetry import context as contexts, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.util.types import AttributeValue

from lotusx.plugin import BudgetWait, CallFinished, CallStarted, RequestFinished, RetryScheduled

NAME = "lotusx.exchange"
Attributes = dict[str, AttributeValue]


@dataclass(slots=True)
class Entered:
    """A span that is the current one of a task, until `leave`."""

    span: Span
    token: object

    @classmethod
    def span_of(cls, span: Span) -> Entered:
        """Make *span* the parent of what this task does from now on."""
        return cls(span, contexts.attach(trace.set_span_in_context(span)))

    def leave(self) -> None:
        """Undo that, in the same task. Elsewhere there is nothing to undo."""
        if trace.get_current_span() is self.span:
            contexts.detach(self.token)  # type: ignore[arg-type]  # what attach returned


@dataclass(slots=True)
class _Call:
    entered: Entered
    about: Attributes


class Calls:
    """The calls under way of one connection. Bounded by them: each is forgotten when it has ended."""

    def __init__(self, tracer: Tracer, common: Attributes) -> None:
        self._tracer = tracer
        self._common = common
        self._open: dict[int, _Call] = {}

    def started(self, event: CallStarted) -> None:
        """Open a span below the caller's, and make it the parent of whatever happens inside."""
        about: Attributes = {NAME: event.exchange}
        if event.verb:
            url = urlsplit(event.url)
            about |= {"http.request.method": event.verb, "server.address": url.hostname or "", "url.template": url.path}
            port = url.port or {"https": 443, "http": 80}.get(url.scheme)
            if port is not None:
                about["server.port"] = port
            name = event.endpoint
        else:
            about["network.protocol.name"] = "websocket"
            name = f"{event.endpoint} request"
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes={**self._common, **about})
        self._open[event.call] = _Call(Entered.span_of(span), about)

    def finished(self, event: CallFinished) -> None:
        """End the span."""
        call = self._open.pop(event.call, None)
        if call is None:
            return
        span = call.entered.span
        if event.error:
            span.set_attribute("error.type", event.error)
            span.set_status(Status(StatusCode.ERROR, event.error))
        call.entered.leave()
        span.end()

    def attempted(self, event: RequestFinished) -> tuple[Attributes, Span | None]:
        """Note an attempt; return what is measured of it, and the span it belongs to."""
        call = self._open.get(event.call)
        about: Attributes = {NAME: event.exchange} if call is None else dict(call.about)
        if event.status:
            about["http.response.status_code"] = event.status
        if event.error:
            about["error.type"] = event.error
        if call is None:
            return about, None
        span = call.entered.span
        told: Attributes = {"attempt": event.attempt, "elapsed_s": event.elapsed_s}
        if event.status:
            told["http.response.status_code"] = event.status
            span.set_attribute("http.response.status_code", event.status)
        if event.error:
            told["error.type"] = event.error
        if event.attempt > 1:
            span.set_attribute("http.request.resend_count", event.attempt - 1)
        span.add_event("attempt", told)
        return about, span

    def retried(self, event: RetryScheduled) -> None:
        """Note that it will be tried again."""
        call = self._open.get(event.call)
        if call is not None:
            call.entered.span.add_event("retry", {"delay_s": event.delay_s, "error.type": event.reason})

    def waits(self, event: BudgetWait) -> None:
        """Note that it waits for the exchange's limits."""
        call = self._open.get(event.call)
        if call is not None:
            call.entered.span.add_event("limit wait", {"delay_s": event.delay_s, "lotusx.limit.pool": event.pool})

    def close(self) -> None:
        """End what has not."""
        for call in self._open.values():
            call.entered.span.end()
        self._open.clear()
