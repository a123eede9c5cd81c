"""hyperliquid-python-sdk, the venue's own client: market data, orders, transfers and streams.

It signs for testnet whenever its address is not that of mainnet, so the simulator serves testnet here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from peer_sim import WAIT_S, Served, peer, serving

sdk_info = peer("hyperliquid-python-sdk", "hyperliquid.info")
sdk_exchange = peer("hyperliquid-python-sdk", "hyperliquid.exchange")
sdk_types = peer("hyperliquid-python-sdk", "hyperliquid.utils.types")
eth_account = peer("hyperliquid-python-sdk", "eth_account")

# The key of the SDK's own signing tests, which is the simulator's default account.
PRIVATE_KEY = "0x0123456789012345678901234567890123456789012345678901234567890123"
DEXES = ["", "xyz"]
GTC = {"limit": {"tif": "Gtc"}}
IOC = {"limit": {"tif": "Ioc"}}
OTHER = "0x5e9ee1089755c3435139848e47e6635505d5a13a"
PURR = "PURR:0xc1fb593aeffbeb02f85e0308e9956a90"


@pytest.fixture(scope="module")
def sim() -> Iterator[Served]:
    with serving("hyperliquid", "--network", "testnet") as served:
        yield served


@pytest.fixture(scope="module")
def wallet() -> Any:
    return eth_account.Account.from_key(PRIVATE_KEY)


@pytest.fixture(scope="module")
def exchange(sim: Served, wallet: Any) -> Any:
    return sdk_exchange.Exchange(wallet, sim.base_url, perp_dexs=DEXES, timeout=WAIT_S)


@pytest.fixture(scope="module")
def info(exchange: Any) -> Any:
    return exchange.info


def cloid(number: int) -> Any:
    return sdk_types.Cloid.from_int(number)


def entry(answer: Any) -> Any:
    """Return the one entry of an answer's ``statuses``."""
    assert answer["status"] == "ok", answer
    (status,) = answer["response"]["data"]["statuses"]
    return status


def done(answer: Any) -> bool:
    return bool(answer == {"status": "ok", "response": {"type": "default"}})


def test_market_data_is_of_one_market(info: Any) -> None:
    book = info.l2_snapshot("BTC")
    bids, asks = ([Decimal(level["px"]) for level in side] for side in book["levels"])
    assert (bids, asks) == (sorted(bids, reverse=True), sorted(asks))
    mids = info.all_mids()
    assert bids[0] - 50 < Decimal(mids["BTC"]) < asks[0] + 50
    assert Decimal(info.all_mids("xyz")["xyz:TSLA"]) > 0

    meta, contexts = info.meta_and_asset_ctxs()
    assert [item["name"] for item in meta["universe"]][:2] == ["BTC", "ETH"]
    assert len(contexts) == len(meta["universe"])
    now = int(time.time() * 1000)
    candles = info.candles_snapshot("BTC", "1m", now - 600_000, now)
    opened = [candle["t"] for candle in candles]
    assert opened == list(range(opened[0], opened[0] + 60_000 * len(opened), 60_000))
    assert info.funding_history("BTC", now - 10 * 3_600_000)


def test_names_lead_to_asset_ids(info: Any) -> None:
    names = ("BTC", "HYPE/USDC", "PURR/USDC", "xyz:TSLA", "xyz:SP500")
    assert [info.name_to_asset(name) for name in names] == [0, 10107, 10000, 110000, 110001]


def test_an_order_rests_is_modified_and_cancelled(exchange: Any, info: Any, wallet: Any, sim: Served) -> None:
    mine = cloid(1)
    oid = entry(exchange.order("BTC", True, 0.01, 80_000, GTC, cloid=mine))["resting"]["oid"]
    assert sim.order(mine.to_raw())["id"] == oid
    assert info.query_order_by_cloid(wallet.address, mine)["order"]["order"]["oid"] == oid
    assert [order["oid"] for order in info.open_orders(wallet.address)] == [oid]

    new = entry(exchange.modify_order(mine, "BTC", True, 0.02, 80_010, GTC, cloid=mine))["resting"]["oid"]
    assert new > oid
    assert info.query_order_by_oid(wallet.address, oid)["order"]["status"] == "canceled"
    assert entry(exchange.cancel_by_cloid("BTC", mine)) == "success"
    assert "never placed" in entry(exchange.cancel("BTC", new))["error"]
    assert not sim.open_ids()


def test_a_batch_above_fifteen_orders_is_signed_alike(exchange: Any, sim: Served) -> None:
    orders = [
        {"coin": "ETH", "is_buy": True, "sz": 0.1, "limit_px": 2400 + n, "order_type": {"limit": {"tif": "Alo"}},
         "reduce_only": False}
        for n in range(17)
    ]  # fmt: skip
    answer = exchange.bulk_orders(orders)
    oids = [status["resting"]["oid"] for status in answer["response"]["data"]["statuses"]]
    assert len(sim.open_ids()) == 17
    answer = exchange.bulk_cancel([{"coin": "ETH", "oid": oid} for oid in oids])
    assert answer["response"]["data"]["statuses"] == ["success"] * 17


def test_a_position_is_opened_and_closed(exchange: Any, info: Any, wallet: Any, sim: Served) -> None:
    assert done(exchange.update_leverage(5, "ETH"))
    filled = entry(exchange.market_open("ETH", True, 0.5))["filled"]
    assert Decimal(filled["totalSz"]) == sim.positions()["ETH"] == Decimal("0.5")
    (held,) = info.user_state(wallet.address)["assetPositions"]
    assert (held["position"]["szi"], held["position"]["leverage"]) == ("0.5", {"type": "cross", "value": 5})
    assert entry(
        exchange.order("ETH", False, 0.5, 3000, {"trigger": {"isMarket": True, "triggerPx": 3200, "tpsl": "tp"}}, True)
    ) == "waitingForTrigger"  # fmt: skip
    (waiting,) = info.frontend_open_orders(wallet.address)
    assert (waiting["orderType"], waiting["isTrigger"]) == ("Take Profit Market", True)

    assert entry(exchange.market_close("ETH"))["filled"]["totalSz"] == "0.5"
    assert sim.positions() == {}
    assert [fill["dir"] for fill in info.user_fills(wallet.address)][:1] == ["Close Long"]
    exchange.bulk_cancel([{"coin": "ETH", "oid": o["oid"]} for o in info.open_orders(wallet.address)])


def test_a_builder_dex_has_margin_of_its_own(exchange: Any, info: Any, wallet: Any) -> None:
    assert "filled" in entry(exchange.market_open("xyz:TSLA", True, 1))
    before = info.user_state(wallet.address, "xyz")["assetPositions"][0]["position"]
    assert done(exchange.update_isolated_margin(10, "xyz:TSLA"))
    after = info.user_state(wallet.address, "xyz")["assetPositions"][0]["position"]
    assert Decimal(after["marginUsed"]) - Decimal(before["marginUsed"]) > 5
    assert "filled" in entry(exchange.market_close("xyz:TSLA"))


def test_spot_is_traded_by_name(exchange: Any, info: Any, wallet: Any) -> None:
    def hype() -> Decimal:
        owned = {item["coin"]: Decimal(item["total"]) for item in info.spot_user_state(wallet.address)["balances"]}
        return owned["HYPE"]

    before = hype()
    assert entry(exchange.order("HYPE/USDC", True, 2, 40, IOC))["filled"]["totalSz"] == "2.0"
    assert hype() - before == Decimal("1.9986")  # less the fee


def test_refusals_are_the_venues_texts(exchange: Any) -> None:
    assert "minimum value" in entry(exchange.order("BTC", True, 0.0001, 80_000, GTC))["error"]
    assert "Insufficient margin" in entry(exchange.order("BTC", True, 100, 80_000, GTC))["error"]
    assert "tick size" in entry(exchange.order("BTC", True, 0.01, 80_000.5, GTC))["error"]
    assert "Cannot set scheduled cancel" in exchange.schedule_cancel(int(time.time() * 1000) + 10_000)["response"]
    exchange.set_expires_after(int(time.time() * 1000) - 1000)
    try:
        assert exchange.order("BTC", True, 0.01, 80_000, GTC)["response"] == "Action already expired"
    finally:
        exchange.set_expires_after(None)


def test_money_moves(exchange: Any, info: Any, wallet: Any) -> None:
    assert done(exchange.usd_class_transfer(10, False))
    assert done(exchange.usd_transfer(5, OTHER))
    assert done(exchange.spot_transfer(1, OTHER, PURR))
    assert done(exchange.send_asset(wallet.address, "", "xyz", "USDC", 3))
    assert done(exchange.withdraw_from_bridge(5, OTHER))
    kinds = [row["delta"]["type"] for row in info.user_non_funding_ledger_updates(wallet.address, 0)]
    assert kinds[-5:] == ["accountClassTransfer", "internalTransfer", "spotTransfer", "send", "withdraw"]


def test_agents_and_sub_accounts_trade(exchange: Any, info: Any, wallet: Any, sim: Served) -> None:
    approved, key = exchange.approve_agent("bot")
    assert done(approved)
    agent = sdk_exchange.Exchange(
        eth_account.Account.from_key(key), sim.base_url, account_address=wallet.address, meta=info.meta(),
        spot_meta=info.spot_meta(),
    )  # fmt: skip
    oid = entry(agent.order("BTC", True, 0.01, 80_000, GTC))["resting"]["oid"]
    assert entry(exchange.cancel("BTC", oid)) == "success"

    sub = exchange.create_sub_account("one")["response"]["data"]
    assert done(exchange.sub_account_transfer(sub, True, 1_000_000_000))
    for_sub = sdk_exchange.Exchange(
        wallet, sim.base_url, vault_address=sub, meta=info.meta(), spot_meta=info.spot_meta()
    )
    assert "resting" in entry(for_sub.order("BTC", True, 0.001, 80_000, GTC))
    assert [order["coin"] for order in info.open_orders(sub)] == ["BTC"]
    assert not sim.open_ids()


class Streams:
    """What came by each stream, for a test that waits in its own thread."""

    def __init__(self) -> None:
        self.messages: dict[str, list[Any]] = {}
        self._came = threading.Condition()

    def listener(self, name: str) -> Any:
        def take(message: Any) -> None:
            with self._came:
                self.messages.setdefault(name, []).append(message["data"])
                self._came.notify_all()

        return take

    def wait(self, name: str, count: int = 1) -> list[Any]:
        with self._came:
            ready = self._came.wait_for(lambda: len(self.messages.get(name, [])) >= count, WAIT_S)
            assert ready, f"no {name}"
            return list(self.messages[name])


def test_streams_follow_market_and_user(exchange: Any, wallet: Any, sim: Served) -> None:
    listening = sdk_info.Info(sim.base_url, meta=exchange.info.meta(), spot_meta=exchange.info.spot_meta())
    streams, user = Streams(), wallet.address
    try:
        for kind in ("orderUpdates", "userEvents", "userFills"):
            listening.subscribe({"type": kind, "user": user}, streams.listener(kind))
        for kind in ("l2Book", "trades", "bbo", "activeAssetCtx"):
            listening.subscribe({"type": kind, "coin": "BTC"}, streams.listener(kind))
        listening.subscribe({"type": "activeAssetData", "user": user, "coin": "BTC"}, streams.listener("data"))
        listening.subscribe({"type": "allMids"}, streams.listener("mids"))
        listening.subscribe({"type": "candle", "coin": "BTC", "interval": "1m"}, streams.listener("candle"))

        (snapshot, *_) = streams.wait("userFills")
        assert snapshot["isSnapshot"] is True
        (book, *_) = streams.wait("l2Book")
        assert len(book["levels"][0]) == 20
        assert "BTC" in streams.wait("mids")[0]["mids"]
        streams.wait("data")
        filled = entry(exchange.market_open("BTC", True, 0.01))["filled"]

        fills = streams.wait("userFills", 2)[1]["fills"]
        assert {fill["oid"] for fill in fills} == {filled["oid"]}
        assert sum(Decimal(fill["sz"]) for fill in fills) == Decimal("0.01")
        assert streams.wait("userEvents")[0]["fills"] == fills
        updates = [(item["status"], item["order"]["oid"]) for item in streams.wait("orderUpdates")[0]]
        assert updates == [("open", filled["oid"]), ("filled", filled["oid"])]
        tids = {fill["tid"] for fill in fills}
        shown = {trade["tid"] for frame in streams.wait("trades") for trade in frame}
        deadline = time.monotonic() + WAIT_S
        while not tids <= shown and time.monotonic() < deadline:
            shown = {trade["tid"] for frame in streams.wait("trades") for trade in frame}
        assert tids <= shown
        for name in ("bbo", "activeAssetCtx", "candle"):
            streams.wait(name)
    finally:
        listening.disconnect_websocket()
        exchange.market_close("BTC")
