"""News of an order is owed once a command about it was accepted: a channel that keeps it to itself is replaced."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from decimal import Decimal as D
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
import trio

from lotusx.account_feed import AccountFeed
from lotusx.errors import RequestTimeout
from lotusx.kernel.clock import Moment
from lotusx.kernel.codec import Channel, ChannelKind
from lotusx.kernel.flow import StreamOwner
from lotusx.kernel.ports import Acknowledged, OrderRef
from lotusx.kernel.telemetry import Telemetry
from lotusx.model.account import AccountEvent, BalanceEvent, FillEvent, OrderEvent, Recovered
from lotusx.model.enums import OrderType, Side
from lotusx.model.requests import OrderRequest
from lotusx.orders.owed import MAX_NAMES, MAX_OWED, OWED_S
from lotusx.streams import Overflow, Stream, StreamState

from .order_kit import BTC, INSTRUMENT, World, executes_but, fill, in_virtual_time, limit, state

ORDERS: Channel[AccountEvent] = Channel("main", "orders", ChannelKind.ACCOUNT, lambda *_: [], private=True)
WALLET: Channel[AccountEvent] = Channel("main", "wallet", ChannelKind.ACCOUNT, lambda *_: [], private=True)


class Sockets(StreamOwner):
    """A group of two channels on one socket, which is back at once where it is replaced."""

    def __init__(self) -> None:
        self.raws: dict[str, Stream[AccountEvent]] = {}
        self.distrusted: list[tuple[str, str, float]] = []
        self.on_distrust: Callable[[str], None] = lambda key: None

    def subscribe(self, channel: Channel[Any], *, buffer: int, overflow: Overflow) -> Stream[AccountEvent]:
        raw: Stream[AccountEvent] = Stream(channel.key, buffer=buffer, overflow=overflow, owner=self)
        self.raws[channel.key] = raw
        raw.change(StreamState.ACKNOWLEDGED)
        return raw

    def distrust(self, stream: Stream[Any], reason: str) -> None:
        self.distrusted.append((stream.name, reason, anyio.current_time()))
        self.on_distrust(stream.name)


class Followed:
    """An account that is followed over two channels."""

    def __init__(self) -> None:
        self.world = World(follow=False)
        self.world.exchange.channels = lambda: [ORDERS, WALLET]  # type: ignore[method-assign]
        self.sockets = Sockets()
        groups: Any = {"main": self.sockets}
        instruments: Any = SimpleNamespace(
            ensure=anyio.lowlevel.checkpoint, refresh=anyio.lowlevel.checkpoint, by_symbol=lambda _: INSTRUMENT
        )
        self.feed = AccountFeed(
            self.world.desk, self.world.exchange, self.world.exchange, self.world.clock, instruments, groups,
            anyio.lowlevel.checkpoint, telemetry=Telemetry(),
        )  # fmt: skip

    @property
    def when(self) -> list[float]:
        """When a channel was distrusted."""
        return [round(at, 3) for _, _, at in self.sockets.distrusted]

    def bring(self, *events: AccountEvent, key: str = "orders") -> None:
        self.sockets.raws[key].put(events)

    async def place(self, name: str = "a-1", **more: Any) -> Any:
        return await self.world.desk.place(limit(name, **more), INSTRUMENT)


def followed(test: Callable[[Followed], Coroutine[Any, Any, None]]) -> None:
    """Run *test* while somebody reads the account."""

    async def run() -> None:
        account = Followed()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(account.feed.watch)
            async with account.feed.open(100):
                await test(account)
            tasks.cancel_scope.cancel()

    in_virtual_time(run)


def test_a_channel_that_brings_nothing_about_an_accepted_order_is_distrusted_after_ten_seconds() -> None:
    async def run(account: Followed) -> None:
        await anyio.sleep(3)
        await account.place()
        await anyio.sleep(OWED_S + 1)
        assert account.when == [13.0, 13.0]  # nobody knows yet which of the two tells of orders
        assert "place of a-1 was accepted" in account.sockets.distrusted[0][1]

    followed(run)


def test_only_the_channel_that_tells_of_orders_is_distrusted_once_it_has_told_of_one() -> None:
    async def run(account: Followed) -> None:
        await account.place()
        account.bring(OrderEvent(state()))
        await account.world.desk.cancel(OrderRef("a-1"), INSTRUMENT)
        await anyio.sleep(OWED_S + 1)
        assert [key for key, _, _ in account.sockets.distrusted] == ["orders"]
        assert "cancel of a-1" in account.sockets.distrusted[0][1]

    followed(run)


@pytest.mark.parametrize("events", [[OrderEvent(state())], [OrderEvent(state(name=None))], [FillEvent(fill())]])
def test_an_order_or_a_fill_under_any_of_its_names_is_news(events: Sequence[AccountEvent]) -> None:
    async def run(account: Followed) -> None:
        await account.place()
        await anyio.sleep(OWED_S - 1)
        account.bring(*events)
        await anyio.sleep(60)
        assert account.when == []

    followed(run)


def test_news_that_came_before_the_reply_counts() -> None:
    async def run(account: Followed) -> None:
        def told_first(request: OrderRequest) -> Any:
            made = account.world.exchange.execute(request)
            account.bring(OrderEvent(made))
            return made

        account.world.exchange.on["place"] = [told_first]
        await account.place()
        await anyio.sleep(60)
        assert account.when == []

    followed(run)


def test_news_of_the_command_before_is_no_news_of_this_one() -> None:
    async def run(account: Followed) -> None:
        await account.place()
        account.bring(OrderEvent(state()))
        await anyio.sleep(5)
        await account.world.desk.cancel(OrderRef("a-1"), INSTRUMENT)
        await anyio.sleep(OWED_S + 1)
        assert account.when == [15.0]

    followed(run)


def test_what_a_wallet_or_another_order_tells_is_no_news_of_this_one() -> None:
    async def run(account: Followed) -> None:
        await account.place()
        account.bring(BalanceEvent(()), key="wallet")
        account.bring(OrderEvent(state("b-1", "77")))
        await anyio.sleep(OWED_S + 1)
        assert account.when == [10.0]

    followed(run)


def test_an_amendment_is_told_under_its_new_name() -> None:
    async def run(account: Followed) -> None:
        order = await account.place()
        account.bring(OrderEvent(state()))
        await account.world.desk.amend(OrderRef("a-1"), INSTRUMENT, price=D(99))
        account.bring(OrderEvent(state(None, order.venue_order_id, price="99", at=2_000)))
        await anyio.sleep(60)
        assert account.when == []

    followed(run)


def test_what_was_not_accepted_owes_nothing() -> None:
    async def run(account: Followed) -> None:
        exchange = account.world.exchange
        exchange.on["place"] = [executes_but(exchange)]
        await account.place()  # found by looking
        exchange.on["place"] = [lambda _: (_ for _ in ()).throw(RequestTimeout("no reply", sent=False))]
        with pytest.raises(RequestTimeout):
            await account.place("a-2")
        await anyio.sleep(60)
        assert account.when == []

    followed(run)


def test_a_caller_who_leaves_before_the_reply_owes_nothing() -> None:
    async def run(account: Followed) -> None:
        account.world.exchange.on["place"] = [lambda _: anyio.sleep(60)]
        with anyio.move_on_after(1):
            await account.place()
        await anyio.sleep(60)
        assert account.when == []
        assert len(account.world.desk.owed) == 0

    followed(run)


def test_conditional_orders_ended_orders_and_amendments_of_nothing_owe_nothing() -> None:
    async def run(account: Followed) -> None:
        desk, exchange = account.world.desk, account.world.exchange
        stop = OrderRequest(
            symbol=BTC, side=Side.SELL, type=OrderType.STOP_LOSS, quantity=D(1), trigger_price=D(90),
            client_order_id="s-1",
        )  # fmt: skip
        await desk.place(stop, INSTRUMENT)
        await account.place()
        account.bring(OrderEvent(state(venue="2")))
        await desk.amend(OrderRef("a-1"), INSTRUMENT, price=D(100))
        await desk.cancel(OrderRef("a-1"), INSTRUMENT)
        account.bring(OrderEvent(state(venue="3", status="canceled", at=10_000)))
        exchange.on["cancel"] = [lambda ref: Acknowledged(ref)]
        await desk.cancel(OrderRef("a-1"), INSTRUMENT)
        await anyio.sleep(60)
        assert account.when == []

    followed(run)


def test_an_unreadable_message_may_have_been_the_news() -> None:
    async def run(account: Followed) -> None:
        await account.place()
        account.sockets.raws["orders"].reject()
        await anyio.sleep(60)
        assert account.when == []

    followed(run)


def test_a_channel_that_is_lost_owes_nothing_and_its_recovery_tells() -> None:
    async def run(account: Followed) -> None:
        await account.place()
        raw = account.sockets.raws["orders"]
        raw.change(StreamState.LOST)
        await account.place("a-2")
        raw.change(StreamState.ACKNOWLEDGED)
        await account.feed.restored(ORDERS, 0, 1)
        raw.change(StreamState.RECOVERED)
        await anyio.sleep(60)
        assert account.when == []

    followed(run)


def test_while_a_recovery_runs_nothing_is_distrusted_because_that_tells() -> None:
    async def run(account: Followed) -> None:
        raw = account.sockets.raws["orders"]
        raw.change(StreamState.LOST)
        await account.place()
        raw.change(StreamState.ACKNOWLEDGED)
        account.world.exchange.on["open_orders"] = [lambda: anyio.sleep(100)]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(account.feed.restored, ORDERS, 0, 1)
            await anyio.sleep(60)
            assert account.when == []
        await anyio.sleep(60)
        assert account.when == []

    followed(run)


def test_what_came_while_nothing_could_be_read_is_read_first() -> None:
    async def run(account: Followed) -> None:
        clock: Any = trio.lowlevel.current_clock()
        await account.place()
        await anyio.sleep(5)
        clock.jump(600)  # the process stood still; the socket kept what came
        await anyio.sleep(0.5)
        account.bring(OrderEvent(state()))
        await anyio.sleep(60)
        assert account.when == []

    followed(run)


def test_a_process_that_stood_still_notices_all_the_same() -> None:
    async def run(account: Followed) -> None:
        clock: Any = trio.lowlevel.current_clock()
        await account.place()
        await anyio.sleep(5)
        clock.jump(600)
        await anyio.sleep(60)
        assert account.when == [607.0, 607.0]

    followed(run)


def test_what_a_silent_channel_missed_is_asked_for_since_it_last_spoke() -> None:
    async def run(account: Followed) -> None:
        seen: list[int] = []

        async def recover(lost_ns: int, *_: Any, **__: Any) -> Recovered:
            seen.append(lost_ns)
            await anyio.lowlevel.checkpoint()
            return Recovered(lost_ns, 0, 0)

        merged: Any = account.feed._merged
        merged.recover = recover
        await anyio.sleep(7)
        account.bring(OrderEvent(state("b-1", "77")))
        spoke_ns = account.world.clock.now_ns()
        await anyio.sleep(50)
        await account.place()
        await anyio.sleep(OWED_S + 1)
        assert len(account.when) == 1
        late_ns = account.world.clock.now_ns() - 1_000_000_000  # the socket itself was alive until a second ago
        await account.feed.restored(ORDERS, late_ns, late_ns)
        await account.feed.restored(ORDERS, late_ns, late_ns)
        assert seen == [spoke_ns, late_ns]

    followed(run)


def test_a_channel_that_never_tells_of_orders_reconnects_ever_less_often() -> None:
    async def run(account: Followed) -> None:
        for number in range(400):
            await account.place(f"a-{number}")
            await anyio.sleep(5)
        alarms = sorted(set(account.when))
        pauses = [round(later - sooner) for sooner, later in pairwise(alarms)]
        assert pauses == sorted(pauses)
        assert 30 <= pauses[0] < 50
        assert 500 < pauses[-1] <= 620
        assert len(alarms) < 9

    followed(run)


def test_a_channel_that_helped_for_a_while_is_replaced_again_at_once() -> None:
    async def run(account: Followed) -> None:
        await account.place()
        await anyio.sleep(OWED_S + 1)
        await account.place("a-2")
        account.bring(OrderEvent(state("a-2", "2")))
        await anyio.sleep(OWED_S + 1)
        await account.place("a-3")
        await anyio.sleep(OWED_S + 1)
        assert sorted(set(account.when)) == [10.0, 32.0]

    followed(run)


def test_commands_nobody_hears_of_do_not_pile_up() -> None:
    async def run(account: Followed) -> None:
        owed = account.world.desk.owed
        made = await account.world.desk._placement(limit("x-1"), INSTRUMENT)
        jobs = [replace(made.job) for _ in range(MAX_OWED + 5)]
        for job in jobs:
            owed.sent(job)
        assert len(owed) == MAX_OWED

    followed(run)


def test_what_was_told_is_forgotten_once_nothing_is_judged_by_it_also_where_commands_never_pause() -> None:
    async def run(account: Followed) -> None:
        for number in range(1, 200):
            await account.place(f"a-{number}")
            account.bring(OrderEvent(state(f"a-{number}", str(number))))
            await anyio.sleep(0.25)
        assert account.when == []
        assert len(account.world.desk.owed._names) < 2 * 4 * (2 * OWED_S + 1)

    followed(run)


def test_more_names_than_can_be_remembered_are_no_reason_to_distrust() -> None:
    async def run(account: Followed) -> None:
        await account.place()
        owed = account.world.desk.owed
        for number in range(MAX_NAMES // 2 + 1):
            owed._speaks_of(BTC, f"b-{number}", str(1_000 + number))
        assert len(owed) == len(owed._names) == 0
        await anyio.sleep(60)
        assert account.when == []

    followed(run)


def test_nothing_is_owed_while_nobody_reads_the_account() -> None:
    async def run() -> None:
        account = Followed()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(account.feed.watch)
            await account.place()
            await anyio.sleep(60)
            async with account.feed.open(100):
                await account.place("a-2")
            await anyio.sleep(60)
            tasks.cancel_scope.cancel()
        assert account.when == []

    in_virtual_time(run)


def test_the_moment_of_the_last_word_stands_on_both_clocks() -> None:
    async def run(account: Followed) -> None:
        await anyio.sleep(4)
        account.bring(BalanceEvent(()), key="wallet")
        clock = account.world.clock
        assert account.world.desk.owed.heard_at == Moment(clock.now_ns(), clock.monotonic_ns())

    followed(run)
