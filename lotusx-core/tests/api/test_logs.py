"""Logs: one logger for each area, levels that mean something, facts as attributes, one object a line where wanted."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import lotusx
from lotusx import OrderRequest
from lotusx.errors import ConfigurationError
from lotusx.kernel import telemetry as told
from lotusx.logs import FACTS, EventLog, JsonFormatter, configured_format, set_up, wanted
from lotusx.model import Fill, OrderState, OrderStatus, OrderType, Side, Symbol

from .acme import BTC, install

STATE = OrderState(BTC, "v-1", "a-1", Side.BUY, OrderType.LIMIT, OrderStatus.OPEN, Decimal(2), Decimal(1))
FILL = Fill(BTC, "t", "v-1", Side.BUY, Decimal("100.10"), Decimal("0.5"), 1, client_order_id="a-1")
ASKED = OrderRequest.limit(BTC, "buy", "0.10", "100.20", client_order_id="a-1")


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything, as JSON."""
    text = io.StringIO()
    logger = logging.getLogger("lotusx")
    level = logger.level
    handler = set_up(level="debug", log_format="json", stream=text)
    yield text
    logger.removeHandler(handler)
    logger.setLevel(level)


def last(text: io.StringIO) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text.getvalue().splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("event", "area", "level", "facts"),
    [
        (told.RequestFinished("acme", "time", 200, 0.0125, 1, call=7), "rest", "debug",
         {"endpoint": "time", "status": 200, "elapsed_ms": 12.5, "request_id": 7}),
        (told.RetryScheduled("acme", "time", 1, 0.5, "RequestTimeout"), "rest", "info",
         {"delay_ms": 500, "attempt": 1}),
        (told.BudgetWait("acme", "time", "weight", 0.9), "budgets", "debug", {"pool": "weight"}),
        (told.BudgetWait("acme", "time", "", 2.0), "budgets", "info", {"delay_ms": 2000}),
        (told.SessionChanged("acme", "market", 1, "lost", "reset"), "ws", "warning",
         {"group": "market", "state": "lost"}),
        (told.SessionChanged("acme", "market", 1, "live"), "ws", "info", {}),
        (told.SessionChanged("acme", "market", 1, "connecting"), "ws", "debug", {}),
        (told.StreamChanged("acme", "btc@trade", "silent"), "streams", "warning", {"stream": "btc@trade"}),
        (told.StreamChanged("acme", "book:BTC/USDT", "stale", "gap", "live_book"), "streams", "warning",
         {"kind": "live_book"}),
        (told.StreamChanged("acme", "btc@trade", "recovered"), "streams", "info", {}),
        (told.ItemDropped("acme", "btc@trade", "odd"), "streams", "debug", {"stream": "btc@trade"}),
        (told.OrderRefused("acme", "place", BTC, "a-1", "OrderVetoed", "too much"), "orders", "warning",
         {"client_order_id": "a-1", "symbol": "BTC/USDT", "error": "OrderVetoed"}),
        (told.OrderRefused("acme", "place", BTC, "a-1", "InvalidArgument", "step"), "orders", "info", {}),
        (told.OrderSent("acme", 3, "place", BTC, "a-1", 1, ASKED), "orders", "info",
         {"request_id": 3, "kind": "place"}),
        (told.OrderSent("acme", 3, "cancel_all", None, "", 1), "orders", "info", {}),
        (told.OrderOutcome("acme", "a-1", "accepted", ("said so",), "place", BTC, 0.25), "orders", "info",
         {"outcome": "accepted", "elapsed_ms": 250.0}),
        (told.OrderOutcome("acme", "a-1", "unknown", ("timeout",), "place", BTC), "orders", "warning", {}),
        (told.OrderOutcome("acme", "a-1", "rejected", ("no",), "place", BTC, error="InvalidOrder"), "orders", "info",
         {"error": "InvalidOrder"}),
        (told.OrderReported("acme", STATE), "orders", "debug", {"venue_order_id": "v-1", "state": "open"}),
        (told.FillReported("acme", FILL), "orders", "info", {"client_order_id": "a-1"}),
    ],
    ids=lambda item: type(item).__name__ if type(item).__module__.startswith("lotusx") else "",
)  # fmt: skip
def test_an_event_goes_to_its_area_at_its_level_with_its_facts(
    logged: io.StringIO, event: Any, area: str, level: str, facts: dict[str, Any]
) -> None:
    EventLog("acme", "testnet", "hedge")(event)
    line = last(logged)
    assert (line["logger"], line["level"]) == (f"lotusx.{area}", level)
    assert {name: line[name] for name in facts} == facts
    assert (line["exchange"], line["environment"], line["account"]) == ("acme", "testnet", "hedge")
    assert set(line) <= {"time", "level", "logger", "message", *FACTS}


def test_what_is_sent_and_filled_is_written_exactly(logged: io.StringIO) -> None:
    log = EventLog("acme", "live", None)
    log(told.OrderSent("acme", 3, "place", BTC, "a-1", 1, ASKED))
    assert last(logged)["message"] == "acme: place of a-1 is sent: buy 0.10 BTC/USDT limit at 100.20"
    log(told.FillReported("acme", FILL))
    assert last(logged)["message"] == "acme: a-1: buy 0.5 BTC/USDT at 100.10"


def test_measurements_are_not_logged(logged: io.StringIO) -> None:
    EventLog("acme", "live", None)(told.TrafficMeasured("acme", "market", "in", "trades", 1, 1))
    assert logged.getvalue() == ""


def test_a_line_is_one_object_with_its_time_and_its_exception_and_no_secret(logged: io.StringIO) -> None:
    try:
        raise ValueError("signature=abcdef123456")
    except ValueError:
        logging.getLogger("lotusx.orders").exception("it\nbroke: api_key=%s", "abcdef123456")
    line = last(logged)
    assert line["message"] == "it\nbroke: api_key=***"
    assert line["exception"].startswith("Traceback")
    assert "abcdef123456" not in logged.getvalue()
    assert line["time"].endswith("Z")
    assert len(line["time"]) == len("2026-01-01T00:00:00.000000Z")


def test_numbers_of_others_are_written_exactly() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "said", None, None)
    record.symbol = Decimal("1E-7")
    assert json.loads(JsonFormatter().format(record))["symbol"] == "0.0000001"


def test_what_nobody_wants_to_see_is_not_made(logged: io.StringIO) -> None:
    logging.getLogger("lotusx").setLevel(logging.INFO)
    no_number: Any = "cannot be rounded"
    EventLog("acme", "live", None)(told.RequestFinished("acme", "time", 200, no_number, 1))
    assert logged.getvalue() == ""


def test_text_is_the_default_and_the_configuration_may_say_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOTUSX_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert configured_format() == "text"
    (tmp_path / "lotusx.toml").write_text('[telemetry]\nlog_format = "json"\n')
    assert configured_format() == "json"
    (tmp_path / "lotusx.toml").write_text('[telemetry]\nlog_format = "xml"\n')
    with pytest.raises(ConfigurationError, match="'text' or 'json'"):
        configured_format()


@pytest.mark.parametrize("wrong", [{"level": "LOUD"}, {"log_format": "xml"}])
def test_what_set_up_does_not_know_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        set_up(**{"log_format": "text", **wrong})  # type: ignore[arg-type]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_connection_logs_its_orders_and_never_its_key(
    logged: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path)
    assert wanted()
    key = {"api_key": "canary-key", "api_secret": "canary-secret"}
    async with lotusx.connect("acme", credentials=key) as exchange:
        await exchange.place(OrderRequest.limit(Symbol.parse("BTC/USDT"), "buy", "0.1", "100", client_order_id="a-1"))
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    told_of = [line["message"] for line in lines if line["logger"] == "lotusx.orders" and line["level"] == "info"]
    assert told_of[0].startswith("acme: place of a-1 is sent")
    assert told_of[1] == "acme: place of a-1 was accepted"
    assert "canary" not in logged.getvalue()
