"""What is known of Bybit spot before anyone connects, and what saying it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import lotusx
from lotusx.errors import ConfigurationError
from lotusx.plugin import Capability, SupportLevel
from lotusx_bybit import plugin, v5
from lotusx_bybit.facts import FACTS
from lotusx_bybit.v5.signer import V5Signer


def test_one_exchange_and_every_capability_answered() -> None:
    (facts,) = plugin.lotusx_exchanges()

    assert (facts.name, facts.contract) == ("bybit", 1)
    assert set(facts.capabilities) == set(Capability)
    for capability, support in facts.capabilities.items():
        if support.level in (SupportLevel.NOT_OFFERED, SupportLevel.NOT_WRITTEN):
            assert support.instead, capability


@pytest.mark.parametrize(
    ("name", "rest", "stream", "real_money"),
    [
        ("live", "https://api.bybit.com", "wss://stream.bybit.com", True),
        ("live-eu", "https://api.bybit.eu", "wss://stream.bybit.eu", True),
        ("live-jp", "https://api.manepa.jp", "wss://stream.manepa.jp", True),
        ("testnet", "https://api-testnet.bybit.com", "wss://stream-testnet.bybit.com", False),
        ("simulator", "{base}", "{ws}", False),
    ],
)
def test_environments(name: str, rest: str, stream: str, real_money: bool) -> None:
    environment = FACTS.environments[name]

    assert (environment.name, environment.real_money) == (name, real_money)
    assert environment.rest == {"market": rest, "api": rest}
    assert environment.ws == {
        "market": f"{stream}/v5/public/spot",
        "account": f"{stream}/v5/private",
        "trade": f"{stream}/v5/trade",
    }
    assert set(environment.ws) == set(FACTS.ws)
    assert not environment.lacks


def test_demo_reads_mainnet_and_says_what_it_lacks() -> None:
    demo = FACTS.environments["demo"]

    assert not demo.real_money
    assert demo.rest == {"market": "https://api.bybit.com", "api": "https://api-demo.bybit.com"}
    assert demo.ws == {
        "market": "wss://stream.bybit.com/v5/public/spot",
        "account": "wss://stream-demo.bybit.com/v5/private",
    }
    lacking = {Capability.WEBSOCKET_ORDERS, Capability.BATCH_ORDERS, Capability.BATCH_CANCEL, Capability.BATCH_AMEND}
    assert lacking < set(demo.lacks)
    assert all(support.instead for support in demo.lacks.values())


def test_only_live_environments_cost_money() -> None:
    assert all(environment.real_money is name.startswith("live") for name, environment in FACTS.environments.items())


def test_quotas_roll_and_belong_to_the_account() -> None:
    assert {limit.pool: limit.amount for limit in FACTS.limits if limit.pool.startswith("/v5/order/c")} == {
        "/v5/order/create": 20,
        "/v5/order/cancel": 20,
        "/v5/order/cancel-all": 20,
        "/v5/order/create-batch": 20,
        "/v5/order/cancel-batch": 20,
    }
    assert {limit.scope for limit in FACTS.limits} == {"ip", "account", "account spot"}
    assert not any(limit.aligned for limit in FACTS.limits)


def test_signer_is_built() -> None:
    assert isinstance(plugin.lotusx_signer("bybit", {"api_key": "k", "api_secret": "s"}), V5Signer)


def test_every_public_name_of_v5_resolves() -> None:
    assert [name for name in v5.__all__ if getattr(v5, name, None) is None] == []
    assert set(v5.__all__) <= set(dir(v5))
    modules = {path.stem for path in Path(v5.__file__).parent.glob("*.py")}
    assert modules & set(v5.__all__) == set()  # importing a module would hide the name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = v5.nothing


def test_facts_import_nothing_heavy() -> None:
    code = "import sys, lotusx_bybit.plugin; print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert {"httpx", "anyio", "msgspec", "pydantic", "cryptography"} & set(modules) == set()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"order_entry": "WS"}, "must be 'rest' or 'ws', not 'WS'"),
        ({"book_gaps": "ignore"}, "must be 'log', not 'ignore'"),
        ({"trigger_by": "MarkPrice"}, "unknown key 'trigger_by'"),  # a spot order has none
    ],
)
def test_an_option_that_nothing_would_read_is_refused(wrong: dict[str, str], text: str) -> None:
    lotusx.connect("bybit", options={"order_entry": "ws", "book_gaps": "log"})
    with pytest.raises(ConfigurationError, match=text):
        lotusx.connect("bybit", options=wrong)
