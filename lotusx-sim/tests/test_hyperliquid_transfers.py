"""User-signed actions of the simulated Hyperliquid: money that moves, agents that are approved."""

from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("coincurve", reason="needs lotusx-sim[hyperliquid]")

from hl_calls import BTC, USER, HlCaller, limit

from lotusx_sim.dialects.hyperliquid import DEFAULT_AGENT_ADDRESS, DEFAULT_AGENT_KEY, address_of_key

OTHER = "0x" + "42" * 20
OK = {"status": "ok", "response": {"type": "default"}}
PURR = "PURR:0xc1fb593aeffbeb02f85e0308e9956a90"
NEW_KEY = "0x" + "35" * 32
SEND_FIELDS = (
    "string destination,string sourceDex,string destinationDex,string token,string amount,string fromSubAccount,"
    "uint64 nonce"
)


@pytest.fixture
def hl() -> HlCaller:
    return HlCaller()


def perp(hl: HlCaller, user: str = USER, dex: str = "") -> Decimal:
    return Decimal(hl.info("clearinghouseState", user=user, dex=dex)["withdrawable"])


def spot(hl: HlCaller, user: str = USER, coin: str = "USDC") -> Decimal:
    owned = {item["coin"]: item["total"] for item in hl.info("spotClearinghouseState", user=user)["balances"]}
    return Decimal(owned.get(coin, "0"))


def ledger(hl: HlCaller, user: str = USER) -> list[Any]:
    return [row["delta"] for row in hl.info("userNonFundingLedgerUpdates", user=user, startTime=0)]


def class_transfer(hl: HlCaller, amount: str, *, to_perp: bool, **more: Any) -> Any:
    fields = "string amount,bool toPerp,uint64 nonce"
    return hl.act_as_user("UsdClassTransfer", fields, "usdClassTransfer", amount=amount, toPerp=to_perp, **more)


def usd_send(hl: HlCaller, amount: str, **more: Any) -> Any:
    fields = "string destination,string amount,uint64 time"
    return hl.act_as_user("UsdSend", fields, "usdSend", **{"destination": OTHER, "amount": amount} | more)


def test_usdc_moves_between_spot_and_perpetuals(hl: HlCaller) -> None:
    assert class_transfer(hl, "12.5", to_perp=False) == OK
    assert (perp(hl), spot(hl)) == (Decimal("99987.5"), Decimal("100012.5"))
    assert class_transfer(hl, "2.5", to_perp=True) == OK
    assert (perp(hl), spot(hl)) == (Decimal(99_990), Decimal(100_010))
    assert ledger(hl)[-1] == {"type": "accountClassTransfer", "usdc": "2.5", "toPerp": True}
    assert class_transfer(hl, "100001", to_perp=False)["response"].startswith("Insufficient balance for ")


def test_margin_in_use_stays_where_it_is(hl: HlCaller) -> None:
    hl.place(limit(BTC, "buy", "1", "85000", "Ioc"))
    assert class_transfer(hl, "99900", to_perp=False)["status"] == "err"


def test_usdc_is_sent_to_an_address_that_nobody_has_seen(hl: HlCaller) -> None:
    assert usd_send(hl, "100") == OK
    assert (perp(hl), perp(hl, OTHER)) == (Decimal(99_900), Decimal(100))
    assert ledger(hl) == ledger(hl, OTHER)
    assert ledger(hl)[0]["type"] == "internalTransfer"
    assert hl.info("userRole", user=OTHER) == {"role": "user"}


def test_tokens_are_sent_by_name_and_id(hl: HlCaller) -> None:
    fields = "string destination,string token,string amount,uint64 time"
    values = {"destination": OTHER, "token": PURR, "amount": "7"}
    assert hl.act_as_user("SpotSend", fields, "spotSend", **values) == OK
    assert (spot(hl, OTHER, "PURR"), spot(hl, USER, "PURR")) == (Decimal(7), Decimal(99_993))
    wrong = values | {"token": "PURR:0x00"}
    assert hl.act_as_user("SpotSend", fields, "spotSend", **wrong) == {"status": "err", "response": "Unknown token."}


def test_assets_are_sent_from_dex_to_dex(hl: HlCaller) -> None:
    def send(source: str, target: str, amount: str) -> Any:
        values = {"destination": USER, "sourceDex": source, "destinationDex": target, "token": "USDC",
                  "amount": amount, "fromSubAccount": ""}  # fmt: skip
        return hl.act_as_user("SendAsset", SEND_FIELDS, "sendAsset", **values)

    assert send("", "xyz", "10") == OK
    assert (perp(hl), perp(hl, dex="xyz")) == (Decimal(99_990), Decimal(10_010))
    assert send("spot", "", "1") == OK
    assert (spot(hl), perp(hl)) == (Decimal(99_999), Decimal(99_991))
    assert ledger(hl)[-1]["type"] == "send"
    assert send("nope", "", "1")["status"] == "err"
    assert send("", "", "1")["status"] == "err"


def test_a_withdrawal_costs_a_dollar(hl: HlCaller) -> None:
    def take(amount: str) -> Any:
        fields = "string destination,string amount,uint64 time"
        return hl.act_as_user("Withdraw", fields, "withdraw3", destination=OTHER, amount=amount)

    assert take("10") == OK
    assert perp(hl) == Decimal(99_990)
    (row,) = ledger(hl)
    assert (row["type"], row["usdc"], row["fee"]) == ("withdraw", "9.0", "1.0")
    for amount in ("1", "1000000"):
        assert take(amount) == {"status": "err", "response": "Insufficient balance for withdrawal."}


def test_what_comes_from_outside_is_a_deposit(hl: HlCaller) -> None:
    hl.sim.deposit("USDC", "250")
    hl.sim.deposit("HYPE", "2", account="main/spot")
    class_transfer(hl, "250", to_perp=False)
    first, second, third = ledger(hl)
    assert first == {"type": "deposit", "usdc": "250.0"}
    assert (second["type"], second["token"], second["amount"]) == ("spotTransfer", "HYPE", "2.0")
    assert third["type"] == "accountClassTransfer"


def test_sub_accounts_are_paid_and_pay_back(hl: HlCaller) -> None:
    sub = hl.act({"type": "createSubAccount", "name": "one"})["response"]["data"]
    action = {"type": "subAccountSpotTransfer", "subAccountUser": sub, "isDeposit": True, "token": PURR, "amount": "5"}
    assert hl.act(action) == OK
    assert hl.act(action | {"isDeposit": False, "amount": "2"}) == OK
    assert spot(hl, sub, "PURR") == Decimal(3)
    assert class_transfer(hl, f"1 subaccount:{sub}", to_perp=True)["response"].startswith("Insufficient")
    assert hl.act(action | {"subAccountUser": OTHER})["response"] == "Sub-account not found."


# -- who may sign ------------------------------------------------------------------------------------------------


def test_an_agent_may_not_move_money(hl: HlCaller) -> None:
    answer = usd_send(hl, "1", key=DEFAULT_AGENT_KEY)
    assert answer["response"] == f"Must deposit before performing actions. User: {DEFAULT_AGENT_ADDRESS}"
    assert perp(hl) == Decimal(100_000)


def test_the_other_networks_chain_is_refused(hl: HlCaller) -> None:
    answer = usd_send(hl, "1", hyperliquidChain="Testnet")
    assert answer["response"] == "Mainnet and testnet require different signatures."


def test_the_inner_time_is_the_nonce(hl: HlCaller) -> None:
    assert usd_send(hl, "1", time=hl.now_ms + 5)["response"] == "Nonce mismatch."


def test_any_signature_chain_is_taken(hl: HlCaller) -> None:
    assert usd_send(hl, "1", signatureChainId="0xa4b1") == OK


@pytest.mark.parametrize("change", [{"amount": 1}, {"destination": None}, {"signatureChainId": "zz"}, {"amount": "x"}])
def test_what_cannot_be_read_is_answered_with_422(hl: HlCaller, change: dict[str, Any]) -> None:
    nonce = hl.nonce()
    action = {"type": "usdSend", "signatureChainId": "0x66eee", "hyperliquidChain": "Mainnet",
              "destination": OTHER, "amount": "1", "time": nonce}  # fmt: skip
    signed = hl.signed({"type": "noop"})
    if change == {"amount": "x"}:
        usd_send(hl, "x")
    else:
        hl.post("/exchange", signed | {"action": action | change, "nonce": nonce})
    assert hl.last.status == 422


def test_expiry_is_not_for_user_signed_actions(hl: HlCaller) -> None:
    body = hl.signed({"type": "noop"})
    action = {"type": "usdSend", "signatureChainId": "0x66eee", "hyperliquidChain": "Mainnet",
              "destination": OTHER, "amount": "1", "time": body["nonce"]}  # fmt: skip
    answer = hl.post("/exchange", body | {"action": action, "expiresAfter": hl.now_ms + 1000})
    assert answer["response"] == "expiresAfter is not supported for user-signed actions."


# -- agents ------------------------------------------------------------------------------------------------------


def approve(hl: HlCaller, key: str, name: str | None = None) -> Any:
    values = {"agentAddress": address_of_key(key)} | ({} if name is None else {"agentName": name})
    fields = "address agentAddress,string agentName,uint64 nonce"
    return hl.act_as_user("ApproveAgent", fields, "approveAgent", **values)


def test_an_approved_agent_may_trade(hl: HlCaller) -> None:
    assert approve(hl, NEW_KEY, "bot") == OK
    assert hl.act({"type": "noop"}, key=NEW_KEY)["status"] == "ok"
    (listed,) = hl.info("extraAgents", user=USER)
    assert (listed["name"], listed["address"]) == ("bot", address_of_key(NEW_KEY))


def test_an_agent_without_a_name_takes_the_place_of_the_one_before(hl: HlCaller) -> None:
    assert approve(hl, NEW_KEY) == OK
    assert hl.act({"type": "noop"}, key=NEW_KEY)["status"] == "ok"
    assert "does not exist" in hl.act({"type": "noop"}, key=DEFAULT_AGENT_KEY)["response"]


def test_an_agent_that_is_sent_money_still_acts_for_its_account(hl: HlCaller) -> None:
    assert usd_send(hl, "5", destination=DEFAULT_AGENT_ADDRESS) == OK
    hl.place(limit(BTC, "buy", "0.01", "80000"), key=DEFAULT_AGENT_KEY)
    assert len(hl.info("openOrders", user=USER)) == 1


def test_an_agent_lapses(hl: HlCaller) -> None:
    approve(hl, NEW_KEY, f"bot valid_until {hl.now_ms + 60_000}")
    hl.step(59)
    assert hl.act({"type": "noop"}, key=NEW_KEY)["status"] == "ok"
    hl.step(2)
    assert "does not exist" in hl.act({"type": "noop"}, key=NEW_KEY)["response"]


def test_agents_are_three_by_name_and_none_is_an_account(hl: HlCaller) -> None:
    for number in range(3):
        assert approve(hl, "0x" + f"{number + 1:02x}" * 32, f"bot {number}") == OK
    assert approve(hl, NEW_KEY, "bot 4")["response"] == "Too many extra agents."
    assert approve(hl, NEW_KEY, "bot 2") == OK
    assert approve(hl, hl.key, "me")["response"] == "Extra agent already used."
    assert approve(hl, NEW_KEY, "a name that is too long")["status"] == "err"


def test_a_referrer_is_set_once(hl: HlCaller) -> None:
    assert hl.act({"type": "setReferrer", "code": "ABC"}) == OK
    assert hl.act({"type": "setReferrer", "code": "DEF"})["response"] == "Referrer already set."
