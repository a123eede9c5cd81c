"""Documents of the corpus, each with the decoder that reads it. They stay where they stand, in ``$LOTUSX_CORPUS``.

A decoder was made for one market and one account. A document of others is given their names, and an event that was
recorded without the envelope of its stream gets that of a simulated one; besides, long lists are cut.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from fuzzing.attempt import TYPED
from fuzzing.harvest import Target, harvest

CORPUS = Path(os.environ.get("LOTUSX_CORPUS") or Path(__file__).resolve().parents[5] / "shared" / "corpus")
_LONGEST = 3
"""Elements of a list that are kept: the rest is like them."""
_MOST_FRAMES = 500
"""Frames of a capture that are looked at."""
_NAMES = ("symbol", "s", "coin", "user", "ps", "pair")
"""Fields that say which market or account a document is of."""


@dataclass(slots=True)
class Shelf:
    """The documents of one exchange: those that are read, one of each shape, and how many there were in all."""

    targets: list[Target] = field(default_factory=list)
    read: int = 0
    unread: int = 0
    first_of_kind: list[Target] = field(default_factory=list)


@cache
def shelf(exchange: str) -> Shelf:
    """Return what the corpus has of *exchange*."""
    found = Shelf()
    seen: set[tuple[str, object]] = set()
    kinds: set[str] = set()
    by_name: dict[str, Target] = {}
    for decoder in harvest(exchange):
        by_name.setdefault(decoder.name, decoder)
    sources = ("bybit", "bybit-perp") if exchange.startswith("bybit") else (exchange,)
    for source in sources:
        for document in _documents(CORPUS / source):
            target = next(_readers(document, by_name), None)
            if target is None:
                found.unread += 1
                continue
            found.read += 1
            kind = target.name.partition("#")[0]
            shape = kind, _shape(json.loads(target.document))
            if shape in seen:
                continue
            seen.add(shape)
            found.targets.append(target)
            if kind not in kinds:
                kinds.add(kind)
                found.first_of_kind.append(target)
    return found


@dataclass(frozen=True, slots=True)
class _Document:
    """A reply (``request``: method, path and what is asked for) or a frame."""

    content: Any
    request: tuple[str, str, str] | None


def _documents(folder: Path) -> Iterator[_Document]:
    for path in sorted((folder / "rest").glob("*.json")):
        records = json.loads(path.read_text("utf-8"))
        for record in records if isinstance(records, list) else []:
            request = record.get("request")
            if isinstance(request, dict) and request.get("path") and record.get("response") is not None:
                yield _Document(_enveloped(record["response"], request["path"]), _asked(request))
    for path in sorted((folder / "ws").glob("*.json")):
        for frame in json.loads(path.read_text("utf-8")):
            if frame.get("dir") == "in":
                yield _Document(frame["msg"], None)
    for path in sorted((folder / "ws").glob("*.ndjson")):
        with path.open(encoding="utf-8") as lines:
            for _, line in zip(range(_MOST_FRAMES), lines, strict=False):
                frame = json.loads(line)
                if frame.get("dir") == "in":
                    yield _Document(frame["msg"], None)


def _asked(request: dict[str, Any]) -> tuple[str, str, str]:
    body = request.get("body")
    if isinstance(body, str):
        with suppress(ValueError):
            body = json.loads(body)
    kind = ""
    if isinstance(body, dict):
        action = body.get("action")
        kind = str((action if isinstance(action, dict) else body).get("type") or "")
    return str(request["method"]), str(request["path"]).partition("?")[0], kind


def _enveloped(reply: Any, path: str) -> Any:
    """Return a reply of Bybit's as it comes, where only its result was kept."""
    if path.startswith("/v5/") and isinstance(reply, dict) and "retCode" not in reply:
        return {"retCode": 0, "retMsg": "OK", "result": reply, "retExtInfo": {}, "time": 1_770_000_000_000}
    return reply


def _readers(document: _Document, by_name: dict[str, Target]) -> Iterator[Target]:
    """Yield the decoder that reads *document*, with the document as it reads it."""
    for target in by_name.values():
        if document.request is not None:
            method, path, kind = document.request
            fits = target.name.startswith(f"{method} {path} ") and (not kind or target.name.endswith(f"/{kind}"))
        else:
            fits = target.name.startswith("channel ")
        if not fits:
            continue
        for form in _forms(document.content, json.loads(target.document), is_frame=document.request is None):
            text = json.dumps(form, separators=(",", ":"), ensure_ascii=False).encode()
            if document.request is None and f"channel {_routed(text, by_name)}" != target.name:
                continue
            with suppress(*TYPED):
                if _says_something(target.read(text)):
                    yield Target(f"{target.name}#recorded", text, target.read)
                    break


def _routed(text: bytes, by_name: dict[str, Target]) -> object:
    for name, target in by_name.items():
        if name.startswith("route"):
            with suppress(*TYPED):
                return target.read(text)
    return None


def _says_something(result: Any) -> bool:
    return result is not None and result not in ([], (), {})


def _forms(content: Any, like: Any, *, is_frame: bool) -> Iterator[Any]:
    """Yield *content* as it is, and under the names and in the envelope of the document *like*."""
    content = _short(content)
    yield content
    renamed = _renamed(content, _names_in(like))
    yield renamed
    if is_frame and isinstance(like, dict) and isinstance(renamed, dict) and "channel" not in like:
        for inner in ("data", "event"):
            if isinstance(like.get(inner), dict) and inner not in renamed:
                yield {**like, inner: renamed}
            elif inner in renamed and inner not in like:
                yield renamed[inner]
            elif isinstance(like.get(inner), dict | list) and inner in renamed:
                yield {**renamed, **{name: like[name] for name in ("stream", "topic") if name in like}}


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return [_short(item) for item in value[:_LONGEST]]
    if isinstance(value, dict):
        return {name: _short(item) for name, item in value.items()}
    return value


def _names_in(value: Any) -> dict[str, str]:
    """Return what the naming fields of a document say, the first of each."""
    found: dict[str, str] = {}
    if isinstance(value, dict):
        found = {name: value[name] for name in _NAMES if isinstance(value.get(name), str)}
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        found = {**_names_in(item), **found}
    return found


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            name: names[name] if name in names and isinstance(item, str) else _renamed(item, names)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return value


def _shape(value: Any) -> object:
    """Return which fields a document has, and of which types."""
    if isinstance(value, dict):
        return tuple((name, _shape(item)) for name, item in sorted(value.items()))
    if isinstance(value, list):
        return ("list", *sorted({repr(_shape(item)) for item in value}))
    return type(value).__name__
