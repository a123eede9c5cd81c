"""Native endpoints: listed, called, and shown as signed requests that are not sent."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import click
import pytest

from lotusx_cli.commands.call import parameters, read
from lotusx_cli.failures import Exit

if TYPE_CHECKING:
    from .conftest import Lotusx, Venue


def test_endpoints_are_listed_with_their_documentation(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"call {binance.options} --search avgPrice --json")
    (item,) = json.loads(done.out)
    assert item["name"] == "average_price"
    assert item["parameters"] == "symbol"
    assert "GET /api/v3/avgPrice" in item["documentation"]


def test_an_endpoint_is_called_by_name(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"call {binance.options} average_price symbol=BTCUSDT")
    assert Decimal(json.loads(done.out)["price"]) > 0


def test_any_endpoint_is_called_by_verb_and_path(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"call {binance.options} GET /api/v3/time")
    assert isinstance(json.loads(done.out)["serverTime"], int)


@pytest.mark.usefixtures("key")
def test_a_signed_request_is_shown_and_not_sent(lotusx: Lotusx, binance: Venue) -> None:
    before = binance.do(lambda sim: sum(sim.requests.values()))
    done = lotusx(f"call {binance.options} GET /api/v3/account --signed --show --json")
    request = json.loads(done.out)
    assert request["method"] == "GET"
    assert "signature=" in request["url"]
    assert binance.do(lambda sim: sum(sim.requests.values())) == before


@pytest.mark.usefixtures("key")
def test_what_changes_something_in_live_is_not_sent_without_the_word(lotusx: Lotusx) -> None:
    done = lotusx("call -e binance POST /api/v3/order symbol=BTCUSDT --signed --environment live")
    assert done.code == Exit.REFUSED
    assert "--live" in done.err


def test_a_misspelt_endpoint_names_the_near_one(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"call {binance.options} average_prise symbol=BTCUSDT")
    assert done.code == Exit.USAGE
    assert "average_price" in done.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("average_price", "missing"),
        ("average_price coin=BTC", "takes no 'coin'"),
        ("average_price symbol", "name=value"),
        ("GET", "needs a path"),
        ("/api/v3/time", "its verb: GET /api/v3/time"),
        ("order_amendments symbol=BTCUSDT order_id=x", "must be int"),
        ("average_price --body []", "JSON object"),
        ("average_price --body {", "not JSON"),
    ],
)
def test_wrong_parameters_are_named(words: str, complaint: str, lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"call {binance.options} {words}")
    assert done.code == Exit.USAGE
    assert complaint in done.err


def test_words_become_what_the_signature_wants() -> None:
    assert read("7", "int | None", "a") == 7
    assert read("0.10", "Decimal", "a") == Decimal("0.10")
    assert read("true", "bool", "a") is True
    assert read("A,B", "Sequence[str] | None", "a") == ["A", "B"]
    assert read('{"a": 1}', "Params", "a") == {"a": 1}
    assert read("x", "str", "a") == "x"
    assert read(7, "str", "a") == 7
    with pytest.raises(click.UsageError):
        read("yes", "bool", "a")


def test_numbers_of_a_body_stay_exact() -> None:
    assert parameters(["b=2"], '{"a": 0.1}') == {"a": Decimal("0.1"), "b": "2"}
