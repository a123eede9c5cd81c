from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from lotusx import account_untold
from lotusx.account_feed import AccountFeed
from lotusx.errors import InvalidOrder, LotusXError, RequestTimeout, StreamClosed, StreamGap, SubscriptionRefused
from lotusx.kernel.budget import Budget
from lotusx.kernel.clock import ClockOffset
from lotusx.kernel.codec import Channel, ChannelKind
from lotusx.kernel.ports import OrderRef
from lotusx.kernel.telemetry import Event, StreamMeasured, Telemetry
from lotusx.measuring import Measuring
from lotusx.model.account import AccountEvent, FillEvent, OrderEvent, Recovered
from lotusx.model.enums import OrderStatus
from lotusx.model.orders import OrderState
from lotusx.streams import Overflow, StatusChange, Stream, StreamState

from .order_kit import INSTRUMENT, World, fill, in_virtual_time, limit, raiser, refusal, state

CHANNEL: Channel[AccountEvent] = Channel("main", "account", ChannelKind.ACCOUNT, lambda *_: [], private=True)


class Group:
    """Sockets that acknowledge, refuse or never answer a subscription."""

    def __init__(self) -> None:
        self.raws: list[Stream[AccountEvent]] = []
        self.acknowledges = True
        self.refusal: Exception | None = None

    def subscribe(self, channel: Channel[Any], *, buffer: int, overflow: Overflow) -> Stream[AccountEvent]:
        raw: Stream[AccountEvent] = Stream(channel.key, buffer=buffer, overflow=overflow)
        self.raws.append(raw)
        return raw

    async def answer(self) -> None:
        """Answer the newest subscription."""
        while not self.raws or self.raws[-1].state is not StreamState.REQUESTED:  # noqa: ASYNC110
            await anyio.sleep(0.01)
        if self.refusal is not None:
            self.raws[-1].end(self.refusal)
        else:
            self.raws[-1].change(StreamState.ACKNOWLEDGED)

    @property
    def open(self) -> int:
        return sum(raw.state is not StreamState.CLOSED for raw in self.raws)


class Account:
    """An account stream, the desk it follows, and the exchange behind both."""

    def __init__(self, telemetry: Telemetry | None = None) -> None:
        self.world = World(follow=False)
        self.world.exchange.channels = lambda: [CHANNEL]  # type: ignore[method-assign]
        self.group = Group()
        groups: Any = {"main": self.group}
        instruments: Any = SimpleNamespace(
            ensure=anyio.lowlevel.checkpoint, refresh=anyio.lowlevel.checkpoint, by_symbol=lambda _: INSTRUMENT
        )
        self.feed = AccountFeed(
            self.world.desk,
            self.world.exchange,
            self.world.exchange,
            self.world.clock,
            instruments,
            groups,
            anyio.lowlevel.checkpoint,
            telemetry=telemetry,
        )

    async def answering(self) -> None:
        while True:
            await self.group.answer()

    async def follow(self, opened: anyio.Event) -> list[AccountEvent]:
        """Read until the stream ends."""
        events: list[AccountEvent] = []
        async with self.feed.open(10) as reader:
            opened.set()
            async for event in reader:
                events.append(event)
        return events


def in_an_account(test: Any, telemetry: Telemetry | None = None) -> None:
    async def run() -> None:
        account = Account(telemetry)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(account.answering)
            tasks.start_soon(account.feed.run)
            await test(account)
            tasks.cancel_scope.cancel()

    in_virtual_time(run)


def test_after_a_stream_that_could_not_open_a_waiting_handle_asks_by_itself() -> None:
    async def run(account: Account) -> None:
        order = await account.world.desk.place(limit(), INSTRUMENT)
        account.group.refusal = SubscriptionRefused("no")
        with pytest.raises(SubscriptionRefused):
            async with account.feed.open(10):
                pass
        account.world.exchange.end(OrderRef("a-1"))
        assert (await order.settled(10)).status is OrderStatus.CANCELED

    in_an_account(run)


def test_a_stream_opened_after_one_that_could_not_tells_everything_once() -> None:
    async def run(account: Account) -> None:
        account.group.refusal = SubscriptionRefused("no")
        with pytest.raises(SubscriptionRefused):
            async with account.feed.open(10):
                pass
        account.group.refusal = None
        async with account.feed.open(10) as reader:
            await account.world.desk.place(limit(), INSTRUMENT)
            assert reader.counters.received == 1

    in_an_account(run)


def test_a_reader_that_comes_after_a_failure_gets_a_stream_that_lives() -> None:
    async def run(account: Account) -> None:
        async with account.feed.open(10) as failed:
            account.group.raws[0].end(StreamClosed("lost for good"))
            async with account.feed.open(10) as reader:
                account.group.raws[1].put([OrderEvent(state(status="filled", filled="1", at=7))])
                assert isinstance(await anext(reader), OrderEvent)
            with pytest.raises(StreamClosed, match="lost for good"):
                await anext(failed)
        assert account.group.open == 0

    in_an_account(run)


def test_leaving_a_stream_that_failed_does_not_close_the_one_that_opens_meanwhile() -> None:
    async def run(account: Account) -> None:
        opened = anyio.Event()
        async with anyio.create_task_group() as tasks:
            async with account.feed.open(10):
                account.group.raws[0].end(StreamClosed("lost for good"))
                tasks.start_soon(account.follow, opened)
                while len(account.group.raws) < 2:
                    await anyio.lowlevel.checkpoint()
            await opened.wait()
            assert account.group.open == 1
            tasks.cancel_scope.cancel()

    in_an_account(run)


def test_a_channel_that_is_never_acknowledged_ends_in_a_typed_error() -> None:
    async def run() -> None:
        account = Account()
        with pytest.raises(LotusXError, match="30 s"):
            async with account.feed.open(10):
                pass
        assert account.group.open == 0

    in_virtual_time(run)


def test_a_channel_that_closes_while_it_opens_is_not_taken_for_open() -> None:
    async def run() -> None:
        account = Account()
        async with anyio.create_task_group() as tasks:

            async def close() -> None:
                await anyio.sleep(1)
                account.group.raws[0].end()

            tasks.start_soon(close)
            with pytest.raises(StreamClosed):
                async with account.feed.open(10):
                    pass

    in_virtual_time(run)


def test_an_order_that_ended_before_the_stream_opened_settles() -> None:
    async def run(account: Account) -> None:
        order = await account.world.desk.place(limit(), INSTRUMENT)
        account.world.exchange.end(OrderRef("a-1"), "filled")
        async with account.feed.open(10):
            assert (await order.settled(60)).status is OrderStatus.FILLED

    in_an_account(run)


def test_a_refused_catching_up_closes_what_had_opened() -> None:
    async def run(account: Account) -> None:
        await account.world.desk.place(limit(), INSTRUMENT)
        account.world.exchange.on["open_orders"] = [raiser(refusal(InvalidOrder))]
        with pytest.raises(InvalidOrder):
            async with account.feed.open(10):
                pass
        assert account.group.open == 0

    in_an_account(run)


def test_a_waiting_handle_asks_once_the_stream_it_relied_on_has_been_left() -> None:
    async def run(account: Account) -> None:
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                async with account.feed.open(10):
                    order = await account.world.desk.place(limit(), INSTRUMENT)
                    tasks.start_soon(order.settled)
                    await anyio.sleep(10)
                    assert account.world.exchange.looks == 0
                account.world.exchange.end(OrderRef("a-1"))
        assert order.status is OrderStatus.CANCELED

    in_an_account(run)


def test_an_unreadable_message_is_counted_for_every_reader_and_the_fill_behind_it_is_found() -> None:
    async def run(account: Account) -> None:
        await account.world.desk.place(limit(), INSTRUMENT)
        async with account.feed.open(10) as first, account.feed.open(10) as second:
            account.world.exchange.fills = [fill()]
            account.group.raws[0].reject()
            assert (first.counters.rejected, second.counters.rejected) == (1, 1)
            assert [type(await anext(first)) for _ in range(3)] == [FillEvent, OrderEvent, Recovered]

    in_an_account(run)


def test_unreadable_messages_ask_for_one_recovery_in_half_a_minute() -> None:
    async def run(account: Account) -> None:
        async with account.feed.open(10) as reader:
            for _ in range(65):
                account.group.raws[0].reject(5)
                await anyio.sleep(1)
            assert reader.counters.rejected == 325
            assert reader.counters.waiting == 3

    in_an_account(run)


def test_a_recovery_that_an_unreadable_message_asked_for_and_that_is_refused_ends_the_stream() -> None:
    async def run(account: Account) -> None:
        async with account.feed.open(10) as reader:
            account.world.exchange.on["open_orders"] = [raiser(refusal(InvalidOrder))]
            account.group.raws[0].reject()
            with pytest.raises(StreamGap, match="unreadable"):
                await anext(reader)
        async with account.feed.open(10) as reader:  # the next one lives
            account.group.raws[1].reject()
            assert isinstance(await anext(reader), Recovered)

    in_an_account(run)


def test_leaving_the_stream_stops_the_recovery_of_an_unreadable_message() -> None:
    async def run(account: Account) -> None:
        async with account.feed.open(10):
            account.world.exchange.always["open_orders"] = raiser(RequestTimeout("busy"))
            account.group.raws[0].reject()
            await anyio.sleep(1)
        del account.world.exchange.always["open_orders"]
        async with account.feed.open(10) as reader:
            await anyio.sleep(60)
            assert reader.counters.received == 0

    in_an_account(run)


def test_readers_are_told_of_a_loss_and_that_nothing_is_missing_any_more() -> None:
    async def run(account: Account) -> None:
        async with account.feed.open(10) as reader:
            raw, told = account.group.raws[0], reader.with_status()
            raw.change(StreamState.LOST, "the network is gone")
            raw.change(StreamState.ACKNOWLEDGED)
            states = [await anext(told) for _ in range(3)]
            assert [(each.state, each.reason) for each in states if isinstance(each, StatusChange)] == [
                (StreamState.REQUESTED, ""), (StreamState.LIVE, ""), (StreamState.LOST, "the network is gone"),
            ]  # fmt: skip
            async with account.feed.open(10) as late:
                assert late.state is StreamState.LOST
            await account.feed.restored(CHANNEL, 0, 1)
            raw.change(StreamState.RECOVERED)
            recovered, change = await anext(told), await anext(told)
            assert isinstance(recovered, Recovered)
            assert isinstance(change, StatusChange)
            assert change.state is reader.state is StreamState.RECOVERED

    in_an_account(run)


class Watching:
    """An observer that wants measurements."""

    measure_s = 1.0

    def __init__(self) -> None:
        self.streams: list[StreamMeasured] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, StreamMeasured):
            self.streams.append(event)


def test_each_reader_is_measured_as_a_stream() -> None:
    watching, telemetry = Watching(), Telemetry("acme")
    telemetry.observe(watching)

    async def run(account: Account) -> None:
        feed = account.feed
        measuring = Measuring("acme", telemetry, account.world.clock, ClockOffset(), Budget("acme"), {}, feed.measured)
        await account.world.desk.place(limit(), INSTRUMENT)
        async with feed.open(10):
            account.group.raws[0].put([FillEvent(replace(fill("t-2"), exchange_ns=5, received_ns=7_000_000_005))])
            account.group.raws[0].reject()
            account.group.raws[0].change(StreamState.LOST)
            measuring.measure()
        measuring.measure()
        assert feed.measured == {}

    in_an_account(run, telemetry)
    now, last = watching.streams
    assert (now.key, now.kind, now.state, now.closed) == ("account", "live_account", "lost", False)
    assert now.received == now.waiting + now.rejected
    assert (now.waiting, now.rejected, now.lag_s) == (1, 1, 7.0)
    assert (last.closed, last.dropped) == (True, now.waiting)


def told(events: list[AccountEvent]) -> list[str]:
    return [event.fill.trade_id for event in events if isinstance(event, FillEvent)]


def filled(order: OrderState) -> OrderState:
    return replace(order, filled=D(1), status=OrderStatus.FILLED, updated_ns=order.updated_ns + 1)


async def reading(account: Account, events: list[AccountEvent], opened: anyio.Event) -> None:
    async with account.feed.open(10) as reader:
        opened.set()
        async for event in reader:
            events.append(event)


@pytest.mark.parametrize("listed_after_s", [0.0, 30.0], ids=["listed by then", "listed late"])
def test_the_fill_of_an_order_whose_reply_came_late_is_asked_for_and_told_once(listed_after_s: float) -> None:
    async def run(account: Account) -> None:
        exchange, events, opened = account.world.exchange, list[AccountEvent](), anyio.Event()

        def executes(request: Any) -> Any:
            exchange.execute(request)
            exchange.orders["a-1"] = filled(exchange.orders["a-1"])
            return exchange.orders["a-1"]

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reading, account, events, opened)
            await opened.wait()
            exchange.on["place"] = [executes]  # and the channels bring nothing of it
            await account.world.desk.place(limit(), INSTRUMENT)
            await anyio.sleep(listed_after_s)
            exchange.fills = [fill(name=None)]
            await anyio.sleep(60.0)
            tasks.cancel_scope.cancel()
        assert told(events) == ["t1"]

    in_an_account(run)


def test_what_an_order_executed_before_the_stream_was_opened_is_no_news() -> None:
    async def run(account: Account) -> None:
        exchange, events, opened = account.world.exchange, list[AccountEvent](), anyio.Event()
        await account.world.desk.place(limit(), INSTRUMENT)
        await anyio.sleep(120.0)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reading, account, events, opened)
            await opened.wait()
            account.group.raws[-1].put([OrderEvent(state(status="partially_filled", filled="0.5", at=9))])
            exchange.fills = [fill(quantity="0.5", name=None)]
            await anyio.sleep(60.0)
            tasks.cancel_scope.cancel()
        assert told(events) == []

    in_an_account(run)


def test_fills_that_the_exchange_never_lists_are_asked_for_a_while_and_missed_aloud(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_untold, "TRIES", 3)

    async def run(account: Account) -> None:
        exchange, opened = account.world.exchange, anyio.Event()
        exchange.on["fills_of"] = [raiser(RequestTimeout("busy")), raiser(KeyError("a defect"))]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reading, account, [], opened)
            await opened.wait()
            await account.world.desk.place(limit(), INSTRUMENT)
            account.group.raws[-1].put([OrderEvent(state(status="filled", filled="1", at=9))])
            await anyio.sleep(60.0)
            tasks.cancel_scope.cancel()

    in_an_account(run)
    assert [record.getMessage() for record in caplog.records if "add up to" in record.getMessage()] == [
        "BTC/USDT: a-1 has executed more than the fills that the exchange lists add up to (0)"
    ]


def lose_and_restore(account: Account) -> Any:
    """Lose the channel and have it back; return what recovers it."""
    account.group.raws[-1].change(StreamState.LOST)
    account.group.raws[-1].change(StreamState.ACKNOWLEDGED)
    return account.feed.restored(CHANNEL, account.world.clock.now_ns(), account.world.clock.now_ns())


def test_an_order_that_a_late_list_showed_open_after_a_loss_is_looked_at_again() -> None:
    async def run(account: Account) -> None:
        exchange, events, opened = account.world.exchange, list[AccountEvent](), anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reading, account, events, opened)
            await opened.wait()
            await account.world.desk.place(limit(), INSTRUMENT)
            await lose_and_restore(account)  # it was filled meanwhile, and no list shows it yet
            await anyio.sleep(1.0)
            exchange.orders["a-1"] = filled(exchange.orders["a-1"])
            exchange.fills = [fill(name=None)]
            await anyio.sleep(10.0)
            tasks.cancel_scope.cancel()
        assert told(events) == ["t1"]
        ends = [each.state.status for each in events if isinstance(each, OrderEvent)]
        assert ends[-1] is OrderStatus.FILLED
        assert sum(isinstance(each, Recovered) for each in events) == 1

    in_an_account(run)


def test_what_the_second_look_cannot_ask_is_said_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def run(account: Account) -> None:
        exchange, events, opened = account.world.exchange, list[AccountEvent](), anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reading, account, events, opened)
            await opened.wait()
            await account.world.desk.place(limit(), INSTRUMENT)
            await lose_and_restore(account)
            exchange.on["open_orders"] = [raiser(refusal(InvalidOrder))]
            await anyio.sleep(10.0)
            assert any("a second time" in record.getMessage() for record in caplog.records)
            await lose_and_restore(account)
            exchange.orders["a-1"] = filled(exchange.orders["a-1"])
            exchange.fills = [fill(name=None)]
            await anyio.sleep(10.0)
            tasks.cancel_scope.cancel()
        assert told(events) == ["t1"]

    in_an_account(run)


def test_leaving_the_stream_ends_the_second_look() -> None:
    async def run(account: Account) -> None:
        exchange = account.world.exchange
        looked = 0

        async def hang(*_: object) -> None:
            nonlocal looked
            looked += 1
            await anyio.sleep_forever()

        async with account.feed.open(10):
            await lose_and_restore(account)
            exchange.always["open_orders"] = hang
            await anyio.sleep(6.0)
            assert looked == 1
        await anyio.sleep(0.1)
        exchange.always.clear()
        async with account.feed.open(10) as reader:
            await lose_and_restore(account)
            assert isinstance(await anext(reader), Recovered)

    in_an_account(run)
