"""The examples do what they say, on simulated exchanges."""

from __future__ import annotations

import ast
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import anyio
import pytest

import lotusx
from lotusx_sim.engine.orders import Status

from .conftest import EXAMPLES, WITHIN_S, example

PROGRAMS = sorted(EXAMPLES.glob("*.py"))
pytestmark = pytest.mark.anyio


async def test_the_ticker_bot_prints_prices_and_outlives_an_answer_that_is_none(
    stage: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = example("ticker_bot")
    monkeypatch.setattr(bot, "EVERY_S", 0)
    async with stage("binance") as on:
        on.sims["binance"].html_502()
        async with on.running(bot.main):
            await on.printed.wait_for("BTC/USDT 6")


async def test_the_live_book_shows_levels_and_goes_stale_and_on(
    stage: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = example("live_book")
    monkeypatch.setattr(watcher, "QUANTITY", "0.001")
    async with stage("binance") as on, on.running(watcher.main):
        await on.printed.wait_for("spread ", "buying 0.001 now costs ")


async def test_an_order_is_placed_amended_and_cancelled(
    stage: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = example("order_lifecycle")
    monkeypatch.setattr(program, "PATIENCE_S", 0.1)
    async with stage("binance") as on:
        with anyio.fail_after(WITHIN_S):
            await program.main()
        said = on.printed.getvalue()
        assert "placed    " in said
        assert "amended   open at" in said
        assert "ended     canceled, 0" in said
        assert on.sims["binance"].open_order_ids() == []


async def test_fills_of_an_order_are_told_one_by_one(
    stage: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = example("order_lifecycle")
    monkeypatch.setattr(program, "PATIENCE_S", WITHIN_S)
    async with stage("binance") as on, anyio.create_task_group() as tasks:
        tasks.start_soon(program.main)
        await on.printed.wait_for("amended ")
        sim = on.sims["binance"]
        (order,) = sim.open_order_ids()
        sim.fill(order, "0.004")
        sim.fill(order, "0.006")
        await on.printed.wait_for("fill      0.004", "fill      0.006", "in 2 fills")


async def test_spreads_over_three_exchanges_are_told(stage: Callable[..., Any]) -> None:
    watcher = example("spread_watcher")
    async with stage("binance", "bybit", "hyperliquid") as on, on.running(watcher.main, watcher.WHERE):
        await on.printed.wait_for("sell at ", "binance  ", "bybit  ", "hyperliquid  ")


def test_the_widest_spread_is_between_the_best_bid_and_the_best_offer_anywhere() -> None:
    from lotusx.model import BestBidOffer, Symbol

    btc = Symbol("BTC", "USDT")
    board = {
        "a": BestBidOffer(btc, "99", "1", "100", "1"),
        "b": BestBidOffer(btc, "101", "1", "102", "1"),
        "c": BestBidOffer(btc, "0", "0", "103", "1"),  # nobody bids
    }
    assert example("spread_watcher").widest(board) == ("b", "a", Decimal("0.01"))


async def test_the_market_maker_quotes_is_filled_and_leaves_nothing_behind(
    stage: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = example("market_maker")
    monkeypatch.setattr(maker, "ROUND_S", 0.01)
    async with stage("binance-perp") as on:
        sim = on.sims["binance-perp"]
        async with on.running(maker.main):
            await on.printed.wait_for("quoted buy ")
            assert len(sim.open_order_ids()) == 2
            sim.fill(sim.open_order_ids()[0], "0.01")
            await on.printed.wait_for("filled buy 0.01", "position 0.01")
        await on.printed.wait_for("stopped; ")
        assert sim.open_order_ids() == []


async def test_the_exchange_pulls_the_quotes_of_a_market_maker_it_hears_nothing_of(
    stage: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = example("market_maker")
    monkeypatch.setattr(maker, "SWITCH_S", 1)
    async with stage("binance-perp") as on:
        sim = on.sims["binance-perp"]
        async with on.running(maker.main):
            await on.printed.wait_for("quoted buy ")
            sim.black_hole()
            with anyio.fail_after(WITHIN_S):
                while sim.open_order_ids():  # noqa: ASYNC110 - the exchange tells nobody
                    await anyio.sleep(0.01)
            sim.heal()
        assert {order.status for order in sim.orders()} == {Status.CANCELED}


async def test_a_full_position_is_quoted_on_the_side_that_shrinks_it(stage: Callable[..., Any]) -> None:
    maker = example("market_maker")
    async with stage("binance-perp"), lotusx.connect("binance-perp") as exchange:
        instrument = await exchange.market.instrument(maker.SYMBOL)
    for position, sides in ((maker.MAX_POSITION, ["sell"]), (-maker.MAX_POSITION, ["buy"]), (0, ["buy", "sell"])):
        quotes = maker.wanted(maker.Desk(position=Decimal(position)), Decimal("60000.05"), instrument)
        assert [quote.side for quote in quotes] == sides
        assert all(quote.post_only for quote in quotes)


async def test_funding_rates_of_four_exchanges_stand_side_by_side(stage: Callable[..., Any]) -> None:
    table = example("funding_table")
    async with stage("binance-perp", "bybit-perp", "hyperliquid", "backpack") as on:
        with anyio.fail_after(WITHIN_S):
            await table.main(["BTC", "NONE"])
        head, names, *rows = on.printed.getvalue().splitlines()
        assert "UTC" in head
        assert names.split() == list(table.QUOTES)
        assert [row.split()[0] for row in rows] == ["BTC", "NONE"]
        assert rows[0].count(" %") == 4
        assert rows[0].count("/y") == 3  # Binance does not state the interval beside the rate
        assert rows[1].count("-") == 4


async def test_the_risk_check_vetoes_before_anything_is_sent(stage: Callable[..., Any]) -> None:
    program = example("risk_check")
    async with stage("binance") as on:
        with anyio.fail_after(WITHIN_S):
            await program.main()
        said = on.printed.getvalue()
        assert "refused: BTC/USDT: " in said
        assert "placed: open 0.01" in said
        assert on.sims["binance"].requests["POST", "/api/v3/order"] == 1


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_every_example_says_what_it_is_and_runs_only_when_it_is_run(program: Any) -> None:
    tree = ast.parse(program.read_text("utf-8"))
    assert ast.get_docstring(tree)
    assert ast.unparse(tree.body[-1]).startswith("if __name__ == '__main__'")
