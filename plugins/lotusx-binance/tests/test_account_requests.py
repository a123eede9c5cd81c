"""Account and native calls: the exact requests, and what their answers become."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from lotusx.errors import InvalidArgument, NotSupported
from lotusx.model import Instrument
from lotusx.plugin import Effect

pytestmark = pytest.mark.anyio
MS = 1_000_000


async def test_balances(desk: Any) -> None:
    account = {"canTrade": True, "canWithdraw": True, "updateTime": 5}
    desk.rest.reply(json.dumps({**account, "balances": [{"asset": "BTC", "free": "1.5", "locked": "0.5"}]}))

    (balance,) = await desk.connector.account.balances()

    assert (balance.total, balance.updated_ns) == (2, 5 * MS)
    assert desk.sent == ("GET", "/api/v3/account", {"omitZeroBalances": "true"})
    assert desk.costs == {"ip-weight": 20}


async def test_fees(desk: Any, btc: Instrument) -> None:
    rates = {"maker": "0.001", "taker": "0.002", "buyer": "0", "seller": "0"}
    none = dict.fromkeys(rates, "0")
    reply = {"standardCommission": rates, "specialCommission": none, "taxCommission": {**none, "seller": "0.0001"}}
    desk.rest.reply(json.dumps({"symbol": "BTCUSDT", **reply}))

    fees = await desk.connector.account.fees(btc)

    assert (fees.maker, fees.taker) == (Decimal("0.0011"), Decimal("0.0021"))
    assert desk.sent == ("GET", "/api/v3/account/commission", {"symbol": "BTCUSDT"})


async def test_permissions(desk: Any) -> None:
    flags = {"ipRestrict": False, "enableReading": True, "enableWithdrawals": False, "enableSpotAndMarginTrading": True}
    desk.rest.reply(json.dumps({**flags, "createTime": 1}))

    permissions = await desk.connector.account.permissions()

    assert (permissions.read, permissions.trade, permissions.withdraw) == (True, True, False)
    assert permissions.raw["createTime"] == 1
    assert desk.sent == ("GET", "/sapi/v1/account/apiRestrictions", {})
    assert desk.costs == {"sapi-ip-weight": 1}


@pytest.mark.parametrize("environment", ["testnet", "demo"])
async def test_permissions_are_missing_where_there_is_no_sapi(make_desk: Callable[..., Any], environment: str) -> None:
    desk = make_desk(environment)

    with pytest.raises(NotSupported, match="canTrade"):
        await desk.connector.account.permissions()
    with pytest.raises(NotSupported, match="sapi"):
        await desk.connector.native.call("GET", "/sapi/v1/system/status")


async def test_native_call_writes_and_reads_exactly(desk: Any) -> None:
    desk.rest.reply('{"rate":0.1,"id":12345678901234567890}')
    params = {"symbol": "１２", "quantity": Decimal("1E-7"), "flag": True, "ids": [1, 2], "number": 5, "none": None}

    answer = await desk.connector.native.call("post", "/api/v3/sor/order", params, signed=True, weight=3)

    assert answer == {"rate": Decimal("0.1"), "id": 12345678901234567890}
    assert desk.rest.last.query.startswith(
        "symbol=%EF%BC%91%EF%BC%92&quantity=0.0000001&flag=true&ids=%5B1%2C2%5D&number=5&recvWindow="
    )
    assert desk.costs == {"ip-weight": 3, "orders": 1}
    assert desk.rest.last.effect is Effect.COMMAND


async def test_native_call_refuses_floats_and_withdrawals(desk: Any, make_desk: Callable[..., Any]) -> None:
    with pytest.raises(InvalidArgument, match="quantity"):
        await desk.connector.native.call("POST", "/api/v3/order", {"quantity": 0.1})
    for path in (
        "v1/capital/withdraw/apply",
        "v1/localentity/withdraw/apply?x=1",
        "v2/fiat/withdraw",
        "v1/giftcard/buyCode",
    ):
        with pytest.raises(NotSupported, match="allow_withdrawals"):
            await desk.connector.native.call("POST", f"/sapi/{path}", {"coin": "BTC"}, signed=True)
    with pytest.raises(InvalidArgument, match="a path is"):
        await desk.connector.native.call("POST", "/sapi/v1/capital/%77ithdraw/apply", {"coin": "BTC"}, signed=True)
    assert desk.rest.requests == []
    allowed = make_desk(allow_withdrawals=True)
    allowed.rest.reply('{"id":"1"}')
    assert await allowed.connector.native.call("POST", "/sapi/v1/capital/withdraw/apply", {}, signed=True) == {
        "id": "1"
    }


async def test_native_endpoints(desk: Any) -> None:
    native = desk.connector.native
    desk.rest.reply('{"mins":5,"price":"1.5","closeTime":1}')
    assert (await native.average_price("BTCUSDT")).price == "1.5"
    desk.rest.reply('{"symbol":"BTCUSDT","price":"2"}')
    assert (await native.ticker_price("BTCUSDT")).price == "2"
    desk.rest.reply('[{"symbol":"BTCUSDT","price":"2"}]')
    assert len(await native.ticker_prices()) == 1
    desk.rest.reply("[]")
    assert await native.historical_trades("BTCUSDT", from_id=1) == []
    assert desk.sent == ("GET", "/api/v3/historicalTrades", {"symbol": "BTCUSDT", "fromId": "1", "limit": "500"})
    desk.rest.reply('[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":50,"count":1}]')
    assert (await native.unfilled_order_count())[0].count == 1
    for call, sent in (
        (native.execution_rules("A"), ("GET", "/api/v3/executionRules", {"symbol": "A"})),
        (native.my_filters("A"), ("GET", "/api/v3/myFilters", {"symbol": "A"})),
        (native.order_amendments("A", 1), ("GET", "/api/v3/order/amendments", {"symbol": "A", "orderId": "1"})),
        (native.new_order_list("oco", {"symbol": "A"}), ("POST", "/api/v3/orderList/oco", {"symbol": "A"})),
        (native.cancel_order_list("A", 1), ("DELETE", "/api/v3/orderList", {"symbol": "A", "orderListId": "1"})),
    ):
        desk.rest.reply("{}")
        await call
        assert desk.sent == sent
