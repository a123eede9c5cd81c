"""Backpack's own endpoints, and any other by `call`."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from backpack_documents import ACCOUNT, COLLATERAL, ORDER, POSITION, TRADE, text

from lotusx.errors import BadRequest, InvalidArgument, NotSupported
from lotusx.plugin import Effect, Lane, Response

pytestmark = pytest.mark.anyio


async def test_any_question_goes_into_the_query(desk: Any) -> None:
    desk.rest.reply('[{"a":1.5}]')

    answer = await desk.connector.native.call(
        "get", "/api/v1/whatever", {"price": D("1E+1"), "flag": False, "what": "80%", "none": None}, weight=3
    )

    assert answer == [{"a": D("1.5")}]
    assert desk.rest.last.query == "price=10&flag=false&what=80%25"
    assert ([(cost.pool, cost.amount) for cost in desk.rest.last.costs], desk.rest.last.effect) == (
        [("requests", 3)], Effect.READ,
    )  # fmt: skip


async def test_any_command_goes_into_a_signed_body(desk: Any) -> None:
    desk.rest.reply(Response(200))

    answer = await desk.connector.native.call(
        "DELETE", "/api/v1/strategies", {"symbol": "SOL_USDC", "x": D("0.10"), "y": None}, signed=True
    )

    assert (answer, desk.sent) == (None, {"symbol": "SOL_USDC", "x": "0.1"})
    assert (desk.rest.last.effect, desk.rest.last.lane) == (Effect.COMMAND, Lane.URGENT)


async def test_history_of_the_market_takes_from_its_own_limit_too(desk: Any) -> None:
    desk.rest.reply(text([TRADE]))

    await desk.connector.native.call("GET", "/api/v1/trades/history", {"symbol": "SOL_USDC"})

    assert [cost.pool for cost in desk.rest.last.costs] == ["requests", "market-history"]


@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_float_is_refused(desk: Any, verb: str) -> None:
    with pytest.raises(InvalidArgument, match="price must be text"):
        await desk.connector.native.call(verb, "/api/v1/order", {"price": 1.5})
    assert desk.asked == []


async def test_call_without_an_instruction_cannot_be_signed(desk: Any) -> None:
    with pytest.raises(InvalidArgument, match="no instruction"):
        await desk.connector.native.call("GET", "/api/v1/nothing", signed=True)


async def test_there_is_one_service(desk: Any) -> None:
    with pytest.raises(InvalidArgument, match="one service"):
        await desk.connector.native.call("GET", "/api/v1/time", service="sapi")


async def test_withdrawal_needs_a_permission_of_its_own(desk: Any, make_desk: Any) -> None:
    path, params = (
        "/wapi/v1/capital/withdrawals",
        {"address": "x", "blockchain": "Solana", "quantity": D(1), "symbol": "USDC"},
    )
    for written in (path, f"{path}/", f"{path}?x=1", path.upper()):
        with pytest.raises(NotSupported, match="allow_withdrawals"):
            await desk.connector.native.call("POST", written, params, signed=True)
    with pytest.raises(InvalidArgument, match="a path is"):
        await desk.connector.native.call("POST", path.replace("w", "%77"), params, signed=True)
    assert desk.asked == []

    allowed = make_desk(allow_withdrawals=True)
    allowed.rest.reply('{"id":1}')
    assert await allowed.connector.native.call("POST", path, params, signed=True) == {"id": 1}
    desk.rest.reply("[]")
    assert await desk.connector.native.call("GET", path, signed=True) == []


async def test_ping_and_status(desk: Any) -> None:
    desk.rest.reply("pong", "pong", '{"status":"Maintenance","message":"soon"}')
    native = desk.connector.native

    assert (await native.ping(), await native.call("GET", "/api/v1/ping")) == ("pong", "pong")
    assert (await native.status()).status == "Maintenance"


async def test_position_of_one_symbol_states_its_liquidation_price(desk: Any) -> None:
    desk.rest.reply(text([{**POSITION, "estLiquidationPrice": "160"}]))
    assert (await desk.connector.native.position("SOL_USDC_PERP")).estLiquidationPrice == "160"

    desk.rest.reply('{"code":"RESOURCE_NOT_FOUND","message":"No position"}', status=404)
    assert await desk.connector.native.position("SOL_USDC_PERP") is None

    desk.rest.reply('{"code":"INVALID_RANGE","message":"?"}', status=400)
    with pytest.raises(BadRequest):
        await desk.connector.native.position("SOL_USDC_PERP")


async def test_limits_of_the_account(desk: Any) -> None:
    native = desk.connector.native
    desk.rest.reply(text(ACCOUNT), text(COLLATERAL))
    assert ((await native.account()).limitOrders, (await native.collateral()).netEquity) == (3, "150")

    desk.rest.reply('{"symbol":"SOL_USDC","side":"Bid","maxOrderQuantity":"12.5"}')
    found = await native.max_order_quantity("SOL_USDC", "Bid", price=D("141.20"), reduceOnly=False)
    assert desk.rest.params == {"symbol": "SOL_USDC", "side": "Bid", "price": "141.2", "reduceOnly": "false"}
    assert found.maxOrderQuantity == "12.5"


async def test_orders_of_one_kind_can_be_cancelled(desk: Any) -> None:
    desk.rest.reply(text([ORDER]))

    await desk.connector.native.cancel_orders("SOL_USDC_PERP", "ConditionalOrder")

    assert desk.sent == {"symbol": "SOL_USDC_PERP", "orderType": "ConditionalOrder"}


async def test_candles_of_the_mark_price(desk: Any) -> None:
    desk.rest.reply("[]")

    await desk.connector.native.klines("SOL_USDC_PERP", "1m", 5, price_type="Mark")

    assert desk.rest.params == {"symbol": "SOL_USDC_PERP", "interval": "1m", "startTime": "5", "priceType": "Mark"}


async def test_lists_and_objects_in_a_body_are_written_without_floats(desk: Any) -> None:
    desk.rest.reply("{}")
    what = {"legs": [{"price": D("1.50"), "none": None}]}

    await desk.connector.native.call("POST", "/api/v1/strategy", {"what": what})

    assert desk.sent == {"what": {"legs": [{"price": "1.5"}]}}
