"""Bybit's own Python SDK: REST, and its WebSocket clients, which call back from threads of their own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from peer_sim import WAIT_S, Served, peer, serving

trading = peer("pybit", "pybit.unified_trading")
trade_socket = peer("pybit", "pybit._websocket_trading")
stream = peer("pybit", "pybit._websocket_stream")
errors = peer("pybit", "pybit.exceptions")

KEY = {"api_key": "LOTUSXTESTKEY0001", "api_secret": "lotusx-test-secret-not-real-0123456789"}
BTC: dict[str, str] = {"category": "linear", "symbol": "BTCUSDT"}
LIMIT = BTC | {"side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "80000"}


@pytest.fixture(scope="module")
def sim() -> Iterator[Served]:
    with serving("bybit") as served:
        yield served


@pytest.fixture
def client(sim: Served) -> Any:
    made = trading.HTTP(**KEY)
    made.endpoint = sim.base_url
    return made


@pytest.fixture
def subscribed() -> list[str]:
    """What has answered a subscription."""
    return []


@pytest.fixture
def sockets(sim: Served, subscribed: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Return a maker of sockets: of a public category, ``private``, or ``trade``."""
    monkeypatch.setattr(trading, "PUBLIC_WSS", sim.ws_url + "/v5/public/{CHANNEL_TYPE}")
    monkeypatch.setattr(trading, "PRIVATE_WSS", sim.ws_url + "/v5/private")
    monkeypatch.setattr(trade_socket, "TRADE_WSS", sim.ws_url + "/v5/trade")
    made: list[Any] = []
    take = stream._WebSocketManager._on_message

    def take_from_afar(self: Any, message: str) -> None:
        answers = json.loads(message).get("op") == "subscribe"
        if answers:
            time.sleep(0.05)  # pybit notes a subscription only after it has sent it, which is late for a near venue
        take(self, message)
        if answers:
            subscribed.append(message)

    monkeypatch.setattr(stream._WebSocketManager, "_on_message", take_from_afar)

    def make(kind: str) -> Any:
        if kind == "trade":
            made.append(trading.WebSocketTrading(testnet=True, **KEY))
        else:
            made.append(trading.WebSocket(testnet=True, channel_type=kind, **KEY))
        return made[-1]

    yield make
    for socket in made:
        socket.exit()


def soon(condition: Callable[[], Any], what: str) -> Any:
    """Return the first true value of *condition*."""
    deadline = time.monotonic() + WAIT_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"no {what} within {WAIT_S:g} s"
        time.sleep(0.02)
    return value


def rows(answer: Any) -> list[Any]:
    return list(answer["result"]["list"])


# -- REST --------------------------------------------------------------------------------------------------------


def test_instruments_are_paged_with_the_cursor_as_it_came(client: Any) -> None:
    symbols, cursor = list[str](), ""
    while True:
        page = client.get_instruments_info(category="linear", limit=2, **({"cursor": cursor} if cursor else {}))
        symbols += [row["symbol"] for row in rows(page)]
        if not (cursor := page["result"]["nextPageCursor"]):
            break
    assert symbols == [row["symbol"] for row in rows(client.get_instruments_info(category="linear"))]
    assert len(symbols) > 4


@pytest.mark.parametrize(("category", "symbol"), [("spot", "BTCUSDT"), ("linear", "BTCUSDT"), ("inverse", "BTCUSD")])
def test_market_data_is_there_in_every_category(client: Any, category: str, symbol: str) -> None:
    named = {"category": category, "symbol": symbol}
    book = client.get_orderbook(**named, limit=50)["result"]
    assert Decimal(book["b"][0][0]) < Decimal(book["a"][0][0])
    assert rows(client.get_tickers(**named))[0]["symbol"] == symbol
    assert rows(client.get_public_trade_history(**named, limit=5))
    candles = rows(client.get_kline(**named, interval=60, limit=3))
    assert [int(a[0]) - int(b[0]) for a, b in pairwise(candles)] == [3_600_000] * 2
    if category != "spot":
        assert rows(client.get_mark_price_kline(**named, interval=60, limit=1))
        assert rows(client.get_funding_rate_history(**named, limit=1))
        assert rows(client.get_open_interest(**named, intervalTime="1h", limit=1))


def test_an_order_lives_as_the_ledger_says(client: Any, sim: Served) -> None:
    placed = client.place_order(**LIMIT, orderLinkId="rest-1")["result"]
    assert (placed["orderLinkId"], sim.state("rest-1")) == ("rest-1", ("NEW", Decimal("0.01"), Decimal(0)))
    client.amend_order(**BTC, orderLinkId="rest-1", qty="0.02")
    assert sim.state("rest-1")[1] == Decimal("0.02")
    (found,) = rows(client.get_open_orders(**BTC, orderId=placed["orderId"]))
    assert (found["orderStatus"], found["qty"]) == ("New", "0.020")
    client.cancel_order(**BTC, orderId=placed["orderId"])
    assert sim.state("rest-1")[0] == "CANCELED"
    with pytest.raises(errors.InvalidRequestError, match="110001"):
        client.cancel_order(**BTC, orderId=placed["orderId"])


def test_fills_positions_and_money_are_the_ledgers(client: Any, sim: Served) -> None:
    eth = BTC | {"symbol": "ETHUSDT"}
    client.place_order(**eth, side="Buy", orderType="Market", qty="0.5", orderLinkId="eth-1")
    told = [row for row in rows(client.get_executions(**eth)) if row["orderLinkId"] == "eth-1"]
    assert [(Decimal(r["execPrice"]), Decimal(r["execQty"])) for r in told[::-1]] == [f[1:] for f in sim.fills("eth-1")]
    (position,) = rows(client.get_positions(**eth))
    assert (position["side"], Decimal(position["size"])) == ("Buy", sim.positions()["linear:ETHUSDT"])
    client.set_leverage(**eth, buyLeverage="7", sellLeverage="7")
    client.set_trading_stop(**eth, tpslMode="Full", positionIdx=0, stopLoss="1000")
    (position,) = rows(client.get_positions(**eth))
    assert (position["leverage"], position["stopLoss"]) == ("7", "1000.00")
    client.place_order(**eth, side="Sell", orderType="Market", qty="0.5", reduceOnly=True)
    assert rows(client.get_closed_pnl(**eth))[0]["closedSize"] == "0.50"
    (wallet,) = rows(client.get_wallet_balance(accountType="UNIFIED", coin="USDT,BTC"))
    free, locked = sim.balances()["USDT"]
    assert Decimal(next(c for c in wallet["coin"] if c["coin"] == "USDT")["walletBalance"]) == free + locked


def test_a_batch_says_what_became_of_each_item(client: Any, sim: Served) -> None:
    items = [{key: value for key, value in LIMIT.items() if key != "category"} | {"orderLinkId": n} for n in ("x", "x")]
    answer = client.place_batch_order(category="linear", request=items)
    assert [code["code"] for code in answer["retExtInfo"]["list"]] == [0, 110072]
    client.cancel_all_orders(category="linear", settleCoin="USDT")
    assert sim.open_ids() == set()


def test_the_account_is_told_of(client: Any) -> None:
    assert rows(client.get_fee_rates(**BTC))[0]["takerFeeRate"] == "0.00055"
    assert client.get_account_info()["result"]["marginMode"] == "REGULAR_MARGIN"
    assert client.get_api_key_information()["result"]["apiKey"] == KEY["api_key"]
    client.switch_position_mode(category="linear", symbol="SOLUSDT", mode=3)
    assert [row["positionIdx"] for row in rows(client.get_positions(category="linear", symbol="SOLUSDT"))] == [1, 2]


def test_a_wrong_secret_is_refused(sim: Served) -> None:
    made = trading.HTTP(api_key=KEY["api_key"], api_secret="wrong")
    made.endpoint = sim.base_url
    with pytest.raises(errors.InvalidRequestError, match="10004"):
        made.get_account_info()


# -- WebSockets --------------------------------------------------------------------------------------------------


def test_public_streams_build_the_book_the_sdk_keeps(sockets: Callable[..., Any], sim: Served) -> None:
    socket = sockets("linear")
    books: list[
        tuple[int, Decimal, Decimal]
    ] = []  # number, best bid, best ask; pybit goes on changing what it hands out
    others: dict[str, Any] = {}

    def on_book(message: Any) -> None:
        bids, asks = ([Decimal(level[0]) for level in message["data"][side]] for side in "ba")
        books.append((message["data"]["u"], max(bids), min(asks)))

    socket.orderbook_stream(50, "BTCUSDT", on_book)
    socket.trade_stream("BTCUSDT", lambda message: others.setdefault("trade", message))
    socket.ticker_stream("BTCUSDT", lambda message: others.setdefault("ticker", message))
    socket.kline_stream(1, "BTCUSDT", lambda message: others.setdefault("kline", message))
    soon(lambda: len(books) > 5, "book")
    sim.do("trade", symbol="linear:BTCUSDT", side="buy", quantity="0.01")
    soon(lambda: len(others) == 3, "trade, ticker and candle")
    assert all(bid < ask for _, bid, ask in books)
    assert [number for number, *_ in books[:3]] == [books[0][0] + n for n in range(3)]


def test_spot_streams_are_there_too(sockets: Callable[..., Any]) -> None:
    socket = sockets("spot")
    seen: list[Any] = []
    socket.ticker_stream("BTCUSDT", seen.append)
    assert "bid1Price" not in soon(lambda: seen, "ticker")[0]["data"]


def test_private_streams_tell_what_commands_by_socket_do(
    sockets: Callable[..., Any], subscribed: list[str], sim: Served
) -> None:
    private, trade = sockets("private"), sockets("trade")
    orders: list[Any] = []
    fills: list[Any] = []
    told: set[str] = set()
    private.order_stream(lambda message: orders.extend(message["data"]))
    private.execution_stream(lambda message: fills.extend(message["data"]))
    private.position_stream(lambda message: told.add(message["topic"]))
    private.wallet_stream(lambda message: told.add(message["topic"]))
    soon(lambda: len(subscribed) == 4, "answer to each subscription")

    def statuses(link: str) -> list[str]:
        return [order["orderStatus"] for order in orders if order["orderLinkId"] == link]

    # Answers are not waited for: pybit enters whom to call only after it has sent, which is late for a near venue.
    trade.place_order(lambda answer: None, **LIMIT, orderLinkId="ws-1")
    soon(lambda: statuses("ws-1") == ["New"], "order")
    trade.amend_order(lambda answer: None, **BTC, orderLinkId="ws-1", price="80001")
    soon(lambda: len(statuses("ws-1")) == 2, "amendment")
    trade.cancel_order(lambda answer: None, **BTC, orderLinkId="ws-1")
    soon(lambda: statuses("ws-1")[-1] == "Cancelled", "cancellation")
    market = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "0.01", "orderLinkId": "ws-2"}
    trade.place_batch_order(lambda answer: None, category="linear", request=[market])
    soon(lambda: statuses("ws-2") == ["Filled"] and told == {"position", "wallet"}, "fill")
    assert [(Decimal(f["execPrice"]), Decimal(f["execQty"])) for f in fills] == [f[1:] for f in sim.fills("ws-2")]
