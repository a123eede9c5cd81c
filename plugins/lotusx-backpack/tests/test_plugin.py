"""What is known of the exchange before anyone connects, and what saying it costs."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

from lotusx.plugin import Capability, Secret, SupportLevel
from lotusx_backpack import plugin
from lotusx_backpack.codec import BackpackCodec
from lotusx_backpack.errors import BackpackDialect
from lotusx_backpack.facts import FACTS
from lotusx_backpack.signer import BackpackSigner

KEYS = {
    "api_key": "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
    "api_secret": Secret("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
}


def test_entry_point_names_the_module_of_the_hooks() -> None:
    (found,) = entry_points(group="lotusx.exchanges", name="backpack")

    assert found.load() is plugin
    assert [facts.name for facts in plugin.lotusx_exchanges()] == ["backpack"]


def test_every_capability_is_answered_and_what_is_missing_names_a_way() -> None:
    assert set(FACTS.capabilities) == set(Capability)
    for capability, support in FACTS.capabilities.items():
        if support.level in (SupportLevel.NOT_OFFERED, SupportLevel.NOT_WRITTEN):
            assert support.instead, capability


def test_what_the_exchange_does_not_have_is_not_offered() -> None:
    missing = {name for name, support in FACTS.capabilities.items() if support.level is SupportLevel.NOT_OFFERED}

    assert missing >= {
        Capability.AMEND_ORDER,
        Capability.BATCH_CANCEL,
        Capability.CANCEL_ALL_AFTER,
        Capability.GTD,
        Capability.ISOLATED_MARGIN,
        Capability.TRANSFER,
        Capability.WEBSOCKET_ORDERS,
    }


def test_there_is_no_test_environment_and_only_live_costs_money() -> None:
    assert {name: each.real_money for name, each in FACTS.environments.items()} == {"live": True, "simulator": False}
    assert {tuple(sorted(each.ws)) for each in FACTS.environments.values()} == {tuple(sorted(FACTS.ws))}


def test_subscriptions_are_not_answered() -> None:
    assert not any(facts.acknowledges for facts in FACTS.ws.values())


def test_limits_are_those_of_the_sub_account_and_roll() -> None:
    assert [(limit.amount, limit.window_s, limit.scope, limit.aligned) for limit in FACTS.limits] == [
        (2_000, 60.0, "account", False),
        (30, 60.0, "account", False),
    ]


def test_factories_build_the_parts() -> None:
    signer = plugin.lotusx_signer(KEYS)
    codecs = plugin.lotusx_codecs(signer)

    assert isinstance(signer, BackpackSigner)
    assert isinstance(plugin.lotusx_rest_dialect("backpack"), BackpackDialect)
    assert {name: type(codec) for name, codec in codecs.items()} == dict.fromkeys(FACTS.ws, BackpackCodec)


def test_facts_import_nothing_heavy() -> None:
    code = "import sys, lotusx_backpack.plugin; print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert {"httpx", "anyio", "msgspec", "pydantic", "cryptography"} & set(modules) == set()
