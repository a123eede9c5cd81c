"""What is asked of Bybit for linear and inverse instruments alone, and what its answers and messages become."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal as D
from typing import Any

import pytest
from bybit_perp_documents import (
    BTC,
    CREDENTIALS,
    INVERSE,
    LIQUIDATION,
    POSITION,
    TICKER,
    USDC,
    envelope,
    liquidation_push,
    rows,
    ticker_push,
)

from lotusx.errors import ItemRejected, NotSupported
from lotusx.model import MarginMode, OrderRequest, OrderType, PositionEvent, PositionSide, Side
from lotusx.plugin import Cost, Effect, Span
from lotusx_bybit.v5 import Category, lotusx_rest_dialect, signer_from
from lotusx_bybit_perp.connector import BybitPerpConnector
from lotusx_bybit_perp.facts import FACTS
from lotusx_testing.fakes import FakeInstruments, FakeKernel, FakeRest

pytestmark = pytest.mark.anyio
HOUR_MS = 3_600_000
REFUSED = '{"retCode":110043,"retMsg":"Set leverage has not been modified.","result":{},"retExtInfo":{},"time":1}'
INFO = envelope({"marginMode": "ISOLATED_MARGIN", "unifiedMarginStatus": 5})


@dataclass
class Desk:
    connector: BybitPerpConnector
    rest: FakeRest
    kernel: FakeKernel

    @property
    def queries(self) -> list[str]:
        return [request.query for request in self.rest.requests]

    @property
    def body(self) -> Any:
        return json.loads(self.rest.last.body)


@pytest.fixture
def desk() -> Desk:
    rest = FakeRest(lotusx_rest_dialect("bybit-perp"), signer_from("bybit-perp", CREDENTIALS))
    kernel = FakeKernel(FACTS, rest=rest, instruments=FakeInstruments([BTC, USDC, INVERSE]))
    return Desk(BybitPerpConnector(kernel.build()), rest, kernel)


async def test_mark_price_funding_and_open_interest_are_read_from_the_ticker(desk: Desk) -> None:
    desk.rest.reply(*[rows(TICKER)] * 3)
    mark = await desk.connector.market.mark_price(BTC)
    rate = await desk.connector.market.funding_rate(BTC)
    interest = await desk.connector.market.open_interest(BTC)
    assert (mark.mark_price, mark.index_price, mark.exchange_ns) == (D("16596.00"), D("16598.54"), 10**9)
    assert (rate.rate, rate.funding_ns, rate.interval_s) == (D("-0.001034"), 1_672_387_200 * 10**9, 28_800)
    assert (interest.quantity, interest.notional) == (D("186752053.5"), D("11252.835"))
    assert desk.queries == ["category=linear&symbol=BTCUSDT"] * 3


def rate_at(ms: int) -> dict[str, str]:
    return {"symbol": "BTCUSDT", "fundingRate": "0.0001", "fundingRateTimestamp": str(ms)}


async def test_rates_of_a_span_are_read_in_pieces_and_back_where_a_piece_is_full(desk: Desk) -> None:
    now = desk.kernel.clock.ns // 10**6
    start = now - 2_000 * HOUR_MS
    newest = [rate_at(start + hour * HOUR_MS) for hour in range(399, 199, -1)]
    older = [rate_at(start + hour * HOUR_MS) for hour in range(199, -1, -1)]
    desk.rest.reply(rows(*newest), rows(*older))
    page = await desk.connector.market.funding_rates_page(BTC, Span(start * 10**6), None, 1_000)
    assert [rate.funding_ns for rate in page.items] == [(start + hour * HOUR_MS) * 10**6 for hour in range(400)]
    assert page.cursor == str(start + 1_600 * HOUR_MS)
    assert desk.queries[1] == (
        f"category=linear&symbol=BTCUSDT&startTime={start}&endTime={start + 200 * HOUR_MS - 1}&limit=200"
    )
    desk.rest.reply(rows())
    last = await desk.connector.market.funding_rates_page(BTC, Span(start * 10**6), page.cursor, 1_000)
    assert (last.items, last.cursor) == ([], None)
    assert f"&endTime={now}&" in desk.queries[2]


async def test_newest_rates_are_asked_without_a_start(desk: Desk) -> None:
    desk.rest.reply(rows(rate_at(5)))
    page = await desk.connector.market.funding_rates_page(INVERSE, Span(None, 10**13), None, 7)
    assert (len(page.items), page.cursor) == (1, None)
    assert desk.queries == ["category=inverse&symbol=BTCUSD&endTime=9999999&limit=7"]


def test_mark_price_is_put_together_on_a_socket_of_its_own(desk: Desk) -> None:
    market = desk.connector.market
    ticker, mark = market.ticker_channel(BTC), market.mark_price_channel(BTC)
    assert (ticker.key, ticker.group) == (mark.key, mark.group) == ("tickers.BTCUSDT", "linear")
    assert ticker.view != mark.view
    mark.convert(ticker_push("snapshot", 1, **TICKER), 0)
    (found,) = mark.convert(ticker_push("delta", 2, indexPrice="5"), 9)
    assert (found.mark_price, found.index_price, found.exchange_ns) == (D("16596.00"), D(5), 1_002_000_000)
    assert mark.lost is not None
    mark.lost()
    with pytest.raises(ItemRejected):
        mark.convert(ticker_push("delta", 3, indexPrice="6"), 0)


@pytest.mark.parametrize("data", [[LIQUIDATION], LIQUIDATION], ids=["list", "lone"])
def test_liquidated_short_is_a_forced_purchase(desk: Desk, data: Any) -> None:
    channel = desk.connector.market.liquidations_channel(BTC)
    (found,) = channel.convert(liquidation_push(data), 9)
    assert (channel.key, found.side, found.quantity) == ("allLiquidation.BTCUSDT", Side.BUY, D(20_000))


async def test_positions_are_asked_by_settle_asset_and_flat_ones_left_out(desk: Desk) -> None:
    flat = {**POSITION, "size": "0", "side": ""}
    legs = [{**POSITION, "positionIdx": 1}, {**POSITION, "positionIdx": 2, "side": "Sell"}]
    desk.rest.reply(INFO, rows(*legs, flat), rows(), rows({**POSITION, "symbol": "BTCUSD", "side": "Sell"}))
    found = await desk.connector.account.positions()
    assert [(each.quantity, each.side) for each in found] == [
        (D("0.5"), PositionSide.LONG),
        (D("-0.5"), PositionSide.SHORT),
        (D("-0.5"), None),
    ]
    assert {each.margin_mode for each in found} == {MarginMode.ISOLATED}
    assert desk.queries[1:] == [
        "category=linear&settleCoin=USDT&limit=200",
        "category=linear&settleCoin=USDC&limit=200",
        "category=inverse&limit=200",
    ]


async def test_margin_mode_is_learnt_before_positions_are_streamed(desk: Desk) -> None:
    desk.rest.reply(INFO, envelope({}))
    channel = next(each for each in desk.connector.account.channels() if each.key == "position")
    push = json.dumps({"topic": "position", "creationTime": 5, "data": [{**POSITION, "category": "linear"}]}).encode()

    def streamed() -> MarginMode | None:
        (event,) = channel.convert(push, 0)
        assert isinstance(event, PositionEvent)
        return event.positions[0].margin_mode

    assert streamed() is None
    await desk.connector.account.prepare()
    assert streamed() is MarginMode.ISOLATED
    await desk.connector.account.set_margin_mode(BTC, MarginMode.CROSS)
    assert streamed() is MarginMode.CROSS


async def test_leverage_of_two_positions_that_differ_is_not_one(desk: Desk) -> None:
    legs = [{**POSITION, "positionIdx": 1}, {**POSITION, "positionIdx": 2, "leverage": "5"}]
    desk.rest.reply(rows(POSITION), INFO, rows(*legs), rows())
    found = await desk.connector.account.leverage(BTC)
    assert (found.leverage, found.maximum, found.margin_mode) == (D(10), D(100), MarginMode.ISOLATED)
    with pytest.raises(NotSupported, match=r"native\.positions"):
        await desk.connector.account.leverage(BTC)
    with pytest.raises(ItemRejected, match="no leverage"):
        await desk.connector.account.leverage(BTC)


async def test_setters_are_commands_and_what_is_so_already_is_no_error(desk: Desk) -> None:
    account = desk.connector.account
    desk.rest.reply(REFUSED, REFUSED, envelope({}), envelope({}))
    await account.set_leverage(INVERSE, D("2.50"))
    assert desk.body == {"category": "inverse", "symbol": "BTCUSD", "buyLeverage": "2.5", "sellLeverage": "2.5"}
    assert desk.rest.last.effect is Effect.COMMAND
    assert Cost("/v5/position/set-leverage", 1) in desk.rest.last.costs
    await account.set_margin_mode(BTC, MarginMode.CROSS)
    assert desk.body == {"setMarginMode": "REGULAR_MARGIN"}
    await account.set_margin_mode(BTC, MarginMode.ISOLATED)
    assert desk.body == {"setMarginMode": "ISOLATED_MARGIN"}
    await account.change_margin(BTC, D(-5))
    assert desk.body == {"category": "linear", "symbol": "BTCUSDT", "margin": "-5", "positionIdx": 0}


async def test_funding_payments_are_executions_of_their_own_kind(desk: Desk) -> None:
    now = desk.kernel.clock.ns // 10**6
    paid = {
        "execId": "f-1", "orderId": "x", "symbol": "BTCUSDT", "side": "Buy", "execPrice": "1", "execQty": "2",
        "execType": "Funding", "execTime": str(now - 5), "execFee": "0.5", "feeRate": "0.0001", "feeCurrency": "",
    }  # fmt: skip
    desk.rest.reply(rows(paid, {**paid, "execType": "Trade"}, {**paid, "symbol": "GONEUSDT"}), rows())
    page = await desk.connector.account.funding_payments_page(None, Span((now - 10) * 10**6), None, 1_000)
    (payment,) = page.items
    assert (payment.amount, payment.asset, payment.quantity) == (D("-0.5"), "USDT", D(2))
    assert "execType=Funding" in desk.queries[0]
    assert [query.partition("&")[0] for query in desk.queries] == ["category=linear", "category=inverse"]


async def test_order_is_tested_by_what_it_would_do_to_the_margin(desk: Desk) -> None:
    desk.rest.reply(envelope({"preImrE4": 1}))
    await desk.connector.trading.test(OrderRequest.limit(str(BTC.symbol), "buy", "0.1", "50000"), BTC)
    assert (desk.rest.last.path, desk.rest.last.effect) == ("/v5/order/pre-check", Effect.READ)
    assert {"qty": "0.1", "price": "50000", "side": "Buy"}.items() <= desk.body.items()
    stop = OrderRequest(
        symbol=BTC.symbol, side=Side.SELL, type=OrderType.STOP_LOSS, quantity=D("0.1"), trigger_price=D(40_000)
    )
    with pytest.raises(NotSupported, match="conditional"):
        await desk.connector.trading.test(stop, BTC)
    assert len(desk.rest.requests) == 1


async def test_own_endpoints_are_typed_where_they_are_known(desk: Desk) -> None:
    native = desk.connector.native
    desk.rest.reply(*[envelope({"list": []})] * 4, *[envelope({})] * 4)
    await native.mark_price_klines({"symbol": "BTCUSDT"})
    await native.index_price_klines({"symbol": "BTCUSDT"})
    await native.risk_limits(Category.LINEAR, "BTCUSDT")
    await native.price_limit("linear", "BTCUSDT")
    await native.switch_position_mode(3, coin="USDT")
    assert desk.body == {"category": "linear", "coin": "USDT", "mode": 3}
    await native.trading_stop({"symbol": "BTCUSDT", "trailingStop": D("1E+1")})
    assert desk.body == {"symbol": "BTCUSDT", "trailingStop": "10"}
    assert await native.pre_check({"symbol": "BTCUSDT"}) == {}
    assert desk.rest.last.effect is Effect.READ
    assert await native.spot_borrow_check("BTCUSDT", "Buy") == {}
    assert [request.path.rpartition("/")[2] for request in desk.rest.requests] == [
        "mark-price-kline", "index-price-kline", "risk-limit", "price-limit", "switch-mode", "trading-stop",
        "pre-check", "spot-borrow-check",
    ]  # fmt: skip
