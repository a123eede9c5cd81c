"""Hyperliquid's own endpoints, and any other by `call`."""

from __future__ import annotations

import json
from decimal import Decimal as D
from typing import Any

import pytest
from hyperliquid_documents import DEFAULT, USER, done

from lotusx.errors import InvalidArgument, NotSupported
from lotusx_hyperliquid import actions, user_actions

pytestmark = pytest.mark.anyio
OTHER = "0x" + "cd" * 20


async def test_any_question(desk: Any) -> None:
    desk.rest.reply('{"a":[1.5,"2"]}')
    answer = await desk.connector.native.call("post", "/info", {"type": "whatever", "x": 1, "y": None}, weight=7)
    assert answer == {"a": [D("1.5"), "2"]}
    assert (desk.sent, desk.weight, desk.rest.last.signed) == ({"type": "whatever", "x": 1}, 7, False)


async def test_any_action_is_signed_in_the_exchanges_order(desk: Any) -> None:
    desk.rest.reply(done("success", kind="cancel"))
    body = {"cancels": [{"o": 5, "a": 0}], "type": "cancel"}
    answer = await desk.connector.native.call("POST", "/exchange", body, signed=True)
    assert answer["response"]["data"] == {"statuses": ["success"]}
    assert list(desk.action) == ["type", "cancels"]
    assert list(desk.action["cancels"][0]) == ["a", "o"]
    assert desk.rest.last.signed


@pytest.mark.parametrize(
    ("arguments", "more", "what"),
    [
        (("GET", "/info", {"type": "meta"}), {}, "POST /info"),
        (("POST", "/other", {}), {}, "POST /info"),
        (("POST", "/info", {}), {}, "type"),
        (("POST", "/exchange", {"type": "noop"}), {}, "signed=True"),
        (("POST", "/exchange", {"type": "nonsense"}), {"signed": True}, "nonsense"),
        (("POST", "/exchange", {"type": "cancel", "cancels": [{"a": 0}]}), {"signed": True}, "missing required"),
    ],
)
async def test_calls_that_cannot_be_meant(desk: Any, arguments: Any, more: Any, what: str) -> None:
    with pytest.raises(InvalidArgument, match=what):
        await desk.connector.native.call(*arguments, **more)
    assert desk.rest.requests == []


async def test_money_leaves_the_account_only_where_that_is_configured(desk: Any, make_desk: Any) -> None:
    native = desk.connector.native
    send = {"type": "usdSend", "destination": OTHER, "amount": "1"}
    for call in (
        native.withdraw(OTHER, D(5)),
        native.usd_send(OTHER, D(5)),
        native.spot_send(OTHER, "HYPE:0x1", D(5)),
        native.call("POST", "/exchange", send, signed=True),
        native.do(actions.AgentSendAsset(OTHER, "", "spot", "USDC:0x1", "5", fromSubAccount="")),
        native.act(user_actions.Withdraw(OTHER, "5")),
    ):
        with pytest.raises(NotSupported, match="allow_withdrawals"):
            await call
    assert desk.rest.requests == []
    rich = await make_desk(allow_withdrawals=True)
    rich.rest.reply(DEFAULT, DEFAULT, DEFAULT)
    await rich.connector.native.withdraw(OTHER, D("5.50"))
    assert {name: rich.action[name] for name in ("type", "destination", "amount", "hyperliquidChain")} == {
        "type": "withdraw3", "destination": OTHER, "amount": "5.5", "hyperliquidChain": "Mainnet",
    }  # fmt: skip
    assert rich.action["time"] == rich.sent["nonce"]
    await rich.connector.native.usd_send(OTHER, D(5))
    await rich.connector.native.spot_send(OTHER, "HYPE:0x1", D(5))
    with pytest.raises(InvalidArgument, match="destination"):
        await rich.connector.native.withdraw("0x12", D(5))


async def test_questions_with_a_method_of_their_own(desk: Any) -> None:
    native = desk.connector.native
    limit = '{"cumVlm":"357.45105","nRequestsUsed":231,"nRequestsCap":10357,"nRequestsSurplus":0}'
    for call, reply, body in (
        (native.predicted_fundings(), "[]", {"type": "predictedFundings"}),
        (native.meta("xyz"), "{}", {"type": "meta", "dex": "xyz"}),
        (native.all_mids(), "{}", {"type": "allMids"}),
        (native.agents(), "[]", {"type": "extraAgents", "user": USER}),
        (native.sub_accounts(OTHER), "[]", {"type": "subAccounts", "user": OTHER}),
        (native.vault_equities(), "[]", {"type": "userVaultEquities", "user": USER}),
        (native.portfolio(), "[]", {"type": "portfolio", "user": USER}),
        (native.perp_dex_status("xyz"), "{}", {"type": "perpDexStatus", "dex": "xyz"}),
        (native.full_exchange_status(), "{}", {"type": "exchangeStatus"}),
        (native.user_rate_limit(), limit, {"type": "userRateLimit", "user": USER}),
    ):
        desk.rest.reply(reply)
        await call
        assert desk.sent == body
    desk.rest.reply(json.dumps(list(range(40))))
    await native.ledger(1)
    assert [cost.amount for cost in desk.charges] == [2]


async def test_commands_with_a_method_of_their_own(desk: Any) -> None:
    native = desk.connector.native
    for call, action in (
        (native.vault_transfer(OTHER, D("1.5"), deposit=True),
         {"type": "vaultTransfer", "vaultAddress": OTHER, "isDeposit": True, "usd": 1_500_000}),
        (native.sub_account_transfer(OTHER, D(2), deposit=False),
         {"type": "subAccountTransfer", "subAccountUser": OTHER, "isDeposit": False, "usd": 2_000_000}),
        (native.create_sub_account("grid"), {"type": "createSubAccount", "name": "grid"}),
        (native.update_leverage(3, 5, cross=True),
         {"type": "updateLeverage", "asset": 3, "isCross": True, "leverage": 5}),
        (native.schedule_cancel(), {"type": "scheduleCancel"}),
        (native.noop(), {"type": "noop"}),
    ):  # fmt: skip
        desk.rest.reply(DEFAULT)
        await call
        assert desk.action == action
    desk.rest.reply(DEFAULT, DEFAULT)
    await native.approve_agent(OTHER)
    assert "agentName" not in desk.action
    await native.set_abstraction("unifiedAccount")
    assert (desk.action["user"], desk.action["abstraction"]) == (USER, "unifiedAccount")


async def test_ready_opens_the_connection(desk: Any) -> None:
    desk.rest.reply('{"time":1}')
    await desk.connector.trading.ready()
    assert desk.sent == {"type": "exchangeStatus"}
