"""What is declared and not written, or written and not declared, is caught without any simulation."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from lotusx.plugin import AccountPort, Capability as C, MarketDataPort, Support, TradingPort
from lotusx.plugin.manager import PluginManager
from lotusx_binance.facts import FACTS
from lotusx_testing import FakeKernel, Progress, Subject
from lotusx_testing.progress import OWN, PORTS, WITH_ORDERS, contradiction, place_of


class Market(MarketDataPort):
    async def server_time_ns(self) -> int:
        return 5


class Nothing(TradingPort): ...


class Nobody(AccountPort): ...


CONNECTOR = SimpleNamespace(market=Market(), trading=Nothing(), account=Nobody())


def _facts(**capabilities: Support) -> Any:
    return replace(FACTS, capabilities={C(name): support for name, support in capabilities.items()})


def test_every_capability_of_a_port_names_a_method_of_it() -> None:
    assert all(hasattr(PORTS[port], method) for port, method in OWN.values())
    assert not WITH_ORDERS & set(OWN)
    assert set(C) - set(OWN) - WITH_ORDERS == {C.HEDGE_MODE}


@pytest.mark.parametrize(
    ("capability", "support", "what"),
    [
        (C.TICKER, Support.full(), "ticker is declared as full, but connector.market.ticker is not written"),
        (C.POST_ONLY, Support.partial(), "post_only is declared as partial, but connector.trading.place is not"),
        (C.SERVER_TIME, Support.not_written(), "server_time_ns is written, but the facts say that server_time is not"),
        (C.SERVER_TIME, Support.full(), ""),
        (C.TICKER, Support.not_offered(), ""),
        (C.HEDGE_MODE, Support.full(), ""),
    ],
)
def test_facts_and_ports_must_agree(capability: C, support: Support, what: str) -> None:
    found = contradiction(capability, _facts(**{capability.value: support}), CONNECTOR)

    assert what in found
    assert bool(found) == bool(what)


def test_place_where_it_is_to_be_written_is_named() -> None:
    assert place_of(C.TICKER) == "connector.market.ticker"
    assert place_of(C.GTD) == "connector.trading.place"
    assert place_of(C.HEDGE_MODE) == "no port has it: connector.native"


@pytest.mark.parametrize("capability", C, ids=str)
def test_plugin_that_is_finished_agrees_with_itself(capability: C) -> None:
    connector = PluginManager("binance").connector(FakeKernel(FACTS).build())

    assert contradiction(capability, FACTS, connector) == ""


def test_what_is_missing_is_expected_to_fail_with_its_reason() -> None:
    begun = Progress()
    begun.subject = Subject(replace(FACTS, capabilities={**FACTS.capabilities, C.LEVERAGE: Support.not_written()}))

    with pytest.raises(pytest.xfail.Exception, match="the subject states no payloads, no new_values, no requests"):
        begun.test_evidence_is_given()
    with pytest.raises(pytest.xfail.Exception, match="leverage is not written"):
        begun.test_capability_is_written_as_declared(C.LEVERAGE)
    begun.test_capability_is_written_as_declared(C.TICKER)
