"""Hyperliquid's own client: ``Info.subscribe`` (a socket in a thread) and ``Exchange.order``."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any

from bench.clients.meter import Meter, Task
from bench.venues.hyperliquid import FIRST_MS


def trades(task: Task) -> None:
    """A callback per message."""
    meter = Meter()

    def take(message: Any) -> None:
        if not meter.seen:
            meter.start()
        meter.seen += 1
        if message["data"][-1]["tid"] == task.count:
            meter.end()

    _subscribe(task, "trades", take)


def book(task: Task) -> None:
    """A callback per whole book; best prices read in it."""
    meter = Meter()

    def take(message: Any) -> None:
        if not meter.seen:
            meter.start()
        meter.seen += 1
        bids, asks = message["data"]["levels"]
        assert float(bids[0]["px"]) < float(asks[0]["px"])
        if message["data"]["time"] == FIRST_MS + task.count:
            meter.end()

    _subscribe(task, "l2Book", take)


def _subscribe(task: Task, kind: str, take: Any) -> None:
    info = import_module("hyperliquid.info").Info(task.base_url)
    info.subscribe({"type": kind, "coin": "BTC"}, take)
    threading.Event().wait()


def orders(task: Task) -> None:
    """``Exchange.order``, one after the other."""
    wallet = import_module("eth_account").Account.from_key(
        "0x0123456789012345678901234567890123456789012345678901234567890123"
    )
    exchange = import_module("hyperliquid.exchange").Exchange(wallet, task.base_url)
    meter = Meter()
    for number in range(task.count + 5):
        if number == 5:
            meter.start()
        answer = exchange.order("BTC", True, 0.01, 60_000, {"limit": {"tif": "Gtc"}})
        assert answer["status"] == "ok"
        meter.seen += number >= 5
    meter.end()


if __name__ == "__main__":
    given = Task.given()
    globals()[given.work](given)
