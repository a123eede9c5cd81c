"""Whether an installed plugin was made for this core, told from its metadata before it is imported."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from types import MappingProxyType

from packaging.requirements import Requirement

from lotusx.errors import PluginError
from lotusx.kernel.facts import CONTRACT, ExchangeFacts


def core_version() -> str:
    """Return the version of the installed core."""
    return metadata.version("lotusx-core")


def check_requirement(name: str, distribution: metadata.Distribution, core: str) -> None:
    """Refuse a plugin whose requirement on lotusx-core excludes version *core*.

    Raises:
        PluginError: It does; the text says which versions it wants.
    """
    for line in distribution.requires or ():
        wanted = Requirement(line)
        if wanted.name.lower().replace("_", "-") != "lotusx-core":
            continue
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        if not wanted.specifier.contains(core, prereleases=True):
            title = distribution.metadata["Name"]
            raise PluginError(
                name,
                f"{title} {distribution.version} needs lotusx-core {wanted.specifier}, but {core} is installed. "
                f"Try: pip install --upgrade {title} lotusx-core",
                (title,),
            )


CHANGES: Mapping[int, str] = MappingProxyType({})
"""What a plugin of the contract before has to change, by the number of the new contract. 1 is the first."""


def check_contract(
    facts: ExchangeFacts, distribution: str, *, spoken: int = CONTRACT, changes: Mapping[int, str] = CHANGES
) -> None:
    """Refuse facts written for another number of the contract than the one *spoken* here.

    Raises:
        PluginError: With what to change in the plugin, contract by contract, or that the core is too old for it.
    """
    written = facts.contract
    if written == spoken:
        return
    if written > spoken:
        step = "pip install --upgrade lotusx-core"
    else:
        steps = [changes[number] for number in range(written + 1, spoken + 1) if number in changes]
        steps.append(f"state contract={spoken} in ExchangeFacts")
        step = "; ".join(steps) + " (docs/authors/compatibility.md)"
    raise PluginError(
        facts.name,
        f"{distribution} was written for contract {written}, this core speaks {spoken}: {step}",
        (distribution,),
    )
