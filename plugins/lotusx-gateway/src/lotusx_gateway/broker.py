"""A connection to the broker, and its errors as ours. It is never mended in silence: when it breaks, it is over."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Awaitable, Callable

import anyio
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from lotusx.errors import AuthenticationError, ConnectionFailed, NotSupported, PermissionDenied
from lotusx_gateway.login import Login
from lotusx_gateway.messages import LEAST_BYTES, PART_BYTES
from lotusx_gateway.subjects import inbox

logger = logging.getLogger("lotusx.gateway")

CONNECT_S = 5.0
_CLOSE_S = 1.0
_FLUSH_S = 5.0
"""How long whoever publishes waits for a network that takes nothing; the connection is over soon after."""
_PING_S = 3
_DENIED = re.compile(r'permissions violation for (publish|subscription) to "([^"]+)"', re.IGNORECASE)

Handler = Callable[[Msg], Awaitable[None]]


class _Client(Client):
    """The client, but for two habits of it.

    It takes an address ``tls://`` for a hint: it would tell a password to a server without TLS. And it says that a
    connection is over when everything written has left, which in a network that takes nothing is never.
    """

    encrypted = False
    on_end: Callable[[], object] = staticmethod(lambda: None)

    def abort(self) -> None:
        """Drop the connection and what has not left."""
        writer = getattr(self._transport, "_io_writer", None)
        if writer is not None:
            writer.transport.abort()

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        if status == Client.CLOSED:
            self.on_end()
        await super()._close(status, do_cbs)

    def _connect_command(self) -> bytes:
        if self.encrypted and not self._server_info.get("tls_required"):
            raise nats.errors.SecureConnWantedError
        command: bytes = super()._connect_command()
        return command


def require_asyncio() -> None:
    """Raise where the event loop is another one.

    Raises:
        NotSupported: It is: nats-py, the broker's client, needs asyncio.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise NotSupported("the gateway", "this event loop", "asyncio, which anyio.run uses by default") from None


class Broker:
    """One connection. Use `open`; once `gone` is set it never comes back.

    Attributes:
        gone: Set when it is over; ``reason`` says why.
        on_denied: Called with ``publish`` or ``subscription`` and the subject, when the broker refuses one.
        on_slow: Called with the subject of a message that was dropped because it was not taken fast enough.
    """

    def __init__(self, login: Login) -> None:
        self.login = login
        self.gone = anyio.Event()
        self.reason = ""
        self.on_denied: Callable[[str, str], object] = _ignore
        self.on_slow: Callable[[str], object] = _ignore
        self._denied: set[str] = set()
        self._last = ""
        self._client = _Client()
        self._client.encrypted = login.encrypted
        self._client.on_end = self._on_end

    async def open(self) -> None:
        """Connect and log in.

        Raises:
            ConnectionFailed: Nobody answers there, or a broker that takes short messages only.
            AuthenticationError: The broker does not let this user in.
            CredentialsError: What should prove us is not what it should be.
            NotSupported: The event loop is trio's.
        """
        require_asyncio()
        where, arguments = self.login.server, self.login.arguments()
        try:
            with anyio.fail_after(CONNECT_S):
                await self._client.connect(
                    where,
                    name="lotusx",
                    error_cb=self._on_error,
                    flush_timeout=_FLUSH_S,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    connect_timeout=int(CONNECT_S),
                    ping_interval=_PING_S,
                    max_outstanding_pings=2,
                    inbox_prefix=inbox(self.login.user),
                    **arguments,
                )
                if not self._client.is_connected:
                    raise ConnectionResetError("it closed the connection before it had let us in")
        except (OSError, nats.errors.Error, TimeoutError) as error:
            await self.aclose()
            said = f"{error} {self._last}"
            if isinstance(error, nats.errors.AuthorizationError) or "authorization" in said.lower():
                text = f"the broker at {where} does not let {self.login.user!r} in"
                raise AuthenticationError("gateway", "broker", text) from error
            if isinstance(error, nats.errors.SecureConnWantedError):
                text = f"the broker at {where} offers no TLS, and was told nothing"
                raise ConnectionFailed(text, sent=False) from error
            if isinstance(error, ssl.SSLCertVerificationError):
                text = f"the broker at {where} does not prove who it is: {error.verify_message}; see tls_ca"
                raise ConnectionFailed(text, sent=False) from error
            why = self._last or str(error) or type(error).__name__
            raise ConnectionFailed(f"no broker can be reached at {where}: {why}", sent=False) from error
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.aclose()
            raise

        if self._client.max_payload < LEAST_BYTES:
            takes = self._client.max_payload
            await self.aclose()
            text = f"the broker at {where} takes messages of {takes} bytes at most; set its max_payload to 1MB"
            raise ConnectionFailed(text, sent=False)

    @property
    def part_bytes(self) -> int:
        """How long the parts of an answer may be."""
        return min(PART_BYTES, self._client.max_payload)

    async def publish(self, subject: str, data: bytes, *, reply: str = "") -> None:
        """Hand *data* to the connection.

        Raises:
            ConnectionFailed: It is gone, or does not take so much; nothing was sent.
        """
        try:
            await self._client.publish(subject, data, reply=reply)
        except (OSError, nats.errors.Error) as error:
            raise ConnectionFailed(f"the broker does not take a message: {error}", sent=False) from error

    async def subscribe(self, subject: str, handler: Handler, *, queue: str = "", limit: int = 65_536) -> Subscription:
        """Listen to *subject*; when this returns the broker knows it. At most *limit* messages wait for *handler*.

        Raises:
            ConnectionFailed: The connection is gone.
            PermissionDenied: The broker does not let this user listen there.
        """
        self._denied.discard(subject)
        try:
            made = await self._client.subscribe(subject, queue=queue, cb=handler, pending_msgs_limit=limit)
        except nats.errors.Error as error:
            raise ConnectionFailed(f"the broker's connection is gone: {error}", sent=False) from error
        await self.flush()
        if subject in self._denied:
            await self.unsubscribe(made)
            raise denied(self.login.user, subject)
        return made

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Listen no more."""
        if not self.gone.is_set():
            try:
                await subscription.unsubscribe()
            except nats.errors.Error as error:
                logger.debug("could not unsubscribe: %s", error)

    async def flush(self, timeout_s: int = 5) -> None:
        """Wait until the broker has taken everything.

        Raises:
            ConnectionFailed: It is gone.
        """
        try:
            await self._client.flush(timeout_s)
        except (OSError, nats.errors.Error) as error:
            raise ConnectionFailed(f"the broker does not answer: {self.reason or error}", sent=False) from error

    async def aclose(self) -> None:
        """Close; may be called twice. What cannot be told to a broker that takes nothing any more is left unsaid."""
        self._end("closed")
        try:
            with anyio.move_on_after(_CLOSE_S) as late:  # else for ever, where TLS failed or nothing is taken
                await self._client.close()
            if late.cancelled_caught:
                self._client.abort()
        except (OSError, nats.errors.Error, AssertionError) as error:  # asserted: it never got as far as a socket
            logger.debug("closing the connection to the broker: %s", error)

    async def _on_error(self, error: Exception) -> None:
        self._last = str(error) or type(error).__name__
        found = _DENIED.search(self._last)
        if found is not None:
            self._denied.add(found[2])
            self.on_denied(found[1].lower(), found[2])
        elif isinstance(error, nats.errors.SlowConsumerError):
            self.on_slow(error.subject)

    def _on_end(self) -> None:
        if not self.gone.is_set():  # it is none of our doing: nothing of what waits is worth waiting for
            self._end(str(self._client.last_error or "") or self._last or "the broker closed the connection")
            self._client.abort()

    def _end(self, reason: str) -> None:
        if not self.gone.is_set():
            self.reason = reason
            self.gone.set()


def denied(user: str, subject: str) -> PermissionDenied:
    """Return the error that says: the broker does not let *user* use *subject*."""
    return PermissionDenied("gateway", "broker", f"the broker's permissions do not let {user!r} use {subject}")


def _ignore(*_: object) -> None:
    return
