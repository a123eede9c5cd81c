"""nautilus_trader: a strategy in a `TradingNode` with its Binance data client; only addresses are set."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bench.clients.meter import Meter, Task


def run(task: Task, actor: Any) -> None:
    """Run a node with *actor* until that ends the process."""
    binance, config = import_module("nautilus_trader.adapters.binance"), import_module("nautilus_trader.config")
    live = import_module("nautilus_trader.live.node")
    data = binance.BinanceDataClientConfig(
        api_key="k" * 64,
        api_secret="s" * 64,
        base_url_http=task.plain_url,
        base_url_ws=task.ws_url,
        instrument_provider=config.InstrumentProviderConfig(load_all=True),
    )
    logging = config.LoggingConfig(log_level="ERROR")
    settings = config.TradingNodeConfig(trader_id="BENCH-001", logging=logging, data_clients={"BINANCE": data})
    node = live.TradingNode(config=settings)
    node.trader.add_actor(actor)
    node.add_data_client_factory("BINANCE", binance.BinanceLiveDataClientFactory)
    node.build()
    node.run()


def trades(task: Task) -> None:
    """``on_trade_tick``."""
    meter, last = Meter(), str(task.count)
    actor_type = import_module("nautilus_trader.common.actor").Actor
    symbol = import_module("nautilus_trader.model.identifiers").InstrumentId.from_str("BTCUSDT.BINANCE")

    class Reader(actor_type):  # type: ignore[misc, valid-type]
        """Counts."""

        def on_start(self) -> None:
            self.subscribe_trade_ticks(symbol)

        def on_trade_tick(self, tick: Any) -> None:
            if not meter.seen:
                meter.start()
            meter.seen += 1
            if tick.trade_id.value == last:
                meter.end()

    run(task, Reader())


def book(task: Task) -> None:
    """``on_order_book_deltas`` with the book that the cache keeps; best prices read in it."""
    meter = Meter()
    actor_type = import_module("nautilus_trader.common.actor").Actor
    symbol = import_module("nautilus_trader.model.identifiers").InstrumentId.from_str("BTCUSDT.BINANCE")
    enums = import_module("nautilus_trader.model.enums")

    class Reader(actor_type):  # type: ignore[misc, valid-type]
        """Reads."""

        def on_start(self) -> None:
            self.subscribe_order_book_deltas(symbol, book_type=enums.BookType.L2_MBP, depth=1_000, managed=True)

        def on_order_book_deltas(self, deltas: Any) -> None:
            state = self.cache.order_book(symbol)
            if state is None or state.best_bid_price() is None:
                return
            if not meter.seen:
                meter.start()
            meter.seen += 1
            assert state.best_bid_price() < state.best_ask_price()
            if deltas.sequence >= 1_000 + task.count:
                meter.end()

    run(task, Reader())


if __name__ == "__main__":
    given = Task.given()
    globals()[given.work](given)
