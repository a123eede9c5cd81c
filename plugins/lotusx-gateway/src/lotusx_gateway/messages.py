"""What goes over the broker: questions, answers, and feeds. Numbers are text, exactly as the model has them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, get_type_hints

import msgspec

from lotusx.errors import ItemRejected
from lotusx.model import (
    AccountEvent,
    BalanceEvent,
    FillEvent,
    FundingEvent,
    Instrument,
    OrderEvent,
    PositionEvent,
    VenueEvent,
)
from lotusx.model.instruments import PriceRule, SignificantDigits, TickSize
from lotusx_gateway.failures import Failure

T = TypeVar("T")

VALID_S = 5.0
"""A command that reaches the gateway later than this after it was made is refused."""
WORK_S = 30.0
"""How long the gateway lets a command wait before it is sent; by then it has been, or never will be."""
LEASE_S = 15.0
"""A consumer that has not renewed what it follows for so long is gone."""
RENEW_S = 5.0
PART_BYTES = 512 * 1024
"""Answers longer than this come in parts: a broker takes 1 MiB by default. Smaller parts where it takes less."""
LEAST_BYTES = 64 * 1024
"""A broker that takes no message of this size is refused: what is not cut in parts could be too long for it."""
MAX_PARTS = 128

BOOK_DEPTHS = (20, 200)
"""Levels a side of the books that gateways carry."""

EVENT, STATE = b"E", b"S"


class Ask(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question, or a command.

    Attributes:
        run: Of a command: the run of the gateway it is for.
        deadline_ns: Of a command: until when it may be carried out, by the clock of that run.
    """

    call: str
    id: str
    arguments: dict[str, Any] = {}
    run: str = ""
    deadline_ns: int = 0


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer. ``run`` names the gateway's process and ``now_ns`` its monotonic time."""

    run: str
    now_ns: int
    result: msgspec.Raw = msgspec.Raw(b"null")
    failure: Failure | None = None


class Followed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a feed is: messages of ``epoch`` above ``seq`` are still to come.

    Attributes:
        up: Whether the exchange serves it now; ``reason``: why not.
        snapshot: What must be known before the next message.
        failure: It cannot be followed at all.
    """

    epoch: str = ""
    seq: int = 0
    up: bool = False
    reason: str = ""
    snapshot: msgspec.Raw = msgspec.Raw(b"")
    failure: Failure | None = None


class State(msgspec.Struct, frozen=True):
    """Whether the exchange serves a feed."""

    up: bool
    reason: str = ""


def book_depth(wanted: int) -> int:
    """Return the depth of the book that shows *wanted* levels, or as many as there are.

    >>> book_depth(5), book_depth(1_000)
    (20, 200)
    """
    return next((depth for depth in BOOK_DEPTHS if depth >= wanted), BOOK_DEPTHS[-1])


encode = msgspec.json.encode


def decode(data: bytes | msgspec.Raw, kind: type[T]) -> T:
    """Read *data* as *kind*.

    Raises:
        ItemRejected: It is something else.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise ItemRejected(f"not what a gateway of this version says: {error}") from error


def arrived(found: Any, now_ns: int) -> Any:
    """Return what a gateway has said, received here and now: its clock, by which it received it, may be another one.

    Lists, and the fills, payments and fills of orders in events, are gone through.
    """
    if isinstance(found, list | tuple):
        return type(found)(arrived(each, now_ns) for each in found)
    if isinstance(found, msgspec.Struct):
        return msgspec.structs.replace(found, received_ns=now_ns) if hasattr(found, "received_ns") else found
    names = {each.name for each in fields(found)} if is_dataclass(found) else set()
    changed: dict[str, Any] = {each: arrived(getattr(found, each), now_ns) for each in _HOLD & names}
    if "received_ns" in names:
        changed["received_ns"] = now_ns
    return replace(found, **changed) if changed and not isinstance(found, type) else found


_HOLD = {"state", "fill", "fills", "payment"}

# ------------------------------------------------------------------------------------------------------------ feeds


def feed_message(epoch: str, seq: int, letter: bytes, content: bytes) -> bytes:
    """Return one message of a feed."""
    return b"%s %d %s %s" % (epoch.encode(), seq, letter, content)


def read_feed_message(data: bytes) -> tuple[str, int, bytes, bytes]:
    """Return epoch, number, letter and content of what `feed_message` has made.

    Raises:
        ItemRejected: It is something else.
    """
    try:
        epoch, seq, letter, content = data.split(b" ", 3)
        return epoch.decode(), int(seq), letter, content
    except ValueError as error:
        raise ItemRejected(f"not a message of a feed: {data[:80]!r}") from error


# ------------------------------------------------------------------------------------------------------------ parts


def parts(data: bytes, size: int = PART_BYTES) -> Iterator[bytes]:
    """Cut an answer into messages of at most *size* bytes; the first byte of each says whether it is the last."""
    step = size - 1
    for start in range(0, max(len(data), 1), step):
        last = start + step >= len(data)
        yield (b"1" if last else b"0") + data[start : start + step]


# ------------------------------------------------------------------------------------------------------- the account

_ACCOUNT: Mapping[str, type[Any]] = {
    kind.__name__: kind for kind in (OrderEvent, FillEvent, BalanceEvent, PositionEvent, FundingEvent, VenueEvent)
}


def account_event(event: AccountEvent) -> bytes:
    """Write an event of an account, with its kind."""
    return encode((type(event).__name__, event))


def read_account_event(data: bytes) -> AccountEvent:
    """Read what `account_event` has written."""
    kind, content = decode(data, tuple[str, msgspec.Raw])
    if kind not in _ACCOUNT:
        raise ItemRejected(f"an event of an account of unknown kind {kind!r}", field="kind", value=kind)
    event: AccountEvent = decode(content, _ACCOUNT[kind])
    return event


# ------------------------------------------------------------------------------------------------------- instruments


class _Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    tick: TickSize | None = None
    digits: SignificantDigits | None = None

    @classmethod
    def of(cls, rule: PriceRule | None) -> _Rule:
        return cls(digits=rule) if isinstance(rule, SignificantDigits) else cls(tick=rule)


_HINTS = {
    name: hint for name, hint in get_type_hints(Instrument).items() if name not in ("price_rule", "_raw")
}  # what the exchange's own document says stays with the gateway
_Product = msgspec.defstruct("_Product", [*_HINTS.items(), ("price_rule", _Rule)], frozen=True)


def encode_instruments(instruments: Sequence[Instrument]) -> bytes:
    """Write *instruments*, without the exchange's own documents of them."""
    return encode(
        [
            {**{name: getattr(each, name) for name in _HINTS}, "price_rule": _Rule.of(each.price_rule)}
            for each in instruments
        ]
    )


def decode_instruments(data: bytes | msgspec.Raw) -> list[Instrument]:
    """Read what `encode_instruments` has written."""
    found: list[Any] = decode(data, list[_Product])  # type: ignore[valid-type]  # made of the model's own fields
    return [
        Instrument(
            **{name: getattr(each, name) for name in _HINTS}, price_rule=each.price_rule.tick or each.price_rule.digits
        )
        for each in found
    ]
