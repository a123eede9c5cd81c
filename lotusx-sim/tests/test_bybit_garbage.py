"""Whatever is sent to the simulated Bybit, it answers, and money neither appears nor vanishes."""

import random
from typing import Any

import pytest
from bybit_calls import BybitCaller

from lotusx_sim import Bybit
from lotusx_sim.dialects.bybit import LimitRules

MANY = 1_000_000_000
POSTS = (
    "order/create", "order/amend", "order/cancel", "order/cancel-all", "order/create-batch", "order/amend-batch",
    "order/cancel-batch", "order/pre-check", "position/set-leverage", "position/switch-mode", "position/trading-stop",
    "position/add-margin", "account/set-margin-mode",
)  # fmt: skip
GETS = (
    "market/instruments-info", "market/orderbook", "market/recent-trade", "market/tickers", "market/kline",
    "market/mark-price-kline", "market/funding/history", "market/open-interest", "market/risk-limit",
    "order/realtime", "order/history", "execution/list", "position/list", "position/closed-pnl",
    "account/wallet-balance", "account/fee-rate", "account/transaction-log", "asset/coin/query-info",
)  # fmt: skip
OPS = ("order.create", "order.amend", "order.cancel", "order.create-batch", "subscribe", "auth", "ping", 7, None)
NAMES = (
    "orderId", "orderLinkId", "timeInForce", "triggerPrice", "triggerDirection", "triggerBy", "reduceOnly",
    "closeOnTrigger", "positionIdx", "takeProfit", "stopLoss", "tpslMode", "tpSize", "slSize", "marketUnit",
    "orderFilter", "smpType", "slippageTolerance", "slippageToleranceType", "limit", "cursor", "startTime", "endTime",
    "interval", "intervalTime", "coin", "accountType", "settleCoin", "baseCoin", "buyLeverage", "sellLeverage", "mode",
    "setMarginMode", "margin", "request", "openOnly", "stopOrderType", "trailingStop", "category", "symbol", "qty",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    "linear", "BTCUSDT", "Buy", "0.01", "84000", "90000", "70000", "0", "-1", "1e5", "NaN", "Infinity", "x", " ", "",
    None, True, False, 1, 2, -5, 1.5, [], {}, [1], "IOC", "FOK", "PostOnly", "MarkPrice", "Full", "Partial",
    "quoteCoin", "StopOrder", "tpslOrder", "CancelMaker", "60", "5min", "UNIFIED", "USDT", "ISOLATED_MARGIN",
    "REGULAR_MARGIN", "9" * 40, "0." + "0" * 30 + "1", "Percent", 3, "é",
)  # fmt: skip
LIKELY = {
    "category": ("linear", "spot", "inverse"), "symbol": ("BTCUSDT", "BTCUSD"), "side": ("Buy", "Sell"),
    "orderType": ("Limit", "Market"), "qty": ("0.01", "10", "1"), "price": ("84000", "83000", "85000"),
}  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_garbage_is_answered_and_money_is_kept(seed: int) -> None:
    rng = random.Random(seed)
    rules = LimitRules(MANY, MANY, MANY, MANY, MANY)
    caller = BybitCaller(Bybit(seed=seed, actions_per_s=0, rules=rules, matching_delay_ms=2 * (seed % 2)))
    accounts = caller.sim.exchange.accounts
    before = {coin: accounts.total(coin) for coin in ("USDT", "USDC", "BTC", "ETH")}
    sockets = [caller.open(path) for path in ("/v5/public/linear", "/v5/private", "/v5/trade")]
    for socket in sockets[1:]:
        socket.authenticate()
    sockets[1].subscribe("order", "execution", "position", "wallet")

    def asked() -> dict[str, Any]:
        made = {name: rng.choice(choices) for name, choices in LIKELY.items() if rng.random() < 0.9}
        return made | {name: rng.choice(VALUES) for name in rng.sample(NAMES, rng.randint(0, 6))}

    taken = 0
    for number in range(1_500):
        params = asked()
        draw = rng.random()
        if draw < 0.2:
            args = rng.choice(([params], [rng.choice(VALUES)], params, None))
            header = rng.choice(({"X-BAPI-TIMESTAMP": str(caller.now_ms)}, None, 3))
            rng.choice(sockets).send({"op": rng.choice(OPS), "args": args, "header": header, "reqId": str(number)})
        elif draw < 0.4:
            query = {name: value for name, value in params.items() if isinstance(value, (str, int))}
            path = rng.choice(GETS)
            assert "retCode" in caller.query(f"/v5/{path}", not path.startswith("market"), **query)
        else:
            path = rng.choice(POSTS[:1] * 8 + POSTS)
            body = {"category": "linear", "request": [asked() for _ in range(3)]} if "batch" in path else params
            taken += caller.command(path, **body)["retCode"] == 0
        if number % 40 == 0:
            caller.sim.set_mark("linear:BTCUSDT", str(rng.randint(60_000, 110_000)))
            caller.sim.trade("linear:BTCUSDT", rng.choice(("buy", "sell")), "0.5")
            caller.step(0.1)
    assert taken > 100
    assert {coin: accounts.total(coin) for coin in before} == before
