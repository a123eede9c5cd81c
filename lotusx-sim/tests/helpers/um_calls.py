"""Calls the simulated USDⓈ-M futures like a client."""

from typing import Any

from sim_calls import Caller, Socket

from lotusx_sim import BinancePerp

BTC = "BTCUSDT"


class UmCaller(Caller):
    """A caller of USDⓈ-M futures, with its own order shapes and a private socket."""

    def __init__(self, **options: Any) -> None:
        super().__init__(BinancePerp(**{"seed": 7, "actions_per_s": 0, **options}))

    def get(self, path: str, **params: Any) -> Any:
        return self.public(f"/fapi/{path}", **params)

    def ask(self, method: str, path: str, **params: Any) -> Any:
        return self.signed(method, f"/fapi/{path}", **params)

    def limit(self, **params: Any) -> Any:
        defaults = {
            "symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010",
            "price": "66000",
        }  # fmt: skip
        return self.ask("POST", "v1/order", **{**defaults, **params})

    def market(self, side: str = "BUY", quantity: str = "0.010", **params: Any) -> Any:
        order = {"symbol": BTC, "side": side, "type": "MARKET", "quantity": quantity, "newOrderRespType": "RESULT"}
        return self.ask("POST", "v1/order", **{**order, **params})

    def algo(self, **params: Any) -> Any:
        defaults = {
            "algoType": "CONDITIONAL", "symbol": BTC, "side": "SELL", "type": "STOP_MARKET", "quantity": "0.010",
            "triggerPrice": "67000",
        }  # fmt: skip
        wanted = {name: value for name, value in {**defaults, **params}.items() if value is not None}
        return self.ask("POST", "v1/algoOrder", **wanted)

    def keyed(self, method: str, path: str) -> Any:
        """Call with the key's name only, as listen keys are asked for."""
        return self.raw(method, f"/fapi/{path}", headers={"x-mbx-apikey": self.key.key})

    def private(self, query: str = "") -> Socket:
        """Open user data with a new listen key."""
        key = self.keyed("POST", "v1/listenKey")["listenKey"]
        return self.open(f"/private/ws?listenKey={key}{query}")

    def venue_expires(self) -> None:
        """End all listen keys."""
        self.sim.venue.expire_user_streams(self.sim.now_ns())

    def position(self, symbol: str = BTC) -> Any:
        (row,) = self.ask("GET", "v3/positionRisk", symbol=symbol)
        return row


def kinds(socket: Socket) -> list[str]:
    """Return what events came, by name and, for orders, by what happened."""
    words = []
    for event in socket.take():
        what = event["o"] if event["e"] in ("ORDER_TRADE_UPDATE", "ALGO_UPDATE") else {}
        words.append(" ".join(part for part in (event["e"], what.get("x", ""), what.get("X", "")) if part))
    return words
