"""Write down what plugin authors build on: every name of the four public modules, with its signature.

python lotusx-core/tests/plugin/author_api.py    writes author_api.txt beside this file
"""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

MODULES = ("lotusx.plugin", "lotusx.model", "lotusx.errors", "lotusx.rules")
LISTING = Path(__file__).with_name("author_api.txt")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def listing() -> str:
    """Return the whole listing."""
    return "\n".join(line for module in MODULES for line in _module(import_module(module))) + "\n"


def _module(module: ModuleType) -> Iterator[str]:
    names = getattr(module, "__all__", None) or [
        name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__
    ]
    yield f"[{module.__name__}]"
    for name in sorted(names):
        if not name.startswith("_"):
            yield from _named(name, getattr(module, name))
    yield ""


def _named(name: str, value: Any) -> Iterator[str]:
    if not inspect.isclass(value):
        parts = " | ".join(part.__name__ for part in getattr(value, "__args__", ()))
        yield f"{name} = {parts}" if parts else f"{name}{_signature(value)}"
        return
    if issubclass(value, enum.Enum):
        yield f"enum {name}: {', '.join(f'{item.name}={item.value!r}' for item in value)}"
        return
    bases = [base.__name__ for base in value.__bases__ if base.__name__ not in ("object", "Generic", "BaseModel")]
    protocol = bool(getattr(value, "_is_protocol", False))
    inherited = issubclass(value, BaseException) and "__init__" not in vars(value)
    made = "" if protocol or inherited else _signature(value)
    kinds = f" is {', '.join(bases)}" if bases else ""
    yield f"class {name}{made}{kinds}"
    for member, part in sorted(vars(value).items()):
        if member.startswith("_"):
            continue
        if isinstance(part, property):
            yield f"    .{member}"
        elif isinstance(part, classmethod | staticmethod):
            yield f"    .{member}{_signature(part.__func__)}"
        elif inspect.isfunction(part):
            yield f"    .{member}{_signature(part)}{' (async)' if inspect.iscoroutinefunction(part) else ''}"


def _signature(value: Any) -> str:
    fields = getattr(value, "model_fields", None)
    if fields is not None:  # how pydantic writes types differs between versions of Python
        return f"({', '.join(name if item.is_required() else f'{name}=…' for name, item in fields.items())})"
    if inspect.isbuiltin(value):  # compiled: the Python beside it is what stands for it
        value = getattr(import_module(value.__module__.replace("._", ".")), f"{value.__name__}_interpreted")
    try:
        return _ADDRESS.sub("", str(inspect.signature(value)))
    except (TypeError, ValueError):
        return "(…)"


if __name__ == "__main__":
    LISTING.write_text(listing(), "utf-8")
