"""How heavy a connection is: what is reached from it, how many objects there are, and whether that grows."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from types import FunctionType, ModuleType

import msgspec

MOST = 1.05
"""How much heavier it may be at the end than after the warm-up."""
_WARM_UP = 0.25
"""Part of the samples that is not compared."""
_NOT_OURS = ("lotusx_sim", "rig", "trio", "anyio", "asyncio", "logging", "importlib")
"""Packages whose objects are not the connection's."""


@dataclass(slots=True)
class Samples:
    """What was weighed, in order: weights in any unit, objects of LotusX's own types, and those by type."""

    weights: list[int] = field(default_factory=list)
    objects: list[int] = field(default_factory=list)
    by_type: list[Counter[str]] = field(default_factory=list)

    def take(self, weight: int) -> None:
        """Add a sample."""
        self.weights.append(weight)
        self.by_type.append(census())
        self.objects.append(self.by_type[-1].total())

    def newest(self) -> dict[str, int]:
        """Return the last one, to be told."""
        return {"weight": self.weights[-1], "objects": self.objects[-1]}

    def problems(self) -> list[str]:
        """Return what grew."""
        found = []
        for name, values in (("memory", self.weights), ("objects", self.objects)):
            grown = growth(values)
            if grown > MOST:
                found.append(f"{name} grew by {100 * (grown - 1):.1f} %")
        return found

    def grown(self) -> dict[str, tuple[int, int]]:
        """Return the kinds of objects that became more numerous from the middle to the end."""
        if not self.by_type:
            return {}
        middle, last = self.by_type[len(self.by_type) // 2], self.by_type[-1]
        return {name: (middle[name], n) for name, n in last.items() if n > middle[name] * MOST + 5}


def growth(values: list[int]) -> float:
    """Return how the most of the last third compares with the most of the first, after a warm-up."""
    warm = values[int(len(values) * _WARM_UP) :]
    part = len(warm) // 3
    return max(warm[-part:]) / max(*warm[:part], 1) if part else 1.0


def census() -> Counter[str]:
    """Return how many objects of LotusX's own types there are, by type."""
    gc.collect()
    kinds = Counter(type(each) for each in gc.get_objects())
    return Counter({f"{kind.__module__}.{kind.__qualname__}": n for kind, n in kinds.items() if _is_ours(kind)})


def weight(roots: Iterable[object]) -> tuple[int, Counter[str]]:
    """Return how many bytes are reached from *roots* without leaving the connection, and in which types they are."""
    gc.collect()
    globals_ = {id(vars(module)) for module in list(sys.modules.values()) if hasattr(module, "__dict__")}
    kept: dict[int, object] = {}  # what is seen must not be collected, or an id would come twice
    left = list(roots)
    by_type = Counter[str]()
    while left:
        each = left.pop()
        kind = type(each)
        if id(each) in kept or id(each) in globals_ or isinstance(each, type | ModuleType) or _is_foreign(kind):
            continue
        kept[id(each)] = each
        if isinstance(each, msgspec.Raw):  # states a size that is none
            by_type["msgspec.Raw"] += len(memoryview(each))
        elif not isinstance(each, FunctionType):
            with suppress(TypeError):
                by_type[f"{kind.__module__}.{kind.__qualname__}"] += sys.getsizeof(each)
        left += gc.get_referents(each)
    return by_type.total(), by_type


def resident_kib() -> int:
    """Return how much memory this process has, as the system counts it; 0 where it does not tell."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
    except OSError:
        return 0


def _package(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]


def _is_ours(kind: type) -> bool:
    package = _package(kind)
    return package.startswith("lotusx") and package != "lotusx_sim"


def _is_foreign(kind: type) -> bool:
    return _package(kind) in _NOT_OURS
