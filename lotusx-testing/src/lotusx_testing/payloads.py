"""Checks of wire structures: every field of a document is read or listed as ignored, and new values stay visible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import inspect

NEW_VALUE = "A_VALUE_OF_TOMORROW"
"""What stands in a document in place of a value the plugin knows."""


@dataclass(frozen=True)
class Payload:
    """A document in the exchange's documented shape, and the structure that reads it.

    Attributes:
        document: The JSON text.
        kind: The `msgspec` structure, or a container of such.
        ignored: Paths of fields that are left unread on purpose, such as ``"symbols[].icebergAllowed"``. A path covers
            what lies below it.
        within: What reads a part that *kind* keeps raw, by path.
    """

    name: str
    document: bytes | str
    kind: Any
    ignored: Sequence[str] = ()
    within: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    def check(self) -> None:
        """Decode the document strictly and account for each of its fields.

        Raises:
            AssertionError: It does not decode, a field is neither read nor ignored, or an ignored one is read.
        """
        try:
            msgspec.json.decode(self.document, type=self.kind)
        except msgspec.DecodeError as error:
            raise AssertionError(f"{self.name}: does not decode: {error}") from error
        unread = set(_unread(msgspec.json.decode(self.document), inspect.type_info(self.kind), "", self.within))
        unlisted = sorted(path for path in unread if not any(_covers(rule, path) for rule in self.ignored))
        stale = sorted(rule for rule in self.ignored if not any(_covers(rule, path) for path in unread))
        problems = [f"neither read nor ignored: {path}" for path in unlisted]
        problems += [f"listed as ignored, but read or not there: {path}" for path in stale]
        if problems:
            raise AssertionError(f"{self.name}: " + "; ".join(problems))


@dataclass(frozen=True)
class NewValue:
    """A field that names one of several values: the exchange may add one any day.

    Attributes:
        path: The field, as keys and list positions.
        convert: The plugin's way from the document's bytes to the model.
    """

    name: str
    document: bytes | str
    path: tuple[str | int, ...]
    convert: Callable[[bytes], Any]

    def __str__(self) -> str:
        return self.name

    def check(self) -> None:
        """Put a value nobody knows into the field; the result must show it.

        Raises:
            AssertionError: The conversion raised, or what it returned does not show the exchange's word.
        """
        document = deepcopy(msgspec.json.decode(self.document))
        place = document
        for key in self.path[:-1]:
            place = place[key]
        if place[self.path[-1]] == NEW_VALUE:
            raise AssertionError(f"{self.name}: the document is to hold a value of today")
        place[self.path[-1]] = NEW_VALUE
        where = ".".join(map(str, self.path))
        try:
            result = self.convert(msgspec.json.encode(document))
        except Exception as error:
            raise AssertionError(f"{self.name}: a new value in {where} raises {error!r}") from error
        if NEW_VALUE not in repr(result):
            raise AssertionError(f"{self.name}: a new value in {where} disappears: {result!r}")


def _covers(rule: str, path: str) -> bool:
    return path == rule or path.startswith((f"{rule}.", f"{rule}["))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _unread(value: object, kind: inspect.Type, path: str, within: Mapping[str, Any]) -> Iterator[str]:
    """Yield the path of each field of *value* for which *kind* has no place."""
    if path in within and isinstance(kind, inspect.RawType):
        kind = inspect.type_info(within[path])
    if isinstance(kind, inspect.UnionType):
        yield from _unread_by_all(value, kind.types, path, within)
    elif isinstance(kind, inspect.StructType):
        yield from _unread_fields(value, kind, path, within)
    elif isinstance(kind, inspect.DictType) and isinstance(value, dict):
        for item in value.values():
            yield from _unread(item, kind.value_type, f"{path}{{}}", within)
    elif isinstance(kind, inspect.TupleType) and isinstance(value, list):
        for number, (item, part) in enumerate(zip(value, kind.item_types, strict=False)):
            yield from _unread(item, part, f"{path}[{number}]", within)
    elif isinstance(kind, inspect.CollectionType) and isinstance(value, list):
        for item in value:
            yield from _unread(item, kind.item_type, f"{path}[]", within)


def _unread_fields(value: object, kind: inspect.StructType, path: str, within: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(value, list):  # array_like: position decides
        for number, item in enumerate(value):
            if number < len(kind.fields):
                yield from _unread(item, kind.fields[number].type, f"{path}[{number}]", within)
            else:
                yield f"{path}[{number}]"
    elif isinstance(value, dict):
        known = {item.encode_name: item.type for item in kind.fields}
        for name, item in value.items():
            if name in known:
                yield from _unread(item, known[name], _join(path, name), within)
            elif name != kind.tag_field:
                yield _join(path, name)


def _unread_by_all(value: object, kinds: Iterable[inspect.Type], path: str, within: Mapping[str, Any]) -> Iterator[str]:
    """Only what no member of the union reads is unread."""
    shape = (inspect.StructType, inspect.RawType) if isinstance(value, dict) else inspect.Type
    members = [set(_unread(value, kind, path, within)) for kind in kinds if isinstance(kind, shape)]
    if members:
        yield from sorted(set.intersection(*members))
