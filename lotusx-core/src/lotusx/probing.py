"""Asks the exchange, beside the socket, whether a silent channel is quiet or dead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lotusx.kernel.codec import ChannelKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from lotusx.instruments import Instruments
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.codec import Channel
    from lotusx.kernel.ports import MarketDataPort

_BETWEEN_LOOKS_S = 1.0


class Probe:
    """Quiet means proven: the last print is older than the silence, or the book does not move while we look.

    Args:
        exchange_ns: Turns our wall time into the exchange's, which prints carry; ``None``: they agree.
    """

    def __init__(
        self,
        port: MarketDataPort,
        instruments: Instruments,
        clock: Clock,
        exchange_ns: Callable[[int], int] | None = None,
    ) -> None:
        self._port = port
        self._instruments = instruments
        self._clock = clock
        self._exchange_ns = exchange_ns

    async def __call__(self, channel: Channel[Any], since_ns: int) -> bool:
        """Return whether the exchange has nothing newer than *since_ns* (our wall time) for *channel*."""
        if channel.symbol is None or channel.kind is ChannelKind.ACCOUNT:
            return True  # nothing public to compare with; its recovery closes gaps
        instrument = self._instruments.by_symbol(channel.symbol)
        if self._exchange_ns is not None:
            since_ns = self._exchange_ns(since_ns)
        trades = await self._port.recent_trades(instrument, 1)
        if trades and trades[-1].exchange_ns > since_ns:
            return False
        if channel.kind is ChannelKind.TRADES:
            return True
        first = await self._port.order_book(instrument, 5)
        await self._clock.sleep(_BETWEEN_LOOKS_S)
        second = await self._port.order_book(instrument, 5)
        if first.sequence is None or second.sequence is None:
            return (first.bids, first.asks) == (second.bids, second.asks)
        return first.sequence == second.sequence
