"""Installed plugins, looked at one by one: a broken one shows its error and disturbs no other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from lotusx.config import Sources, plugins_of
from lotusx.config_plugins import options_of
from lotusx.errors import LotusXError
from lotusx.plugin.hookspecs import HookSpecs
from lotusx.plugin.manager import CROSS_CUTTING_GROUP, PluginManager
from lotusx.plugin.registry import installed_exchanges, load


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """One plugin. ``kind``: ``exchange`` or ``cross-cutting``; ``contract`` is ``None`` where it states none."""

    name: str
    kind: str
    active: str
    distribution: str
    version: str
    contract: int | None
    loaded_from: str
    hooks: tuple[str, ...]
    problem: str = ""


def installed_plugins(config: str | None = None) -> list[InstalledPlugin]:
    """Return every installed plugin, exchanges first. Imports each of them.

    Raises:
        ConfigurationError: The configuration cannot be read.
    """
    sources = Sources.of_process(config)
    enabled, allowed = plugins_of(sources)
    return [*_exchanges(allowed), *_cross_cutting((*enabled, *options_of(sources)))]


def _exchanges(allowed: Iterable[str] | None) -> list[InstalledPlugin]:
    found = []
    for claim in installed_exchanges(allowed):
        problem, contract, home = claim.problem, None, ""
        hooks: tuple[str, ...] = ()
        if not problem:
            try:
                module = load(claim)
                home, hooks = _home(module), _hooks(module)
                contract = PluginManager(claim.name, allowed=allowed).facts.contract
            except LotusXError as error:
                problem = str(error)
        found.append(
            InstalledPlugin(
                claim.name, "exchange", "when connected", claim.distribution, claim.version, contract, home, hooks,
                problem,
            )
        )  # fmt: skip
    return found


def _cross_cutting(enabled: Iterable[str]) -> list[InstalledPlugin]:
    found = []
    for point in sorted(metadata.entry_points(group=CROSS_CUTTING_GROUP), key=lambda item: item.name):
        home, problem = "", ""
        hooks: tuple[str, ...] = ()
        try:
            plugin = point.load()
            home, hooks = _home(plugin), _hooks(plugin)
        except Exception as error:  # whatever a stranger's module raises is what its row shows
            problem = f"cannot be imported ({type(error).__name__}: {error})"
        owner = point.dist
        found.append(
            InstalledPlugin(
                point.name, "cross-cutting", "yes" if point.name in enabled else "no (not enabled)",
                owner.name if owner else "", owner.version if owner else "", None, home, hooks, problem,
            )
        )  # fmt: skip
    return found


def _hooks(plugin: object) -> tuple[str, ...]:
    specified = [name for name in vars(HookSpecs) if name.startswith("lotusx_")]
    return tuple(name for name in specified if hasattr(plugin, name))


def _home(plugin: object) -> str:
    file = getattr(plugin, "__file__", None)
    if file is None:
        import inspect

        try:
            file = inspect.getfile(plugin if isinstance(plugin, type) else type(plugin))
        except TypeError:
            return ""
    return str(Path(file).parent)
