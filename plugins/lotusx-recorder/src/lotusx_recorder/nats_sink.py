"""Rows into NATS JetStream, for consumers on other machines."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from anyio.from_thread import BlockingPortal, start_blocking_portal
from nats.aio.client import Client
from nats.errors import Error as NatsError, NoServersError
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, StreamConfig
from nats.js.errors import NotFoundError

from lotusx_recorder.sinks import Origin
from lotusx_recorder.tables import SCHEMAS, Row

_CHUNK = 250
_TIMEOUT_S = 5
_STREAM, _SUBJECTS = "LOTUSX", "lotusx.>"

T = TypeVar("T")


class NatsSink:
    """Publishes each row to the subject ``lotusx.TABLE`` as JSON; the header ``Lotusx-Run`` says of which run it is.

    A stream that takes these subjects is used as it is; if there is none, ``LOTUSX`` is made, on the server's disk. A
    flush is done when the server has acknowledged every row. Where an acknowledgement was lost a row is sent again
    under the same ``Nats-Msg-Id``, which the server knows for two minutes unless its stream says otherwise.

    Args:
        url: ``nats://[USER:PASSWORD@]HOST[:PORT]``.
        max_messages: How many messages of one table a stream that is made here keeps; the server drops older ones.
    """

    def __init__(self, url: str, *, max_messages: int = 1_000_000) -> None:
        if not urlsplit(url).hostname:
            raise ValueError("it names no host")
        self._url = url
        self._max_messages = max_messages
        self._waiting: deque[tuple[str, str, bytes]] = deque()
        self._origin = Origin("", "", "")
        self._rows = 0
        self._largest = 0
        self._client: Client | None = None
        self._portal: BlockingPortal | None = None
        self._leave_portal = start_blocking_portal("asyncio")

    def open(self, origin: Origin) -> None:
        """Look that the server is there and keeps what is published. See `lotusx_recorder.Sink`."""
        self._origin = origin
        self._portal = self._leave_portal.__enter__()  # an event loop of its own: the caller's may be running
        try:
            self._portal.call(self._publisher)
        except BaseException:
            self.close()
            raise

    def add(self, table: str, rows: Sequence[Row]) -> None:
        """See `lotusx_recorder.Sink`. A row that is larger than the server takes is an error."""
        where, names = (self._origin.exchange, self._origin.environment), SCHEMAS[table].names
        made = [json.dumps(dict(zip(names, (*where, *row), strict=True))).encode() for row in rows]
        largest = max((len(each) for each in made), default=0)
        if largest > self._largest:
            raise ValueError(f"a row of {largest} bytes; the server takes {self._largest} (its max_payload)")
        for each in made:
            self._rows += 1
            self._waiting.append((f"lotusx.{table}", f"{self._origin.run}-{self._rows}", each))

    def flush(self) -> None:
        """Send what waits, and have it acknowledged. See `lotusx_recorder.Sink`."""
        if self._waiting:
            assert self._portal is not None
            self._portal.call(self._send)

    def close(self) -> None:
        """See `lotusx_recorder.Sink`."""
        if self._portal is not None:
            portal, self._portal = self._portal, None
            try:
                portal.call(self._disconnect)
            finally:
                self._leave_portal.__exit__(None, None, None)

    async def _send(self) -> None:
        stream = await self._publisher()
        while self._waiting:
            chunk = [self._waiting[place] for place in range(min(_CHUNK, len(self._waiting)))]
            sent = [
                stream.publish(subject, row, timeout=_TIMEOUT_S, headers=self._headers(ident))
                for subject, ident, row in chunk
            ]
            for outcome in await asyncio.gather(*sent, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise _failed(outcome)
            for _ in chunk:
                self._waiting.popleft()

    def _headers(self, ident: str) -> dict[str, str]:
        return {"Nats-Msg-Id": ident, "Lotusx-Run": self._origin.run}

    async def _publisher(self) -> JetStreamContext:
        """Return a connected JetStream; connect first if need be."""
        client = self._client
        if client is not None and client.is_connected:
            return client.jetstream(timeout=_TIMEOUT_S)
        await self._disconnect()
        client = self._client = Client()
        await _done(self._connect(client))
        self._largest = client.max_payload - 1_024  # headers count as well
        stream = client.jetstream(timeout=_TIMEOUT_S)
        try:
            await stream.find_stream_name_by_subject(_SUBJECTS)
        except NotFoundError:
            config = StreamConfig(
                _STREAM, subjects=[_SUBJECTS], max_msgs_per_subject=self._max_messages, discard=DiscardPolicy.OLD
            )
            await _done(stream.add_stream(config))
        except (NatsError, OSError, TimeoutError) as error:
            raise _failed(error) from error
        return stream

    async def _connect(self, client: Client) -> None:
        reasons: list[Exception] = []

        async def hear(error: Exception) -> None:
            reasons.append(error)

        # Left to itself the client would go on trying, and send again what we do not know to be sent.
        try:
            async with asyncio.timeout(2 * _TIMEOUT_S):
                await client.connect(
                    self._url,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    connect_timeout=_TIMEOUT_S,
                    error_cb=hear,
                )
        except NoServersError as error:
            raise reasons[-1] if reasons else error from None

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()


async def _done(asked: Awaitable[T]) -> T:
    try:
        return await asked
    except (NatsError, OSError, TimeoutError) as error:
        raise _failed(error) from error


def _failed(error: BaseException) -> OSError:
    return OSError(f"NATS: {str(error) or type(error).__name__}")
