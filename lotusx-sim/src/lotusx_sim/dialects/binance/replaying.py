"""Shows a recorded market on the venue's surfaces, message by message."""

from lotusx_sim.dialects.binance.state import NS_PER_MS, SpotState
from lotusx_sim.dialects.binance.streams import StreamHub
from lotusx_sim.engine.capture import Capture, RecordedLiquidity, Replay
from lotusx_sim.engine.market import MarketView, PublicTrade


class Replayer:
    """Replays one capture; what it sends is the recorded text, with its recorded times and ids."""

    def __init__(self, capture: Capture, speed: float, state: SpotState, hub: StreamHub, now_ns: int) -> None:
        self._capture = capture
        self._has_best_quotes = f"{capture.symbol.lower()}@bookTicker" in capture.topics
        self._replay = Replay(capture, speed=speed)
        self._state = state
        self._hub = hub
        self._liquidity = RecordedLiquidity(state.exchange, capture.symbol)
        self._view.reset(capture.bids, capture.asks, capture.update_id)
        self._liquidity.apply(capture.bids, capture.asks, now_ns)
        best = self._view.bids.best()
        if best is not None:
            state.exchange.set_last_price(capture.symbol, best[0], now_ns)

    @property
    def _view(self) -> MarketView:
        return self._state.views[self._capture.symbol]

    def begin_if_read(self, now_ns: int) -> None:
        if not self._replay.has_begun and self._hub.reads(self._capture.symbol):
            self._replay.begin(now_ns)

    def next_due_ns(self) -> int | None:
        return self._replay.next_due_ns()

    def step(self, now_ns: int) -> None:
        """Let the next recorded message happen."""
        record = self._replay.take()
        if record.diff is not None:
            self._view.apply_recorded(record.diff)
            self._liquidity.apply(record.diff.bids, record.diff.asks, now_ns)
        elif record.trade is not None:
            self._trade(record.trade, now_ns)
        self._hub.emit_text(record.topic, record.text)
        if record.diff is not None and not self._has_best_quotes:
            self._hub.book_changed(self._view)

    def _trade(self, trade: PublicTrade, now_ns: int) -> None:
        self._view.add_trade(trade, at_ms=now_ns // NS_PER_MS)
        self._hub.aggregates_happened(self._view, now_ns)
        self._liquidity.trade(trade, now_ns)
