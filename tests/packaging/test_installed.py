"""Distributions installed from their wheels alone, away from the repository; the core and one plugin on each Python."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Built, Environment

LOOK = """
import asyncio, lotusx

async def main():
    async with lotusx.connect({exchange!r}, environment="simulator", base_url={base_url!r}) as exchange:
        listed = await exchange.market.instruments()
        symbol = next(item.symbol for item in listed if item.base == "BTC")
        print(symbol, (await exchange.market.ticker(symbol)).last_price)

asyncio.run(main())
"""


def test_the_public_names_import(core_and_binance: Environment) -> None:
    core_and_binance.run("import lotusx; [getattr(lotusx, name) for name in lotusx.__all__]")


def test_one_wheel_holds_the_compiled_parts_of_every_python(
    core_and_binance: Environment, built: dict[str, Built]
) -> None:
    compiled = "-abi3-" in built["lotusx-core"].wheel.name
    said = core_and_binance.run(
        "from lotusx.kernel.book import Ladder, Lane\n"
        "ladder = Ladder(Lane.FLOAT)\n"
        "ladder.replace([('1.5', '2')], [('1.6', '3')], complete=True)\n"
        "from lotusx.model import numbers\n"
        "from lotusx.transport import frames\n"
        "messages = []\n"
        "print(type(ladder._bids).__name__, ladder.best_pairs(), numbers.exact is numbers.exact_interpreted, "
        "frames.cut_texts is frames.cut_texts_interpreted, numbers.exact('1.50'), "
        "frames.cut_texts(b'\\x81\\x02{}', 0, 9, messages), messages)"
    )
    kind = "Levels" if compiled else "FloatHalf"
    assert said == f"{kind} (('1.5', '2'), ('1.6', '3')) {not compiled} {not compiled} 1.50 4 [b'{{}}']"


def test_unknown_exchange_lists_what_is_installed(core_and_binance: Environment) -> None:
    said = core_and_binance.run(
        "import lotusx\n"
        "try:\n"
        "    lotusx.connect('binanse')\n"
        "except lotusx.UnknownExchange as error:\n"
        "    print(error)\n"
    )
    assert "installed: binance" in said
    assert "Did you mean binance" in said
    assert "Others come in packages, pip install lotusx-…" in said


def test_connecting_sends_nothing_and_loads_the_plugin(core_and_binance: Environment) -> None:
    said = core_and_binance.run(
        "import sys, lotusx\n"
        "assert not any(name.startswith('lotusx_binance') for name in sys.modules)\n"
        "lotusx.connect('binance')\n"
        "print('lotusx_binance.plugin' in sys.modules)\n"
    )
    assert said == "True"


def test_nothing_of_other_exchanges_and_no_test_kit_comes_along(core_and_binance: Environment) -> None:
    said = core_and_binance.run(
        "import json; from importlib.metadata import distributions as d; print(json.dumps([x.name for x in d()]))"
    )
    ours = {name for name in json.loads(said) if name.startswith("lotusx")}
    assert ours == {"lotusx-core", "lotusx-binance"}
    assert {"cryptography", "trio", "pytest"} & set(json.loads(said)) == set()


def test_one_plugin_brings_nothing_else_of_ours_and_reads_prices_of_the_simulated_exchange(
    core_and_one: tuple[Built, Environment], venue: Callable[[str], str]
) -> None:
    plugin, environment = core_and_one
    said = environment.run(
        "import json; from importlib.metadata import distributions as d; print(json.dumps([x.name for x in d()]))"
    )
    ours = {name for name in json.loads(said) if name.startswith("lotusx")}
    extra = {"lotusx-bybit-perp": {"lotusx-bybit"}, "lotusx-paper": {"lotusx-sim"}}
    assert ours == {"lotusx-core", plugin.project["name"], *extra.get(plugin.project["name"], ())}
    environment.run(f"import {plugin.package}")
    for exchange in plugin.exchanges:
        assert environment.run(LOOK.format(exchange=exchange, base_url=venue(exchange))).startswith("BTC/"), exchange


def test_the_lowest_versions_read_prices_of_the_simulated_exchange(
    lowest: Environment, venue: Callable[[str], str]
) -> None:
    for exchange in ("binance", "bybit", "hyperliquid"):
        said = lowest.run(LOOK.format(exchange=exchange, base_url=venue(exchange)))
        assert said.startswith("BTC/"), exchange
