"""A plugin made for another contract or another core is told what to do, before it can do harm."""

from __future__ import annotations

import pytest

from lotusx.errors import PluginError
from lotusx.kernel.facts import CONTRACT
from lotusx.plugin import ExchangeFacts
from lotusx.plugin.compat import CHANGES, check_contract

CHANGED = {2: "rename lotusx_codec to lotusx_codecs", 3: "return an Ack from route", 4: "give Limit a scope"}


def facts(contract: int) -> ExchangeFacts:
    return ExchangeFacts(name="acme", contract=contract, environments={}, capabilities={})


def test_the_contract_spoken_here_is_accepted() -> None:
    check_contract(facts(CONTRACT), "acme-lotus")


def test_plugin_of_the_previous_contract_is_told_the_one_change() -> None:
    with pytest.raises(PluginError) as caught:
        check_contract(facts(2), "acme-lotus", spoken=3, changes=CHANGED)

    assert str(caught.value) == (
        "acme-lotus was written for contract 2, this core speaks 3: return an Ack from route; "
        "state contract=3 in ExchangeFacts (docs/authors/compatibility.md)"
    )
    assert caught.value.distributions == ("acme-lotus",)


def test_plugin_of_an_old_contract_is_told_every_change_in_order() -> None:
    with pytest.raises(PluginError, match=r"rename lotusx_codec .*; return an Ack .*; state contract=3"):
        check_contract(facts(1), "acme-lotus", spoken=3, changes=CHANGED)


def test_plugin_of_a_newer_contract_needs_a_newer_core() -> None:
    with pytest.raises(PluginError, match=r"contract 2, this core speaks 1: pip install --upgrade lotusx-core"):
        check_contract(facts(2), "acme-lotus", spoken=1, changes=CHANGED)


def test_every_contract_after_the_first_says_what_changed() -> None:
    assert set(CHANGES) == set(range(2, CONTRACT + 1))
