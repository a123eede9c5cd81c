"""The core and one plugin, installed from their wheels alone, away from the repository, on each Python here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Environment


def test_the_public_names_import(core_and_binance: Environment) -> None:
    core_and_binance.run("import lotusx; [getattr(lotusx, name) for name in lotusx.__all__]")


def test_unknown_exchange_lists_what_is_installed(core_and_binance: Environment) -> None:
    said = core_and_binance.run(
        "import lotusx\n"
        "try:\n"
        "    lotusx.connect('binanse')\n"
        "except lotusx.UnknownExchange as error:\n"
        "    print(error)\n"
    )
    assert "installed: binance" in said
    assert "pip install lotusx-binanse" in said


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
