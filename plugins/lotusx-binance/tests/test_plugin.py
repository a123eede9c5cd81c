"""What the plugin says of itself before anyone connects, and what saying it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lotusx.plugin import Capability, SupportLevel
from lotusx_binance import plugin
from lotusx_binance.codec import ApiCodec, StreamCodec
from lotusx_binance.connector import BinanceConnector
from lotusx_binance.errors import SpotDialect
from lotusx_binance.facts import FACTS
from lotusx_binance.signer import BinanceSigner
from lotusx_testing.fakes import FakeKernel


def test_one_exchange_and_every_capability_answered() -> None:
    (facts,) = plugin.lotusx_exchanges()

    assert (facts.name, facts.contract) == ("binance", 1)
    assert set(facts.capabilities) == set(Capability)
    for capability, support in facts.capabilities.items():
        if support.level in (SupportLevel.NOT_OFFERED, SupportLevel.NOT_WRITTEN):
            assert support.instead, capability


@pytest.mark.parametrize(
    ("name", "rest", "market", "api", "real_money"),
    [
        (
            "live",
            "https://api.binance.com",
            "wss://stream.binance.com:9443/stream",
            "wss://ws-api.binance.com:443/ws-api/v3",
            True,
        ),
        (
            "testnet",
            "https://testnet.binance.vision",
            "wss://stream.testnet.binance.vision/stream",
            "wss://ws-api.testnet.binance.vision/ws-api/v3",
            False,
        ),
        (
            "demo",
            "https://demo-api.binance.com",
            "wss://demo-stream.binance.com/stream",
            "wss://demo-ws-api.binance.com/ws-api/v3",
            False,
        ),
        ("simulator", "{base}", "{ws}/stream", "{ws}/ws-api/v3", False),
    ],
)
def test_environments(name: str, rest: str, market: str, api: str, real_money: bool) -> None:
    environment = FACTS.environments[name]

    assert (environment.name, environment.real_money) == (name, real_money)
    assert environment.rest["api"] == rest
    assert environment.ws == {"market": market, "api": api}
    assert ("sapi" in environment.rest) is (Capability.PERMISSIONS not in environment.lacks)
    assert set(environment.ws) == set(FACTS.ws)


def test_every_cost_has_its_limit() -> None:
    assert {limit.pool for limit in FACTS.limits} == {"ip-weight", "raw-requests", "orders", "sapi-ip-weight"}
    assert FACTS.horizon_s * 1_000 >= 10_000 + FACTS.receive_window_ms


def test_factories_build_the_parts() -> None:
    credentials = {"api_key": "k", "api_secret": "s"}
    signer = plugin.lotusx_signer("binance", credentials)
    codecs = plugin.lotusx_codecs("binance", signer, credentials)

    assert isinstance(signer, BinanceSigner)
    assert isinstance(plugin.lotusx_rest_dialect("binance"), SpotDialect)
    assert isinstance(codecs["market"], StreamCodec)
    assert isinstance(codecs["api"], ApiCodec)
    assert set(codecs) == set(FACTS.ws)
    assert isinstance(plugin.lotusx_connector("binance", FakeKernel(FACTS).build()), BinanceConnector)


def test_facts_import_nothing_heavy() -> None:
    code = "import sys, lotusx_binance.plugin; print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert {"httpx", "anyio", "msgspec", "pydantic", "cryptography", "lotusx_binance.connector"} & set(modules) == set()
