"""What is known of the exchange before anyone connects."""

from __future__ import annotations

import subprocess
import sys

import pytest

import lotusx
from lotusx.errors import ConfigurationError
from lotusx.plugin import Capability
from lotusx_hyperliquid.facts import FACTS


def test_every_capability_is_stated() -> None:
    assert set(FACTS.capabilities) == set(Capability)


def test_every_environment_has_the_same_services_and_groups() -> None:
    assert {tuple(sorted(env.rest)) for env in FACTS.environments.values()} == {("api",)}
    assert {tuple(sorted(env.ws)) for env in FACTS.environments.values()} == {tuple(sorted(FACTS.ws))}
    assert [name for name, env in FACTS.environments.items() if env.real_money] == ["live"]


def test_reading_the_facts_imports_neither_curve_nor_hash_nor_codec() -> None:
    code = (
        "import sys, lotusx_hyperliquid.plugin as plugin\n"
        "plugin.lotusx_exchanges()\n"
        "print([name for name in ('coincurve', 'Crypto', 'msgspec', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_an_option_that_nothing_would_read_is_refused() -> None:
    for value in ("rest", "ws"):
        lotusx.connect("hyperliquid", options={"order_entry": value})
    with pytest.raises(ConfigurationError, match="must be 'rest' or 'ws', not 'WS'"):
        lotusx.connect("hyperliquid", options={"order_entry": "WS"})
    with pytest.raises(ConfigurationError, match="did you mean 'order_entry'"):
        lotusx.connect("hyperliquid", options={"oder_entry": "ws"})
