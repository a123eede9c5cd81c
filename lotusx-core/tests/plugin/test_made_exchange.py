"""An exchange whose entry point names a class: made for each connection, with its options."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

import lotusx
from lotusx.errors import ConfigurationError, UnknownExchange
from lotusx.plugin.manager import PluginManager

from .test_registry import forget_fakes, install

SOURCE = """
import time
from contextlib import asynccontextmanager
from lotusx.errors import ConfigurationError, UnknownExchange
from lotusx.plugin import Environment, ExchangeFacts, hookimpl

LIVED = []


class Clock:
    def now_ns(self): return 5
    def monotonic_ns(self): return 5
    async def sleep(self, seconds): ...


class Made:
    def __init__(self, options):
        self.options = options
        if "wrong" in options:
            raise ConfigurationError("made has no option 'wrong'")
        self.clock = Clock()

    @hookimpl
    def lotusx_exchanges(self):
        live = Environment("recorded", rest={"api": "https://made.invalid"}, ws={})
        return [ExchangeFacts(name=self.options.get("as", "made"), contract=1, environments={"live": live},
                              capabilities={}, credentials=())]

    @hookimpl
    def lotusx_lifespan(self):
        return self._lived()

    @asynccontextmanager
    async def _lived(self):
        LIVED.append(self.options)
        raise ConfigurationError("far enough")
        yield
"""


@pytest.fixture(autouse=True)
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_fakes()
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path, "lotusx-made", "made", SOURCE, inside=":Made")


def test_each_connection_has_its_own_with_its_options() -> None:
    one, other = (PluginManager("made", own_options={"as": name}) for name in ("kraken", "okex"))

    assert (one.facts.name, other.facts.name) == ("kraken", "okex")
    assert one.part("clock") is not other.part("clock")
    assert one.part("http") is None


def test_without_options_it_can_be_listed() -> None:
    assert PluginManager("made").facts.name == "made"


def test_it_plays_the_part_of_the_exchange_that_its_facts_name() -> None:
    exchange = lotusx.connect("made", options={"as": "kraken"})

    assert (exchange.name, exchange.environment) == ("kraken", "recorded")
    assert exchange._clock.now_ns() == 5


def test_a_clock_of_the_callers_counts_more() -> None:
    class Mine:
        def now_ns(self) -> int:
            return 7

        monotonic_ns = now_ns

        async def sleep(self, seconds: float) -> None: ...

    assert lotusx.connect("made", clock=Mine())._clock.now_ns() == 7


def test_options_that_it_refuses_are_the_callers_error() -> None:
    with pytest.raises(ConfigurationError, match="no option 'wrong'"):
        lotusx.connect("made", options={"wrong": 1})


def test_it_may_have_something_running_while_the_connection_is_open() -> None:
    async def main() -> None:
        with pytest.raises(ConfigurationError, match="far enough"):
            async with lotusx.connect("made", options={"as": "kraken"}):
                pass

    anyio.run(main)


def test_what_stands_behind_a_colon_is_an_option_of_the_exchange_before_it() -> None:
    manager = PluginManager("made:kraken", own_options={"as": "kraken"})

    assert (manager.name, manager.facts.name) == ("made", "kraken")
    assert manager._made is not None
    assert manager._made.options == {"as": "kraken", "exchange": "kraken"}
    assert lotusx.connect("made:kraken").name == "made"


def test_an_exchange_that_stands_for_no_other_takes_no_colon(tmp_path: Path) -> None:
    install(tmp_path, "lotusx-plain", "plain", "")

    with pytest.raises(UnknownExchange, match="'plain:kraken'"):
        PluginManager("plain:kraken")
