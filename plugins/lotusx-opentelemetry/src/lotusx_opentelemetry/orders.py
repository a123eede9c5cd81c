"""A span for the life of every order of ours, from its placement to its end, and one for every command."""

from __future__ import annotations

from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.trace import Link, Span, SpanContext, Status, StatusCode, Tracer

from lotusx.model import Symbol
from lotusx.plugin import FillReported, OrderAnswered, OrderOutcome, OrderReported, OrderSent
from lotusx_opentelemetry.calls import NAME, Attributes, Entered

MOST_ORDERS = 10_000
"""Orders followed at a time; beyond them the oldest span is ended, and says so."""

Key = tuple[Symbol | None, str]


@dataclass(slots=True)
class _Life:
    span: Span
    placed: bool = False
    ended: bool = False


@dataclass(slots=True)
class _Command:
    span: Span
    entered: Entered | None


class Orders:
    """The orders of one connection that have not ended, and the commands that have no outcome."""

    def __init__(self, tracer: Tracer, common: Attributes) -> None:
        self._tracer = tracer
        self._common = common
        self._lives: dict[Key, _Life] = {}
        self._commands: dict[int, _Command] = {}
        self._unknown: dict[int, SpanContext] = {}

    def sent(self, event: OrderSent) -> None:
        """Open the command's span; an order's whole life begins with its placement."""
        about: Attributes = {**self._common, NAME: event.exchange, "lotusx.command": event.kind}
        if event.symbol is not None:
            about["lotusx.symbol"] = str(event.symbol)
        if event.client_order_id:
            about["lotusx.client_order_id"] = event.client_order_id
        request = event.request
        if request is not None:
            about |= {"lotusx.order.side": request.side.value, "lotusx.order.type": request.type.value}
        key = (event.symbol, event.client_order_id)
        parent, links = None, []
        life = self._lives.get(key)
        if event.kind == "place":
            life = self._begin(key, about)
            parent = trace.set_span_in_context(life.span)
        elif life is not None:
            links = [Link(life.span.get_span_context())]
        span = self._tracer.start_span(f"{event.kind} order", context=parent, attributes=about, links=links)
        alone = event.together == 1
        self._commands[event.command] = _Command(span, Entered.span_of(span) if alone else None)

    def answered(self, event: OrderAnswered) -> None:
        """Note that the call has ended; what it did is not known before the outcome."""
        command = self._commands.get(event.command)
        if command is None:
            return
        about: Attributes = {"elapsed_s": event.elapsed_s}
        if event.error:
            about["error.type"] = event.error
        command.span.add_event("answered", about)
        if command.entered is not None:
            command.entered.leave()
            command.entered = None

    def outcome(self, event: OrderOutcome) -> None:
        """End the command's span; what is decided later gets one of its own, linked to it."""
        command = self._commands.pop(event.command, None)
        if command is None:
            self._decided_later(event)
        else:
            span = command.span
            self._conclude(span, event)
            span.end()
            if event.outcome == "unknown":
                self._unknown[event.command] = span.get_span_context()
                if len(self._unknown) > MOST_ORDERS:
                    del self._unknown[next(iter(self._unknown))]
        key = (event.symbol, event.client_order_id)
        life = self._lives.get(key)
        if event.kind != "place" or life is None:
            return
        life.span.add_event(event.outcome)
        if event.outcome == "rejected":
            life.span.set_status(Status(StatusCode.ERROR, event.error))
            life.ended = True
        life.placed = event.outcome != "unknown"
        self._end_if_over(key, life)

    def reported(self, event: OrderReported) -> None:
        """Note a change of an order."""
        state = event.state
        key = (state.symbol, state.client_order_id or "")
        life = self._lives.get(key)
        if life is None:
            return
        life.span.add_event("changed", {"lotusx.order.status": state.status.value, "filled": str(state.filled)})
        if state.status.is_terminal:
            life.span.set_attribute("lotusx.order.status", state.status.value)
            life.ended = True
        self._end_if_over(key, life)

    def filled(self, event: FillReported) -> None:
        """Note a fill."""
        fill = event.fill
        life = self._lives.get((fill.symbol, fill.client_order_id or ""))
        if life is not None:
            life.span.add_event("fill", {"quantity": str(fill.quantity), "price": str(fill.price)})

    def close(self) -> None:
        """End every span; the orders themselves go on at the exchange."""
        for command in self._commands.values():
            command.span.end()
        for life in self._lives.values():
            life.span.add_event("no longer followed: the connection is closed")
            life.span.end()
        self._commands.clear()
        self._lives.clear()

    def _begin(self, key: Key, about: Attributes) -> _Life:
        life = self._lives[key] = _Life(self._tracer.start_span("order", attributes=about))
        if len(self._lives) > MOST_ORDERS:
            oldest = self._lives.pop(next(iter(self._lives)))
            oldest.span.add_event(f"no longer followed: more than {MOST_ORDERS} orders are open")
            oldest.span.end()
        return life

    def _end_if_over(self, key: Key, life: _Life) -> None:
        if life.ended and life.placed:
            del self._lives[key]
            life.span.end()

    def _decided_later(self, event: OrderOutcome) -> None:
        before = self._unknown.pop(event.command, None)
        about: Attributes = {**self._common, NAME: event.exchange, "lotusx.client_order_id": event.client_order_id}
        links = [] if before is None else [Link(before)]
        with self._tracer.start_as_current_span(f"{event.kind} order decided", attributes=about, links=links) as span:
            self._conclude(span, event)

    def _conclude(self, span: Span, event: OrderOutcome) -> None:
        span.set_attribute("lotusx.outcome", event.outcome)
        for sentence in event.evidence:
            span.add_event("evidence", {"lotusx.evidence": sentence})
        if event.error:
            span.set_attribute("error.type", event.error)
        if event.outcome != "accepted":
            span.set_status(Status(StatusCode.ERROR, event.error or event.outcome))
