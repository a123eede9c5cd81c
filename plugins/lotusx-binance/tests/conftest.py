"""A connector over a scripted kernel, and one instrument. The helpers beside these tests go by their own names."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, Symbol, TickSize
from lotusx.plugin import ExchangeFacts, Kernel, Limit, RestDialect, Secret
from lotusx_binance.connector import BinanceConnector
from lotusx_binance.errors import SpotDialect
from lotusx_binance.facts import FACTS
from lotusx_binance.perp.connector import BinancePerpConnector
from lotusx_binance.perp.errors import PerpDialect
from lotusx_binance.perp.facts import FACTS as PERP_FACTS
from lotusx_binance.signer import signer_from
from lotusx_testing.fakes import FakeClock, FakeInstruments, FakeKernel, FakeRest, FakeWsRequests

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

CREDENTIALS = {"api_key": "key", "api_secret": Secret("secret")}


def _instrument(base: str, quote: str) -> Instrument:
    return Instrument(
        symbol=Symbol(base, quote),
        venue_symbol=base + quote,
        kind=InstrumentKind.SPOT,
        status=InstrumentStatus.TRADING,
        price_rule=TickSize(Decimal("0.01")),
        step_size=Decimal("0.00001"),
    )


@pytest.fixture
def btc() -> Instrument:
    return _instrument("BTC", "USDT")


@pytest.fixture
def eth() -> Instrument:
    return _instrument("ETH", "USDT")


def _contract(venue_symbol: str, base: str, expiry: date | None = None) -> Instrument:
    return Instrument(
        symbol=Symbol(base, "USDT", "USDT", expiry),
        venue_symbol=venue_symbol,
        kind=InstrumentKind.LINEAR,
        status=InstrumentStatus.TRADING,
        price_rule=TickSize(Decimal("0.1")),
        step_size=Decimal("0.001"),
    )


@pytest.fixture
def perp() -> Instrument:
    return _contract("BTCUSDT", "BTC")


@pytest.fixture
def dated() -> Instrument:
    return _contract("BTCUSDT_261225", "BTC", date(2026, 12, 25))


@dataclass
class Desk:
    """A connector and the fakes it stands on."""

    connector: Any
    rest: FakeRest
    ws: FakeWsRequests
    events: list[object]
    limits: list[Limit]
    clock: FakeClock

    @property
    def sent(self) -> tuple[str, str, dict[str, str]]:
        """Verb, path and parameters of the newest request, less what signing added."""
        params = self.rest.params
        for name in ("recvWindow", "timestamp", "signature"):
            params.pop(name, None)
        return str(self.rest.last.verb), self.rest.last.path, params

    @property
    def costs(self) -> dict[str, int]:
        """What the newest request takes from which pool, less the raw request."""
        return {cost.pool: cost.amount for cost in self.rest.last.costs if cost.pool != "raw-requests"}


def _maker(
    facts: ExchangeFacts, dialect: RestDialect, connect: Callable[[Kernel], Any], instruments: Sequence[Instrument]
) -> Callable[..., Desk]:
    def make(environment: str = "live", **options: Any) -> Desk:
        rest = FakeRest(dialect, signer_from(CREDENTIALS))
        kernel = FakeKernel(
            facts,
            environment,
            rest=rest,
            instruments=FakeInstruments(instruments),
            credentials=CREDENTIALS,
            options=options,
        )
        ws = kernel.ws.setdefault("api", FakeWsRequests())
        events: list[object] = []
        kernel.telemetry.observe(events.append)
        return Desk(connect(kernel.build()), rest, ws, events, kernel.limits, kernel.clock)

    return make


@pytest.fixture
def make_desk(btc: Instrument, eth: Instrument) -> Callable[..., Desk]:
    return _maker(FACTS, SpotDialect("binance"), BinanceConnector, (btc, eth))


@pytest.fixture
def make_futures(perp: Instrument, dated: Instrument) -> Callable[..., Desk]:
    contracts = (perp, dated, _contract("ETHUSDT", "ETH"))
    return _maker(PERP_FACTS, PerpDialect("binance-perp"), BinancePerpConnector, contracts)


@pytest.fixture
def futures(make_futures: Callable[..., Desk]) -> Desk:
    return make_futures()


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk()
