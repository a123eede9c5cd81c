"""Cross-cutting hooks: off until enabled, one test by each name."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import lotusx.plugin
from lotusx.errors import ConfigurationError, PluginError
from lotusx.plugin import ItemDropped, hookimpl
from lotusx.plugin.hookspecs import HookSpecs
from lotusx.plugin.manager import PluginManager

from .test_registry import GOOD, forget_fakes, install

COUNTING = """
from lotusx.plugin import ItemDropped, hookimpl

class Counting:
    def __init__(self, options):
        self.total = 0
        self.step = options["step"]

    def count(self, event):
        self.total += self.step
        return self.total

    @hookimpl
    def lotusx_observer(self):
        return self.count
"""


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    forget_fakes()
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path, "acme-lotus", "acme", GOOD.format(name="acme", contract=1))
    return "acme"


def look(manager: PluginManager, request: Any) -> None:
    nothing: Any = None
    anyio.run(manager.before_order, request, nothing, nothing)


def test_there_are_at_most_ten_hooks() -> None:
    assert len([name for name in vars(HookSpecs) if name.startswith("lotusx_")]) <= 10


def test_lotusx_before_order_may_veto(acme: str) -> None:
    class Risk:
        @hookimpl
        def lotusx_before_order(self, exchange: str, request: Any, instrument: Any) -> None:
            raise ValueError(f"too much for {exchange}")

    with pytest.raises(ValueError, match="too much for acme"):
        look(PluginManager(acme, plugins=[Risk()]), None)


def test_lotusx_before_order_may_be_awaited_and_the_first_veto_counts(acme: str) -> None:
    seen: list[str] = []

    class Patient:
        @hookimpl
        async def lotusx_before_order(self, request: Any) -> None:
            await anyio.lowlevel.checkpoint()
            seen.append(request)

    class Strict:
        @hookimpl
        async def lotusx_before_order(self, request: Any, context: Any) -> None:
            if context is None:
                raise ValueError("no")

    manager = PluginManager(acme, plugins=[Strict(), Patient()])  # the last that is enabled looks first
    assert manager.checks_orders
    with pytest.raises(ValueError, match="no"):
        look(manager, "order")
    assert seen == ["order"]


def test_a_wrapper_of_the_check_is_refused_for_it_would_check_nothing(acme: str) -> None:
    class Around:
        @hookimpl(wrapper=True)
        def lotusx_before_order(self) -> Any:
            yield

    with pytest.raises(PluginError, match="wraps lotusx_before_order"):
        PluginManager(acme, plugins=[Around()])


def test_lotusx_observer_is_collected_and_none_is_left_out(acme: str) -> None:
    seen: list[object] = []

    class Watcher:
        @hookimpl
        def lotusx_observer(self, exchange: str) -> Any:
            return seen.append

    class Blind:
        @hookimpl
        def lotusx_observer(self, exchange: str) -> Any:
            return None

    observers = PluginManager(acme, plugins=[Watcher(), Blind()]).observers()
    assert len(observers) == 1


def test_lotusx_lifespan_is_collected(acme: str) -> None:
    class Server:
        @hookimpl
        def lotusx_lifespan(self, exchange: str, environment: str, account: str | None) -> Any:
            return nullcontext((exchange, environment, account))

    (lifespan,) = PluginManager(acme, plugins=[Server()]).lifespans("live", "hedge")
    assert isinstance(lifespan, nullcontext)
    assert lifespan.enter_result == ("acme", "live", "hedge")


def test_a_class_is_made_for_each_connection_with_its_options(acme: str, tmp_path: Path) -> None:
    install(tmp_path, "counts", "counting", COUNTING, group="lotusx.plugins", inside=":Counting")

    first, second = (
        PluginManager(acme, plugins=["counting", "counting"], options={"counting": {"step": step}}).observers()
        for step in (1, 5)
    )

    assert [observer(ItemDropped("acme", "", "")) for observer in (*first, *second)] == [1, 5]


def test_options_of_a_plugin_that_takes_none_are_refused(acme: str, tmp_path: Path) -> None:
    install(tmp_path, "plainly", "plain", "", group="lotusx.plugins")

    with pytest.raises(ConfigurationError, match="'plain' takes no options, and was given: step"):
        PluginManager(acme, plugins=["plain"], options={"plain": {"step": 1}})


def test_lotusx_credentials_first_answer_counts(acme: str) -> None:
    class Vault:
        @hookimpl
        def lotusx_credentials(self, exchange: str, account: str | None) -> Any:
            return {"api_key": "k"} if account == "hedge" else None

    manager = PluginManager(acme, plugins=[Vault()])
    assert manager.credentials("hedge") == {"api_key": "k"}
    assert manager.credentials(None) is None


def test_lotusx_rest_middleware_is_collected(acme: str) -> None:
    async def wrapper(request: Any, following: Any) -> Any:
        return await following(request)

    class Wrap:
        @hookimpl
        def lotusx_rest_middleware(self, exchange: str) -> Any:
            return wrapper

    assert PluginManager(acme, plugins=[Wrap()]).middleware() == [wrapper]


def test_a_hook_this_core_does_not_have_is_refused(acme: str) -> None:
    class Odd:
        @hookimpl
        def lotusx_no_such_hook(self) -> None: ...

    with pytest.raises(PluginError, match="does not have"):
        PluginManager(acme, plugins=[Odd()])


def test_an_enabled_plugin_that_is_not_installed_is_named(acme: str) -> None:
    with pytest.raises(ConfigurationError, match="no plugin 'ghost' is installed"):
        PluginManager(acme, plugins=["ghost"])


def test_nothing_cross_cutting_is_active_unless_enabled(acme: str) -> None:
    manager = PluginManager(acme)
    assert manager.middleware() == []
    assert manager.observers() == []


def test_every_name_for_authors_resolves() -> None:
    assert all(getattr(lotusx.plugin, name) is not None for name in lotusx.plugin.__all__)
    assert {"ItemDropped", "Telemetry"} <= set(lotusx.plugin.__all__)
