"""Pip constraints that pin every direct dependency to the lowest version its range admits; run, it prints them."""

from __future__ import annotations

import re

from distributions import distributions, requirement_name

LOWER = re.compile(r">=\s*([0-9][0-9A-Za-z.]*)")


def lowest() -> dict[str, str]:
    """Return the lowest version by requirement name.

    Where several distributions name one requirement, the highest of their lower bounds is the lowest that fits all.
    """
    own = set(distributions())
    found: dict[str, str] = {}
    for dist in distributions().values():
        for requirement in [*dist.requirements, *(item for items in dist.extras.values() for item in items)]:
            name, bound = requirement_name(requirement), LOWER.search(requirement)
            if name in own:
                continue
            if bound is None:
                raise SystemExit(f"{dist.name}: {requirement!r} has no lower bound")
            if name not in found or _key(bound[1]) > _key(found[name]):
                found[name] = bound[1]
    return found


def _key(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def constraints() -> str:
    """Return the constraints as the text of a pip constraints file."""
    return "".join(f"{name}=={version}\n" for name, version in sorted(lowest().items()))


if __name__ == "__main__":
    print(constraints(), end="")
