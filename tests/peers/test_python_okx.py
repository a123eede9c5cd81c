"""OKX's own Python SDK: REST, and its WebSocket clients, which speak TLS only."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from peer_sim import Served, peer, serving, until

market = peer("python-okx", "okx.MarketData")
public = peer("python-okx", "okx.PublicData")
trade = peer("python-okx", "okx.Trade")
account = peer("python-okx", "okx.Account")
funding = peer("python-okx", "okx.Funding")
public_socket = peer("python-okx", "okx.websocket.WsPublicAsync")
private_socket = peer("python-okx", "okx.websocket.WsPrivateAsync")

pytestmark = pytest.mark.anyio

KEY = {"api_key": "sim-okx-key", "api_secret_key": "sim-okx-secret", "passphrase": "sim-okx-passphrase"}
SPOT, SWAP = "BTC-USDT", "BTC-USDT-SWAP"
REAL = "0"  # not OKX's own paper trading


@pytest.fixture(scope="module")
def sim() -> Iterator[Served]:
    with serving("okx") as served:
        yield served


@pytest.fixture
def make(sim: Served) -> Iterator[Callable[..., Any]]:
    """Return a maker of clients: of a class of the SDK, with the account's key or none."""
    made: list[Any] = []

    def client(kind: Any, **key: str) -> Any:
        made.append(kind(**key, flag=REAL, domain=sim.base_url))
        return made[-1]

    yield client
    for each in made:
        each.close()


def rows(answer: Any) -> list[Any]:
    assert answer["code"] == "0", answer
    return list(answer["data"])


# -- REST --------------------------------------------------------------------------------------------------------


def test_public_data_is_read_without_a_key(make: Callable[..., Any]) -> None:
    reference, prices = make(public.PublicAPI), make(market.MarketAPI)
    listed = {kind: {row["instId"]: row for row in rows(reference.get_instruments(kind))} for kind in ("SPOT", "SWAP")}
    assert listed["SPOT"][SPOT]["state"] == "live"
    assert listed["SWAP"][SWAP]["ctVal"] == "0.01"
    assert rows(reference.get_system_time())[0]["ts"].isdigit()
    assert rows(reference.get_funding_rate(SWAP))[0]["instId"] == SWAP
    assert rows(reference.funding_rate_history(SWAP, limit="2"))[0]["instId"] == SWAP
    assert rows(reference.get_open_interest("SWAP", instId=SWAP))[0]["instId"] == SWAP
    assert rows(reference.get_mark_price("SWAP", instId=SWAP))[0]["instId"] == SWAP
    for name in (SPOT, SWAP):
        (book,) = rows(prices.get_orderbook(name, "5"))
        (ticker,) = rows(prices.get_ticker(name))
        assert Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0])
        assert ticker["instId"] == name
        assert 1 <= len(rows(prices.get_trades(name, "3"))) <= 3
        candles = rows(prices.get_candlesticks(name, bar="1H", limit="3"))
        assert [int(a[0]) - int(b[0]) for a, b in pairwise(candles)] == [3_600_000] * 2


@pytest.mark.parametrize(
    ("name", "mode", "size", "coins"), [(SPOT, "cash", "0.01", "0.01"), (SWAP, "cross", "2", "0.02")]
)
def test_an_order_lives_as_the_ledger_says(
    make: Callable[..., Any], sim: Served, name: str, mode: str, size: str, coins: str
) -> None:
    trading, mine = make(trade.TradeAPI, **KEY), f"life{mode}"
    (placed,) = rows(trading.place_order(name, mode, "buy", "limit", size, clOrdId=mine, px="50000"))
    assert (placed["sCode"], placed["clOrdId"]) == ("0", mine)
    assert sim.state(mine) == ("NEW", Decimal(coins), Decimal(0))
    (found,) = rows(trading.get_order(name, clOrdId=mine))
    assert (found["state"], found["ordId"], found["sz"]) == ("live", placed["ordId"], size)
    assert [row["clOrdId"] for row in rows(trading.get_order_list(instId=name))] == [mine]
    assert rows(trading.amend_order(name, clOrdId=mine, newPx="51000"))[0]["sCode"] == "0"
    assert rows(trading.get_order(name, ordId=placed["ordId"]))[0]["px"] == "51000"
    assert rows(trading.cancel_order(name, ordId=placed["ordId"]))[0]["sCode"] == "0"
    assert sim.state(mine)[0] == "CANCELED"
    again = trading.cancel_order(name, ordId=placed["ordId"])
    assert (again["code"], again["data"][0]["sCode"]) == ("1", "51400")


def test_fills_and_money_are_the_ledgers(make: Callable[..., Any], sim: Served) -> None:
    trading, holdings = make(trade.TradeAPI, **KEY), make(account.AccountAPI, **KEY)
    rows(trading.place_order(SPOT, "cash", "buy", "market", "0.02", clOrdId="took", tgtCcy="base_ccy"))
    told = [row for row in rows(trading.get_fills(instType="SPOT", instId=SPOT)) if row["clOrdId"] == "took"]
    shown = [(Decimal(row["fillPx"]), Decimal(row["fillSz"])) for row in told[::-1]]
    assert shown == [fill[1:] for fill in sim.fills("took")]
    (held,) = rows(holdings.get_account_balance("USDT,BTC"))
    for row in held["details"]:
        assert Decimal(row["cashBal"]) == sum(sim.balances()[row["ccy"]])
    rows(holdings.set_leverage(lever="7", mgnMode="cross", instId=SWAP))
    assert rows(holdings.get_leverage("cross", instId=SWAP))[0]["lever"] == "7"
    rows(trading.place_order(SWAP, "cross", "sell", "market", "3"))
    (position,) = rows(holdings.get_positions("SWAP", instId=SWAP))
    assert Decimal(position["pos"]) * Decimal("0.01") == sim.positions()[SWAP]


def test_a_batch_says_what_became_of_each_order(make: Callable[..., Any], sim: Served) -> None:
    trading = make(trade.TradeAPI, **KEY)
    order = {"instId": SPOT, "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.01", "px": "50000"}
    answer = trading.place_multiple_orders([order | {"clOrdId": "twin"}] * 2)
    assert (answer["code"], [row["sCode"] for row in answer["data"]]) == ("2", ["0", "51016"])
    rows(trading.cancel_multiple_orders([{"instId": SPOT, "clOrdId": "twin"}]))
    assert "twin" not in sim.open_ids()


def test_money_goes_to_the_funding_account_and_is_listed_when_it_comes(make: Callable[..., Any], sim: Served) -> None:
    money = make(funding.FundingAPI, **KEY)
    before = sim.balances()["USDT"][0]
    (moved,) = rows(money.funds_transfer("USDT", "12.5", from_="18", to="6"))
    assert before - sim.balances()["USDT"][0] == Decimal("12.5")
    assert rows(money.transfer_state(moved["transId"]))[0]["state"] == "success"
    assert rows(money.get_balances("USDT"))[0]["bal"] == "12.5"
    sim.do("deposit", asset="USDT", amount="3.5")
    assert rows(money.get_deposit_history("USDT"))[0]["amt"] == "3.5"
    refused = money.withdrawal("USDT", "1", "4", "0x1", "USDT-ERC20")
    assert refused["code"] == "50120"  # this key may not
    assert rows(money.get_withdrawal_history("USDT")) == []


def test_a_wrong_secret_is_refused(make: Callable[..., Any]) -> None:
    answer = make(account.AccountAPI, **KEY | {"api_secret_key": "wrong"}).get_account_balance()
    assert answer["code"] == "50113"


# -- WebSockets: the SDK hands a TLS context to whatever address it is given ----------------------------------------


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve over TLS, with a certificate that this process trusts meanwhile."""
    with serving("okx", "--tls-self-signed") as served, pytest.MonkeyPatch.context() as patch:
        trusted = tmp_path_factory.mktemp("tls") / "simulator.pem"
        trusted.write_text(served.certificate, "ascii")
        patch.setenv("SSL_CERT_FILE", str(trusted))
        yield served


@pytest.fixture
async def opened(secure: Served) -> AsyncIterator[Callable[..., Any]]:
    """Return what opens a socket of the SDK and reads it."""
    made: list[tuple[Any, Any]] = []

    async def start(kind: Any, group: str, **key: str) -> Any:
        socket = kind(url=f"{secure.ws_url}/ws/v5/{group}", **key)
        made.append((socket, await socket.start()))
        return socket

    yield start
    for socket, reading in made:
        await socket.stop()
        await reading


async def test_public_streams_tell_of_the_market(opened: Callable[..., Any], secure: Served) -> None:
    socket = await opened(public_socket.WsPublicAsync, "public")
    told: list[Any] = []
    wanted = [{"channel": name, "instId": SWAP} for name in ("books", "tickers", "trades", "bbo-tbt")]
    await socket.subscribe(wanted, lambda message: told.append(json.loads(message)))

    def of(channel: str) -> list[Any]:
        return [each for each in told if each.get("arg", {}).get("channel") == channel and "data" in each]

    await until(lambda: len(of("books")) > 3, "book")
    secure.do("trade", symbol=SWAP, side="buy", quantity="0.05")
    await until(lambda: all(of(channel) for channel in ("tickers", "trades", "bbo-tbt")), "channels")
    books = of("books")
    assert [each["action"] for each in books[:2]] == ["snapshot", "update"]
    assert all(b["data"][0]["prevSeqId"] == a["data"][0]["seqId"] for a, b in pairwise(books))


async def test_private_streams_tell_of_orders(opened: Callable[..., Any], secure: Served) -> None:
    key = {"apiKey": KEY["api_key"], "secretKey": KEY["api_secret_key"], "passphrase": KEY["passphrase"]}
    socket = await opened(private_socket.WsPrivateAsync, "private", **key)
    told: list[Any] = []
    await socket.subscribe([{"channel": "orders", "instType": "ANY"}], lambda message: told.append(json.loads(message)))
    await until(lambda: any(each.get("event") == "subscribe" for each in told), "subscription")
    trading = trade.TradeAPI(**KEY, flag=REAL, domain=secure.base_url)
    try:
        rows(trading.place_order(SPOT, "cash", "buy", "limit", "0.01", clOrdId="told", px="50000"))
        rows(trading.cancel_order(SPOT, clOrdId="told"))
    finally:
        trading.close()

    def states() -> list[str]:
        return [row["state"] for each in told for row in each.get("data", ()) if row.get("clOrdId") == "told"]

    await until(lambda: states() == ["live", "canceled"], "order")
