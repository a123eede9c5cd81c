"""What is known of Bybit's perpetuals before anyone connects, and what this plugin takes from its sibling."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lotusx
import lotusx_bybit
import lotusx_bybit_perp
from lotusx.errors import ConfigurationError
from lotusx.plugin import Capability, SupportLevel
from lotusx_bybit.facts import FACTS as SPOT_FACTS
from lotusx_bybit.v5.signer import V5Signer
from lotusx_bybit_perp import plugin
from lotusx_bybit_perp.facts import FACTS

SIBLING, OWN = Path(lotusx_bybit.__file__).parent, Path(lotusx_bybit_perp.__file__).parent
RUN = 6


def test_one_exchange_and_every_capability_answered() -> None:
    (facts,) = plugin.lotusx_exchanges()

    assert (facts.name, facts.contract) == ("bybit-perp", 1)
    assert set(facts.capabilities) == set(Capability)
    for capability, support in facts.capabilities.items():
        if support.level in (SupportLevel.NOT_OFFERED, SupportLevel.NOT_WRITTEN):
            assert support.instead, capability


def test_linear_and_inverse_have_public_streams_of_their_own() -> None:
    live = FACTS.environments["live"]

    assert live.ws == {
        "linear": "wss://stream.bybit.com/v5/public/linear",
        "inverse": "wss://stream.bybit.com/v5/public/inverse",
        "account": "wss://stream.bybit.com/v5/private",
        "trade": "wss://stream.bybit.com/v5/trade",
    }
    assert set(live.ws) == set(FACTS.ws)
    assert "trade" not in FACTS.environments["demo"].ws
    assert FACTS.environments["demo"].lacks[Capability.BATCH_ORDERS].level is SupportLevel.PARTIAL


def test_orders_have_half_the_quota_of_spot() -> None:
    quotas = {limit.pool: limit.amount for limit in FACTS.limits}

    assert (quotas["/v5/order/create"], quotas["/v5/order/create-batch"], quotas["/v5/position/list"]) == (10, 10, 50)


def test_address_and_account_are_shared_with_spot_and_order_quotas_are_not() -> None:
    own, spot = ({limit.pool: limit for limit in facts.limits} for facts in (FACTS, SPOT_FACTS))

    shared = {pool for pool in own.keys() & spot.keys() if own[pool] == spot[pool]}
    assert {"ip", "/v5/account/wallet-balance", "/v5/account/fee-rate", "/v5/user/query-api"} <= shared
    assert not any(pool.startswith(("/v5/order/", "/v5/execution/", "/v5/position/")) for pool in shared)
    assert min(FACTS.environments["live"].rest.values()) == min(SPOT_FACTS.environments["live"].rest.values())


def test_signer_is_built() -> None:
    assert isinstance(plugin.lotusx_signer("bybit-perp", {"api_key": "k", "api_secret": "s"}), V5Signer)


def _taken(tree: ast.Module) -> Iterator[str]:
    """Yield the modules of the sibling from which something is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "lotusx_bybit":
            names = [f"{node.module}.{name.name}" for name in node.names]
            yield from names if node.module == "lotusx_bybit" else [str(node.module)]
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] == "lotusx_bybit")


def test_nothing_but_v5_is_taken_from_the_sibling() -> None:
    modules = {name for path in OWN.rglob("*.py") for name in _taken(ast.parse(path.read_text("utf-8")))}

    assert modules == {"lotusx_bybit.v5"}


def _runs(root: Path) -> set[tuple[str, ...]]:
    """Return every run of lines, blank ones and imports left out."""
    runs: set[tuple[str, ...]] = set()
    for path in root.rglob("*.py"):
        lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
        lines = [line for line in lines if line and not line.startswith(("from ", "import "))]
        runs |= {tuple(lines[start : start + RUN]) for start in range(len(lines) - RUN + 1)}
    return runs


def test_no_run_of_lines_stands_in_both_plugins() -> None:
    assert _runs(SIBLING) & _runs(OWN) == set()


def test_facts_import_nothing_heavy() -> None:
    code = "import sys, lotusx_bybit_perp.plugin; print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert {"httpx", "anyio", "msgspec", "pydantic", "cryptography"} & set(modules) == set()


@pytest.mark.parametrize("price", ["LastPrice", "MarkPrice", "IndexPrice"])
def test_an_option_that_nothing_would_read_is_refused(price: str) -> None:
    lotusx.connect("bybit-perp", options={"trigger_by": price, "order_entry": "ws", "book_gaps": "log"})
    with pytest.raises(ConfigurationError, match=f"trigger_by.*{price}.*not {price.upper()!r}"):
        lotusx.connect("bybit-perp", options={"trigger_by": price.upper()})
