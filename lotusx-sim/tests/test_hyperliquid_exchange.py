"""``POST /exchange`` of the simulated Hyperliquid: who may act, and what becomes of orders."""

import json
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("coincurve", reason="needs lotusx-sim[hyperliquid]")

from hl_calls import BTC, ETH, HYPE_SPOT, KPEPE, SP500, TSLA, USER, HlCaller, limit, trigger

from lotusx_sim import Account, Hyperliquid
from lotusx_sim.dialects.hyperliquid import (
    DEFAULT_ACCOUNT,
    DEFAULT_AGENT_ADDRESS,
    DEFAULT_AGENT_KEY,
    LimitRules,
)

STRANGER = "0x" + "77" * 32
STRANGER_ADDRESS = "0x5a1db09cf4de19ae66a48a20c79e4d29fd8b1ca6"
NEVER_PLACED = "Order was never placed, already canceled, or filled."
CLOID = "0x" + "ab" * 16


@pytest.fixture
def hl() -> HlCaller:
    """Return a venue with fixed books: BTC 84142@84144, ETH 2741.2@2741.4."""
    return HlCaller()


def rich(**more: Any) -> HlCaller:
    return HlCaller(Hyperliquid(seed=7, actions_per_s=0, **more))


def oid_of(status: Any) -> int:
    return int(next(iter(status.values()))["oid"])


# -- who may act -------------------------------------------------------------------------------------------------


def test_an_account_signs_for_itself(hl: HlCaller) -> None:
    (status,) = hl.place(limit(BTC, "buy", "0.01", "80000", c=CLOID))
    assert status == {"resting": {"oid": oid_of(status), "cloid": CLOID}}
    assert hl.sim.open_order_ids() == [CLOID]


def test_an_agent_signs_for_its_account(hl: HlCaller) -> None:
    hl.place(limit(BTC, "buy", "0.01", "80000", c=CLOID), key=DEFAULT_AGENT_KEY)
    assert [order["cloid"] for order in hl.info("openOrders", user=USER)] == [CLOID]
    assert hl.info("openOrders", user=DEFAULT_AGENT_ADDRESS) == []


def test_a_stranger_is_named_by_the_address_its_signature_recovers_to(hl: HlCaller) -> None:
    answer = hl.act({"type": "noop"}, key=STRANGER)
    assert answer["status"] == "err"
    assert answer["response"].startswith("User or API Wallet 0x")
    assert answer["response"].endswith(" does not exist.")


def test_a_signature_for_the_other_network_is_a_strangers(hl: HlCaller) -> None:
    hl.source = "b"
    assert "does not exist" in hl.act({"type": "noop"})["response"]
    assert HlCaller(Hyperliquid(network="testnet"), source="b").act({"type": "noop"})["status"] == "ok"


def test_a_changed_action_is_a_strangers(hl: HlCaller) -> None:
    body = hl.signed({"type": "order", "orders": [limit(BTC, "buy", "0.01", "80000")], "grouping": "na"})
    body["action"]["orders"][0]["s"] = "0.02"
    assert "does not exist" in hl.post("/exchange", body)["response"]


def test_the_form_of_the_json_does_not_matter_to_the_signature(hl: HlCaller) -> None:
    body = hl.signed({"type": "order", "orders": [limit(BTC, "buy", "0.01", "80000", c=CLOID)], "grouping": "na"})
    item = body["action"]["orders"][0]
    item |= {"p": "80000.00", "s": "0.0100", "c": CLOID.upper().replace("0X", "0x"), "unknown": 1}
    body = json.loads(json.dumps(body, sort_keys=True))
    assert hl.post("/exchange", body)["status"] == "ok"


def test_a_flag_that_is_signed_as_false_breaks_the_signature(hl: HlCaller) -> None:
    answer = hl.act({"type": "cancel", "cancels": [{"a": BTC, "o": 1}], "f": False})
    assert "does not exist" in answer["response"]


def test_numbers_that_are_no_signature_recover_nobody(hl: HlCaller) -> None:
    body = hl.signed({"type": "noop"}) | {"signature": {"r": "0x0", "s": "0x0", "v": 27}}
    assert hl.post("/exchange", body) == {"status": "err", "response": "Unable to recover signer."}


@pytest.mark.parametrize(
    "signature",
    [None, {}, {"r": 1, "s": "0x1", "v": 27}, {"r": "12", "s": "0x1", "v": 27}, {"r": "0xzz", "s": "0x1", "v": 27},
     {"r": "0x1", "s": "0x1", "v": "27"}, {"r": "0x" + "1" * 65, "s": "0x1", "v": 27}],
)  # fmt: skip
def test_what_is_not_even_shaped_like_a_signature_is_answered_with_422(hl: HlCaller, signature: Any) -> None:
    hl.post("/exchange", hl.signed({"type": "noop"}) | {"signature": signature})
    assert hl.last.status == 422


def test_signatures_may_come_without_leading_zeros(hl: HlCaller) -> None:
    for _ in range(40):
        body = hl.signed({"type": "noop"})
        body["signature"] |= {name: hex(int(body["signature"][name], 16)) for name in "rs"}
        assert hl.post("/exchange", body)["status"] == "ok"


# -- nonces and expiry -------------------------------------------------------------------------------------------


def test_a_nonce_is_used_once(hl: HlCaller) -> None:
    body = hl.signed({"type": "noop"})
    assert hl.post("/exchange", body)["status"] == "ok"
    assert hl.post("/exchange", body)["response"] == f"Invalid nonce: duplicate nonce {body['nonce']}"


def test_a_refused_order_has_used_its_nonce(hl: HlCaller) -> None:
    nonce = hl.now_ms
    hl.refused(limit(BTC, "buy", "0.00001", "80000"))
    assert hl.act({"type": "noop"}, nonce=nonce)["response"] == f"Invalid nonce: duplicate nonce {nonce}"


def test_nonces_may_come_in_any_order_within_the_hundred_highest(hl: HlCaller) -> None:
    first = hl.now_ms
    for nonce in range(first + 101, first + 1, -1):
        assert hl.act({"type": "noop"}, nonce=nonce)["status"] == "ok"
    assert hl.act({"type": "noop"}, nonce=first)["response"] == (f"Invalid nonce: nonce too low {first} < {first + 2}")
    assert hl.act({"type": "noop"}, nonce=first + 102)["status"] == "ok"


def test_nonces_are_counted_by_signer(hl: HlCaller) -> None:
    nonce = hl.now_ms
    assert hl.act({"type": "noop"}, nonce=nonce)["status"] == "ok"
    assert hl.act({"type": "noop"}, nonce=nonce, key=DEFAULT_AGENT_KEY)["status"] == "ok"


@pytest.mark.parametrize(("hours", "wording"), [(-49, "nonce too low"), (25, "nonce too high")])
def test_nonces_are_near_the_venues_time(hl: HlCaller, hours: int, wording: str) -> None:
    answer = hl.act({"type": "noop"}, nonce=hl.now_ms + hours * 3_600_000)
    assert answer["response"].startswith(f"Invalid nonce: {wording} ")


def test_an_action_is_not_carried_out_after_it_expired(hl: HlCaller) -> None:
    order = {"type": "order", "orders": [limit(BTC, "buy", "0.01", "80000")], "grouping": "na"}
    nonce = hl.nonce()
    stale = hl.act(order, nonce=nonce, expiresAfter=hl.now_ms - 1)
    assert stale == {"status": "err", "response": "Action already expired"}
    assert hl.info("userRateLimit", user=USER)["nRequestsUsed"] == 5
    assert "duplicate nonce" in hl.act(order, nonce=nonce)["response"]
    assert hl.act(order, expiresAfter=hl.now_ms + 1)["status"] == "ok"


# -- vaults and sub-accounts -------------------------------------------------------------------------------------


def test_a_sub_account_is_acted_for_by_its_master(hl: HlCaller) -> None:
    sub = hl.act({"type": "createSubAccount", "name": "one"})["response"]["data"]
    hl.act({"type": "subAccountTransfer", "subAccountUser": sub, "isDeposit": True, "usd": 500_000_000})

    hl.place(limit(BTC, "buy", "0.01", "80000", c=CLOID), vaultAddress=sub)

    assert [order["cloid"] for order in hl.info("openOrders", user=sub)] == [CLOID]
    assert hl.info("openOrders", user=USER) == []
    assert hl.info("userRole", user=sub) == {"role": "subAccount", "data": {"master": USER}}
    (listed,) = hl.info("subAccounts", user=USER)
    assert (listed["name"], listed["clearinghouseState"]["marginSummary"]["accountValue"]) == ("one", "500.0")


def test_an_address_that_is_not_ones_own_cannot_be_acted_for(hl: HlCaller) -> None:
    answer = hl.act({"type": "noop"}, vaultAddress=STRANGER_ADDRESS)
    assert answer["response"] == f"Vault not registered: {STRANGER_ADDRESS}"


def test_a_vault_takes_deposits_and_gives_them_back() -> None:
    vault = "0x" + "11" * 20
    hl = rich(accounts=[Account(USER, vaults=(("pool", vault),))])

    def move(usd: int, *, deposit: bool) -> Any:
        action = {"type": "vaultTransfer", "vaultAddress": vault, "isDeposit": deposit, "usd": usd * 1_000_000}
        return hl.act(action)["response"]

    assert move(300, deposit=True) == {"type": "default"}
    assert hl.info("clearinghouseState", user=vault)["withdrawable"] == "300.0"
    assert move(301, deposit=False) == "Insufficient balance for vault withdrawal."
    assert move(300, deposit=False) == {"type": "default"}
    assert hl.info("userRole", user=vault) == {"role": "vault"}


# -- limit orders ------------------------------------------------------------------------------------------------


def test_an_ioc_order_takes_what_the_book_has(hl: HlCaller) -> None:
    (status,) = hl.place(limit(ETH, "buy", "0.5", "2800", "Ioc"))
    fill = status["filled"]
    assert fill["totalSz"] == "0.5"
    assert Decimal("2741.3") < Decimal(fill["avgPx"]) < Decimal("2745")
    assert hl.status(fill["oid"]) == "filled"


def test_an_ioc_order_that_is_filled_in_part_is_reported_as_filled_and_then_ends(hl: HlCaller) -> None:
    hl.sim.set_book("BTC", bids=[("84000", "1")], asks=[("84100", "0.5")])
    (status,) = hl.place(limit(BTC, "buy", "2", "84100", "Ioc"))
    assert status["filled"]["totalSz"] == "0.5"
    assert hl.status(status["filled"]["oid"]) == "canceled"


def test_an_ioc_order_that_meets_nobody_is_an_error(hl: HlCaller) -> None:
    text = hl.refused(limit(BTC, "buy", "0.01", "84000", "Ioc", c=CLOID))
    assert text == "Order could not immediately match against any resting orders. asset=0"
    assert hl.status(CLOID) == "iocCancelRejected"


def test_a_market_order_of_the_front_end_meets_nobody(hl: HlCaller) -> None:
    hl.sim.set_book("BTC", bids=[("84000", "1")], asks=[])
    text = hl.refused(limit(BTC, "buy", "0.01", "84000", "FrontendMarket"))
    assert text == "No liquidity available for market order. asset=0"


def test_a_post_only_order_that_would_take_is_told_the_touch(hl: HlCaller) -> None:
    text = hl.refused(limit(BTC, "buy", "0.01", "84144", "Alo", c=CLOID))
    assert text == "Post only order would have immediately matched, bbo was 84142.0@84144.0. asset=0"
    assert hl.status(CLOID) == "badAloPxRejected"


def test_a_limit_order_rests_with_what_it_did_not_take(hl: HlCaller) -> None:
    hl.sim.set_book("BTC", bids=[("84000", "1")], asks=[("84100", "0.5")])
    (status,) = hl.place(limit(BTC, "buy", "2", "84100"))
    (row,) = hl.info("openOrders", user=USER)
    assert (row["oid"], row["sz"], row["origSz"]) == (status["resting"]["oid"], "1.5", "2.0")


def test_an_own_resting_order_gives_way(hl: HlCaller) -> None:
    (resting,) = hl.place(limit(BTC, "sell", "0.01", "84143"))
    hl.place(limit(BTC, "buy", "0.01", "84144", "Ioc"))
    assert hl.status(oid_of(resting)) == "selfTradeCanceled"


def test_a_cloid_names_the_newest_order_that_had_it(hl: HlCaller) -> None:
    first = oid_of(hl.place(limit(BTC, "buy", "0.01", "80000", c=CLOID))[0])
    hl.cancel(BTC, first)
    second = oid_of(hl.place(limit(BTC, "buy", "0.01", "80001", c=CLOID))[0])
    assert hl.info("orderStatus", user=USER, oid=CLOID)["order"]["order"]["oid"] == second > first


# -- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "text"),
    [
        (limit(BTC, "buy", "0.01", "80000.5"), "Price must be divisible by tick size. asset=0"),
        (limit(ETH, "buy", "0.1", "2741.35"), "Price must be divisible by tick size. asset=1"),
        (limit(KPEPE, "buy", "2000", "0.0123456"), "Price must be divisible by tick size. asset=4"),
        (trigger(BTC, "sell", "0.01", "80000.5", "sl", "80000"), "Price must be divisible by tick size. asset=0"),
        (limit(BTC, "buy", "0.000001", "80000"), "Order has invalid size. asset=0"),
        (limit(BTC, "buy", "0", "80000"), "Order has zero size. asset=0"),
        (limit(BTC, "buy", "0.01", "0"), "Order has invalid price. asset=0"),
        (limit(BTC, "buy", "0.01", "16828"), "Order price cannot be more than 80% away from the reference price"),
        (limit(BTC, "sell", "0.01", "420721"), "Order price cannot be more than 80% away from the reference price"),
        (limit(BTC, "buy", "0.0001", "80000"), "Order must have minimum value of $10. asset=0"),
        (limit(HYPE_SPOT, "buy", "0.2", "30"), "Order must have minimum value of 10 USDC. asset=10107"),
        (limit(BTC, "buy", "100", "80000"), "Insufficient margin to place order. asset=0"),
        (limit(HYPE_SPOT, "sell", "1001", "40"), "Order has insufficient spot balance to trade asset=10107"),
        (limit(BTC, "sell", "0.01", "90000", r=True), "Reduce only order would increase position. asset=0"),
        (trigger(BTC, "sell", "0.01", "85000", "sl"), "Invalid TP/SL price. asset=0"),
        (limit(2, "buy", "100", "0.4"), "Trading is halted. asset=2"),
        (limit(99, "buy", "1", "1"), "Unknown asset. asset=99"),
    ],
)
def test_orders_are_refused_in_the_venues_words(hl: HlCaller, order: dict[str, Any], text: str) -> None:
    assert hl.refused(order) == text
    assert hl.sim.open_order_ids() == []


def test_a_price_without_decimals_may_have_any_length(hl: HlCaller) -> None:
    assert "resting" in hl.place(limit(BTC, "sell", "0.01", "123456"))[0]


def test_the_price_band_ends_at_five_times_the_reference(hl: HlCaller) -> None:
    hl.sim.set_mark("BTC", "84000")
    assert "resting" in hl.place(limit(BTC, "sell", "0.01", "420000"))[0]
    assert "resting" in hl.place(limit(BTC, "buy", "0.01", "16801"))[0]
    assert "80%" in hl.refused(limit(BTC, "buy", "0.01", "16800"))


def test_a_static_error_refuses_the_whole_batch_with_one_entry(hl: HlCaller) -> None:
    statuses = hl.place(limit(BTC, "buy", "0.01", "80000"), limit(BTC, "buy", "0.01", "80000.5"))
    assert statuses == [{"error": "Price must be divisible by tick size. asset=0"}]
    assert hl.sim.order_ids() == []


def test_a_later_error_concerns_its_order_alone(hl: HlCaller) -> None:
    statuses = hl.place(
        limit(BTC, "buy", "0.01", "80000", c=CLOID),
        limit(BTC, "buy", "0.0001", "80000"),
        limit(BTC, "buy", "0.01", "80001"),
    )
    assert [next(iter(status)) for status in statuses] == ["resting", "error", "resting"]


def test_an_empty_batch_is_refused_with_one_entry(hl: HlCaller) -> None:
    assert [next(iter(status)) for status in hl.place()] == ["error"]


@pytest.mark.parametrize(
    "change",
    [
        {"p": "80000.123456789"}, {"p": 80000}, {"s": "1e-3"}, {"a": "BTC"}, {"b": "true"}, {"c": "0x12"}, {"r": None},
        {"t": {"limit": {"tif": "Fok"}}}, {"t": {}}, {"t": {"trigger": {"isMarket": True}}},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_answered_with_422(hl: HlCaller, change: dict[str, Any]) -> None:
    body = hl.signed({"type": "noop"})
    body["action"] = {"type": "order", "orders": [limit(BTC, "buy", "0.01", "80000") | change], "grouping": "na"}
    assert hl.post("/exchange", body) == "Failed to deserialize the JSON body into the target type"
    assert hl.last.status == 422


def test_an_unknown_action_is_answered_with_422(hl: HlCaller) -> None:
    hl.post("/exchange", hl.signed({"type": "noop"}) | {"action": {"type": "teleport"}})
    assert hl.last.status == 422


def test_orders_beyond_the_limit_of_open_ones_are_refused() -> None:
    hl = rich(rules=LimitRules(open_orders=2))
    for price in ("80000", "80001"):
        hl.place(limit(BTC, "buy", "0.01", price))
    assert hl.refused(limit(BTC, "buy", "0.01", "80002")) == "Too many open orders. asset=0"


def test_a_cloid_of_an_open_order_is_refused(hl: HlCaller) -> None:
    hl.place(limit(BTC, "buy", "0.01", "80000", c=CLOID))
    assert (
        hl.refused(limit(BTC, "buy", "0.01", "80001", c=CLOID)) == "Client order id is in use by an open order. asset=0"
    )


def test_a_builder_must_have_been_approved(hl: HlCaller) -> None:
    builder = {"b": STRANGER_ADDRESS, "f": 10}
    action = {"type": "order", "orders": [limit(BTC, "buy", "0.01", "80000")], "grouping": "na", "builder": builder}
    assert hl.act(action)["response"] == "Builder fee has not been approved."

    fields = "string maxFeeRate,address builder,uint64 nonce"
    approval = {"maxFeeRate": "0.001%", "builder": STRANGER_ADDRESS}
    assert hl.act_as_user("ApproveBuilderFee", fields, "approveBuilderFee", **approval)["status"] == "ok"
    assert hl.act(action)["status"] == "ok"


def test_a_priority_fee_is_for_batches_of_one_kind(hl: HlCaller) -> None:
    assert "filled" in hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc"), grouping={"p": 10})[0]
    assert "resting" in hl.place(limit(BTC, "buy", "0.01", "80000", "Alo"), grouping={"p": 10})[0]
    assert "Priority fee" in hl.refused(limit(BTC, "buy", "0.01", "80000"), grouping={"p": 10})


# -- cancels -----------------------------------------------------------------------------------------------------


def test_cancels_are_answered_one_by_one(hl: HlCaller) -> None:
    oid = oid_of(hl.place(limit(BTC, "buy", "0.01", "80000"))[0])
    cancels = [{"a": BTC, "o": oid}, {"a": BTC, "o": oid}, {"a": ETH, "o": 1}]
    answer = hl.act({"type": "cancel", "cancels": cancels})
    assert answer["response"] == {
        "type": "cancel",
        "data": {"statuses": ["success", {"error": f"{NEVER_PLACED} asset=0"}, {"error": f"{NEVER_PLACED} asset=1"}]},
    }
    assert hl.status(oid) == "canceled"


def test_an_order_is_cancelled_under_its_own_asset_only(hl: HlCaller) -> None:
    oid = oid_of(hl.place(limit(BTC, "buy", "0.01", "80000"))[0])
    assert hl.cancel(ETH, oid) == {"error": f"{NEVER_PLACED} asset=1"}


def test_cancelling_by_cloid_is_answered_as_a_cancel(hl: HlCaller) -> None:
    hl.place(limit(BTC, "buy", "0.01", "80000", c=CLOID))
    answer = hl.act({"type": "cancelByCloid", "cancels": [{"asset": BTC, "cloid": CLOID}]})
    assert answer["response"] == {"type": "cancel", "data": {"statuses": ["success"]}}


def test_fast_cancels_are_not_for_trigger_orders(hl: HlCaller) -> None:
    hl.place(limit(BTC, "buy", "0.01", "80000"), trigger(BTC, "sell", "0.01", "80000", "sl", c=CLOID))
    answer = hl.act({"type": "cancelByCloid", "cancels": [{"asset": BTC, "cloid": CLOID}], "f": True})
    assert "error" in answer["response"]["data"]["statuses"][0]
    (oid,) = [row["oid"] for row in hl.info("frontendOpenOrders", user=USER) if not row["isTrigger"]]
    answer = hl.act({"type": "cancel", "cancels": [{"a": BTC, "o": oid}], "f": True})
    assert answer["response"]["data"]["statuses"] == ["success"]


# -- modifying ---------------------------------------------------------------------------------------------------


def modify(hl: HlCaller, oid: int | str, order: dict[str, Any], **flags: Any) -> Any:
    answer = hl.act({"type": "batchModify", "modifies": [{"oid": oid, "order": order}], **flags})
    (status,) = answer["response"]["data"]["statuses"]
    return status


def test_a_modified_order_has_a_new_id_and_only_rests(hl: HlCaller) -> None:
    old = oid_of(hl.place(limit(BTC, "buy", "0.01", "80000", c=CLOID))[0])
    new = oid_of(modify(hl, CLOID, limit(BTC, "buy", "0.02", "80001", c=CLOID)))
    assert (hl.status(old), hl.status(new)) == ("canceled", "open")
    row = hl.info("orderStatus", user=USER, oid=CLOID)["order"]["order"]
    assert (row["oid"], row["origSz"], row["tif"]) == (new, "0.02", "Alo")


def test_a_modification_that_would_take_is_refused(hl: HlCaller) -> None:
    old = oid_of(hl.place(limit(BTC, "buy", "0.01", "80000"))[0])
    assert "Post only order would have" in modify(hl, old, limit(BTC, "buy", "0.01", "85000"))["error"]


def test_an_order_that_is_gone_is_not_modified(hl: HlCaller) -> None:
    status = modify(hl, 1, limit(BTC, "buy", "0.01", "80000"))
    assert status == {"error": "Cannot modify canceled or filled order asset=0"}


@pytest.mark.parametrize(
    "order", [limit(BTC, "buy", "0.01", "85000", "Ioc"), trigger(BTC, "sell", "0.01", "80000", "sl")]
)
def test_only_the_flag_to_place_always_lets_a_modification_take_or_wait_for_a_trigger(
    hl: HlCaller, order: dict[str, Any]
) -> None:
    old = oid_of(hl.place(limit(BTC, "buy", "0.01", "80000"))[0])
    assert "error" in modify(hl, old, order)
    assert hl.status(old) == "open"
    assert "error" not in modify(hl, old, order, a=True)
    assert hl.status(old) == "canceled"


def test_the_flag_to_place_always_places_although_the_old_order_is_filled(hl: HlCaller) -> None:
    old = oid_of(hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc"))[0])
    assert "filled" in modify(hl, old, limit(BTC, "buy", "0.01", "85000", "Ioc"), a=True)
    assert hl.sim.position("BTC") == Decimal("0.02")


def test_a_single_modification_does_not_tell_the_new_id(hl: HlCaller) -> None:
    old = oid_of(hl.place(limit(BTC, "buy", "0.01", "80000"))[0])
    answer = hl.act({"type": "modify", "oid": old, "order": limit(BTC, "buy", "0.01", "80001")})
    assert answer == {"status": "ok", "response": {"type": "default"}}
    again = hl.act({"type": "modify", "oid": old, "order": limit(BTC, "buy", "0.01", "80001")})
    assert again == {"status": "err", "response": "Cannot modify canceled or filled order asset=0"}
    bad = hl.act({"type": "modify", "oid": old, "order": limit(BTC, "buy", "0.01", "80001.5")})
    assert bad["response"] == "Price must be divisible by tick size. asset=0"


def test_a_static_error_refuses_a_batch_of_modifications_with_one_entry(hl: HlCaller) -> None:
    old = oid_of(hl.place(limit(BTC, "buy", "0.01", "80000"))[0])
    good, bad = limit(BTC, "buy", "0.01", "80001"), limit(BTC, "buy", "0.01", "80001.5")
    answer = hl.act({"type": "batchModify", "modifies": [{"oid": old, "order": good}, {"oid": old, "order": bad}]})
    assert answer["response"]["data"]["statuses"] == [{"error": "Price must be divisible by tick size. asset=0"}]
    assert hl.status(old) == "open"


# -- triggers and brackets ---------------------------------------------------------------------------------------


def test_a_stop_waits_for_the_mark_price_and_then_takes(hl: HlCaller) -> None:
    hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc"))
    assert hl.place(trigger(BTC, "sell", "0.01", "84000", "sl", "80000", c=CLOID)) == ["waitingForTrigger"]
    (row,) = hl.info("frontendOpenOrders", user=USER)
    assert (row["orderType"], row["triggerCondition"], row["tif"]) == ("Stop Market", "Price below 84000", None)

    hl.sim.set_mark("BTC", "83999")

    assert hl.status(CLOID) == "filled"
    assert hl.sim.position("BTC") == 0


def test_a_take_profit_limit_rests_once_triggered(hl: HlCaller) -> None:
    hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc"))
    hl.place(trigger(BTC, "sell", "0.01", "85000", "tp", "85500", market=False, c=CLOID))
    (row,) = hl.info("frontendOpenOrders", user=USER)
    assert (row["orderType"], row["triggerCondition"]) == ("Take Profit Limit", "Price above 85000")
    hl.sim.set_mark("BTC", "85001")
    assert hl.status(CLOID) == "triggered"
    assert hl.sim.open_order_ids() == [CLOID]


def test_the_answer_to_a_trigger_order_may_name_it() -> None:
    hl = rich(tells_trigger_ids=True)
    (status,) = hl.place(trigger(BTC, "sell", "0.01", "80000", "sl"))
    assert hl.cancel(BTC, status["resting"]["oid"]) == "success"


def children() -> list[dict[str, Any]]:
    """Return a take-profit and a stop that accept any price."""
    return [trigger(BTC, "sell", "0.01", at, kind, "60000") for at, kind in (("90000", "tp"), ("70000", "sl"))]


def test_children_wait_for_their_parent_and_then_for_their_trigger(hl: HlCaller) -> None:
    statuses = hl.place(limit(BTC, "buy", "0.01", "80000", c=CLOID), *children(), grouping="normalTpsl")
    assert statuses[1:] == ["waitingForFill", "waitingForFill"]
    assert len(hl.sim.open_order_ids()) == 1

    hl.sim.fill(CLOID)
    assert sorted(row["orderType"] for row in hl.info("frontendOpenOrders", user=USER)) == [
        "Stop Market", "Take Profit Market",
    ]  # fmt: skip

    hl.sim.set_mark("BTC", "90001")
    states = {row["order"]["orderType"]: row["status"] for row in hl.info("historicalOrders", user=USER)}
    assert states == {"Limit": "filled", "Take Profit Market": "filled", "Stop Market": "siblingFilledCanceled"}


def test_children_of_a_parent_that_is_filled_at_once_wait_for_their_trigger(hl: HlCaller) -> None:
    statuses = hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc"), *children(), grouping="normalTpsl")
    assert statuses[1:] == ["waitingForTrigger", "waitingForTrigger"]


def test_children_go_with_a_parent_that_is_cancelled(hl: HlCaller) -> None:
    parent = oid_of(hl.place(limit(BTC, "buy", "0.01", "80000"), *children(), grouping="normalTpsl")[0])
    hl.cancel(BTC, parent)
    assert len(hl.sim.order_ids()) == 1


def test_children_of_a_refused_parent_are_refused(hl: HlCaller) -> None:
    statuses = hl.place(limit(BTC, "buy", "0.0001", "80000"), *children(), grouping="normalTpsl")
    assert statuses == [{"error": "Order must have minimum value of $10. asset=0"}] * 3


def test_a_bracket_must_reduce(hl: HlCaller) -> None:
    loose = trigger(BTC, "sell", "0.01", "70000", "sl", r=False)
    assert "reduce only" in hl.refused(limit(BTC, "buy", "0.01", "80000"), loose, grouping="normalTpsl")


def test_an_order_for_the_position_follows_its_size(hl: HlCaller) -> None:
    hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc"))
    stop = trigger(BTC, "sell", "0", "80000", "sl", "70000", c=CLOID)
    assert hl.place(stop, grouping="positionTpsl") == ["waitingForTrigger"]
    (row,) = hl.info("frontendOpenOrders", user=USER)
    assert (row["isPositionTpsl"], row["origSz"]) == (True, "0.0")
    hl.place(limit(BTC, "buy", "0.02", "85000", "Ioc"))

    hl.sim.set_mark("BTC", "79999")

    assert hl.sim.position("BTC") == 0
    assert hl.sim.order(CLOID).executed == Decimal("0.03")


# -- positions ---------------------------------------------------------------------------------------------------


def test_a_position_shows_in_its_dex(hl: HlCaller) -> None:
    hl.place(limit(BTC, "sell", "0.01", "84000", "Ioc"))
    hl.place(limit(SP500, "buy", "1", "7500", "Ioc"))
    for dex, coin, size in (("", "BTC", "-0.01"), ("xyz", "xyz:SP500", "1.0")):
        (item,) = hl.info("clearinghouseState", user=USER, dex=dex)["assetPositions"]
        assert (item["position"]["coin"], item["position"]["szi"]) == (coin, size)


def test_profit_is_realized_before_fees_and_the_fill_tells_both(hl: HlCaller) -> None:
    hl.sim.set_book("BTC", bids=[("84000", "1")], asks=[("84100", "1")])
    hl.place(limit(BTC, "buy", "0.1", "84100", "Ioc"))
    hl.sim.set_book("BTC", bids=[("84300", "1")], asks=[("84400", "1")])
    hl.place(limit(BTC, "sell", "0.15", "84300", "Ioc"))

    fill = hl.info("userFills", user=USER)[0]

    assert (fill["dir"], fill["startPosition"], fill["closedPnl"]) == ("Long > Short", "0.1", "20.0")
    assert fill["fee"] == "5.69025"  # 0.15 * 84300 * 0.00045
    value = hl.info("clearinghouseState", user=USER)["marginSummary"]["accountValue"]
    assert Decimal(value) == Decimal("100000") + 20 - Decimal("5.69025") - Decimal("3.7845") + Decimal("-0.05") * 0


def test_what_is_left_of_a_position_may_be_closed_however_little_it_is(hl: HlCaller) -> None:
    hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc"))
    hl.place(limit(BTC, "sell", "0.0099", "80000", "Ioc"))
    assert "minimum value" in hl.refused(limit(BTC, "sell", "0.00005", "80000", "Ioc", r=True))
    assert "filled" in hl.place(limit(BTC, "sell", "0.0001", "80000", "Ioc", r=True))[0]
    assert hl.sim.position("BTC") == 0


def test_leverage_changes_the_margin_in_use(hl: HlCaller) -> None:
    hl.place(limit(ETH, "buy", "1", "2800", "Ioc"))
    before = Decimal(hl.info("clearinghouseState", user=USER)["marginSummary"]["totalMarginUsed"])
    assert hl.act({"type": "updateLeverage", "asset": ETH, "isCross": True, "leverage": 5})["status"] == "ok"
    after = Decimal(hl.info("clearinghouseState", user=USER)["marginSummary"]["totalMarginUsed"])
    assert after == before * 4
    assert hl.info("activeAssetData", user=USER, coin="ETH")["leverage"] == {"type": "cross", "value": 5}


@pytest.mark.parametrize(
    ("asset", "leverage", "cross", "text"),
    [
        (BTC, 41, True, "Invalid leverage value"),
        (BTC, 0, True, "Invalid leverage value"),
        (TSLA, 5, True, "Cross margin is not allowed for this asset."),
        (HYPE_SPOT, 5, True, "Unknown asset. asset=10107"),
        (98, 5, True, "Unknown asset. asset=98"),
    ],
)
def test_leverage_has_limits(hl: HlCaller, asset: int, leverage: int, cross: bool, text: str) -> None:
    answer = hl.act({"type": "updateLeverage", "asset": asset, "isCross": cross, "leverage": leverage})
    assert answer == {"status": "err", "response": text}


def test_the_margin_mode_of_an_open_position_stays(hl: HlCaller) -> None:
    hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc"))
    answer = hl.act({"type": "updateLeverage", "asset": BTC, "isCross": False, "leverage": 5})
    assert answer["response"] == "Cannot switch leverage type with open position."


def test_isolated_margin_is_added_and_taken_out(hl: HlCaller) -> None:
    hl.place(limit(TSLA, "buy", "1", "410", "Ioc"))

    def used() -> Decimal:
        (item,) = hl.info("clearinghouseState", user=USER, dex="xyz")["assetPositions"]
        return Decimal(item["position"]["marginUsed"])

    before = used()
    for amount in (25_000_000, -5_000_000):
        action = {"type": "updateIsolatedMargin", "asset": TSLA, "isBuy": True, "ntli": amount}
        assert hl.act(action)["status"] == "ok"
    assert used() == before + 20
    cross = hl.act({"type": "updateIsolatedMargin", "asset": BTC, "isBuy": True, "ntli": 1})
    assert cross["status"] == "err"


def test_funding_is_paid_on_the_hour(hl: HlCaller) -> None:
    hl.place(limit(BTC, "buy", "1", "85000", "Ioc"))
    hl.sim.set_mark("BTC", "84000")
    hl.sim.set_funding_rate("BTC", "0.0001")
    hl.step(3600)
    (row,) = hl.info("userFunding", user=USER, startTime=0)
    assert row["time"] % 3_600_000 == 0
    assert row["delta"] == {
        "type": "funding", "coin": "BTC", "usdc": "-8.4", "szi": "1.0", "fundingRate": "0.0001", "nSamples": None,
    }  # fmt: skip
    history = hl.info("fundingHistory", coin="BTC", startTime=row["time"] - 7_200_000)
    assert [item["time"] for item in history] == [row["time"] - 7_200_000, row["time"] - 3_600_000, row["time"]]
    assert history[-1]["fundingRate"] == "0.0001"


def test_a_position_without_margin_is_liquidated(hl: HlCaller) -> None:
    hl.act({"type": "updateLeverage", "asset": BTC, "isCross": True, "leverage": 40})
    hl.sim.set_book("BTC", bids=[("84000", "100")], asks=[("84100", "100")])
    hl.place(limit(BTC, "buy", "40", "84100", "Ioc"))
    hl.sim.set_mark("BTC", "82000")
    assert hl.sim.position("BTC") == 0
    assert hl.info("userFills", user=USER)[0]["liquidation"]["method"] == "market"


def test_what_can_reduce_no_longer_is_cancelled_and_says_why(hl: HlCaller) -> None:
    hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc"))
    (resting,) = hl.place(limit(BTC, "sell", "0.01", "90000", r=True))
    hl.place(limit(BTC, "sell", "0.01", "80000", "Ioc"))
    assert hl.status(oid_of(resting)) == "reduceOnlyCanceled"


def test_open_orders_go_with_a_liquidation_and_say_why(hl: HlCaller) -> None:
    hl.sim.set_book("BTC", bids=[("84000", "100")], asks=[("84100", "100")])
    hl.place(limit(BTC, "buy", "20", "84100", "Ioc"))
    (resting,) = hl.place(limit(BTC, "buy", "0.01", "80000"))
    hl.sim.set_mark("BTC", "79500")
    assert hl.sim.position("BTC") == 0
    assert hl.status(oid_of(resting)) == "liquidatedCanceled"
    newest = hl.info("historicalOrders", user=USER)
    assert {"LiquidationMarket"} == {row["order"]["tif"] for row in newest} - {"Ioc", "Gtc"}


def test_an_order_that_the_exchange_ends_says_so(hl: HlCaller) -> None:
    hl.place(limit(BTC, "buy", "0.01", "80000", c=CLOID))
    hl.sim.cancel(CLOID)
    assert hl.status(CLOID) == "internalCancel"


# -- the dead man's switch ---------------------------------------------------------------------------------------


def switch(hl: HlCaller, seconds: float | None = None) -> Any:
    """Schedule the cancel so far ahead; None: take it back."""
    time = {} if seconds is None else {"time": hl.now_ms + int(seconds * 1000)}
    return hl.act({"type": "scheduleCancel", **time})


def test_the_switch_needs_a_million_of_volume(hl: HlCaller) -> None:
    answer = switch(hl, 10)
    assert answer["status"] == "err"
    assert answer["response"].startswith("Cannot set scheduled cancel time until enough volume traded.")


def test_the_switch_cancels_everything_at_its_time() -> None:
    hl = rich(accounts=[Account(USER, volume=Decimal(1_000_000))])
    hl.place(limit(BTC, "buy", "0.01", "80000", c=CLOID), limit(HYPE_SPOT, "buy", "1", "30"))
    assert switch(hl, 4)["status"] == "err"
    assert switch(hl, 10)["status"] == "ok"
    hl.step(9)
    assert len(hl.sim.open_order_ids()) == 2
    hl.step(1)
    assert hl.sim.open_order_ids() == []
    assert hl.status(CLOID) == "scheduledCancel"


def test_the_switch_can_be_taken_back() -> None:
    hl = rich(accounts=[Account(USER, volume=Decimal(1_000_000))])
    hl.place(limit(BTC, "buy", "0.01", "80000"))
    switch(hl, 10)
    assert switch(hl)["status"] == "ok"
    hl.step(60)
    assert len(hl.sim.open_order_ids()) == 1


def test_the_switch_fires_ten_times_a_day() -> None:
    hl = rich(accounts=[Account(USER, volume=Decimal(1_000_000))])
    for _ in range(10):
        switch(hl, 5)
        hl.step(6)
    hl.place(limit(BTC, "buy", "0.01", "80000"))
    switch(hl, 5)
    hl.step(6)
    assert len(hl.sim.open_order_ids()) == 1


# -- the budget of an address ------------------------------------------------------------------------------------


def test_an_address_that_has_used_up_its_budget_waits_ten_seconds() -> None:
    hl = rich(rules=LimitRules(address_requests=3))
    hl.place(*[limit(BTC, "buy", "0.01", str(80_000 + n)) for n in range(3)])
    assert hl.act({"type": "noop"})["status"] == "ok"
    answer = hl.act({"type": "noop"})
    assert answer["response"].startswith("Too many cumulative requests sent (4 > 3) for cumulative volume traded $0.00")
    hl.step(10)
    assert hl.act({"type": "noop"})["status"] == "ok"


def test_cancels_have_a_higher_ceiling() -> None:
    hl = rich(rules=LimitRules(address_requests=3))
    oids = [oid_of(status) for status in hl.place(*[limit(BTC, "buy", "0.01", str(80_000 + n)) for n in range(3)])]
    assert [hl.cancel(BTC, oid) for oid in oids] == ["success"] * 3


def test_volume_and_money_raise_the_budget(hl: HlCaller) -> None:
    hl.place(limit(ETH, "buy", "1", "2800", "Ioc"))
    assert hl.act({"type": "reserveRequestWeight", "weight": 100})["status"] == "ok"
    limits = hl.info("userRateLimit", user=USER)
    assert limits["nRequestsCap"] == 10_000 + int(Decimal(limits["cumVlm"])) + 100
    assert limits["nRequestsUsed"] == 2


def test_the_default_account_has_an_agent() -> None:
    assert DEFAULT_ACCOUNT.agents == (DEFAULT_AGENT_ADDRESS,)
