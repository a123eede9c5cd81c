"""Account calls of USDⓈ-M futures: the exact requests, and what their answers become."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from lotusx.errors import InvalidArgument, InvalidOrder, MalformedReply, NotSupported
from lotusx.model import Instrument, MarginMode, PositionSide
from lotusx.plugin import ItemDropped, Response, Span

pytestmark = pytest.mark.anyio
MS = 1_000_000
HOUR = 3_600_000

POSITION = {
    "symbol": "BTCUSDT",
    "positionSide": "BOTH",
    "positionAmt": "-0.010",
    "entryPrice": "68000",
    "breakEvenPrice": "0",
    "markPrice": "67900.5",
    "unRealizedProfit": "0.995",
    "liquidationPrice": "0",
    "isolatedMargin": "0",
    "isolatedWallet": "0",
    "notional": "-679",
    "marginAsset": "USDT",
    "initialMargin": "633.95",
    "positionInitialMargin": "33.95",
    "openOrderInitialMargin": "600",
    "maintMargin": "2.7",
    "adl": 1,
    "updateTime": 5,
}
CONFIG = {
    "symbol": "BTCUSDT",
    "marginType": "CROSSED",
    "isAutoAddMargin": False,
    "leverage": 20,
    "maxNotionalValue": "1",
}


async def test_balances_leave_out_what_is_empty(futures: Any) -> None:
    item = {"asset": "USDT", "balance": "1000", "crossWalletBalance": "900", "crossUnPnl": "5",
            "availableBalance": "700", "marginAvailable": True, "updateTime": 5}  # fmt: skip
    futures.rest.reply(json.dumps([item, {**item, "asset": "BNB", "balance": "0.00000000"}]))

    (balance,) = await futures.connector.account.balances()

    assert (balance.asset, balance.total, balance.free, balance.locked) == ("USDT", 1_000, 700, 300)
    assert balance.updated_ns == 5 * MS
    assert (futures.sent, futures.costs) == (("GET", "/fapi/v3/balance", {}), {"ip-weight": 5})


async def test_profit_of_open_positions_is_available_beyond_the_wallet(futures: Any) -> None:
    item = {"asset": "USDT", "balance": "10", "crossWalletBalance": "10", "availableBalance": "12", "updateTime": 5}
    futures.rest.reply(json.dumps([item]))

    (balance,) = await futures.connector.account.balances()

    assert (balance.total, balance.free, balance.locked) == (10, 12, 0)


async def test_positions_are_signed_and_know_leverage_and_margin_mode(futures: Any) -> None:
    isolated = {**POSITION, "symbol": "ETHUSDT", "positionSide": "LONG", "positionAmt": "1", "isolatedWallet": "50",
                "liquidationPrice": "1000"}  # fmt: skip
    closed = {**POSITION, "positionAmt": "0.000"}
    config = [CONFIG, {**CONFIG, "symbol": "ETHUSDT", "marginType": "ISOLATED", "leverage": 3}]
    futures.rest.reply(json.dumps([POSITION, isolated, closed, {**POSITION, "symbol": "GONE"}]), json.dumps(config))

    short, long = await futures.connector.account.positions()

    assert (short.quantity, short.side, short.margin_mode, short.leverage) == (Decimal("-0.010"), None, "cross", 20)
    assert (short.margin, short.liquidation_price, short.mark_price) == (Decimal("33.95"), None, Decimal("67900.5"))
    assert (long.side, long.margin_mode, long.margin, long.leverage) == (PositionSide.LONG, "isolated", 50, 3)
    assert (long.liquidation_price, long.entry_price, long.updated_ns) == (1_000, 68_000, 5 * MS)
    (dropped,) = futures.events
    assert isinstance(dropped, ItemDropped)
    assert "GONE" in dropped.reason


async def test_a_position_without_its_setting_says_that_it_does_not_know(futures: Any) -> None:
    futures.rest.reply(json.dumps([POSITION]), "[]")

    (position,) = await futures.connector.account.positions()

    assert (position.leverage, position.margin_mode, position.margin) == (None, None, None)


async def test_the_margin_of_a_cross_position_is_not_known_where_that_of_open_orders_is_counted_too(
    futures: Any,
) -> None:
    old = {name: value for name, value in POSITION.items() if name != "positionInitialMargin"}
    futures.rest.reply(json.dumps([old]), json.dumps([CONFIG]))

    (position,) = await futures.connector.account.positions()

    assert (position.margin_mode, position.margin) == ("cross", None)


async def test_without_positions_nothing_more_is_asked(futures: Any) -> None:
    futures.rest.reply("[]")

    assert await futures.connector.account.positions() == []
    assert len(futures.rest.requests) == 1


async def test_fees(futures: Any, perp: Instrument) -> None:
    rates = {"symbol": "BTCUSDT", "makerCommissionRate": "0.0002", "takerCommissionRate": "0.0004"}
    futures.rest.reply(json.dumps({**rates, "rpiCommissionRate": "0.00005"}))

    fees = await futures.connector.account.fees(perp)

    assert (fees.maker, fees.taker) == (Decimal("0.0002"), Decimal("0.0004"))
    assert (futures.sent[1], futures.costs) == ("/fapi/v1/commissionRate", {"ip-weight": 20})


async def test_permissions(futures: Any, make_futures: Callable[..., Any]) -> None:
    flags = {"ipRestrict": True, "enableReading": True, "enableWithdrawals": False, "enableSpotAndMarginTrading": False}
    futures.rest.reply(json.dumps({**flags, "enableFutures": True}))

    permissions = await futures.connector.account.permissions()

    assert (permissions.read, permissions.trade, permissions.withdraw) == (True, True, False)
    assert permissions.ip_restricted is True
    assert futures.rest.last.base_url == "https://api.binance.com"
    assert futures.costs == {"sapi-ip-weight": 1}
    with pytest.raises(NotSupported, match="sapi"):
        await make_futures("demo").connector.account.permissions()


@pytest.mark.parametrize("as_list", [False, True])
async def test_leverage_with_its_maximum(futures: Any, perp: Instrument, as_list: bool) -> None:
    bracket = {"initialLeverage": 125, "notionalCap": 50000, "maintMarginRatio": 0.004, "cum": 0.0}
    document: Any = {
        "symbol": "BTCUSDT",
        "brackets": [{"bracket": 1, **bracket}, {"bracket": 2, **bracket, "initialLeverage": 100}],
    }
    futures.rest.reply(json.dumps([CONFIG]), json.dumps([document] if as_list else document))

    found = await futures.connector.account.leverage(perp)

    assert (found.leverage, found.margin_mode, found.maximum) == (20, MarginMode.CROSS, 125)


async def test_leverage_of_a_symbol_without_brackets_has_no_known_maximum(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps([CONFIG]), json.dumps({"symbol": "BTCUSDT", "brackets": []}))

    assert (await futures.connector.account.leverage(perp)).maximum is None


async def test_settings_of_another_symbol_are_not_taken_for_those_asked_for(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps([{**CONFIG, "symbol": "ETHUSDT"}]))

    with pytest.raises(MalformedReply, match="BTCUSDT"):
        await futures.connector.account.leverage(perp)


async def test_set_leverage(futures: Any, perp: Instrument) -> None:
    futures.rest.reply('{"leverage":21,"maxNotionalValue":"1000000","symbol":"BTCUSDT"}')

    await futures.connector.account.set_leverage(perp, Decimal("21"))

    assert futures.sent == ("POST", "/fapi/v1/leverage", {"symbol": "BTCUSDT", "leverage": "21"})
    with pytest.raises(InvalidArgument, match="whole number"):
        await futures.connector.account.set_leverage(perp, Decimal("2.5"))


async def test_set_margin_mode_and_that_it_is_so_already(futures: Any, perp: Instrument) -> None:
    account = futures.connector.account
    futures.rest.reply(
        '{"code":200,"msg":"success"}', Response(400, {}, b'{"code":-4046,"msg":"No need to change margin type."}')
    )

    await account.set_margin_mode(perp, MarginMode.ISOLATED)
    assert futures.sent == ("POST", "/fapi/v1/marginType", {"symbol": "BTCUSDT", "marginType": "ISOLATED"})
    await account.set_margin_mode(perp, MarginMode.CROSS)
    assert futures.sent[2]["marginType"] == "CROSSED"
    futures.rest.reply(
        Response(400, {}, b'{"code":-4048,"msg":"Margin type cannot be changed if there exists position."}')
    )
    with pytest.raises(InvalidOrder):
        await account.set_margin_mode(perp, MarginMode.CROSS)


async def test_margin_of_a_position(futures: Any, perp: Instrument) -> None:
    done = '{"amount":5.0,"code":200,"msg":"Successfully modify position margin.","type":1}'
    futures.rest.reply(done, done)

    await futures.connector.account.change_margin(perp, Decimal("5"))
    assert futures.sent == ("POST", "/fapi/v1/positionMargin", {"symbol": "BTCUSDT", "amount": "5", "type": "1"})
    await futures.connector.account.change_margin(perp, Decimal("-5"), PositionSide.SHORT)
    assert futures.sent[2] == {"symbol": "BTCUSDT", "amount": "5", "type": "2", "positionSide": "SHORT"}


def _fee(symbol: str, time_ms: int) -> dict[str, Any]:
    return {"symbol": symbol, "incomeType": "FUNDING_FEE", "income": "-0.375", "asset": "USDT", "info": "FUNDING_FEE",
            "time": time_ms, "tranId": 9, "tradeId": ""}  # fmt: skip


async def test_funding_payments_page_by_page(futures: Any, perp: Instrument) -> None:
    page = futures.connector.account.funding_payments_page
    span = Span(0, 24 * HOUR * MS)
    full = [_fee("BTCUSDT", HOUR), *[_fee("ETHUSDT", 8 * HOUR + 5)] * 999]
    futures.rest.reply(json.dumps(full), "[]", json.dumps([_fee("GONE", 1), _fee("ETHUSDT", HOUR)]), "[]")

    first = await page(perp, span, None, 1)
    assert futures.sent == (
        "GET",
        "/fapi/v1/income",
        {
            "symbol": "BTCUSDT",
            "incomeType": "FUNDING_FEE",
            "limit": "1000",
            "startTime": "0",
            "endTime": str(24 * HOUR - 1),
        },
    )
    assert [(item.amount, item.asset) for item in first.items] == [(Decimal("-0.375"), "USDT")]
    assert first.items[0].exchange_ns == HOUR * MS
    assert first.cursor == str(8 * HOUR + 5)
    assert (await page(perp, span, first.cursor, 1)).cursor is None
    newest = await page(None, Span(), None, 5)
    assert (futures.sent[2], newest.cursor) == ({"incomeType": "FUNDING_FEE", "limit": "1000"}, None)
    assert [str(item.symbol) for item in newest.items] == ["ETH/USDT:USDT"]
    assert "GONE" in futures.events[0].reason
    await page(None, Span(0), None, 5)
    assert int(futures.sent[2]["endTime"]) == 7 * 24 * HOUR - 2


async def test_fees_of_both_positions_of_hedge_mode_are_one_payment_on_whatever_page(futures: Any) -> None:
    page = futures.connector.account.funding_payments_page
    hour = [_fee("BTCUSDT", 8 * HOUR + 5), {**_fee("BTCUSDT", 8 * HOUR + 7), "income": "0.125"}]
    earlier = [_fee("BTCUSDT", HOUR)] * 999
    futures.rest.reply(json.dumps([*earlier, hour[0]]), json.dumps(hour), json.dumps([*earlier[1:], *hour]))
    span = Span(0, 24 * HOUR * MS)

    first = await page(None, span, None, 1_000)
    second = await page(None, span, first.cursor, 1_000)
    newest = await page(None, Span(), None, 1)

    assert [(item.amount, item.exchange_ns) for item in first.items] == [(Decimal("-374.625"), HOUR * MS)]
    assert (first.cursor, futures.rest.requests[1].query.count(f"startTime={8 * HOUR + 5}")) == (str(8 * HOUR + 5), 1)
    assert [(item.amount, item.exchange_ns) for item in second.items] == [(Decimal("-0.25"), 8 * HOUR * MS)]
    assert [item.exchange_ns for item in newest.items] == [8 * HOUR * MS]  # the oldest hour may be cut


def _mode(*, hedge: bool) -> str:
    return json.dumps({"canTrade": True, "dualSidePosition": hedge, "multiAssetsMargin": False})


async def test_half_of_what_was_paid_in_hedge_mode_is_not_told_as_all_of_it(futures: Any) -> None:
    page = futures.connector.account.funding_payments_page
    now_ms = futures.clock.now_ns() // MS // HOUR * HOUR + 1_000
    futures.clock.ns = now_ms * MS
    long, short = _fee("BTCUSDT", now_ms - 900), {**_fee("BTCUSDT", now_ms - 800), "income": "0.125"}
    before = _fee("BTCUSDT", now_ms - HOUR)
    futures.rest.reply(json.dumps([before, long]), _mode(hedge=True), json.dumps([before, long, short]))
    span = Span((now_ms - 2 * HOUR) * MS)

    first = await page(None, span, None, 1_000)
    futures.clock.ns += 3_000 * MS
    second = await page(None, span, None, 1_000)

    assert [item.amount for item in first.items] == [Decimal("-0.375")]  # of the hour before
    assert [item.amount for item in second.items] == [Decimal("-0.375"), Decimal("-0.25")]


async def test_what_a_position_has_just_paid_is_told_at_once_outside_hedge_mode(futures: Any) -> None:
    now_ms = futures.clock.now_ns() // MS
    futures.rest.reply(json.dumps([_fee("BTCUSDT", now_ms)]), _mode(hedge=False))

    page = await futures.connector.account.funding_payments_page(None, Span((now_ms - HOUR) * MS), None, 1_000)

    assert len(page.items) == 1


@pytest.mark.parametrize("span", [Span(0, 24 * HOUR * MS), Span()], ids=["from the start", "the newest"])
async def test_a_page_full_of_fees_of_one_hour_is_not_told_as_all_of_them(futures: Any, span: Span) -> None:
    futures.rest.reply(json.dumps([_fee("BTCUSDT", 8 * HOUR + n) for n in range(1_000)]))

    with pytest.raises(MalformedReply, match=r"not complete: 1000 funding fees .* hour.* one symbol") as caught:
        await futures.connector.account.funding_payments_page(None, span, None, 1_000)

    assert not caught.value.retryable


async def test_native_endpoints_of_the_account(futures: Any) -> None:
    native = futures.connector.native
    futures.rest.reply(
        '{"canTrade":true,"dualSidePosition":false,"multiAssetsMargin":false,"feeTier":0}',
        '[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":300}]',
        "[]",
    )
    assert (await native.account_config()).canTrade is True
    assert (await native.order_count())[0].limit == 300
    assert await native.all_algo_orders("A", limit=5) == []
    assert futures.sent == ("GET", "/fapi/v1/allAlgoOrders", {"symbol": "A", "limit": "5"})
    for call, sent in (
        (native.set_hedge_mode(True), ("POST", "/fapi/v1/positionSide/dual", {"dualSidePosition": "true"})),
        (native.set_multi_assets_mode(False), ("POST", "/fapi/v1/multiAssetsMargin", {"multiAssetsMargin": "false"})),
        (native.order_amendments("A", 1), ("GET", "/fapi/v1/orderAmendment", {"symbol": "A", "orderId": "1"})),
        (native.call("POST", "/fapi/v1/order", {"symbol": "A"}), ("POST", "/fapi/v1/order", {"symbol": "A"})),
    ):
        futures.rest.reply("{}")
        await call
        assert futures.sent == sent
    assert futures.costs == {"ip-weight": 1, "orders": 1}
