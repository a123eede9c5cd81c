"""The fakes answer from their script, record what they were asked, and say what is missing."""

from __future__ import annotations

import pytest

from lotusx.errors import ConnectionFailed, ItemRejected, UnknownSymbol
from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, Symbol
from lotusx.plugin import Request, Response, SigningContext, Verb
from lotusx_binance.facts import FACTS
from lotusx_testing import FakeClock, FakeInstruments, FakeKernel, FakeRest, FakeWsRequests

pytestmark = pytest.mark.anyio
BTC = Instrument(Symbol("BTC", "USDT"), "BTCUSDT", InstrumentKind.SPOT, InstrumentStatus.TRADING, None, None)
TIME = Request(Verb.GET, "", "/time", "a=1&b=")


def _body(response: Response) -> bytes:
    return response.body


async def test_clock_moves_by_sleeping_only() -> None:
    clock = FakeClock(ns=5)

    await clock.sleep(1.5)

    assert (clock.now_ns(), clock.monotonic_ns(), clock.slept_s) == (1_500_000_005, 1_500_000_005, [1.5])


async def test_rest_replies_in_the_order_of_its_script() -> None:
    rest = FakeRest().reply("one", b"two", Response(500, {}, b"three"), ConnectionFailed("gone"))

    assert [await rest.call(TIME, _body) for _ in range(3)] == [b"one", b"two", b"three"]
    with pytest.raises(ConnectionFailed):
        await rest.call(TIME, _body)
    with pytest.raises(AssertionError, match="nothing was scripted for GET /time"):
        await rest.call(TIME, _body)
    assert rest.last is TIME
    assert rest.params == {"a": "1", "b": ""}


async def test_rest_raises_what_the_dialect_reads() -> None:
    class Refusing:
        def error(self, request: Request, response: Response) -> Exception | None:
            return ValueError(response.body)

    rest = FakeRest(Refusing()).reply("no")  # type: ignore[arg-type]

    with pytest.raises(ValueError, match="no"):
        await rest.call(TIME, _body)


async def test_ws_requests_record_what_is_written() -> None:
    ws = FakeWsRequests()
    ws.replies += [b"yes", ConnectionFailed("gone")]

    def write(number: int, context: SigningContext) -> str:
        return f"{number}@{context.now_ms}"

    await ws.ready()
    assert await ws.request(write) == b"yes"
    for _ in range(2):
        with pytest.raises(ConnectionFailed):
            await ws.request(write)
    assert (ws.opened, ws.sent[0], len(ws.sent)) == (1, "1@1770000000000", 3)


def test_instruments_are_found_by_both_names() -> None:
    table = FakeInstruments([BTC])

    assert table.by_symbol("BTC/USDT") is table.by_venue_symbol("BTCUSDT") is table.all()[0]
    with pytest.raises(UnknownSymbol):
        table.by_symbol("ETH/USDT")
    with pytest.raises(ItemRejected):
        table.by_venue_symbol("ETHUSDT")


def test_kernel_has_the_urls_of_its_environment() -> None:
    kernel = FakeKernel(FACTS, "testnet").build()

    assert kernel.urls == FACTS.environments["testnet"].rest
    assert kernel.ws("api") is kernel.ws("api")
