"""Judges what a decoder makes of a document in which one field is wrong.

What a decoder does not find it may leave open (``None``), or say to be unknown; it never puts a value in its place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import msgspec

from fuzzing.attempt import TYPED
from fuzzing.harvest import Target
from fuzzing.mutate import mutants

EXCUSED: dict[tuple[str, str], str] = {
    ("channel bookTicker", "data."): "null is how Backpack says that a side is empty; in a text of ours that is 0",
    ("channel kline", "data."): "null is how Backpack says that nothing has traded: there is no candle",
    ("channel account.orderUpdate", "data.q"): "an order by quote states no base quantity",
    ("channel account.balanceUpdate", "data.T"): "other clients know E alone, which is a moment later",
    ("channel account.orderUpdate", "data.y"): "examples state it only where it holds",
    ("POST /api/v3/order", "fills"): "shorter replies of Binance carry no fills; they are asked for",
    ("POST /api/v3/order/cancelReplace", "newOrderResponse.fills"): "as in replies to new orders",
    ("GET /sapi/v1/account/apiRestrictions", "enableFutures"): "what is not granted may not be stated",
    ("route", ""): "a reply carries its text along, for whoever asked",
    ("POST /info info/allPerpMetas", "1.collateralToken"): "recorded lists of before others than USDC lack it",
    ("POST /info info/spotMeta", "tokens."): "stated only where it holds",
    ("POST /info info/l2Book", "levels."): "how many orders a level has is not used",
    ("POST /info info/clearinghouseState", "time"): "0: its time is not known",
    ("channel clearinghouseState", "data.clearinghouseState.time"): "0: its time is not known",
    ("channel userFills", "data.fills."): "fills without an id are told apart by all they say",
    ("channel userEvents", "data.fills"): "an event of an unknown kind is shown as it is",
    ("channel orderbook", "cts"): "the time of the message stands in for the time of the engine",
    ("channel wallet", "data."): "amounts that a margin mode does not have are left out by Bybit",
    ("channel order", "data."): "a market order of Bybit without a unit is by quote",
    ("channel position", "data."): "0: its time is not known",
    ("GET /v5/account/info", "result.unifiedMarginStatus"): "a status that is not stated is none of the unified ones",
    ("GET /v5/position/list", "result.list."): "0: its time is not known",
}
"""What is read without a field, and why that is right: beginning of the target, beginning of the field."""


def is_excused(target: Target, path: str) -> bool:
    """Whether a reason stands above."""
    return any(target.name.startswith(name) and path.startswith(field) for name, field in EXCUSED)


def parts(value: Any, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield what a result says, leaf by leaf, with where it stands."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from parts(getattr(value, name), f"{path}.{name}")
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from parts(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from parts(item, f"{path}[{name!r}]")
    elif isinstance(value, list | tuple):
        yield f"{path}.length", len(value)
        for index, item in enumerate(value):
            yield from parts(item, f"{path}[{index}]")
    elif not isinstance(value, msgspec.Raw):  # which nobody has read yet
        yield path, value


def is_open(value: object) -> bool:
    """Whether *value* says that nothing is known."""
    return value is None or value is msgspec.UNSET or value == "" or str(value).lower() == "unknown"


def invented(before: dict[str, object], after: dict[str, object], said: str) -> list[str]:
    """Return the leaves that say something else than before, rather than nothing, or what is *said* to be there now."""
    return [
        f"{path}: {before[path]!r} -> {value!r}"
        for path, value in after.items()
        if path in before and not is_open(value) and value != before[path] and repr(value) not in said
    ]


def suspects(target: Target) -> list[str]:
    """Return, for each mutant that is read without complaint, what it says instead."""
    try:
        first, before = dict(parts(target.read(target.document))), dict(parts(target.read(target.document)))
    except TYPED:
        return []
    if first != before:
        return []  # what is read depends on what was read before
    found = []
    for what, path, document in mutants(target.document):
        try:
            after = dict(parts(target.read(document)))
        except TYPED:
            continue
        news = invented(before, after, what)
        where = ".".join(map(str, path))
        if news and not is_excused(target, where):
            found.append(f"{target.name}: {where} {what}: {'; '.join(news[:2])}")
    return found
