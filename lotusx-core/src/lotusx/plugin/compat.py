"""Whether an installed plugin was made for this core, told from its metadata before it is imported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import metadata
from types import MappingProxyType

from lotusx.errors import PluginError
from lotusx.kernel.facts import CONTRACT, ExchangeFacts

_NUMBERS = re.compile(r"\d+(?:\.\d+)*")
_BOUND = rf"(?:>=|<){_NUMBERS.pattern}"
_PLAIN = re.compile(rf"lotusx[-_]core({_BOUND}(?:,{_BOUND})*)")


def core_version() -> str:
    """Return the version of the installed core."""
    return metadata.version("lotusx-core")


def check_requirement(name: str, distribution: metadata.Distribution, core: str) -> None:
    """Refuse a plugin whose requirement on lotusx-core excludes version *core*.

    Raises:
        PluginError: It does; the text says which versions it wants.
    """
    lines = [line for line in distribution.requires or () if line.lower().startswith(("lotusx-core", "lotusx_core"))]
    if all(_plainly_admits(line, core) for line in lines):
        return
    from packaging.requirements import Requirement  # 11 of 260 ms of the start

    for line in lines:
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


def _plainly_admits(line: str, core: str) -> bool:
    """Whether *line* is ``lotusx-core`` with bounds of plain numbers, all kept; anything else takes a closer look."""
    found = _PLAIN.fullmatch(line.replace(" ", ""))
    if found is None or _NUMBERS.fullmatch(core) is None:
        return False
    at = _numbers(core)
    bounds = [(each[0], _numbers(each.lstrip("<>="))) for each in found[1].split(",")]
    return all(at >= bound if sign == ">" else at < bound for sign, bound in bounds)


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(each) for each in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()  # 0.1 and 0.1.0 are the same
    return tuple(numbers)


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
