"""What ``connect(paper=…)`` finds: an account in this process, over the public data of any exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import anyio
from anyio.abc import TaskStatus

from lotusx import Overflow, Stream
from lotusx.errors import LotusXError, StreamClosed
from lotusx.model import AccountEvent, VenueEvent
from lotusx.plugin import Capability as C, Channel, Clock, Connector, StreamState, Support
from lotusx_paper.following import Following, PublicStreams
from lotusx_paper.line import Line
from lotusx_paper.ports import PaperAccount, PaperConnector, PaperTrading
from lotusx_paper.switch import Switch
from lotusx_paper.telling import told
from lotusx_paper.terms import Terms
from lotusx_paper.venue import Venue
from lotusx_sim.engine.events import Event

HERE = {
    **dict.fromkeys(
        (
            C.PLACE_ORDER, C.CANCEL_ORDER, C.CANCEL_ALL, C.CANCEL_ALL_AFTER, C.AMEND_ORDER, C.BATCH_ORDERS,
            C.BATCH_CANCEL, C.QUERY_ORDER, C.OPEN_ORDERS, C.ORDER_HISTORY, C.FILLS, C.POST_ONLY, C.REDUCE_ONLY,
            C.MAX_SLIPPAGE, C.BALANCES, C.POSITIONS, C.PERMISSIONS, C.LEVERAGE, C.MARGIN_MODE, C.STREAM_ACCOUNT,
        ),
        Support.full(),
    ),
    C.QUOTE_QUANTITY: Support.partial("market orders of spot instruments"),
    C.FEES: Support.partial("the rates of the paper account's settings"),
}  # fmt: skip
"""What a paper account can do."""
_OTHER_PRIVATE = (
    C.TEST_ORDER, C.CONDITIONAL_ORDERS, C.TRAILING_ORDERS, C.GTD, C.BATCH_AMEND, C.WEBSOCKET_ORDERS,
    C.HEDGE_MODE, C.ISOLATED_MARGIN, C.FUNDING_PAYMENTS, C.DEPOSITS, C.WITHDRAWALS, C.TRANSFER,
)  # fmt: skip
_AS_THERE = (
    C.AMEND_ORDER, C.BATCH_ORDERS, C.BATCH_CANCEL, C.CANCEL_ALL, C.CANCEL_ALL_AFTER, C.POST_ONLY, C.REDUCE_ONLY,
    C.MAX_SLIPPAGE, C.QUOTE_QUANTITY, C.LEVERAGE, C.MARGIN_MODE,
)  # fmt: skip
"""What a bot must not find on paper and miss at the exchange."""


class Paper:
    """One paper account. Made from the settings of ``connect(paper={…})``; see `lotusx.paper.Paper`."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.terms = Terms.of(settings)
        self.horizon_s = self.terms.latency_s + 1.0
        self._venue: Venue | None = None
        self._following: Following
        self._line: Line
        self._switch: Switch
        self._readers: list[Stream[AccountEvent]] = []
        self._is_over = False

    def offered(self, exchange: Mapping[C, Support]) -> Mapping[C, Support]:
        """Return what is there on paper: public data as at the exchange, and no term that it lacks.

        Where the exchange takes no orders at all, such as a replay, everything of a paper account is there.
        """
        takes_orders = bool(exchange.get(C.PLACE_ORDER))
        offered = dict(exchange) | HERE
        offered |= {item: Support.not_written("a connection without paper") for item in _OTHER_PRIVATE}
        if takes_orders:
            offered |= {item: exchange[item] for item in _AS_THERE if not exchange[item]}
        return offered

    def over(self, connector: Connector, exchange: str, clock: Clock) -> PaperConnector:
        """Open the account, over the public data of *connector*."""
        venue = self._venue = Venue(exchange, self.terms, clock.now_ns, self._told)
        self._line = Line(clock, self.terms.latency_s)
        self._following = Following(exchange, venue, clock, self.terms.wait_s, self._deliver)
        self._switch = Switch(clock, venue.cancel_all)
        trading = PaperTrading(venue, self._following, self._line, self._switch)
        return PaperConnector(connector, trading, PaperAccount(venue, self.terms, clock, "paper"))

    def subscribe(self, channel: Channel[Any], *, buffer: int, overflow: Overflow) -> Stream[Any]:
        """Return a stream of what happens on the account from now on.

        Raises:
            StreamClosed: The connection has ended.
        """
        if self._is_over:
            raise StreamClosed("the paper connection is closed; subscribe inside `async with`")
        reader: Stream[AccountEvent] = Stream(channel.key, buffer=buffer, overflow=overflow)
        reader.change(StreamState.LIVE)
        self._readers.append(reader)
        return reader

    async def run(self, market: PublicStreams, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Let commands arrive and follow *market*, until cancelled."""
        if self._venue is None:
            raise LotusXError("a paper account is opened over a connector before it runs")
        try:
            async with anyio.create_task_group() as tasks:
                await tasks.start(self._following.run, market)
                tasks.start_soon(self._line.run)
                tasks.start_soon(self._switch.run)
                task_status.started()
        finally:
            self._is_over = True
            for reader in list(self._readers):
                reader.end()

    def _told(self, events: Sequence[Event]) -> None:
        assert self._venue is not None
        self._put(list(told(self._venue, events)))

    def _deliver(self, event: VenueEvent) -> None:
        self._put([event])

    def _put(self, events: Sequence[AccountEvent]) -> None:
        self._readers = [reader for reader in self._readers if reader.state is not StreamState.CLOSED]
        for reader in self._readers:
            if events:
                reader.put(events)
