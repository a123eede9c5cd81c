"""Checks of error tables and refusals catch what a plugin forgets."""

from __future__ import annotations

import pytest

from lotusx.errors import ErrorKind as K, LotusXError, exchange_error
from lotusx.plugin import Effect, Request, Response, Verb
from lotusx.plugin.manager import PluginManager
from lotusx_testing import ErrorTable, Refusal, check_doubt

TABLE = {"1": K.RATE_LIMITED, "2": K.BAD_REQUEST}
COMMAND = Request(Verb.POST, "", "/api/v3/order", effect=Effect.COMMAND)
POOR = Response(400, {}, b'{"code":-2010,"msg":"Account has insufficient balance for requested action."}')


def test_table_that_is_the_documented_one_passes() -> None:
    ErrorTable("rest", {**TABLE, "3": K.BANNED}, TABLE, left_out=["3"], source="page 7").check()


@pytest.mark.parametrize(
    ("documented", "left_out", "what"),
    [
        ({**TABLE, "3": K.BANNED}, (), "3 is documented as banned, and not in the table"),
        ({**TABLE, "2": K.BANNED}, (), "2 is documented as banned, the table says bad_request"),
        ({"1": K.RATE_LIMITED}, (), "2 is in the table, and not documented"),
        (TABLE, ("9",), "9 is left out, and not documented"),
        ({}, (), "no code is documented"),
    ],
)
def test_difference_is_named(documented: dict[str, K], left_out: tuple[str, ...], what: str) -> None:
    with pytest.raises(AssertionError, match=what):
        ErrorTable("rest", documented, TABLE, left_out).check()


def test_refusal_is_read_as_documented() -> None:
    Refusal("poor", COMMAND, POOR, K.INSUFFICIENT_FUNDS, "-2010").check(PluginManager("binance").rest_dialect())


def test_refusal_that_becomes_something_else_fails() -> None:
    dialect = PluginManager("binance").rest_dialect()
    with pytest.raises(AssertionError, match="poor: kind, code and doubt"):
        Refusal("poor", COMMAND, POOR, K.INSUFFICIENT_FUNDS, "-2010", doubtful=True).check(dialect)
    with pytest.raises(AssertionError, match="not a refusal"):
        Refusal("fine", COMMAND, Response(200, {}, b"{}"), K.BAD_REQUEST, "1").check(dialect)


def test_broken_server_leaves_a_command_in_doubt() -> None:
    check_doubt(PluginManager("binance").rest_dialect(), "/api/v3/order")


def test_dialect_that_loses_doubt_is_caught() -> None:
    class Sure:
        def error(self, request: Request, response: Response) -> LotusXError | None:
            return exchange_error(K.UNAVAILABLE, "sure", "1", "down")

        def usage(self, request: Request, response: Response) -> tuple[()]:
            return ()

    with pytest.raises(AssertionError, match=r"HTTP 500 with b'' leaves a command in doubt"):
        check_doubt(Sure())
