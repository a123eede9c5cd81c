"""The dashboard and the alert rules: every metric exists, and a real Prometheus finds data for every panel."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from lotusx_prometheus.metrics import Metrics

FOLDER = Path(__file__).resolve().parents[2] / "dashboards"
BOARD = json.loads((FOLDER / "lotusx.json").read_text("utf-8"))
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
NAME = re.compile(r"\b(?:lotusx_|http_|websocket_|latency_ms|retry_count|rate_limited)\w*")
SERIES = re.compile(r"_(?:bucket|sum|count)$")
WITHIN_S = 90.0

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="prometheus is not installed (apt-get install prometheus)",
)


def known() -> set[str]:
    registry = CollectorRegistry()
    Metrics(registry, 5)
    return {f"{family.name}_total" if family.type == "counter" else family.name for family in registry.collect()}


def test_every_metric_that_a_panel_or_a_rule_names_exists() -> None:
    rules = "\n".join(
        line for line in (FOLDER / "alerts.yml").read_text("utf-8").splitlines() if not line.lstrip().startswith("#")
    )
    asked = {SERIES.sub("", name) for text in (rules, *(expr for _, expr in QUERIES)) for name in NAME.findall(text)}
    assert asked - known() == set()


def test_every_metric_is_on_a_panel() -> None:
    shown = {SERIES.sub("", name) for _, expr in QUERIES for name in NAME.findall(expr)}
    apart = {"lotusx_push_failures_total", "lotusx_observer_failures_total", "lotusx_call_duration_seconds",
             "lotusx_budget_wait_seconds", "lotusx_stream_changes_total"}  # fmt: skip
    assert known() - shown == apart


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    everything = BOARD["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


@needs_prometheus
@pytest.mark.parametrize("arguments", [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"],
                                       ["check", "config", "prometheus.yml"]], ids=" ".join)  # fmt: skip
def test_promtool_agrees(arguments: list[str]) -> None:
    done = subprocess.run(["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class Prometheus:
    """A running Prometheus, and what it knows."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def query(self, expr: str) -> list[Any]:
        reply = self._client.get("/api/v1/query", params={"query": expr}).json()
        assert reply["status"] == "success", reply
        found: list[Any] = reply["data"]["result"]
        return found

    def alerts(self) -> set[str]:
        reply = self._client.get("/api/v1/alerts").json()
        return {alert["labels"]["alertname"] for alert in reply["data"]["alerts"]}


@contextmanager
def running(command: list[str], ready: re.Pattern[str], folder: Path) -> Iterator[str]:
    """Run *command* until the block ends; yield what *ready* finds in its output."""
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
    try:
        yield until(lambda: ready.search(log.read_text("utf-8")), log).group(1)
    finally:
        process.terminate()
        process.wait(30)


def until(look: Callable[[], Any], said: object) -> Any:
    deadline = time.monotonic() + WITHIN_S
    while not (found := look()):
        if time.monotonic() > deadline:
            detail = said() if callable(said) else said.read_text("utf-8") if isinstance(said, Path) else said
            raise AssertionError(f"not within {WITHIN_S} s: {detail}")
        time.sleep(0.25)
    return found


@contextmanager
def scraped(folder: Path, *options: str) -> Iterator[Prometheus]:
    """Run the demo and a Prometheus that scrapes it."""
    with ExitStack() as stack:
        demo = [sys.executable, "-u", "-m", "lotusx_cli", "demo", "--metrics", "0", *options]
        target = stack.enter_context(running(demo, re.compile(r"http://(127\.0\.0\.1:\d+)/metrics"), folder))
        shutil.copy(FOLDER / "alerts.yml", folder)
        settings = (FOLDER / "prometheus.yml").read_text("utf-8").replace("5s", "1s").replace("127.0.0.1:9464", target)
        (folder / "prometheus.yml").write_text(settings, "utf-8")
        command = [
            "prometheus", "--config.file=prometheus.yml", "--web.listen-address=127.0.0.1:0",
            f"--storage.tsdb.path={folder / 'data'}", "--storage.tsdb.retention.time=1h",
        ]  # fmt: skip
        address = re.compile(r'msg="Listening on" address=(127\.0\.0\.1:[1-9]\d*)')
        base = f"http://{stack.enter_context(running(command, address, folder))}"
        yield Prometheus(stack.enter_context(httpx.Client(base_url=base, trust_env=False)))


def empty(prometheus: Prometheus) -> list[str]:
    """Return the panels whose queries return nothing."""
    found = []
    for title, expr in QUERIES:
        asked = expr.replace("$__rate_interval", "15s").replace("$exchange", ".*")
        if not [row for row in prometheus.query(asked) if row["value"][1] != "NaN"]:
            found.append(f"{title}: {asked}")
    return found


@needs_prometheus
@pytest.mark.slow
def test_every_panel_has_data_while_all_is_well(tmp_path: Path) -> None:
    with scraped(tmp_path) as prometheus:
        until(lambda: not empty(prometheus), lambda: empty(prometheus))
        assert prometheus.query("up") != []
        assert prometheus.alerts() & {"LotusxBookStale", "LotusxStreamDown", "LotusxOrderUnknown"} == set()


@needs_prometheus
@pytest.mark.slow
def test_every_panel_has_data_and_alerts_go_off_while_things_break(tmp_path: Path) -> None:
    broken = (
        'sum(retry_count_total) > 0', 'sum(rate_limited_total) > 0', 'sum(lotusx_websocket_reconnects_total) > 0',
        'sum(lotusx_book_resyncs_total) > 0', 'sum(lotusx_messages_undecodable_total) > 0',
        'sum(lotusx_orders_total{outcome="rejected"}) > 0', 'sum(http_requests_total{status_code="none"}) > 0',
    )  # fmt: skip
    with scraped(tmp_path, "--faults") as prometheus:
        until(
            lambda: all(prometheus.query(expr) for expr in broken),
            lambda: [e for e in broken if not prometheus.query(e)],
        )
        until(lambda: not empty(prometheus), lambda: empty(prometheus))
        until(lambda: {"LotusxTooManyRequests", "LotusxMessagesUnreadable"} <= prometheus.alerts(), prometheus.alerts)
