"""Errors as data, and back: what a consumer gets is what the gateway was told. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from lotusx import errors
from lotusx.errors import ErrorKind, LotusXError, OrderOutcomeUnknown, exchange_error

_PLAIN = (str, int, float, bool, type(None))


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error of LotusX: its class, its message, and those of its facts that are plain values or lists of texts."""

    type: str
    message: str
    facts: dict[str, Any] = {}


def to_failure(error: Exception, exchange: str) -> Failure:
    """Write *error* down. One that is not ours is a fault of the gateway, and leaves open what has happened."""
    if isinstance(error, OrderOutcomeUnknown):
        error = exchange_error(ErrorKind.UNKNOWN_EXECUTION, exchange, "gateway", str(error))
    elif not isinstance(error, LotusXError):
        text = f"the gateway failed ({type(error).__name__}); its log says why"
        error = exchange_error(ErrorKind.UNKNOWN_EXECUTION, exchange, "gateway", text)
    facts = {name: value for name, value in vars(error).items() if _is_plain(value) and name != "message"}
    return Failure(_public(type(error)), str(error), facts)


def to_error(failure: Failure) -> LotusXError:
    """Return the error that *failure* was; of a class that is not known here, the nearest that is."""
    found = getattr(errors, failure.type, None)
    kind: type[LotusXError] = found if isinstance(found, type) and issubclass(found, LotusXError) else LotusXError
    error = kind.__new__(kind)
    error.args = (failure.message,)
    facts = {name: tuple(value) if isinstance(value, list) else value for name, value in failure.facts.items()}
    if "kind" in facts:
        facts["kind"] = _kind(facts["kind"])
    error.__dict__.update(facts, message=failure.message)
    return error


def _public(kind: type[Exception]) -> str:
    """Return the name of the nearest class that every consumer has: plugins derive their own."""
    return str(next(each.__name__ for each in kind.__mro__ if getattr(errors, each.__name__, None) is each))


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, _PLAIN)


def _kind(value: object) -> ErrorKind:
    try:
        return ErrorKind(str(value))
    except ValueError:  # of a newer gateway
        return ErrorKind.BAD_REQUEST
