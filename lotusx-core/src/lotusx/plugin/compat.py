"""Whether an installed plugin was made for this core, told from its metadata before it is imported."""

from __future__ import annotations

from importlib import metadata

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


def check_contract(facts: ExchangeFacts, distribution: str) -> None:
    """Refuse facts written for another number of the contract.

    Raises:
        PluginError: With the sentence that says what to change.
    """
    if facts.contract != CONTRACT:
        raise PluginError(
            facts.name,
            f"{distribution} was written for contract {facts.contract}, this core speaks {CONTRACT}: "
            f"follow docs/plugin-authors.md, then state contract={CONTRACT} in ExchangeFacts",
            (distribution,),
        )
