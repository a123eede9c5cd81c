"""What the plugin says of itself before anyone connects, and what saying it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import lotusx
from lotusx.errors import ConfigurationError
from lotusx.plugin import Capability, ExchangeFacts, SupportLevel
from lotusx_binance import plugin
from lotusx_binance.codec import ApiCodec, StreamCodec
from lotusx_binance.connector import BinanceConnector
from lotusx_binance.errors import SpotDialect
from lotusx_binance.facts import FACTS
from lotusx_binance.perp.codec import PrivateCodec
from lotusx_binance.perp.connector import BinancePerpConnector
from lotusx_binance.perp.errors import PerpDialect
from lotusx_binance.perp.facts import FACTS as PERP_FACTS
from lotusx_binance.signer import BinanceSigner
from lotusx_testing.fakes import FakeKernel


def test_two_exchanges_with_names_of_their_own() -> None:
    assert [facts.name for facts in plugin.lotusx_exchanges()] == ["binance", "binance-perp"]


@pytest.mark.parametrize("facts", [FACTS, PERP_FACTS], ids=lambda facts: facts.name)
def test_every_capability_is_answered(facts: ExchangeFacts) -> None:
    assert facts.contract == 1
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
    assert {limit.pool for limit in FACTS.limits} == {
        "ip-weight",
        "raw-requests",
        "orders",
        "sapi-ip-weight",
        "sapi-account-weight",
    }
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


@pytest.mark.parametrize(
    ("name", "rest", "streams", "api"),
    [
        ("live", "https://fapi.binance.com", "wss://fstream.binance.com", "wss://ws-fapi.binance.com/ws-fapi/v1"),
        (
            "demo",
            "https://demo-fapi.binance.com",
            "wss://demo-fstream.binance.com",
            "wss://testnet.binancefuture.com/ws-fapi/v1",
        ),
        ("simulator", "{base}", "{ws}", "{ws}/ws-fapi/v1"),
    ],
)
def test_environments_of_futures(name: str, rest: str, streams: str, api: str) -> None:
    environment = PERP_FACTS.environments[name]

    assert environment.rest["fapi"] == rest
    assert environment.ws == {
        "public": f"{streams}/public/stream",
        "market": f"{streams}/market/stream",
        "private": f"{streams}/private/ws",
        "api": api,
    }
    assert environment.real_money is (name == "live")
    assert ("sapi" in environment.rest) is (Capability.PERMISSIONS not in environment.lacks)
    assert set(environment.ws) == set(PERP_FACTS.ws)


def test_factories_build_the_parts_of_futures() -> None:
    credentials = {"api_key": "k", "api_secret": "s"}
    signer = plugin.lotusx_signer("binance-perp", credentials)
    codecs = plugin.lotusx_codecs("binance-perp", signer, credentials)

    assert isinstance(signer, BinanceSigner)
    assert isinstance(plugin.lotusx_rest_dialect("binance-perp"), PerpDialect)
    assert set(codecs) == set(PERP_FACTS.ws)
    assert isinstance(codecs["private"], PrivateCodec)
    connector = plugin.lotusx_connector("binance-perp", FakeKernel(PERP_FACTS).build())
    assert isinstance(connector, BinancePerpConnector)
    assert set(connector.account.leases()) == {"private"}


def test_facts_import_nothing_heavy() -> None:
    code = "import sys, lotusx_binance.plugin; print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert {"httpx", "anyio", "msgspec", "pydantic", "cryptography", "lotusx_binance.connector"} & set(modules) == set()


@pytest.mark.parametrize("name", ["binance", "binance-perp"])
def test_an_option_that_nothing_would_read_is_refused(name: str) -> None:
    for value in ("rest", "ws"):
        lotusx.connect(name, options={"order_entry": value})
    with pytest.raises(ConfigurationError, match="must be 'rest' or 'ws', not 'WS'"):
        lotusx.connect(name, options={"order_entry": "WS"})
    with pytest.raises(ConfigurationError, match="did you mean 'order_entry'"):
        lotusx.connect(name, options={"oder_entry": "ws"})
