"""One WebSocket, from the connection to its end: log in, subscribe, pump, notice when it is dead."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, Protocol

import anyio
from anyio.abc import TaskGroup

from lotusx.errors import AuthenticationError, ConnectionFailed, LotusXError, RequestTimeout
from lotusx.kernel.clock import Clock
from lotusx.kernel.codec import Control, Notice, NoticeKind, Reply, WsCodec, WsFacts
from lotusx.kernel.membership import Change, Member, Op
from lotusx.kernel.pacing import NS, Pace
from lotusx.kernel.request import SigningContext
from lotusx.kernel.subscriptions import Subscriptions
from lotusx.kernel.transport import WsConnection, WsTransport
from lotusx.transport.heartbeat import Heartbeat
from lotusx.transport.replies import Replies, Waiting
from lotusx.transport.traffic import CONTROL, Traffic

logger = logging.getLogger("lotusx.ws")

LOG_IN_S = 10.0
_CLOSE_S = 1.0


class SessionOwner(Protocol):
    """Whoever keeps sessions open. Called synchronously."""

    exchange: str
    clock: Clock

    async def address(self) -> str:
        """Return where to connect now."""

    def opened(self, session: Session) -> None:
        """Connected and logged in: its members are owed."""

    def ended(self, session: Session) -> None:
        """It is over; ``session.reason`` says why."""

    def changed(self, session: Session, changes: list[Change]) -> None:
        """Something became of its subscriptions."""

    def first(self, session: Session, member: Member) -> None:
        """A member brought something for the first time, or again after a silence."""

    def feed(self, member: Member, run: list[bytes], received_ns: int) -> None:
        """A member brought several messages in a row: what its ``sink`` does with each."""

    def dropped(self, session: Session, member: Member, reason: str) -> None:
        """The exchange serves a member no longer; it is being subscribed again."""

    def noticed(self, session: Session, notice: Notice) -> None:
        """The exchange announced something."""

    def unroutable(self, session: Session, reason: str) -> None:
        """A message cannot even be read far enough to tell whose it is."""


class Session:
    """One socket. `run` returns when it is over, whatever the reason; it does not raise.

    Attributes:
        number: Unique within its group.
        slot: Which of the sockets that ought to exist it is.
        error: What ended it, where that was an error.
        leaving: Whether the exchange has announced that it will close it.
    """

    def __init__(
        self,
        number: int,
        slot: int,
        *,
        transport: WsTransport,
        codec: WsCodec,
        facts: WsFacts,
        subscriptions: Subscriptions,
        owner: SessionOwner,
        new_id: Callable[[], int],
        context: Callable[[], SigningContext],
        headers: tuple[tuple[str, str], ...] = (),
        traffic: Traffic | None = None,
    ) -> None:
        self.number = number
        self.slot = slot
        self.reason = ""
        self.error: Exception | None = None
        self.leaving = False
        self.opened_ns: int | None = None
        self.last_life_ns = owner.clock.now_ns()
        self._transport = transport
        self._codec = codec
        self._route = codec.route
        self._facts = facts
        self._subscriptions = subscriptions
        self._owner = owner
        self._clock = owner.clock
        self._new_id = new_id
        self._context = context
        self._headers = headers
        self._traffic = traffic
        self._table: dict[str, Member] = {}
        self._last = ("", b"")  # the channel of the last message, and what tells its messages from others
        self._replies = Replies()
        self._pace = Pace.per_second(facts.control_per_s)
        self._turn = anyio.Lock(fast_acquire=True)
        self._bell = anyio.Event()
        self._scope = anyio.CancelScope()
        self._connection: WsConnection | None = None
        self._heartbeat: Heartbeat | None = None
        self._tasks: TaskGroup
        self._holding: set[str] = set()
        self._log_in_id: int | None = None

    # ---------------------------------------------------------------------------------------------------- life

    async def run(self) -> None:
        """Live."""
        try:
            with self._scope:
                await self._live()
        except Exception as error:
            self._give_up(error)
        finally:
            gone = ConnectionFailed(f"{self._owner.exchange}: the socket is gone: {self.reason or 'closed'}")
            self._replies.fail(gone)
            self._owner.ended(self)

    def stop(self, reason: str, error: Exception | None = None) -> None:
        """End it."""
        if not self.reason:
            self.reason = reason
            self.error = error
        self._scope.cancel()

    def _give_up(self, error: Exception) -> None:
        if not isinstance(error, LotusXError):
            logger.error("%s: a WebSocket session failed", self._owner.exchange, exc_info=error)
        self.stop(str(error) or type(error).__name__, error)

    async def _live(self) -> None:
        connection = self._connection = await self._transport.connect(
            await self._owner.address(),
            self,
            headers=self._headers,
            max_message_bytes=self._facts.max_message_bytes,
            compression=self._facts.compression,
        )
        try:
            async with anyio.create_task_group() as self._tasks:
                heartbeat = Heartbeat(self._owner.exchange, connection, self._clock, self._ping, self._tasks)
                self._heartbeat = heartbeat
                self._tasks.start_soon(self._guard, self._pump)
                self._tasks.start_soon(self._guard, heartbeat.run)
                await self._guard(self._serve)
        finally:
            self._note_life()
            with anyio.CancelScope(shield=True), anyio.move_on_after(_CLOSE_S), suppress(LotusXError):
                await connection.close()

    async def _guard(self, work: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
        try:
            await work(*arguments)
        except Exception as error:
            self._give_up(error)

    async def _pump(self) -> None:
        assert self._connection is not None
        closed = await self._connection.run()
        self._note_life()
        self.stop(f"closed by the exchange: {closed.code} {closed.reason}".rstrip())

    async def _serve(self) -> None:
        request_id = self._new_id()
        text = self._codec.log_in(request_id, self._context())
        if text is not None:
            await self._log_in(request_id, text)
        self.opened_ns = self._clock.monotonic_ns()
        self._subscriptions.open(self.number, self.slot)
        self._table = self._subscriptions.table(self.number)
        self._owner.opened(self)
        while True:
            self._bell = anyio.Event()
            wake_ns = await self._send_due()
            if wake_ns is None:
                await self._bell.wait()
            else:
                with anyio.move_on_after(max(0.0, (wake_ns - self._clock.monotonic_ns()) / NS)):
                    await self._bell.wait()

    async def _log_in(self, request_id: int, text: str) -> None:
        waiting = Waiting()
        self._log_in_id = request_id
        self._replies.expect(request_id, waiting)
        await self.say(text)
        with anyio.move_on_after(LOG_IN_S):
            await waiting.done.wait()
        self._replies.forget(request_id)
        if waiting.error is not None:
            raise waiting.error
        if not waiting.done.is_set():
            raise RequestTimeout(f"{self._owner.exchange}: no answer to the log-in within {LOG_IN_S:g} s")

    async def _send_due(self) -> int | None:
        """Send what is owed; return when to look again."""
        while (
            send := self._subscriptions.next_send(self.number, self._clock.monotonic_ns(), self._new_id)
        ) is not None:
            write = self._codec.subscribe if send.op is Op.SUBSCRIBE else self._codec.unsubscribe
            for text in write(send.keys, send.request_id, self._context()):
                await self.say(text)
            self._tell(self._subscriptions.sent(self.number, send, self._clock.monotonic_ns()))
        changes, wake_ns = self._subscriptions.due(self.number, self._clock.monotonic_ns())
        self._tell(changes)
        return self._clock.monotonic_ns() if changes else wake_ns

    def _tell(self, changes: list[Change]) -> None:
        if changes:
            self._owner.changed(self, changes)

    def look(self) -> None:
        """Something changed in what it is owed."""
        self._bell.set()

    async def say(self, text: str) -> None:
        """Send *text*, in order and at the exchange's pace."""
        async with self._turn:
            delay_ns = self._pace.delay_ns(self._clock.monotonic_ns())
            if delay_ns:
                await self._clock.sleep(delay_ns / NS)
            self._pace.spend(self._clock.monotonic_ns())
            assert self._connection is not None
            await self._send(text)

    async def _send(self, text: str) -> None:
        assert self._connection is not None
        if self._traffic is not None:
            self._traffic.sent(text)
        await self._connection.send(text)

    # ------------------------------------------------------------------------------------------------ requests

    @property
    def busy(self) -> bool:
        """Whether a request waits for its reply."""
        return bool(self._replies)

    async def request(self, write: Callable[[int, SigningContext], str], timeout_s: float) -> bytes:
        """Send a request and return the whole reply. Errors as in `lotusx.kernel.context.WsRequests`."""
        request_id = self._new_id()
        waiting = Waiting()
        sent = False
        try:
            with anyio.move_on_after(timeout_s):
                async with self._turn:
                    delay_ns = self._pace.delay_ns(self._clock.monotonic_ns())
                    if delay_ns:
                        await self._clock.sleep(delay_ns / NS)
                    self._pace.spend(self._clock.monotonic_ns())
                    if self.reason or self._connection is None:
                        raise ConnectionFailed(f"{self._owner.exchange}: the socket is gone", sent=False)
                    text = write(request_id, self._context())
                    self._replies.expect(request_id, waiting)
                    sent = True
                    await self._send(text)
                await waiting.done.wait()
        finally:
            self._replies.forget(request_id)
        if waiting.error is not None:
            raise waiting.error
        if waiting.message is None:
            raise RequestTimeout(f"{self._owner.exchange}: no reply within {timeout_s:g} s", sent=sent)
        return waiting.message

    # ------------------------------------------------------------------------------------------------ messages

    @property
    def members(self) -> Iterable[Member]:
        """Whom it serves."""
        return self._table.values()

    def on_messages(self, messages: list[bytes], received_ns: int) -> None:
        """Take what one read of the socket brought. `lotusx.kernel.transport.WsHandler`.

        It mostly brings many messages of one channel: whatever need not be done for each is done once for such a run.
        """
        now_ns = self._clock.monotonic_ns()
        route = self._route
        key, begins = self._last
        run: list[bytes] = []
        for message in messages:
            if begins and message.startswith(begins):
                run.append(message)
                continue
            try:
                whose = route(message)
            except Exception as error:
                self._owner.unroutable(self, str(error) or type(error).__name__)
                continue
            if whose == key:
                run.append(message)
                if len(run) <= 2:  # there may be many more of them
                    begins = self._beginning(key)
                continue
            self._hand_over(key, run, received_ns, now_ns)
            if isinstance(whose, str):
                key, begins, run = whose, b"", [message]
            else:
                key, begins, run = "", b"", []
                self._control(whose, message)
        self._hand_over(key, run, received_ns, now_ns)
        self._last = key, begins

    def _beginning(self, key: str) -> bytes:
        """Return what tells the messages of *key* from all others, if that is known."""
        member = self._table.get(key)
        return b"" if member is None else member.begins

    def _hand_over(self, key: str, run: list[bytes], received_ns: int, now_ns: int) -> None:
        member = self._table.get(key)
        if member is None or not run:
            return  # it was unsubscribed while this was under way
        if self._traffic is not None:
            self._traffic.received(member.kind.value, run)
        member.heard_ns = now_ns
        if member.watched:
            self._subscriptions.heard(member)
            self._owner.first(self, member)
            self._bell.set()  # how long it may be silent counts from here
        if len(run) == 1:
            member.sink(run[0], received_ns)
        else:
            self._owner.feed(member, run, received_ns)

    def _control(self, control: Control, message: bytes) -> None:
        if self._traffic is not None:
            self._traffic.received(CONTROL, (message,))
        if isinstance(control, Notice):
            self._notice(control, message)
            return
        if isinstance(control, Reply):
            self._replies.answered(control.request_id, control.message)
            if control.retires:
                self._owner.noticed(self, Notice(NoticeKind.SHUTDOWN, "it takes no more requests"))
            return
        request_id = control.request_id
        refusal: LotusXError | None = None
        if self.opened_ns is None:
            said = control.error
            refusal = AuthenticationError(self._owner.exchange, "log-in", said) if isinstance(said, str) else said
            if request_id is None and control.key is None:  # the one thing that was asked
                request_id = self._log_in_id
        if request_id is not None and self._replies.answered(request_id, message, refusal):
            return
        self._tell(self._subscriptions.acknowledged(self.number, control, self._clock.monotonic_ns()))
        self._bell.set()

    def _notice(self, notice: Notice, message: bytes) -> None:
        answer = self._codec.answer(message)
        if answer is not None:
            self._tasks.start_soon(self._guard, self.say, answer)
        if notice.kind is NoticeKind.SUBSCRIPTION_ENDED and notice.key is not None:
            member = self._subscriptions.ended(self.number, notice.key)
            if member is not None:
                self._owner.dropped(self, member, notice.text)
            self._bell.set()
        elif notice.kind is NoticeKind.LOGIN_REQUIRED and self.opened_ns is not None:
            self.stop(f"the exchange wants a new log-in: {notice.text}")
        elif notice.kind not in (NoticeKind.PONG, NoticeKind.IGNORED):
            self._owner.noticed(self, notice)

    # ----------------------------------------------------------------------------------------------- heartbeat

    def hold(self, ident: str) -> None:
        """Stop reading, until every `hold` is undone."""
        self._holding.add(ident)
        if self._connection is not None and self._heartbeat is not None:
            self._heartbeat.reading = False
            self._connection.pause_reading()

    def proceed(self, ident: str) -> None:
        """Undo `hold`."""
        self._holding.discard(ident)
        if not self._holding and self._connection is not None and self._heartbeat is not None:
            self._connection.resume_reading()
            self._heartbeat.resumed()

    def _note_life(self) -> None:
        if self._connection is not None:
            ago_ns = self._clock.monotonic_ns() - self._connection.last_received_ns
            self.last_life_ns = self._clock.now_ns() - max(0, ago_ns)

    async def _ping(self) -> None:
        assert self._connection is not None
        try:
            text = self._codec.heartbeat(self._new_id())
            if text is None:
                await self._connection.ping()
            else:
                await self.say(text)
        except Exception as error:
            self._give_up(error)
