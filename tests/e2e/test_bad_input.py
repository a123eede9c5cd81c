"""What a person gets wrong is refused with the way to put it right, and nothing is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal as D
from typing import Any

import pytest
from e2e_kit import BTC, limit_buy

import lotusx
from lotusx import rules
from lotusx.model.numbers import plain
from lotusx_sim import Simulator

pytestmark = pytest.mark.anyio
Request = lotusx.OrderRequest


def test_a_float_price_is_refused_with_the_right_call() -> None:
    with pytest.raises(lotusx.InvalidArgument) as caught:
        Request.limit(BTC, "buy", "0.01", 60000.1)  # type: ignore[arg-type]
    assert "price=Decimal('60000.1')" in str(caught.value)


def test_a_float_quantity_is_refused_with_the_right_call() -> None:
    with pytest.raises(lotusx.InvalidArgument) as caught:
        Request.market(BTC, "buy", 0.01)  # type: ignore[arg-type]
    assert "quantity=Decimal('0.01')" in str(caught.value)


@pytest.mark.parametrize(
    ("order", "rule", "nearest"),
    [
        (("0.01", "60000.005"), "tick_size", (D("60000.00"), D("60000.01"))),
        (("0.000015", "60000"), "step_size", (D("0.00001"), D("0.00002"))),
        (("0.000001", "60000"), "min_quantity", (D("0.00001"),)),
        (("0.00001", "60000"), "min_notional", (D("0.00009"),)),
        (("0.01", "0.001"), "min_price", (D("0.01"),)),
        (("0.01", "1000001"), "max_price", (D(1_000_000),)),
    ],
)
async def test_what_breaks_a_filter_is_refused_with_filter_value_and_nearest(
    exchange: lotusx.Exchange, sim: Simulator, order: tuple[str, str], rule: str, nearest: tuple[D, ...]
) -> None:
    await exchange.market.instruments()
    before = sum(sim.requests.values())
    request = Request.limit(BTC, "buy", *order)
    for attempt in (exchange.trading.place, exchange.trading.test):
        with pytest.raises(lotusx.InvalidArgument) as caught:
            await attempt(request)
        assert (caught.value.rule, caught.value.nearest) == (rule, nearest)
        assert rule in str(caught.value)
        assert plain(nearest[0]) in str(caught.value)
    assert sum(sim.requests.values()) == before
    assert sim.orders() == []


async def test_rounding_is_asked_for_by_name(exchange: lotusx.Exchange) -> None:
    instrument = await exchange.market.instrument(BTC)
    assert rules.round_price(instrument, D("60000.005"), rules.Rounding.FLOOR) == D("60000.00")
    assert rules.round_quantity(instrument, D("0.000015"), rules.Rounding.CEIL) == D("0.00002")


async def test_an_amendment_keeps_to_the_rules_too(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(limit_buy("a-1"))
    before = sum(sim.requests.values())
    for change in ({"price": "60000.005"}, {"quantity": "0.000001"}, {"quantity": 0.5}, {}):
        with pytest.raises(lotusx.InvalidArgument):
            await exchange.trading.amend(BTC, client_order_id="a-1", **change)
    assert sum(sim.requests.values()) == before


async def test_an_unknown_symbol_names_near_matches(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.market.instruments()
    before = sum(sim.requests.values())
    with pytest.raises(lotusx.UnknownSymbol) as caught:
        await exchange.market.ticker("BTC/USDC")
    assert BTC in caught.value.near
    with pytest.raises(lotusx.UnknownSymbol) as caught:
        await exchange.trading.place(Request.market("BTC/USD", "buy", "1"))
    assert BTC in caught.value.near
    with pytest.raises(lotusx.UnknownSymbol) as caught:
        async with exchange.market.live_order_book("BTCUSDT"):
            pytest.fail("that is the exchange's own spelling")
    assert caught.value.near == (BTC,)
    assert sum(sim.requests.values()) == before


async def test_a_market_that_is_halted_takes_no_orders(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.market.instruments()
    before = sum(sim.requests.values())
    with pytest.raises(lotusx.InvalidArgument, match=r"halted.*BREAK"):
        await exchange.trading.place(Request.limit("LUNA/USDT", "buy", "100", "0.4"))
    assert sum(sim.requests.values()) == before


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"type": "limit"}, "price is missing"),
        ({"type": "market", "price": "1"}, "price is not used"),
        ({"type": "stop_loss"}, "trigger_price is missing"),
        ({"type": "limit", "price": "1", "trigger_price": "1"}, "trigger_price is not used"),
        ({"type": "market", "quantity": "0"}, "above zero"),
        ({"type": "market", "quantity": "-1"}, "above zero"),
        ({"type": "market", "quantity": "NaN"}, "finite"),
        ({"type": "market", "quantity": "one"}, "not a number"),
        ({"type": "market", "side": "long"}, "side"),
        ({"type": "iceberg"}, "type"),
        ({"type": "limit", "price": "1", "post_only": True, "time_in_force": "ioc"}, "post_only"),
        ({"type": "limit", "price": "1", "quantity_unit": "quote"}, "quote"),
        ({"type": "market", "size": "1"}, "size"),
        ({"type": "market", "symbol": "bitcoin"}, "BASE/QUOTE|symbol"),
    ],
)
def test_an_order_that_cannot_be_right_is_refused_when_it_is_written(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(lotusx.InvalidArgument, match=says):
        Request(**{"symbol": BTC, "side": "buy", "quantity": "1", **fields})


CALLS: dict[str, Callable[[lotusx.Exchange], Awaitable[object]]] = {
    "depth of zero": lambda it: it.market.order_book(BTC, 0),
    "depth as text": lambda it: it.market.order_book(BTC, "5"),  # type: ignore[arg-type]
    "too deep": lambda it: it.market.order_book(BTC, 5_001),
    "too many trades": lambda it: it.market.recent_trades(BTC, 1_001),
    "unknown interval": lambda it: it.market.candles(BTC, "2m"),
    "naive time": lambda it: it.market.candles(BTC, "1m", start=__import__("datetime").datetime(2026, 1, 1)),
    "reversed span": lambda it: it.market.candles(BTC, "1m", start=2, end=1),
    "nameless cancel": lambda it: it.trading.cancel(BTC),
    "nameless query": lambda it: it.trading.order(BTC),
    "venue id that is no number": lambda it: it.trading.order(BTC, venue_order_id="a-1"),
    "gtd": lambda it: it.trading.place(limit_buy("a-1", time_in_force="gtd", expires_ns=1)),
    "reduce-only": lambda it: it.trading.place(limit_buy("a-1", reduce_only=True)),
}


@pytest.mark.parametrize("what", CALLS)
async def test_a_wrong_argument_is_refused_before_sending(exchange: lotusx.Exchange, sim: Simulator, what: str) -> None:
    await exchange.market.instruments()
    before = sum(sim.requests.values())
    with pytest.raises((lotusx.InvalidArgument, lotusx.NotSupported)):
        await CALLS[what](exchange)
    assert sum(sim.requests.values()) == before


async def test_an_unknown_name_is_no_call(exchange: lotusx.Exchange) -> None:
    with pytest.raises(AttributeError, match="fetch_ticker"):
        exchange.fetch_ticker  # type: ignore[attr-defined]  # noqa: B018
