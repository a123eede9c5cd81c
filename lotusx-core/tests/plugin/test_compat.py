"""A plugin made for another contract or another core is told what to do, before it can do harm."""

from __future__ import annotations

import re
from importlib import metadata

import pytest
from hypothesis import given, strategies as st
from packaging.requirements import Requirement

from lotusx.errors import PluginError
from lotusx.kernel.facts import CONTRACT
from lotusx.plugin import ExchangeFacts
from lotusx.plugin.compat import CHANGES, check_contract, check_requirement

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


class Installed(metadata.Distribution):
    """A distribution that is installed in name only."""

    def __init__(self, *lines: str) -> None:
        self._lines = lines

    def read_text(self, filename: str) -> str:
        assert filename == "METADATA"
        return "\n".join(["Name: acme-lotus", "Version: 1.0", *(f"Requires-Dist: {each}" for each in self._lines)])

    def locate_file(self, path: object) -> None:  # type: ignore[override]
        raise NotImplementedError


VERSIONS = st.from_regex(r"[0-2](\.[0-2]){0,3}", fullmatch=True) | st.sampled_from(["0.2.dev1", "1!0.1", "0.1rc1"])
BOUNDS = st.tuples(st.sampled_from(["<", ">=", ">", "<=", "==", "~=", "!="]), VERSIONS).map("".join)
NAMES = st.sampled_from(["lotusx-core", "lotusx_core", "Lotusx-Core", "lotusx-core ", "lotusx-core[keys]"])


@given(NAMES, st.lists(BOUNDS, max_size=3), VERSIONS)
def test_a_requirement_means_what_packaging_reads_in_it(name: str, bounds: list[str], core: str) -> None:
    if any(each.startswith("~=") and "." not in each for each in bounds):
        return
    line = name + ",".join(bounds)
    admitted = Requirement(line).specifier.contains(core, prereleases=True)
    dist = Installed("anyio>=4", line)
    if admitted:
        check_requirement("acme", dist, core)
        return
    with pytest.raises(PluginError, match=f"but {re.escape(core)} is installed"):
        check_requirement("acme", dist, core)


def test_every_line_about_the_core_counts() -> None:
    with pytest.raises(PluginError, match="<0\\.1, but 0\\.1\\.3 is installed"):
        check_requirement("acme", Installed("lotusx-core>=0.1", "lotusx-core<0.1"), "0.1.3")


def test_what_an_extra_needs_does_not_count() -> None:
    check_requirement("acme", Installed("lotusx-core>=0.1", 'lotusx-core<0.1; extra == "old"'), "0.1.3")
