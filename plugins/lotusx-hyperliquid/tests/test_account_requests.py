"""The exact request of every account call, and what its answer becomes."""

from __future__ import annotations

import json
from decimal import Decimal as D, localcontext
from typing import Any

import pytest
from hyperliquid_documents import (
    BTC,
    CREDENTIALS,
    DEFAULT,
    HYPE,
    KEY,
    LISTS,
    PERP_STATE,
    PERPS,
    SPOT,
    SPOT_META,
    TSLA,
    USER,
)

from lotusx.errors import CredentialsError, InvalidArgument, MalformedReply, NotSupported
from lotusx.model import MarginMode
from lotusx.plugin import ItemDropped, Secret, Span

pytestmark = pytest.mark.anyio
MS = 1_000_000
ASSET_DATA = json.dumps({"user": USER, "coin": "BTC", "leverage": {"type": "isolated", "value": 7}})
SUB = "0x" + "5b" * 20
VAULT = "0x" + "7a" * 20
AGENT = {"private_key": Secret(KEY), "account_address": "0x" + "aa" * 20}


async def test_the_classic_account_has_a_wallet_per_dex(desk: Any) -> None:
    desk.rest.reply('"disabled"', SPOT, PERPS, json.dumps({**PERP_STATE, "marginSummary": {
        "accountValue": "0.0", "totalMarginUsed": "0.0"}, "withdrawable": "0.0"}))  # fmt: skip
    with localcontext(prec=1):
        balances = await desk.connector.account.balances()
    assert [(each.wallet, each.asset, each.free, each.locked, each.total) for each in balances] == [
        ("spot", "USDC", D(80), D("20.5"), D("100.5")),
        ("perp", "USDC", D("958.428"), D("42.072"), D("1000.5")),
    ]
    assert [json.loads(request.body)["type"] for request in desk.rest.requests] == [
        "userAbstraction", "spotClearinghouseState", "clearinghouseState", "clearinghouseState",
    ]  # fmt: skip
    assert [request.costs[0].amount for request in desk.rest.requests] == [20, 2, 2, 2]


async def test_tokens_that_share_a_name_are_told_apart(desk: Any) -> None:
    twin = {**SPOT_META["tokens"][1], "index": 900}
    spot = {**SPOT_META, "tokens": [*SPOT_META["tokens"], twin]}
    desk.rest.reply(LISTS[0], LISTS[1], json.dumps(spot))
    await desk.connector.market.instruments()
    rows = [{"coin": "HYPE", "token": index, "total": "1.0", "hold": "0.0"} for index in (150, 900, 901)]
    desk.rest.reply('"unifiedAccount"', json.dumps({"balances": rows}))
    assert [each.asset for each in await desk.connector.account.balances()] == ["HYPE", "HYPE.900", "HYPE"]


async def test_money_on_a_dex_where_nothing_trades_any_more_is_told(desk: Any) -> None:
    metas = json.loads(LISTS[1])
    for item in metas[1]["universe"]:
        item["isDelisted"] = True
    desk.rest.reply(LISTS[0], json.dumps(metas), LISTS[2])
    await desk.connector.market.instruments()
    desk.rest.reply('"disabled"', SPOT, PERPS, PERPS)
    assert [each.wallet for each in await desk.connector.account.balances()] == ["spot", "perp", "perp:xyz"]


@pytest.mark.parametrize("model", ["unifiedAccount", "portfolioMargin"])
async def test_the_unified_account_has_all_in_spot(desk: Any, model: str) -> None:
    desk.rest.reply(f'"{model}"', SPOT)
    assert [balance.wallet for balance in await desk.connector.account.balances()] == ["spot"]


async def test_balances_of_an_account_model_nobody_knows_are_refused_instead_of_told_in_part(desk: Any) -> None:
    desk.rest.reply('"newModel"', SPOT)
    with pytest.raises(NotSupported, match="'newModel'"):  # a recovery would take what is left out for empty
        await desk.connector.account.balances()


async def test_the_account_stream_says_what_it_leaves_out_of_an_account_model_nobody_knows(desk: Any) -> None:
    desk.rest.reply('"newModel"')
    await desk.connector.account.prepare()
    (dropped,) = (event for event in desk.events if isinstance(event, ItemDropped))
    assert "'newModel'" in dropped.reason


@pytest.mark.parametrize("model", ["disabled", "default", "dexAbstraction"])
async def test_models_with_a_wallet_per_dex(desk: Any, model: str) -> None:
    desk.rest.reply(f'"{model}"', SPOT, PERPS, PERPS)
    assert [each.wallet for each in await desk.connector.account.balances()] == ["spot", "perp", "perp:xyz"]


async def test_positions_of_all_dexes(desk: Any) -> None:
    odd = {**PERP_STATE["assetPositions"][0], "position": {**PERP_STATE["assetPositions"][0]["position"], "coin": "X"}}  # type: ignore[index]  # the document is a literal
    desk.rest.reply(PERPS, json.dumps({**PERP_STATE, "assetPositions": [odd]}))
    (position,) = await desk.connector.account.positions()
    assert (position.symbol, position.quantity, position.entry_price) == (BTC.symbol, D("0.01"), D(84_143))
    assert (position.leverage, position.margin_mode, position.margin) == (20, MarginMode.CROSS, D("42.072"))
    assert (position.unrealized_pnl, position.liquidation_price) == (D("0.01"), None)
    assert isinstance(desk.events[-1], ItemDropped)


FEES = json.dumps(
    {"userCrossRate": "0.00045", "userAddRate": "-0.00001", "userSpotCrossRate": "0.0007", "userSpotAddRate": "0.0004"}
)


async def test_fees_of_perpetuals_and_of_spot(desk: Any) -> None:
    desk.rest.reply(FEES, FEES)
    fees = await desk.connector.account.fees(BTC)
    assert (fees.maker, fees.taker) == (D("-0.00001"), D("0.00045"))
    assert (await desk.connector.account.fees(HYPE)).taker == D("0.0007")
    with pytest.raises(NotSupported, match="builder"):
        await desk.connector.account.fees(TSLA)


async def test_leverage_keeps_the_mode_and_the_mode_keeps_the_leverage(desk: Any) -> None:
    desk.rest.reply(ASSET_DATA, ASSET_DATA, DEFAULT, ASSET_DATA, DEFAULT)
    found = await desk.connector.account.leverage(BTC)
    assert (found.leverage, found.margin_mode, found.maximum) == (7, MarginMode.ISOLATED, None)
    await desk.connector.account.set_leverage(BTC, D(5))
    assert desk.action == {"type": "updateLeverage", "asset": 0, "isCross": False, "leverage": 5}
    await desk.connector.account.set_margin_mode(BTC, MarginMode.CROSS)
    assert desk.action == {"type": "updateLeverage", "asset": 0, "isCross": True, "leverage": 7}
    with pytest.raises(InvalidArgument, match="whole number"):
        await desk.connector.account.set_leverage(BTC, D("2.5"))
    with pytest.raises(NotSupported):
        await desk.connector.account.leverage(HYPE)


async def test_a_margin_mode_nobody_knows_is_not_turned_into_another(desk: Any) -> None:
    desk.rest.reply(json.dumps({"user": USER, "coin": "BTC", "leverage": {"type": "portfolio", "value": 7}}))
    with pytest.raises(NotSupported, match="'portfolio'"):
        await desk.connector.account.set_leverage(BTC, D(5))
    assert [request.path for request in desk.rest.requests] == ["/info"]


async def test_margin_counts_millionths(desk: Any) -> None:
    desk.rest.reply(DEFAULT)
    await desk.connector.account.change_margin(BTC, D("-1.5"))
    assert desk.action == {"type": "updateIsolatedMargin", "asset": 0, "isBuy": True, "ntli": -1_500_000}
    with pytest.raises(InvalidArgument, match="6 decimals"):
        await desk.connector.account.change_margin(BTC, D("0.0000001"))


@pytest.mark.parametrize(
    ("asset", "source", "target", "expected"),
    [
        ("USDC", "spot", "perp", {"type": "usdClassTransfer", "amount": "7.5", "toPerp": True}),
        ("USDC", "perp", "spot", {"type": "usdClassTransfer", "amount": "7.5", "toPerp": False}),
        ("USDC", "perp", "perp:xyz", {"type": "sendAsset", "sourceDex": "", "destinationDex": "xyz",
                                      "destination": USER, "token": "USDC:0x6d1e7cde53ba9467b783cb7c530ce054",
                                      "fromSubAccount": "", "amount": "7.5"}),
        ("USDC", "perp", f"vault:{VAULT}", {"type": "vaultTransfer", "vaultAddress": VAULT, "isDeposit": True,
                                            "usd": 7_500_000}),
        ("USDC", f"vault:{VAULT}", "perp", {"type": "vaultTransfer", "vaultAddress": VAULT, "isDeposit": False,
                                            "usd": 7_500_000}),
        ("USDC", "perp", f"sub:{SUB}", {"type": "subAccountTransfer", "subAccountUser": SUB, "isDeposit": True,
                                        "usd": 7_500_000}),
        ("HYPE", f"sub:{SUB}", "spot", {"type": "subAccountSpotTransfer", "subAccountUser": SUB, "isDeposit": False,
                                        "token": "HYPE:0x0d01dc56dcaaca66ad901c959b4011ec", "amount": "7.5"}),
    ],
)  # fmt: skip
async def test_transfers_by_the_wallets_they_join(
    desk: Any, asset: str, source: str, target: str, expected: dict[str, Any]
) -> None:
    desk.rest.reply(DEFAULT)
    moved = await desk.connector.account.transfer(asset, D("7.5"), source, target, "id")
    assert moved.transfer_id == ""  # no id goes along
    assert {name: value for name, value in desk.action.items() if name in expected} == expected


async def test_transfers_of_an_agent_and_of_a_sub_account(make_desk: Any) -> None:
    desk = await make_desk(AGENT)
    desk.rest.reply(DEFAULT)
    await desk.connector.account.transfer("USDC", D(7), "perp", "spot", "id")
    assert (desk.action["type"], desk.action["destination"], desk.action["destinationDex"]) == (
        "agentSendAsset", AGENT["account_address"], "spot",
    )  # fmt: skip
    assert desk.action["nonce"] == desk.sent["nonce"]
    desk = await make_desk({**CREDENTIALS, "vault_address": SUB})
    desk.rest.reply(DEFAULT)
    await desk.connector.account.transfer("USDC", D(7), "perp", "spot", "id")
    assert desk.action["amount"] == f"7 subaccount:{SUB}"
    desk = await make_desk({**AGENT, "vault_address": SUB})
    with pytest.raises(NotSupported, match="agent wallet"):
        await desk.connector.account.transfer("USDC", D(7), "perp", "spot", "id")


@pytest.mark.parametrize("other", [f"vault:{VAULT}", f"sub:{SUB}"])
@pytest.mark.parametrize("outwards", [True, False])
async def test_the_accounts_own_money_is_not_moved_for_a_sub_account(
    make_desk: Any, other: str, outwards: bool
) -> None:
    desk = await make_desk({**CREDENTIALS, "vault_address": SUB})
    source, target = ("perp", other) if outwards else (other, "perp")
    with pytest.raises(NotSupported, match="without vault_address"):
        await desk.connector.account.transfer("USDC", D(7), source, target, "id")
    assert desk.rest.requests == []


@pytest.mark.parametrize(
    ("asset", "source", "target", "error"),
    [
        ("USDC", "perp", "perp", InvalidArgument),
        ("USDC", "perp", "bank", InvalidArgument),
        ("DOGE", "perp", "spot", InvalidArgument),
        ("USDC", "spot", f"vault:{VAULT}", NotSupported),
        ("HYPE", "perp", f"sub:{SUB}", NotSupported),
        ("USDC", "perp", "sub:0x12", InvalidArgument),
    ],
)
async def test_ways_that_do_not_exist(desk: Any, asset: str, source: str, target: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await desk.connector.account.transfer(asset, D(7), source, target, "id")
    assert desk.rest.requests == []


def payment(coin: str, at_ms: int) -> dict[str, Any]:
    delta = {"type": "funding", "coin": coin, "usdc": "-0.5", "szi": "2.0", "fundingRate": "0.0000125", "nSamples": 1}
    return {"time": at_ms, "hash": "0x", "delta": delta}


async def test_a_page_full_of_payments_of_one_millisecond_is_not_told_as_all_of_them(desk: Any) -> None:
    desk.rest.reply(*[json.dumps([payment("BTC", 1_000)] * 500)] * 2)
    page = await desk.connector.account.funding_payments_page(None, Span(500 * MS), None, 1_000)
    assert page.cursor == "1000"
    with pytest.raises(MalformedReply, match=r"not complete: 500 funding payments .* millisecond 1000") as caught:
        await desk.connector.account.funding_payments_page(None, Span(500 * MS), page.cursor, 1_000)
    assert not caught.value.retryable


async def test_funding_payments_page_by_time(desk: Any) -> None:
    desk.rest.reply(json.dumps([payment("BTC", 1_000 + n) for n in range(500)]))
    page = await desk.connector.account.funding_payments_page(None, Span(1_000 * MS), None, 1_000)
    assert desk.sent == {"type": "userFunding", "user": USER, "startTime": 1_000}
    assert page.cursor == "1499"
    assert (page.items[0].amount, page.items[0].asset, page.items[0].quantity) == (D("-0.5"), "USDC", 2)
    desk.rest.reply(json.dumps([payment("BTC", 1), payment("ETH", 1), payment("GONE", 1)]))
    page = await desk.connector.account.funding_payments_page(None, Span(), None, 1_000)
    assert (len(page.items), page.cursor) == (2, None)
    assert isinstance(desk.events[-1], ItemDropped)
    desk.rest.reply(json.dumps([payment("BTC", 1), payment("ETH", 1)]))
    assert len((await desk.connector.account.funding_payments_page(BTC, Span(0, MS), None, 1_000)).items) == 1


@pytest.mark.parametrize(
    ("credentials", "role", "trade", "withdraw"),
    [
        (CREDENTIALS, {"role": "user"}, True, True),
        (CREDENTIALS, {"role": "missing"}, False, False),
        (AGENT, {"role": "agent", "data": {"user": AGENT["account_address"]}}, True, False),
        (AGENT, {"role": "agent", "data": {"user": VAULT}}, False, False),
        (AGENT, {"role": "missing"}, False, False),
    ],
)
async def test_permissions_are_those_of_the_keys_own_address(
    make_desk: Any, credentials: Any, role: Any, trade: bool, withdraw: bool
) -> None:
    desk = await make_desk(credentials)
    desk.rest.reply(json.dumps(role))
    found = await desk.connector.account.permissions()
    assert (desk.sent, desk.weight) == ({"type": "userRole", "user": USER}, 60)
    assert (found.read, found.trade, found.withdraw) == (True, trade, withdraw)


async def test_an_address_alone_reads(make_desk: Any) -> None:
    desk = await make_desk({"account_address": VAULT})
    assert (await desk.connector.account.permissions()).trade is False
    desk.rest.reply("[]", "[]")
    await desk.connector.trading.open_orders(None)
    assert desk.sent["user"] == VAULT
    nobody = await make_desk(None)
    with pytest.raises(CredentialsError, match="whose account"):
        await nobody.connector.trading.open_orders(None)


async def test_queries_name_the_account_and_never_the_agent(make_desk: Any) -> None:
    desk = await make_desk(AGENT)
    desk.rest.reply("[]", "[]")
    await desk.connector.trading.open_orders(None)
    assert desk.sent["user"] == AGENT["account_address"]
