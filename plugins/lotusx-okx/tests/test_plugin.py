"""What is known of OKX before anyone connects."""

from __future__ import annotations

import subprocess
import sys

from lotusx.plugin import Capability, SupportLevel
from lotusx_okx import plugin
from lotusx_okx.facts import FACTS


def test_one_exchange_and_every_capability_answered() -> None:
    (facts,) = plugin.lotusx_exchanges()

    assert (facts.name, facts.contract) == ("okx", 1)
    assert set(facts.capabilities) == set(Capability)
    for capability, support in facts.capabilities.items():
        if support.level in (SupportLevel.NOT_OFFERED, SupportLevel.NOT_WRITTEN):
            assert support.instead, capability


def test_only_live_costs_money_and_demo_has_sockets_of_its_own() -> None:
    environments = FACTS.environments

    assert [name for name, item in environments.items() if item.real_money] == ["live"]
    assert environments["live"].ws["private"] == "wss://ws.okx.com:8443/ws/v5/private"
    assert environments["demo"].ws["private"] == "wss://wspap.okx.com:8443/ws/v5/private"
    assert environments["live"].rest == environments["demo"].rest
    assert all(set(item.ws) == set(FACTS.ws) for item in environments.values())


def test_the_facts_import_no_transport() -> None:
    code = (
        "import sys, lotusx_okx.plugin; "
        "heavy = {'httpx', 'wsproto', 'anyio', 'lotusx_okx.connector', 'lotusx_okx.signer'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
