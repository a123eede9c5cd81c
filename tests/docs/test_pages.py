"""The pages say what the code is: reference, examples, first steps."""

from __future__ import annotations

import importlib
import inspect
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import lotusx
import lotusx.errors
import lotusx.model
import lotusx.plugin
import lotusx.rules
import lotusx.sync
from lotusx.config import Settings, Sources, resolve

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = "\n".join(page.read_text("utf-8") for page in sorted((ROOT / "docs/reference").glob("*.md")))
SHOWN = re.findall(r"^::: ([\w.]+)$", REFERENCE, re.M)
QUICK_START = (ROOT / "QUICK_START.md").read_text("utf-8")
BOT = re.compile(r"```python\n(.*?)```", re.S)
PUBLIC: list[ModuleType] = [lotusx, lotusx.errors, lotusx.model, lotusx.plugin, lotusx.rules, lotusx.sync]


def public(module: ModuleType) -> dict[str, object]:
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    found = {name: getattr(module, name) for name in names}
    return {
        name: value
        for name, value in found.items()
        if (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__.startswith("lotusx")
    }


@pytest.mark.parametrize("name", public(lotusx))
def test_reference_shows_every_name_of_the_root_package(name: str) -> None:
    value = getattr(lotusx, name)
    home = f"{value.__module__}.{value.__qualname__}"
    real = []
    for path in SHOWN:
        try:
            real.append(importlib.import_module(path).__name__ + ".")
        except ModuleNotFoundError:
            module, _, last = path.rpartition(".")
            item = getattr(importlib.import_module(module), last)
            real.append(f"{item.__module__}.{item.__qualname__}")
    assert any(home == shown or (shown.endswith(".") and home.startswith(shown)) for shown in real), home


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_hovering_over_a_public_name_shows_what_it_is(module: ModuleType) -> None:
    silent = []
    for name, value in public(module).items():
        if not inspect.getdoc(value):
            silent.append(name)
        if not inspect.isclass(value) or module is lotusx.plugin:  # a port's method often says it all by name and types
            continue
        for member, inside in vars(value).items():
            called = inspect.isfunction(inside) or isinstance(inside, (property, classmethod, staticmethod))
            if not member.startswith("_") and called and not inspect.getdoc(getattr(value, member)):
                silent.append(f"{name}.{member}")
    assert silent == []


@pytest.mark.parametrize("component", ["market", "trading", "account"])
def test_hovering_over_a_call_of_an_exchange_shows_what_it_does(component: str) -> None:
    from lotusx.exchange import COMPONENTS, Exchange

    kind = inspect.get_annotations(Exchange, eval_str=False)[component]
    module = importlib.import_module(f"lotusx.{component}")
    assert [name for name in COMPONENTS[component] if not inspect.getdoc(getattr(getattr(module, kind), name))] == []


def test_the_bot_of_the_quick_start_is_short_and_asks_every_five_seconds() -> None:
    bot = BOT.findall(QUICK_START)[0]
    assert len(bot.splitlines()) < 50
    assert "anyio.sleep(5)" in bot
    assert "BTC/USDT" in bot


def test_the_configuration_of_the_quick_start_leads_to_the_simulator(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", QUICK_START, re.S)
    assert tomllib.loads(text)
    (tmp_path / "lotusx.toml").write_text(text, "utf-8")
    sources = Sources.of_process(tmp_path / "lotusx.toml")
    settings: Settings = resolve(
        "binance", sources=sources, account=None, arguments={}, credential_names=["api_key", "api_secret"],
        other_exchanges=[],
    )  # fmt: skip
    assert (settings.environment, settings.base_url) == ("simulator", "http://127.0.0.1:8080")


def test_every_example_is_on_its_page() -> None:
    page = (ROOT / "docs/examples.md").read_text("utf-8")
    files = [path for path in (ROOT / "examples").iterdir() if path.suffix in (".py", ".ipynb")]
    assert [path.name for path in files if f"`{path.name}`" not in page] == []
    shown = re.findall(r'--8<-- "(.*?)"', page)
    assert [path for path in shown if not (ROOT / path).is_file()] == []


def test_every_page_is_reached_from_the_navigation() -> None:
    nav = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:")[2]
    pages = [str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")]
    assert [page for page in pages if page not in nav and not re.match(r"decisions/(\d|template)", page)] == []
