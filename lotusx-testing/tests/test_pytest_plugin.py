"""The fixtures, and a broken plugin's own test run as its author sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import lotusx_testing
from lotusx_testing import HttpExchange

BROKEN = """
from dataclasses import replace

import msgspec

from lotusx.errors import ErrorKind
from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, Symbol
from lotusx.plugin import Capability, Request, Response, SigningContext, Support, Verb
from lotusx_binance.facts import FACTS
from lotusx_testing import Case, Conformance, Conversation, ErrorTable, Expected, NewValue, Payload, Refusal
from lotusx_testing import RequestExample, RoundTrip, SigningVector, Subject, cases

BTC = Instrument(Symbol("BTC", "USDT"), "BTCUSDT", InstrumentKind.SPOT, InstrumentStatus.TRADING, None, None)


cases.CASES[:] = [item for item in cases.all_cases() if item.capability is Capability.TICKER]


class Tick(msgspec.Struct):
    p: str


async def never(arena):
    raise AssertionError("the case fails")


class TestBroken(Conformance):
    subject = Subject(
        replace(FACTS, capabilities={Capability.TICKER: Support.full(), Capability.DEPOSITS: Support.full(),
                                     Capability.WITHDRAWALS: Support.full()}),
        credentials={"api_key": "k", "api_secret": "s"},
        payloads=[Payload("good", '{"p": "1"}', Tick), Payload("bad", '{"p": "1", "q": "2"}', Tick)],
        new_values=[NewValue("bad", '{"p": "1"}', ("p",), lambda body: 1)],
        vectors=[SigningVector("bad", Request(Verb.GET, "", "/x", signed=True), SigningContext(1, 1), query="a=1")],
        requests=[RequestExample("bad", lambda x: x.market.server_time_ns(), '{"serverTime": 1}',
                                 Expected("GET", "/other"))],
        cases=[Case("never", Capability.WITHDRAWALS, never, quiet=True)],
        error_tables=[ErrorTable("bad", {"1": ErrorKind.BANNED}, {})],
        refusals=[Refusal("bad", Request(Verb.GET, "", "/x"), Response(200), ErrorKind.BANNED, "1")],
        round_trips=[RoundTrip("bad", ["a"], str, str.upper), RoundTrip("good", ["a"], str, str)],
        conversations=[Conversation("bad", lambda x: x.market.trades_channel(BTC), ["{}"], None, [], 0)],
    )
"""


def test_authors_run_shows_each_thing_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text(BROKEN, "utf-8")
    options = ["-p", "no:cacheprovider", "-p", "no:randomly", "-q", "-k", "not trio", "--rootdir", str(tmp_path)]

    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True,
        check=False, timeout=100,
    )  # fmt: skip

    lines = run.stdout.splitlines()
    failed = sorted(line.split("::")[-1].split(" ")[0] for line in lines if line.startswith("FAILED"))
    assert failed == [
        "test_case[asyncio-never]",
        "test_codes_mean_what_is_documented[bad]",
        "test_conversation_is_the_documented_one[bad]",
        "test_declared_capability_has_a_case",
        "test_new_value_stays_visible[bad]",
        "test_payload_is_read[bad]",
        "test_refusal_is_read_as_documented[bad]",
        "test_request_is_the_documented_one[asyncio-bad]",
        "test_signature_is_the_published_one[bad]",
        "test_what_is_written_is_read_back[bad]",
    ], run.stdout
    assert "5 passed" in lines[-1]  # the good payload, the good round trip, the evidence, the doubt, the ticker


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_http_exchange_serves_documents_and_keeps_what_was_asked(http_exchange: HttpExchange) -> None:
    http_exchange.answer("GET", "/api/v3/time", '{"serverTime": 1770000000000}')

    async with http_exchange.connect("binance") as exchange:
        assert await exchange.market.server_time() == 1_770_000_000_000_000_000

    assert (http_exchange.last.verb, http_exchange.last.path, http_exchange.last.query) == ("GET", "/api/v3/time", "")


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_http_exchange_answers_in_turn(http_exchange: HttpExchange) -> None:
    http_exchange.answer("GET", "/api/v3/time", "{}", status=503, headers={"retry-after": "0"}, times=1)
    http_exchange.answer("GET", "/api/v3/time", '{"serverTime": 1}', times=1)

    async with http_exchange.connect("binance") as exchange:
        assert await exchange.market.server_time() == 1_000_000

    assert len(http_exchange.requests) == 2


def test_pytest_loads_nothing_of_the_core_before_a_test_asks() -> None:
    code = (
        "import sys, lotusx_testing.pytest_plugin; assert not [m for m in sys.modules if m.split('.')[0] == 'lotusx']"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_all_resolve() -> None:
    assert sorted(name for name in dir(lotusx_testing) if name in lotusx_testing.__all__) == lotusx_testing.__all__
    for name in lotusx_testing.__all__:
        assert getattr(lotusx_testing, name)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = lotusx_testing.nothing_like_it
