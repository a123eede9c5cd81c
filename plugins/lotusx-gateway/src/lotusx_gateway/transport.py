"""The core's WebSocket transport over feeds: what was missed is noticed, said, and followed anew."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Sequence

import anyio
import msgspec
from anyio.abc import TaskGroup
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from lotusx.errors import ConnectionFailed, ItemRejected, LotusXError, RateLimited
from lotusx.plugin import WsClosed, WsHandler
from lotusx_gateway.broker import Broker, Handler
from lotusx_gateway.codec import Wish, accepted, ended, event
from lotusx_gateway.failures import to_failure
from lotusx_gateway.feed import Feed, Missed, Up
from lotusx_gateway.link import Link
from lotusx_gateway.messages import Followed, decode
from lotusx_gateway.subjects import ACCOUNT

logger = logging.getLogger("lotusx.gateway")


class GatewayWs:
    """The core's ``WsTransport``: a socket is a set of feeds that one connection to the broker brings."""

    def __init__(self, link: Link, *, waiting: int, renew_s: float) -> None:
        self._link = link
        self._waiting = waiting
        self._renew_s = renew_s

    async def connect(
        self,
        url: str,
        handler: WsHandler,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        timeout_s: float = 10.0,
        max_message_bytes: int = 16 * 1024 * 1024,
        compression: bool = False,
    ) -> FeedConnection:
        """Find the broker, and the gateway behind it. See `lotusx.plugin.WsTransport`."""
        broker = await self._link.broker()
        await self._link.ask("hello", timeout_s=timeout_s)
        return FeedConnection(self._link, broker, handler, waiting=self._waiting, renew_s=self._renew_s)

    async def aclose(self) -> None:
        """The link is closed with the connection."""


class FeedConnection:
    """The core's ``WsConnection``."""

    def __init__(self, link: Link, broker: Broker, handler: WsHandler, *, waiting: int, renew_s: float) -> None:
        self.last_received_ns = time.monotonic_ns()
        self._link = link
        self._broker = broker
        self._handler = handler
        self._limit = waiting
        self._renew_s = renew_s
        self._feeds: dict[str, Feed] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._turns: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)
        self._over = anyio.Event()
        self._reason = "closed"
        self._error: Exception | None = None
        self._reading = anyio.Event()
        self._reading.set()
        self._held: set[str] = set()
        self._tasks: TaskGroup | None = None

    async def run(self) -> WsClosed:
        """Keep what is followed, until the broker or the gateway is lost."""
        async with anyio.create_task_group() as self._tasks:
            self._tasks.start_soon(self._watch)
            self._tasks.start_soon(self._renew)
            await self._over.wait()
            self._tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await self._leave()
        if self._error is not None:
            raise self._error
        return WsClosed(1006, self._reason)

    async def send(self, text: str) -> None:
        """Follow what is wished for, or follow it no more."""
        if self._over.is_set():
            raise ConnectionFailed(f"the feeds are closed: {self._reason}")
        wish = msgspec.json.decode(text, type=Wish)
        for key in wish.add:
            await self._follow(key, wish.id)
        for key in wish.drop:
            self._feeds.pop(key, None)
            self._turns.pop(key, None)
            subscription = self._subscriptions.pop(key, None)
            if subscription is not None:
                await self._broker.unsubscribe(subscription)
        if wish.drop:
            self._take([accepted(wish.id)])

    async def ping(self, payload: bytes = b"") -> None:
        """Ask the broker for a sign of life."""
        await self._broker.flush()
        self.last_received_ns = time.monotonic_ns()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close. The gateway hears of it, or forgets in time."""
        self._close(reason or "closed")
        await self._leave()

    def pause_reading(self) -> None:
        """Let what comes wait; beyond what may wait the broker's client drops it, which is noticed as a gap."""
        if self._reading.is_set():
            self._reading = anyio.Event()

    def resume_reading(self) -> None:
        """Undo `pause_reading`."""
        self._reading.set()

    # ------------------------------------------------------------------------------------------------ following

    async def _follow(self, key: str, request_id: int) -> None:
        feed = self._feeds.setdefault(key, Feed(key))
        feed.request_id = request_id
        async with self._turns[key]:
            await self._ask_for(feed)

    async def _ask_for(self, feed: Feed) -> None:
        key, request_id = feed.key, feed.request_id
        try:
            if key not in self._subscriptions:
                subject = self._link.subjects.feed(key)
                self._subscriptions[key] = await self._broker.subscribe(
                    subject, self._listener(feed), limit=self._limit
                )
            found = await self._ask("follow", [key])
        except RateLimited as error:  # by our own questions: no reason to give up what is followed already
            assert self._tasks is not None
            logger.warning("%s of %s is not followed yet: %s", key, self._link.subjects.exchange, error)
            self._tasks.start_soon(self._again, feed, self._renew_s)
            return
        except LotusXError as error:
            if error.retryable:
                raise
            self._take([accepted(request_id, to_failure(error, self._link.subjects.exchange))])
            return
        answer = found[key]
        if answer.failure is not None:
            self._take([accepted(request_id, answer.failure)])
        elif answer.up:  # else it is answered as soon as the exchange serves it
            contents, missed = feed.begin(answer)
            self._take([accepted(request_id), *(event(key, each) for each in contents)])
            if missed is not None:
                self._take([ended(key, missed.reason)])

    async def _again(self, feed: Feed, after_s: float) -> None:
        """Follow *feed* now that the exchange serves it, or that one more question may be allowed."""
        await anyio.sleep(after_s)
        try:
            async with self._turns[feed.key]:
                if self._feeds.get(feed.key) is feed and not feed.started:  # else nobody wants it, or it is followed
                    await self._ask_for(feed)
        except LotusXError as error:
            self._close(f"{feed.key} could not be followed again: {error}")

    def _listener(self, feed: Feed) -> Handler:
        async def heard(message: Msg) -> None:
            if not self._reading.is_set():
                self._held.add(feed.key)
                await self._reading.wait()
                self._held.discard(feed.key)
            if self._feeds.get(feed.key) is not feed:
                return
            try:
                taken = feed.take(message.data)
            except ItemRejected as error:
                taken = Missed(str(error))
            if isinstance(taken, bytes):
                self._take([event(feed.key, taken)])
            elif isinstance(taken, Missed):
                logger.warning("%s of %s: %s", feed.key, self._link.subjects.exchange, taken.reason)
                self._take([ended(feed.key, taken.reason)])
            elif isinstance(taken, Up) and feed.request_id and self._tasks is not None:
                self._tasks.start_soon(self._again, feed, 0.0)

        return heard

    async def _ask(self, call: str, keys: Sequence[str]) -> dict[str, Followed]:
        found: dict[str, Followed] = {}
        for of_account in (False, True):
            asked = [key for key in keys if key.startswith(f"{ACCOUNT} ") is of_account]
            if asked:
                arguments = {"client": self._link.client_id, "keys": asked}
                answer = await self._link.ask(call, arguments, of_account=of_account)
                found |= decode(answer, dict[str, Followed])
        return found

    async def _renew(self) -> None:
        while True:
            await anyio.sleep(self._renew_s)
            following = [feed.key for feed in self._feeds.values() if feed.started]
            if not following:
                continue
            try:
                found = await self._ask("renew", following)
            except RateLimited as error:  # by our own questions; the lease lasts longer than until the next time
                logger.warning("%s: feeds could not be renewed: %s", self._link.subjects.exchange, error)
                continue
            except LotusXError as error:
                self._close(f"the gateway is lost: {error}")
                return
            for key in following:
                feed = self._feeds.get(key)
                if feed is not None and feed.started and not self._waits(key):
                    missed = feed.check(found.get(key, Followed()))
                    if missed is not None:
                        self._take([ended(key, missed.reason)])

    def _waits(self, key: str) -> bool:
        """Whether something of *key* is here and has not been taken: then nothing can be said of what was lost."""
        subscription = self._subscriptions.get(key)
        if key in self._held or not self._reading.is_set():
            return True
        return subscription is not None and subscription.pending_msgs > 0

    async def _watch(self) -> None:
        await self._broker.gone.wait()
        self._close(f"the broker was lost: {self._broker.reason}")

    async def _leave(self) -> None:
        subscriptions = [*self._subscriptions.values()]
        self._subscriptions.clear()
        self._feeds.clear()
        for subscription in subscriptions:
            await self._broker.unsubscribe(subscription)

    def _take(self, messages: list[bytes]) -> None:
        if self._over.is_set():
            return
        self.last_received_ns = time.monotonic_ns()
        try:
            self._handler.on_messages(messages, time.time_ns())
        except Exception as error:  # `run` raises it
            self._error = error
            self._close("its handler raised")

    def _close(self, reason: str) -> None:
        if not self._over.is_set():
            self._reason = reason
            self._over.set()
            self._reading.set()
