"""``POST /info`` of the simulated Hyperliquid, and the HTTP layer around it."""

from decimal import ROUND_DOWN, Decimal
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("coincurve", reason="needs lotusx-sim[hyperliquid]")

from hl_calls import BTC, ETH, HYPE_SPOT, SP500, TSLA, USER, HlCaller, limit

from lotusx_sim import Account, Hyperliquid
from lotusx_sim.dialects.hyperliquid import DEFAULT_AGENT_ADDRESS, LimitRules
from lotusx_sim.dialects.hyperliquid.info import QUERIES

NOBODY = "0x" + "99" * 20
HOUR_MS = 3_600_000


@pytest.fixture
def hl() -> HlCaller:
    return HlCaller()


# -- what is listed ----------------------------------------------------------------------------------------------


def test_asset_ids_follow_from_position_dex_and_pair_index(hl: HlCaller) -> None:
    names = [entry["name"] for entry in hl.info("meta")["universe"]]
    builder = [entry["name"] for entry in hl.info("meta", dex="xyz")["universe"]]
    pairs = {entry["name"]: entry["index"] for entry in hl.info("spotMeta")["universe"]}
    dexes = hl.info("perpDexs")
    assert dexes[0] is None
    assert [dex["name"] for dex in dexes[1:]] == ["xyz"]

    for coin, asset in {
        **{name: index for index, name in enumerate(names) if name != "MATIC"},
        **{name: 110_000 + index for index, name in enumerate(builder)},
        **{name: 10_000 + index for name, index in pairs.items()},
    }.items():
        book = hl.info("l2Book", coin=coin)
        price = book["levels"][0][-1]["px"].removesuffix(".0")
        size = {"kPEPE": "2000", "PURR/USDC": "200"}.get(coin, "1")
        (status,) = hl.place(limit(asset, "buy", size, price))
        assert hl.info("orderStatus", user=USER, oid=status["resting"]["oid"])["order"]["order"]["coin"] == coin


def test_every_dex_has_a_meta_of_its_own(hl: HlCaller) -> None:
    assert hl.info("allPerpMetas") == [hl.info("meta"), hl.info("meta", dex="xyz")]


def test_margin_modes_and_delistings_are_told(hl: HlCaller) -> None:
    listed = {entry["name"]: entry for dex in ("", "xyz") for entry in hl.info("meta", dex=dex)["universe"]}
    assert listed["MATIC"]["isDelisted"] is True
    assert (listed["xyz:TSLA"]["onlyIsolated"], listed["xyz:TSLA"]["marginMode"]) == (True, "strictIsolated")
    assert "isDelisted" not in listed["BTC"]


def test_tokens_are_joined_by_index(hl: HlCaller) -> None:
    meta = hl.info("spotMeta")
    assert [token["index"] for token in meta["tokens"]] == list(range(len(meta["tokens"])))
    names = {pair["name"]: [meta["tokens"][index]["name"] for index in pair["tokens"]] for pair in meta["universe"]}
    assert names == {"PURR/USDC": ["PURR", "USDC"], "@107": ["HYPE", "USDC"], "@142": ["UBTC", "USDC"]}


def test_contexts_come_in_the_order_of_the_universe(hl: HlCaller) -> None:
    hl.sim.set_mark("ETH", "2750.5", "2748.1")
    meta, contexts = hl.info("metaAndAssetCtxs")
    assert len(meta["universe"]) == len(contexts)
    context = contexts[ETH]
    assert (context["markPx"], context["oraclePx"], context["funding"]) == ("2750.5", "2748.1", "0.0000125")
    assert context["midPx"] == hl.info("allMids")["ETH"]
    assert contexts[2]["midPx"] is None  # delisted

    meta, contexts = hl.info("spotMetaAndAssetCtxs")
    assert [context["coin"] for context in contexts] == [pair["name"] for pair in meta["universe"]]


# -- market data -------------------------------------------------------------------------------------------------


def test_mids_of_spot_come_with_the_first_dex(hl: HlCaller) -> None:
    assert {"BTC", "@107", "PURR/USDC"} <= hl.info("allMids").keys()
    assert list(hl.info("allMids", dex="xyz")) == ["xyz:TSLA", "xyz:SP500"]


def test_a_book_has_twenty_levels_a_side_best_first(hl: HlCaller) -> None:
    book = hl.info("l2Book", coin="BTC")
    bids, asks = ([Decimal(level["px"]) for level in side] for side in book["levels"])
    assert (len(bids), len(asks)) == (20, 20)
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]
    assert book["time"] == hl.now_ms
    assert set(book["levels"][0][0]) == {"px", "sz", "n"}


def test_a_level_sums_its_orders(hl: HlCaller) -> None:
    hl.sim.set_book("BTC", bids=[("84000", "1"), ("84000", "2")], asks=[("84100", "1")])
    assert hl.info("l2Book", coin="BTC")["levels"][0] == [{"px": "84000.0", "sz": "3.0", "n": 2}]


@pytest.mark.parametrize(
    ("figures", "mantissa", "bids", "asks"),
    [
        (5, None, ["84142.0", "84139.0", "83990.0"], ["84144.0", "84151.0"]),
        (5, 2, ["84142.0", "84138.0", "83990.0"], ["84144.0", "84152.0"]),
        (5, 5, ["84140.0", "84135.0", "83990.0"], ["84145.0", "84155.0"]),
        (4, None, ["84140.0", "84130.0", "83990.0"], ["84150.0", "84160.0"]),
        (2, None, ["84000.0", "83000.0"], ["85000.0"]),
    ],
)
def test_a_coarser_book_never_shows_a_better_price(
    hl: HlCaller, figures: int, mantissa: int | None, bids: list[str], asks: list[str]
) -> None:
    hl.sim.set_book("BTC", bids=[("84142", "1"), ("84139", "1"), ("83990", "1")], asks=[("84144", "1"), ("84151", "2")])
    book = hl.info("l2Book", coin="BTC", nSigFigs=figures, mantissa=mantissa)
    assert [[level["px"] for level in side] for side in book["levels"]] == [bids, asks]
    assert Decimal(book["spread"]) == Decimal(asks[0]) - Decimal(bids[0])


def test_a_delisted_coin_has_an_empty_book(hl: HlCaller) -> None:
    assert hl.info("l2Book", coin="MATIC")["levels"] == [[], []]


def test_trades_name_both_parties_and_share_ids_with_fills(hl: HlCaller) -> None:
    hl.sim.set_book("BTC", bids=[("84000", "1")], asks=[("84100", "1")])
    hl.place(limit(BTC, "buy", "0.5", "84100", "Ioc"))
    trade = hl.info("recentTrades", coin="BTC")[0]
    fill = hl.info("userFills", user=USER)[0]
    assert (trade["side"], trade["px"], trade["sz"], trade["users"][0]) == ("B", "84100.0", "0.5", USER)
    assert (trade["tid"], trade["hash"], trade["time"]) == (fill["tid"], fill["hash"], fill["time"])


def test_candles_are_without_holes_and_show_trades(hl: HlCaller) -> None:
    hl.place(limit(BTC, "buy", "0.5", "85000", "Ioc"))
    start = hl.now_ms - 10 * 60_000
    rows = hl.info("candleSnapshot", req={"coin": "BTC", "interval": "1m", "startTime": start, "endTime": hl.now_ms})
    opened = [row["t"] for row in rows]
    assert opened == list(range(opened[0], opened[0] + 60_000 * len(rows), 60_000))
    assert [row["T"] - row["t"] for row in rows] == [59_999] * len(rows)
    assert Decimal(rows[-1]["v"]) >= Decimal("0.5")
    assert {"s": "BTC", "i": "1m"}.items() <= rows[0].items()


@pytest.mark.parametrize("interval", ["3m", "4h", "1d", "3d", "1w", "1M"])
def test_candles_begin_where_their_interval_does(hl: HlCaller, interval: str) -> None:
    rows = hl.info("candleSnapshot", req={"coin": "@107", "interval": interval, "startTime": 0})
    assert all(later["t"] == row["T"] + 1 for row, later in pairwise(rows))
    assert rows[-1]["t"] <= hl.now_ms <= rows[-1]["T"]


def test_funding_history_is_hourly_and_the_same_when_asked_again(hl: HlCaller) -> None:
    start = hl.now_ms - 48 * HOUR_MS
    rows = hl.info("fundingHistory", coin="BTC", startTime=start)
    assert [row["time"] % HOUR_MS for row in rows] == [0] * len(rows)
    assert len(rows) == 48
    assert hl.info("fundingHistory", coin="BTC", startTime=start) == rows
    some = hl.info("fundingHistory", coin="BTC", startTime=start, endTime=rows[9]["time"])
    assert some == rows[:10]


def test_a_page_of_funding_history_has_five_hundred_rows(hl: HlCaller) -> None:
    assert len(hl.info("fundingHistory", coin="BTC", startTime=hl.now_ms - 30 * 24 * HOUR_MS)) == 500


def test_the_next_funding_is_at_the_next_hour(hl: HlCaller) -> None:
    rows = dict(hl.info("predictedFundings"))
    ((venue, what),) = rows["BTC"]
    assert (venue, what["fundingRate"]) == ("HlPerp", "0.0000125")
    assert 0 < what["nextFundingTime"] - hl.now_ms <= HOUR_MS


# -- one address -------------------------------------------------------------------------------------------------


def test_an_order_is_shown_in_short_and_in_full(hl: HlCaller) -> None:
    cloid = "0x" + "cd" * 16
    oid = hl.place(limit(ETH, "sell", "0.5", "3000", c=cloid))[0]["resting"]["oid"]
    row = {
        "coin": "ETH", "side": "A", "limitPx": "3000.0", "sz": "0.5", "oid": oid, "timestamp": hl.now_ms,
        "origSz": "0.5", "cloid": cloid, "reduceOnly": False,
    }  # fmt: skip
    assert hl.info("openOrders", user=USER) == [row]
    full = row | {
        "triggerCondition": "N/A", "isTrigger": False, "triggerPx": "0.0", "children": [], "isPositionTpsl": False,
        "orderType": "Limit", "tif": "Gtc",
    }  # fmt: skip
    assert hl.info("frontendOpenOrders", user=USER) == [full]
    status = {"order": full, "status": "open", "statusTimestamp": hl.now_ms}
    for name in (oid, cloid, cloid.upper().replace("0X", "0x")):
        assert hl.info("orderStatus", user=USER, oid=name) == {"status": "order", "order": status}
    assert hl.info("historicalOrders", user=USER) == [status]


def test_open_orders_are_asked_for_by_dex_and_spot_comes_with_the_first(hl: HlCaller) -> None:
    hl.place(limit(BTC, "buy", "0.01", "80000"), limit(HYPE_SPOT, "buy", "1", "30"), limit(TSLA, "buy", "1", "390"))
    assert [row["coin"] for row in hl.info("openOrders", user=USER)] == ["@107", "BTC"]
    assert [row["coin"] for row in hl.info("openOrders", user=USER, dex="xyz")] == ["xyz:TSLA"]


def test_nobody_sees_an_order_of_another_user(hl: HlCaller) -> None:
    oid = hl.place(limit(BTC, "buy", "0.01", "80000"))[0]["resting"]["oid"]
    assert hl.info("orderStatus", user=NOBODY, oid=oid) == {"status": "unknownOid"}


def test_fills_of_a_time_come_oldest_first_unless_reversed(hl: HlCaller) -> None:
    for _ in range(3):
        hl.place(limit(ETH, "buy", "0.01", "2900", "Ioc"))
        hl.step(1)
    times = [row["time"] for row in hl.info("userFillsByTime", user=USER, startTime=0)]
    assert times == sorted(times)
    assert len(times) == 3
    assert [row["time"] for row in hl.info("userFillsByTime", user=USER, startTime=0, reversed=True)] == times[::-1]
    assert [row["time"] for row in hl.info("userFills", user=USER)] == times[::-1]
    window = hl.info("userFillsByTime", user=USER, startTime=times[1], endTime=times[1])
    assert [row["time"] for row in window] == [times[1]]


def test_fills_of_one_order_at_one_time_can_be_summed(hl: HlCaller) -> None:
    hl.sim.set_book("BTC", bids=[("84000", "1")], asks=[("84100", "0.1"), ("84200", "0.3")])
    hl.place(limit(BTC, "buy", "0.4", "84200", "Ioc"))
    rows = hl.info("userFills", user=USER)
    (total,) = hl.info("userFills", user=USER, aggregateByTime=True)
    assert [row["sz"] for row in rows] == ["0.3", "0.1"]
    assert (total["sz"], total["px"]) == ("0.4", "84175.0")
    assert Decimal(total["fee"]) == sum(Decimal(row["fee"]) for row in rows)


def test_a_spot_fill_pays_its_fee_in_what_it_receives(hl: HlCaller) -> None:
    hl.place(limit(HYPE_SPOT, "buy", "2", "40", "Ioc"))
    hl.place(limit(HYPE_SPOT, "sell", "1", "30", "Ioc"))
    sold, bought = hl.info("userFills", user=USER)
    assert (bought["dir"], bought["feeToken"], bought["fee"]) == ("Buy", "HYPE", "0.0014")
    assert (sold["dir"], sold["feeToken"]) == ("Sell", "USDC")


def test_money_is_kept_apart_by_spot_and_dex(hl: HlCaller) -> None:
    assert hl.info("clearinghouseState", user=USER)["withdrawable"] == "100000.0"
    assert hl.info("clearinghouseState", user=USER, dex="xyz")["withdrawable"] == "10000.0"
    balances = {item["coin"]: item["total"] for item in hl.info("spotClearinghouseState", user=USER)["balances"]}
    assert balances == {"USDC": "100000.0", "PURR": "100000.0", "HYPE": "1000.0", "UBTC": "1.0"}


def test_a_spot_order_holds_what_it_may_pay(hl: HlCaller) -> None:
    hl.place(limit(HYPE_SPOT, "buy", "2", "30"))
    (usdc, *_) = hl.info("spotClearinghouseState", user=USER)["balances"]
    assert (usdc["total"], usdc["hold"]) == ("100000.0", "60.0")


def test_a_unified_account_has_one_balance_for_everything() -> None:
    account = Account(USER, abstraction="unifiedAccount")
    money = {USER: {"spot": {"USDC": Decimal(5_000), "HYPE": Decimal(1)}}}
    hl = HlCaller(Hyperliquid(actions_per_s=0, accounts=[account], balances=money))
    assert hl.info("userAbstraction", user=USER) == "unifiedAccount"

    assert "filled" in hl.place(limit(ETH, "buy", "1", "2900", "Ioc"))[0]
    assert "filled" in hl.place(limit(SP500, "buy", "0.1", "7800", "Ioc"))[0]
    assert "filled" in hl.place(limit(HYPE_SPOT, "buy", "1", "40", "Ioc"))[0]

    usdc = hl.info("spotClearinghouseState", user=USER)["balances"][0]
    assert Decimal(4_950) < Decimal(usdc["total"]) < Decimal(5_000)
    assert Decimal(usdc["hold"]) > Decimal(100)  # margin of both positions
    assert [len(hl.info("clearinghouseState", user=USER, dex=dex)["assetPositions"]) for dex in ("", "xyz")] == [1, 1]
    (poor,) = hl.place(limit(HYPE_SPOT, "buy", "1000", "35.2", "Ioc"))
    assert "insufficient spot balance" in poor["error"]


def test_what_tokens_have_cost_goes_with_what_is_sold(hl: HlCaller) -> None:
    def entry_value() -> Decimal:
        owned = {item["coin"]: item for item in hl.info("spotClearinghouseState", user=USER)["balances"]}
        return Decimal(owned["HYPE"]["entryNtl"])

    assert entry_value() == 0
    hl.sim.set_book("@107", bids=[("35", "100")], asks=[("36", "100")])
    hl.place(limit(HYPE_SPOT, "buy", "4", "36", "Ioc"))
    hl.place(limit(HYPE_SPOT, "sell", "1", "35", "Ioc"))
    assert entry_value() == Decimal(108)


def test_leverage_and_what_may_be_traded_are_told_by_coin(hl: HlCaller) -> None:
    data = hl.info("activeAssetData", user=USER, coin="ETH")
    assert (data["leverage"], data["availableToTrade"]) == ({"type": "cross", "value": 20}, ["100000.0"] * 2)
    most = Decimal(100_000) * 20 / Decimal(data["markPx"])
    assert Decimal(data["maxTradeSzs"][0]) == most.quantize(Decimal("1e-4"), rounding=ROUND_DOWN)
    isolated = hl.info("activeAssetData", user=USER, coin="xyz:TSLA")
    assert isolated["leverage"]["type"] == "isolated"


def test_fees_are_fractions(hl: HlCaller) -> None:
    fees = hl.info("userFees", user=USER)
    names = ("userCrossRate", "userAddRate", "userSpotCrossRate", "userSpotAddRate")
    assert [fees[name] for name in names] == ["0.00045", "0.00015", "0.0007", "0.0004"]


def test_roles_tell_agents_from_accounts(hl: HlCaller) -> None:
    assert hl.info("userRole", user=USER) == {"role": "user"}
    assert hl.info("userRole", user=DEFAULT_AGENT_ADDRESS) == {"role": "agent", "data": {"user": USER}}
    assert hl.info("userRole", user=NOBODY) == {"role": "missing"}


def test_an_unknown_address_owns_nothing(hl: HlCaller) -> None:
    state = hl.info("clearinghouseState", user=NOBODY)
    assert (state["marginSummary"]["accountValue"], state["assetPositions"]) == ("0.0", [])
    assert hl.info("spotClearinghouseState", user=NOBODY) == {"balances": []}
    assert hl.info("activeAssetData", user=NOBODY, coin="BTC")["availableToTrade"] == ["0.0", "0.0"]
    assert hl.info("userRateLimit", user=NOBODY)["nRequestsCap"] == 10_000
    for kind in ("openOrders", "frontendOpenOrders", "historicalOrders", "userFills", "extraAgents"):
        assert hl.info(kind, user=NOBODY) == []
    assert hl.info("subAccounts", user=NOBODY) is None


# -- what cannot be answered -------------------------------------------------------------------------------------


def test_an_unknown_coin_has_no_book(hl: HlCaller) -> None:
    assert hl.info("l2Book", coin="btc") is None
    assert hl.last.status == 200


@pytest.mark.parametrize(
    "body",
    [
        {"type": "recentTrades", "coin": "NOPE"},
        {"type": "meta", "dex": "XYZ"},
        {"type": "clearinghouseState", "user": USER, "dex": "nope"},
        {"type": "fundingHistory", "coin": "@107", "startTime": 0},
        {"type": "candleSnapshot", "req": {"coin": "TSLA", "interval": "1m", "startTime": 0}},
    ],
)
def test_unknown_coins_and_dexes_are_answered_with_500_null(hl: HlCaller, body: dict[str, Any]) -> None:
    assert hl.post("/info", body) is None
    assert hl.last.status == 500


@pytest.mark.parametrize(
    "body",
    [
        {}, {"type": "weather"}, {"type": ["meta"]}, [], {"type": "l2Book"}, {"type": "openOrders", "user": "0x12"},
        {"type": "candleSnapshot", "req": {"coin": "BTC", "interval": "2m", "startTime": 0}},
        {"type": "candleSnapshot"}, {"type": "userFillsByTime", "user": USER}, {"type": "orderStatus", "user": USER},
        {"type": "fundingHistory", "coin": "BTC"},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_answered_with_422(hl: HlCaller, body: Any) -> None:
    assert hl.post("/info", body) == "Failed to deserialize the JSON body into the target type"
    assert hl.last.status == 422


def test_what_is_no_json_is_answered_with_400(hl: HlCaller) -> None:
    for body in (b"{", b"\xff\xfe"):
        assert hl.post("/info", body) == "Failed to parse the request body as JSON"
        assert hl.last.status == 400


def test_only_json_is_taken(hl: HlCaller) -> None:
    hl.post("/info", {"type": "meta"}, headers=(("content-type", "text/plain"),))
    assert hl.last.status == 415


def test_only_posts_to_two_paths_are_taken(hl: HlCaller) -> None:
    from lotusx_sim.wire import HttpRequest

    for method, path, status in (("GET", "/info", 405), ("PUT", "/exchange", 405), ("POST", "/api", 404)):
        outcome = hl.sim.handle(HttpRequest(method, path))
        assert outcome.response is not None
        assert outcome.response.status == status


# -- weights -----------------------------------------------------------------------------------------------------


def used(hl: HlCaller, ip: str = "10.0.0.1") -> int:
    return hl.venue.state.limits.host(ip).weight.used(hl.clock.now_ns())


@pytest.mark.parametrize(
    ("kind", "weight"),
    [("allMids", 2), ("clearinghouseState", 2), ("orderStatus", 2), ("l2Book", 2), ("userRole", 60), ("meta", 20)],
)
def test_each_type_has_its_weight(hl: HlCaller, kind: str, weight: int) -> None:
    hl.info(kind, user=USER, oid=1, coin="BTC")
    assert used(hl) == weight


def test_long_answers_cost_more(hl: HlCaller) -> None:
    hl.info("fundingHistory", coin="BTC", startTime=hl.now_ms - 48 * HOUR_MS)
    assert used(hl) == 20 + 48 // 20
    before = used(hl)
    rows = hl.info("candleSnapshot", req={"coin": "BTC", "interval": "1m", "startTime": 0})
    assert used(hl) - before == 20 + len(rows) // 60


def test_a_batch_of_actions_costs_one_for_every_forty(hl: HlCaller) -> None:
    hl.place(*[limit(BTC, "buy", "0.01", str(80_000 + n)) for n in range(40)])
    assert used(hl) == 2


def test_beyond_the_weight_of_a_minute_the_answer_is_429_null() -> None:
    hl = HlCaller(Hyperliquid(actions_per_s=0, rules=LimitRules(weight_per_minute=41)))
    hl.info("meta")
    hl.step(30)
    hl.info("meta")
    assert hl.info("meta") is None
    assert hl.last.status == 429
    assert dict(hl.last.headers).keys() == {"content-type"}
    assert hl.post("/info", {"type": "meta"}, ip="10.0.0.2") is not None
    hl.step(31)
    assert hl.info("meta") is not None


def test_every_type_of_the_venue_is_answered(hl: HlCaller) -> None:
    hl.venue.state.limits = type(hl.venue.state.limits)(LimitRules(weight_per_minute=10_000))
    req = {"coin": "BTC", "interval": "1h", "startTime": 0}
    for kind in QUERIES:
        hl.info(kind, user=USER, coin="BTC", oid=1, startTime=0, req=req)
        assert hl.last.status == 200, kind
