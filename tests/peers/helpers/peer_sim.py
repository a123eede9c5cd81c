"""What every module here needs: a peer or a reason, a simulator in another process, and its ledger."""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

PEERS = (
    "backpack-exchange-sdk", "binance-sdk-derivatives-trading-usds-futures", "binance-sdk-spot", "bpx-py", "ccxt",
    "hyperliquid-python-sdk", "pybit", "python-binance", "python-okx",
)  # fmt: skip
WAIT_S = 15.0

# The key pair of Binance's published signing examples, which is the simulator's default account.
API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
API_SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"


def peer(distribution: str, module: str) -> Any:
    """Import a peer's *module*; without it skip the test module, or fail where peers are required.

    The result is untyped on purpose: these clients publish no types, or wrong ones.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if os.environ.get("LOTUSX_PEERS_REQUIRED") == "1":
            raise
        pytest.skip(f"{distribution} is not installed ({error})", allow_module_level=True)


def versions() -> str:
    """Return the peers' names with their versions."""
    shown = []
    for name in PEERS:
        try:
            shown.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            shown.append(f"{name} (not installed)")
    return ", ".join(shown)


@dataclass(frozen=True)
class Served:
    """A simulated exchange in another process; what it says of itself goes past the client under test."""

    base_url: str
    ws_url: str
    certificate: str = ""  # PEM, where it was told to make one

    def do(self, action: str, **arguments: str) -> None:
        """Let the simulated market do something, such as ``fill`` or ``trade``."""
        body = json.dumps({"do": action, "with": arguments}).encode()
        with urllib.request.urlopen(f"{self.base_url}/__sim__/actions", body, timeout=WAIT_S) as reply:
            assert reply.status == 200

    def ledger(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.base_url}/__sim__/ledger", timeout=WAIT_S) as reply:
            ledger: dict[str, Any] = json.load(reply)
        return ledger

    def order(self, client_id: str) -> dict[str, Any]:
        """Return what the ledger knows of an order."""
        (order,) = [order for order in self.ledger()["orders"] if order["client_id"] == client_id]
        return dict(order)

    def state(self, client_id: str) -> tuple[str, Decimal, Decimal]:
        """Return status, quantity and executed quantity of an order."""
        order = self.order(client_id)
        return order["status"], Decimal(order["quantity"]), Decimal(order["executed"])

    def open_ids(self) -> set[str]:
        """Return the client order ids of the open orders."""
        return {o["client_id"] for o in self.ledger()["orders"] if o["status"] in ("NEW", "PARTIALLY_FILLED")}

    def fills(self, client_id: str) -> list[tuple[int, Decimal, Decimal]]:
        """Return trade id, price and quantity of each fill of an order, oldest first."""
        order_id = self.order(client_id)["id"]
        return [
            (fill["trade_id"], Decimal(fill["price"]), Decimal(fill["quantity"]))
            for fill in self.ledger()["fills"]
            if fill["order_id"] == order_id
        ]

    def balances(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Return the free and the locked amount of each asset that the account owns."""
        return {
            asset: (Decimal(owned["free"]), Decimal(owned["locked"]))
            for asset, owned in self.ledger()["balances"].items()
            if Decimal(owned["free"]) or Decimal(owned["locked"])
        }

    def positions(self) -> dict[str, Decimal]:
        """Return the signed size of each open position."""
        return {symbol: Decimal(size) for symbol, size in self.ledger()["positions"].items()}


@contextmanager
def serving(venue: str = "binance", *options: str) -> Iterator[Served]:
    """Run ``lotusx-sim serve --venue`` with its seeded market."""
    command = [sys.executable, "-m", "lotusx_sim", "serve", "--venue", venue, "--port", "0", "--seed", "7", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            ready = json.loads(server.stdout.readline())
            yield Served(ready["base_url"], ready["ws_url"], ready.get("certificate_pem", ""))
        finally:
            server.terminate()
            server.wait(WAIT_S)


async def until(condition: Callable[[], Any], what: str) -> Any:
    """Return the first true value of *condition*, asked often, for peers that only offer callbacks."""
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while not (value := condition()):
        assert asyncio.get_running_loop().time() < deadline, f"no {what} within {WAIT_S:g} s"
        await asyncio.sleep(0.02)
    return value
