"""Logs: the standard `logging`, one logger for each area, every record with its facts as attributes.

=================== =========================================================================================
``lotusx.rest``     requests (DEBUG), and reads that are tried again (INFO)
``lotusx.budgets``  waits for the exchange's limits (DEBUG, INFO from one second on)
``lotusx.ws``       sockets: live (INFO), lost (WARNING), other changes (DEBUG)
``lotusx.streams``  subscriptions and live books: recovered (INFO), lost, silent or stale (WARNING), others (DEBUG)
``lotusx.orders``   commands, their outcomes and fills (INFO); vetoed, or outcome unknown (WARNING); reports (DEBUG)
=================== =========================================================================================

ERROR means that something of LotusX or of a plugin is broken. At INFO and above there is never the body of a message,
and nowhere a secret. A connection logs if logging has been set up before it is opened: here, by `logging.basicConfig`,
or in any other way.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TextIO

from lotusx.errors import ConfigurationError
from lotusx.kernel.redact import RedactingFilter, Redactor
from lotusx.kernel.telemetry import (
    BudgetWait,
    Event,
    FillReported,
    ItemDropped,
    OrderOutcome,
    OrderRefused,
    OrderReported,
    OrderSent,
    RequestFinished,
    RetryScheduled,
    SessionChanged,
    StreamChanged,
)

FACTS = (
    "exchange", "environment", "account", "endpoint", "status", "attempt", "request_id", "client_order_id",
    "venue_order_id", "symbol", "kind", "outcome", "group", "stream", "state", "pool", "elapsed_ms", "delay_ms",
    "error",
)  # fmt: skip
"""Attributes that records have, as far as they are known; `JsonFormatter` writes them as members."""

FORMATS = ("text", "json")
TEXT = "%(asctime)s %(levelname)-7s %(name)s %(message)s"

_DEBUG, _INFO, _WARNING = logging.DEBUG, logging.INFO, logging.WARNING
_REST, _BUDGETS, _WS, _STREAMS, _ORDERS = (
    logging.getLogger(f"lotusx.{area}") for area in ("rest", "budgets", "ws", "streams", "orders")
)
AREAS = (_REST, _BUDGETS, _WS, _STREAMS, _ORDERS)
_LONG_WAIT_S = 1.0
_SESSION_LEVELS = {"live": _INFO, "lost": _WARNING, "noticed": _INFO}
_STREAM_LEVELS = {"recovered": _INFO, "lost": _WARNING, "silent": _WARNING, "stale": _WARNING, "synced": _INFO}
_Said = tuple[int, str, dict[str, Any]]


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time`` (UTC), ``level``, ``logger``, ``message``, the facts, and ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return *record* as one line."""
        seconds, fraction = divmod(record.created, 1)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        content: dict[str, Any] = {
            "time": f"{stamp}.{int(fraction * 1e6):06d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        known = vars(record)
        content.update((name, known[name]) for name in FACTS if known.get(name) not in (None, ""))
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            content["exception"] = record.exc_text
        return json.dumps(content, ensure_ascii=False, default=_plain)


class EventLog:
    """Writes what happens in one connection to the loggers of its areas; an observer."""

    def __init__(self, exchange: str, environment: str, account: str | None) -> None:
        self._where = {"exchange": exchange, "environment": environment, "account": account or ""}

    def __call__(self, event: Event) -> None:
        """Log *event*, if anybody wants to see it."""
        found = _TELLERS.get(type(event))
        if found is None or not found[0].isEnabledFor(found[1]):
            return
        logger = found[0]
        level, message, facts = found[2](event)
        if logger.isEnabledFor(level):
            logger.log(level, "%s: %s", self._where["exchange"], message, extra={**self._where, **facts})


def wanted() -> bool:
    """Return whether anybody has set up logging of warnings or more, for any area."""
    return any(logger.isEnabledFor(_WARNING) and logger.hasHandlers() for logger in AREAS)


def set_up(
    *, level: int | str = "INFO", log_format: str | None = None, stream: TextIO | None = None,
    config: str | os.PathLike[str] | None = None,
) -> logging.Handler:  # fmt: skip
    """Log what LotusX says; return the handler, to be removed by whoever wants to end that. Call it once.

    Args:
        level: Least level that is written.
        log_format: ``text`` or ``json``; ``None``: as ``[telemetry] log_format`` says, or else text.
        stream: Where to; ``None``: standard error.
        config: Path of the configuration document, as for `lotusx.connect`.

    Raises:
        ConfigurationError: The level or the format is unknown.
    """
    chosen = log_format if log_format is not None else configured_format(config)
    if chosen not in FORMATS:
        raise ConfigurationError(f"log_format must be 'text' or 'json', not {chosen!r}")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if chosen == "json" else logging.Formatter(TEXT))
    handler.addFilter(RedactingFilter(Redactor()))
    logger = logging.getLogger("lotusx")
    try:
        logger.setLevel(level.upper() if isinstance(level, str) else level)
    except ValueError:
        raise ConfigurationError(f"{level!r} is no level of logging: DEBUG, INFO, WARNING or ERROR") from None
    logger.addHandler(handler)
    return handler


def configured_format(config: str | os.PathLike[str] | None = None) -> str:
    """Return ``[telemetry] log_format``; ``text`` where no document has it.

    Raises:
        ConfigurationError: It is neither ``text`` nor ``json``, or a document cannot be read.
    """
    from lotusx.config_sources import Sources

    found: object = "text"
    for document in Sources.of_process(config).documents:
        telemetry = document.content.get("telemetry", {})
        if isinstance(telemetry, dict) and "log_format" in telemetry:
            found = telemetry["log_format"]
            if found not in FORMATS:
                raise ConfigurationError(f"{document.name}: log_format must be 'text' or 'json', not {found!r}")
    return str(found)


def _plain(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _request(event: RequestFinished) -> _Said:
    elapsed_ms = round(event.elapsed_s * 1e3, 1)
    message = f"{event.endpoint}: {event.status or 'no reply'} in {elapsed_ms} ms{_because(event.error)}"
    facts = {"endpoint": event.endpoint, "status": event.status, "attempt": event.attempt, "request_id": event.call}
    return _DEBUG, message, {**facts, "elapsed_ms": elapsed_ms, "error": event.error}


def _retry(event: RetryScheduled) -> _Said:
    message = f"{event.endpoint}: attempt {event.attempt} failed ({event.reason}), next in {event.delay_s:.2f} s"
    facts = {"endpoint": event.endpoint, "attempt": event.attempt, "request_id": event.call}
    return _INFO, message, {**facts, "delay_ms": round(event.delay_s * 1e3), "error": event.reason}


def _wait(event: BudgetWait) -> _Said:
    level = _INFO if event.delay_s >= _LONG_WAIT_S else _DEBUG
    pool = event.pool or "the exchange's ban"
    facts = {"endpoint": event.endpoint, "pool": event.pool, "request_id": event.call}
    message = f"{event.endpoint} waits {event.delay_s:.2f} s for {pool}"
    return level, message, {**facts, "delay_ms": round(event.delay_s * 1e3)}


def _session(event: SessionChanged) -> _Said:
    message = f"socket {event.session} of {event.group} is {event.state}{_because(event.reason)}"
    return _SESSION_LEVELS.get(event.state, _DEBUG), message, {"group": event.group, "state": event.state}


def _stream(event: StreamChanged) -> _Said:
    message = f"{event.key} is {event.state}{_because(event.reason)}"
    facts = {"stream": event.key, "state": event.state, "kind": event.kind}
    return _STREAM_LEVELS.get(event.state, _DEBUG), message, facts


def _dropped(event: ItemDropped) -> _Said:
    return _DEBUG, f"{event.key or 'a message'} was dropped: {event.reason}", {"stream": event.key}


def _refused(event: OrderRefused) -> _Said:
    level = _WARNING if event.error == "OrderVetoed" else _INFO
    facts = {"client_order_id": event.client_order_id, "symbol": event.symbol, "kind": event.kind, "error": event.error}
    return level, f"{event.kind} of {event.client_order_id or 'all'} was not sent: {event.reason}", facts


def _sent(event: OrderSent) -> _Said:
    facts = {"client_order_id": event.client_order_id, "symbol": event.symbol, "kind": event.kind}
    asked = event.request
    terms = "" if asked is None or event.kind == "cancel" else (
        f": {asked.side} {_plain(asked.quantity)} {event.symbol} {asked.type}"
        + (f" at {_plain(asked.price)}" if asked.price is not None else "")
    )  # fmt: skip
    message = f"{event.kind} of {event.client_order_id or 'all'} is sent{terms}"
    return _INFO, message, {**facts, "request_id": event.command}


def _outcome(event: OrderOutcome) -> _Said:
    facts = {
        "client_order_id": event.client_order_id, "symbol": event.symbol, "kind": event.kind,
        "outcome": event.outcome, "request_id": event.command, "elapsed_ms": round(event.elapsed_s * 1e3, 1),
        "error": event.error,
    }  # fmt: skip
    because = _because("" if event.outcome == "accepted" or not event.evidence else event.evidence[-1])
    message = f"{event.kind or 'command'} of {event.client_order_id or 'all'} was {event.outcome}{because}"
    return _WARNING if event.outcome == "unknown" else _INFO, message, facts


def _reported(event: OrderReported) -> _Said:
    state = event.state
    name = state.client_order_id or state.venue_order_id
    facts = {
        "client_order_id": state.client_order_id, "venue_order_id": state.venue_order_id, "symbol": state.symbol,
        "state": state.status.value,
    }  # fmt: skip
    return _DEBUG, f"{name} is {state.status}, {_plain(state.filled)} filled", facts


def _filled(event: FillReported) -> _Said:
    fill = event.fill
    name = fill.client_order_id or fill.venue_order_id
    message = f"{name}: {fill.side} {_plain(fill.quantity)} {fill.symbol} at {_plain(fill.price)}"
    facts = {"client_order_id": fill.client_order_id, "venue_order_id": fill.venue_order_id, "symbol": fill.symbol}
    return _INFO, message, facts


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


_TELLERS: dict[type, tuple[logging.Logger, int, Callable[[Any], _Said]]] = {
    RequestFinished: (_REST, _DEBUG, _request),
    RetryScheduled: (_REST, _INFO, _retry),
    BudgetWait: (_BUDGETS, _INFO, _wait),
    SessionChanged: (_WS, _WARNING, _session),
    StreamChanged: (_STREAMS, _WARNING, _stream),
    ItemDropped: (_STREAMS, _DEBUG, _dropped),
    OrderRefused: (_ORDERS, _WARNING, _refused),
    OrderSent: (_ORDERS, _INFO, _sent),
    OrderOutcome: (_ORDERS, _WARNING, _outcome),
    OrderReported: (_ORDERS, _DEBUG, _reported),
    FillReported: (_ORDERS, _INFO, _filled),
}
"""Where an event goes, the highest level it may have, and what it says."""
