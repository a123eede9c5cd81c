"""Finding plugins by metadata, and loading exactly one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lotusx.errors import PluginError, UnknownExchange
from lotusx.plugin.manager import PluginManager
from lotusx.plugin.registry import find, installed_exchanges, load

GOOD = """
from lotusx.plugin import ExchangeFacts, hookimpl

@hookimpl
def lotusx_exchanges():
    return [ExchangeFacts(name={name!r}, contract={contract}, environments={{}}, capabilities={{}})]
"""

IN_PLACE = """
from lotusx.plugin import ExchangeFacts, hookimpl
from lotusx.plugin.manager import PluginManager

class InPlace:
    def __init__(self, options):
        self.inner = PluginManager(options["exchange"])

    @hookimpl
    def lotusx_exchanges(self):
        return [ExchangeFacts(name="front", contract=1, environments={}, capabilities={})]
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    forget_fakes()
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def forget_fakes() -> None:
    """Drop the modules another test's plugins left behind."""
    for name in [name for name in sys.modules if name.startswith("fake_")]:
        del sys.modules[name]


def install(
    site: Path,
    distribution: str,
    name: str,
    source: str,
    *,
    module: str = "",
    requires: str = "lotusx-core>=0.1",
    group: str = "lotusx.exchanges",
    inside: str = "",
) -> str:
    """Lay out what pip would: a module and its metadata."""
    package = module or f"fake_{name.replace('-', '_')}_{distribution.replace('-', '_')}"
    (site / f"{package}.py").write_text(source, encoding="utf-8")
    info = site / f"{distribution.replace('-', '_')}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\nRequires-Dist: {requires}\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {package}{inside}\n", encoding="utf-8")
    (info / "RECORD").write_text("", encoding="utf-8")
    return package


def test_an_installed_plugin_is_listed_with_its_distribution_and_version(site: Path) -> None:
    install(site, "acme-lotus", "acme", GOOD.format(name="acme", contract=1))
    [found] = [item for item in installed_exchanges() if item.name == "acme"]
    assert (found.distribution, found.version, found.problem) == ("acme-lotus", "1.2", "")


def test_listing_imports_no_plugin(site: Path) -> None:
    package = install(site, "acme-lotus", "acme", "raise SystemExit('imported')")
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import lotusx; names = lotusx.installed_exchanges();"
        f"assert any(item.name == 'acme' for item in names); assert {package!r} not in sys.modules;"
        "loaded = [m for m in sys.modules if m.startswith('lotusx_')]; assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_exchange_names_what_is_installed_and_makes_up_no_package(site: Path) -> None:
    install(site, "acme-lotus", "acme", GOOD.format(name="acme", contract=1))
    with pytest.raises(UnknownExchange) as caught:
        find("acmee")
    assert "pip install lotusx-…" in str(caught.value)
    assert "lotusx-acmee" not in str(caught.value)  # whoever publishes that name would be installed
    assert "acme" in caught.value.installed
    assert caught.value.near == ("acme",)


def test_two_claims_on_one_name_name_both_distributions(site: Path) -> None:
    install(site, "acme-lotus", "acme", GOOD.format(name="acme", contract=1))
    install(site, "rival-lotus", "acme", GOOD.format(name="acme", contract=1))
    with pytest.raises(PluginError, match=r"acme-lotus and rival-lotus|rival-lotus and acme-lotus") as caught:
        find("acme")
    assert set(caught.value.distributions) == {"acme-lotus", "rival-lotus"}


def test_a_broken_plugin_gives_its_own_error_and_harms_no_other(site: Path) -> None:
    install(site, "broken-lotus", "broken", "import nothing_of_that_name")
    install(site, "acme-lotus", "acme", GOOD.format(name="acme", contract=1))
    with pytest.raises(PluginError, match=r"broken-lotus 1\.2 .*nothing_of_that_name") as caught:
        load(find("broken"))
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
    assert PluginManager("acme").facts.name == "acme"


def test_a_plugin_for_another_core_is_refused_before_it_is_imported(site: Path) -> None:
    package = install(site, "old-lotus", "old", "raise SystemExit", requires="lotusx-core>=99")
    [listed] = [item for item in installed_exchanges() if item.name == "old"]
    assert "needs lotusx-core >=99" in listed.problem
    with pytest.raises(PluginError, match="needs lotusx-core >=99"):
        find("old")
    assert package not in sys.modules


def test_a_plugin_for_another_contract_is_told_what_to_change(site: Path) -> None:
    install(site, "past-lotus", "past", GOOD.format(name="past", contract=0))
    with pytest.raises(PluginError, match=r"contract 0, this core speaks 1: .*contract=1"):
        PluginManager("past")


def test_a_plugin_outside_the_allow_list_is_refused(site: Path) -> None:
    install(site, "acme-lotus", "acme", GOOD.format(name="acme", contract=1))
    with pytest.raises(PluginError, match="not on the list of allowed"):
        find("acme", allowed=["lotusx-binance"])
    assert find("acme", allowed=["ACME_lotus"]).name == "acme"


def test_an_exchange_that_stands_for_another_loads_none_that_its_connection_may_not(site: Path) -> None:
    package = install(site, "acme-lotus", "acme", GOOD.format(name="acme", contract=1))
    install(site, "front-lotus", "front", IN_PLACE, inside=":InPlace")
    with pytest.raises(PluginError, match="acme-lotus is not on the list of allowed"):
        PluginManager("front:acme", allowed=["front-lotus"])
    assert package not in sys.modules
    assert PluginManager("front:acme", allowed=["front-lotus", "acme-lotus"]).name == "front"
    assert PluginManager("acme").name == "acme"


def test_a_plugin_that_serves_another_name_than_it_claims_is_refused(site: Path) -> None:
    install(site, "acme-lotus", "acme", GOOD.format(name="other", contract=1))
    with pytest.raises(PluginError, match="returns only: other"):
        PluginManager("acme")


def test_a_name_that_is_no_valid_exchange_name_is_listed_with_its_problem(site: Path) -> None:
    install(site, "shouting-lotus", "ACME", GOOD.format(name="ACME", contract=1), module="fake_shouting")
    [listed] = [item for item in installed_exchanges() if item.name == "ACME"]
    assert "not a valid exchange name" in listed.problem


def test_a_missing_hook_is_named(site: Path) -> None:
    install(site, "acme-lotus", "acme", GOOD.format(name="acme", contract=1))
    with pytest.raises(PluginError, match="acme-lotus does not implement lotusx_rest_dialect"):
        PluginManager("acme").rest_dialect()
