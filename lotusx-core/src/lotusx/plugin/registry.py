"""Find exchange plugins by their entry points, and load exactly the one that is asked for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from typing import Any, TypeAlias

from lotusx.errors import PluginError, UnknownExchange
from lotusx.plugin.compat import check_requirement, core_version

GROUP = "lotusx.exchanges"
"""Entry point group: name = exchange id, value = the module whose hooks serve it."""

_Claim: TypeAlias = "tuple[metadata.EntryPoint, metadata.Distribution]"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class InstalledExchange:
    """One claim on an exchange name, from metadata. ``problem``: why it cannot be used; empty: none known."""

    name: str
    module: str
    distribution: str
    version: str
    problem: str = ""


def installed_exchanges(allowed: Iterable[str] | None = None) -> list[InstalledExchange]:
    """List what is installed, sorted by name. Imports no plugin.

    Args:
        allowed: Names of distributions that may be used; ``None``: all.
    """
    return _judged(_claims(), allowed)


def _judged(claims: Iterable[_Claim], allowed: Iterable[str] | None) -> list[InstalledExchange]:
    permitted = None if allowed is None else {canonical(name) for name in allowed}
    core = core_version()
    found = []
    for point, owner in claims:
        problem = ""
        if permitted is not None and canonical(owner.metadata["Name"]) not in permitted:
            problem = f"{owner.metadata['Name']} is not on the list of allowed plugins"
        elif not _NAME.fullmatch(point.name):
            problem = f"{point.name!r} is not a valid exchange name (lower case letters, digits, single dashes)"
        else:
            try:
                check_requirement(point.name, owner, core)
            except PluginError as error:
                problem = str(error)
        found.append(InstalledExchange(point.name, point.value, owner.metadata["Name"], owner.version, problem))
    return sorted(found, key=lambda item: (item.name, item.distribution))


def find(name: str, allowed: Iterable[str] | None = None) -> InstalledExchange:
    """Return the one usable claim on *name*. Imports no plugin.

    Raises:
        UnknownExchange: Nobody claims it; installed names and near matches are in the text.
        PluginError: Two distributions claim it, or the one that does cannot be used.
    """
    claims = _judged(_claims(name), allowed)  # of the others nothing is read: metadata take a millisecond each
    if not claims:
        names = tuple(sorted({item.name for item in installed_exchanges(allowed) if not item.problem}))
        raise UnknownExchange(name, names, tuple(difflib.get_close_matches(name, names, n=2)))
    owners = tuple(item.distribution for item in claims)
    if len(claims) > 1:
        raise PluginError(
            name, f"{' and '.join(owners)} both claim the exchange name {name!r}: uninstall one of them", owners
        )
    if claims[0].problem:
        raise PluginError(name, claims[0].problem, owners)
    return claims[0]


def split(name: str) -> tuple[str, str]:
    """Return the exchange that is installed, and the one it stands for, where a name has two parts.

    >>> split("proxy:acme")
    ('proxy', 'acme')
    """
    plain, _, other = name.partition(":")
    return plain, other


def load(claim: InstalledExchange) -> Any:
    """Import the module of *claim*, and nothing else.

    Raises:
        PluginError: The import failed; the error names its distribution and the cause is attached.
    """
    from stevedore.named import NamedExtensionManager

    # stevedore remembers a group for the life of the process; what was installed since would not be seen
    NamedExtensionManager.ENTRY_POINT_CACHE.pop(GROUP, None)
    failures: list[BaseException] = []
    manager: NamedExtensionManager[Any] = NamedExtensionManager(
        GROUP,
        names=[claim.name],
        on_load_failure_callback=lambda _manager, _point, error: failures.append(error),
        on_missing_entrypoints_callback=lambda _missing: None,
    )
    for extension in manager:
        if extension.entry_point.value == claim.module:
            return extension.plugin
    cause = failures[0] if failures else None
    raise PluginError(
        claim.name,
        f"{claim.distribution} {claim.version} is installed but cannot be imported "
        f"({type(cause).__name__}: {cause}). Try: pip install --force-reinstall {claim.distribution}",
        (claim.distribution,),
    ) from cause


def _claims(name: str | None = None) -> list[_Claim]:
    """Return who claims *name*; ``None``: any."""
    seen: dict[tuple[str, str, str], _Claim] = {}
    for owner in metadata.distributions():
        for point in owner.entry_points:
            if point.group == GROUP and name in (None, point.name):
                seen.setdefault((point.name, point.value, canonical(owner.metadata["Name"])), (point, owner))
    return list(seen.values())


def canonical(name: str) -> str:
    """Return the name of a distribution in the form that is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()
