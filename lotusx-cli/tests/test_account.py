"""Accounts and orders through the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from lotusx_cli.commands.order import Step, Switches, build, cancel_orders, place_order, step
from lotusx_cli.failures import Exit
from lotusx_cli.output import Out

if TYPE_CHECKING:
    import lotusx as library

    from .conftest import Lotusx, Venue

pytestmark = pytest.mark.usefixtures("key")


def test_balances_are_shown(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"balances {binance.options} --json")
    assert "USDT" in {item["asset"] for item in json.loads(done.out)}


def test_without_a_key_the_error_names_the_variables(
    lotusx: Lotusx, binance: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOTUSX_BINANCE_API_KEY")
    monkeypatch.delenv("LOTUSX_BINANCE_API_SECRET")
    done = lotusx(f"balances {binance.options}")
    assert done.code == Exit.CONFIGURATION
    assert "LOTUSX_BINANCE_API_KEY" in done.err
    assert "next:" in done.err


def test_what_an_exchange_does_not_have_is_refused_with_its_own_code(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"positions {binance.options}")
    assert done.code == Exit.REFUSED
    assert "does not offer positions" in done.err


def test_an_order_is_placed_looked_up_listed_and_cancelled(lotusx: Lotusx, binance: Venue) -> None:
    terms = "--side buy -q 0.01 -p 60000 --post-only --client-order-id cli-1"
    placed = lotusx(f"order place {binance.options} -s BTCUSDT {terms} --json")
    assert (placed.code, json.loads(placed.out)["status"]) == (0, "open")

    found = lotusx(f"orders {binance.options} -s BTCUSDT --client-order-id cli-1 --json")
    assert json.loads(found.out)["price"] == "60000"
    assert "cli-1" in lotusx(f"orders {binance.options}").out
    assert "cli-1" in lotusx(f"orders {binance.options} -s BTCUSDT --history").out

    gone = lotusx(f"order cancel {binance.options} -s BTCUSDT --client-order-id cli-1 --json")
    assert json.loads(gone.out)["status"] == "canceled"
    again = lotusx(f"order cancel {binance.options} -s BTCUSDT --client-order-id cli-1")
    assert again.code in (Exit.OK, Exit.EXCHANGE)


def test_all_orders_of_a_symbol_are_cancelled_at_once(lotusx: Lotusx, binance: Venue) -> None:
    for name in ("cli-a", "cli-b"):
        lotusx(f"order place {binance.options} -s BTCUSDT --side buy -q 0.01 -p 60000 --client-order-id {name}")
    done = lotusx(f"order cancel {binance.options} -s BTCUSDT --all --json")
    assert {item["client_order_id"] for item in json.loads(done.out)} >= {"cli-a", "cli-b"}


def test_fills_of_a_market_order_are_listed(lotusx: Lotusx, binance: Venue) -> None:
    bought = lotusx(f"order place {binance.options} -s BTCUSDT --side buy -q 0.01 --client-order-id cli-m --json")
    assert json.loads(bought.out)["status"] == "filled"
    done = lotusx(f"orders {binance.options} -s BTCUSDT --fills --json")
    assert "0.01" in {item["quantity"] for item in json.loads(done.out)} or len(json.loads(done.out)) > 1


def test_an_order_that_breaks_a_rule_is_refused_here(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"order place {binance.options} -s BTCUSDT --side buy -q 0.01 -p 60000.001")
    assert done.code == Exit.REFUSED
    assert "60000" in done.err


def test_a_dry_run_sends_nothing(lotusx: Lotusx, binance: Venue) -> None:
    before = binance.do(lambda sim: sim.requests[("POST", "/api/v3/order")])
    done = lotusx(f"order place {binance.options} -s BTCUSDT --side buy -q 0.01 -p 60000 --dry-run --json")
    assert json.loads(done.out)["dry_run"] is True
    assert "nothing was sent" in done.err
    done = lotusx(f"order cancel {binance.options} -s BTCUSDT --all --dry-run")
    assert "cancel every open order" in done.out
    assert binance.do(lambda sim: sim.requests[("POST", "/api/v3/order")]) == before


@pytest.mark.parametrize(
    ("switches", "real_money", "expected"),
    [
        (Switches(), True, Step.SHOW),
        (Switches(yes=True), True, Step.SHOW),
        (Switches(live=True), True, Step.ASK),
        (Switches(live=True, yes=True), True, Step.SEND),
        (Switches(), False, Step.SEND),
        (Switches(dry_run=True), False, Step.SHOW),
    ],
)
def test_real_money_moves_only_if_live_is_written_and_confirmed(
    switches: Switches, real_money: bool, expected: Step
) -> None:
    assert step(switches, "any", real_money=real_money) is expected


def test_live_where_no_live_money_is_means_a_mistake(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"order place {binance.options} -s BTCUSDT --side buy -q 0.01 -p 60000 --live --yes")
    assert done.code == Exit.USAGE
    assert "nothing was sent" in done.err
    done = lotusx(f"order place {binance.options} -s BTCUSDT --side buy -q 0.01 -p 60000 --live --dry-run")
    assert done.code == Exit.USAGE


def test_who_says_no_when_asked_has_sent_nothing(binance: Venue) -> None:
    import anyio
    import click

    import lotusx as library
    from lotusx_sim.dialects.binance import DEFAULT_KEY

    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    async def act() -> Exception | None:
        credentials = {"api_key": DEFAULT_KEY.key, "api_secret": DEFAULT_KEY.verifier}
        connection: library.Exchange = library.connect(
            "binance", environment="simulator", base_url=binance.server.base_url, credentials=credentials
        )
        async with connection as exchange:
            request = build("BTC/USDT", kind=None, unit="base", side="buy", quantity="0.01", price="60000")
            with pytest.raises(click.Abort):
                await place_order(Out(), exchange, request, Step.ASK, confirm=no)
            with pytest.raises(click.Abort):
                await cancel_orders(Out(), exchange, "BTC/USDT", None, None, Step.ASK, confirm=no)
            with pytest.raises(click.UsageError, match="nobody is here"):
                await place_order(Out(), exchange, request, Step.ASK)
        return None

    before = binance.do(lambda sim: sim.requests[("POST", "/api/v3/order")])
    anyio.run(act)
    assert "real money" in asked[0]
    assert binance.do(lambda sim: sim.requests[("POST", "/api/v3/order")]) == before


def test_an_unknown_type_of_order_names_the_known_ones(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"order place {binance.options} -s BTCUSDT --side buy -q 1 --type iceberg")
    assert done.code == Exit.REFUSED
    assert "stop_loss_limit" in done.err


def test_ids_and_all_exclude_each_other(lotusx: Lotusx, binance: Venue) -> None:
    assert lotusx(f"order cancel {binance.options} -s BTCUSDT").code == Exit.USAGE
    assert lotusx(f"order cancel {binance.options} -s BTCUSDT --all --order-id 1").code == Exit.USAGE
    assert lotusx(f"orders {binance.options} --history").code == Exit.USAGE


def test_the_account_is_streamed(lotusx: Lotusx, binance: Venue) -> None:
    command = f"-m lotusx_cli stream account {binance.options} --count 1 --json"
    with subprocess.Popen([sys.executable, *command.split()], stdout=subprocess.PIPE, text=True) as process:
        number, deadline = 0, monotonic() + 60
        while process.poll() is None and monotonic() < deadline:
            number += 1
            terms = f"--side buy -q 0.01 -p 50000 --client-order-id cli-s{number}"
            lotusx(f"order place {binance.options} -s BTCUSDT {terms}")
        process.kill()
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"].endswith("Event")


def test_a_key_is_proved_and_what_it_may_do_is_said(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"check-keys {binance.options} --json")
    assert done.code == 0
    assert json.loads(done.out)["key"] == "accepted"


def test_a_refused_key_fails_the_check_and_is_not_shown(
    lotusx: Lotusx, binance: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOTUSX_BINANCE_API_SECRET", "canary-secret")
    done = lotusx(f"check-keys {binance.options}")
    assert done.code == Exit.CHECK_FAILED
    assert "refused" in done.out
    assert "canary" not in done.out + done.err
