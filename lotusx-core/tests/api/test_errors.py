"""Errors say what is true, and survive pickling."""

from __future__ import annotations

import pickle

import pytest

from lotusx import errors
from lotusx.errors import ErrorKind, ExchangeError, LotusXError, exchange_error


def subclasses(kind: type[LotusXError]) -> set[type[LotusXError]]:
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__())) if kind.__subclasses__() else {kind}


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_every_kind_keeps_the_exchanges_code_and_text_and_pickles(kind: ErrorKind) -> None:
    error = exchange_error(kind, "acme", "-1", "no", http_status=400, after_s=2.0, details={"a": 1})
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (copy.kind, copy.code, copy.text, copy.http_status, copy.after_s) == (kind, "-1", "no", 400, 2.0)
    assert str(copy) == str(error)
    assert "-1" in str(error)


@pytest.mark.parametrize(
    "error",
    [
        errors.UnknownExchange("x", ("a",), ("a",)),
        errors.OrderOutcomeUnknown("acme", "id-1", ("asked once",)),
        errors.InvalidArgument("bad", rule="tick_size", nearest=(1, 2)),
        errors.MalformedReply("html", status=502, body="<html>" * 1_000),
        errors.ConnectionFailed("refused", sent=False),
        errors.NotSupported("acme", "batch", "emulate=True"),
        errors.OrderVetoed("too much", rule="max_notional"),
        errors.UnknownSymbol("acme", "BTC/USD", ("BTC/USDT",)),
        errors.PluginError("acme", "broken", ("acme-lotus",)),
        errors.UnknownEnvironment("acme", "moon", ("live",)),
        errors.ItemRejected("odd", field="S", value="x"),
    ],
)
def test_errors_pickle_with_their_attributes(error: LotusXError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert copy.__dict__ == error.__dict__
    assert str(copy) == str(error)


def test_every_error_class_stands_in_the_drawing() -> None:
    drawn = errors.__doc__ or ""
    hidden = {"ItemRejected", "BeginningMissing", "InvalidSymbol"}  # of converters; no caller meets them
    ours = {kind.__name__ for kind in subclasses(LotusXError) if kind.__module__.startswith("lotusx.")}
    assert ours - hidden <= set(drawn.replace("│", " ").replace("├──", " ").replace("└──", " ").split())


def test_an_unknown_execution_may_have_executed() -> None:
    assert exchange_error(ErrorKind.UNKNOWN_EXECUTION, "acme", "-1006", "?").may_have_executed
    assert not exchange_error(ErrorKind.INVALID_ORDER, "acme", "-1013", "?").may_have_executed


def test_an_unsent_request_cannot_have_executed() -> None:
    assert not errors.ConnectionFailed("dns", sent=False).may_have_executed
    assert errors.ConnectionFailed("reset").may_have_executed


def test_a_long_body_is_cut() -> None:
    assert len(errors.MalformedReply("x", body="y" * 10_000).body) == 2_000


def test_an_exchange_error_can_be_caught_by_its_family() -> None:
    assert isinstance(exchange_error(ErrorKind.POST_ONLY_WOULD_TAKE, "a", "1", "t"), errors.InvalidOrder)
    assert isinstance(exchange_error(ErrorKind.BANNED, "a", "1", "t"), ExchangeError)
