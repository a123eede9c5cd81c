"""A connection to the broker, and its errors as ours. It is never mended in silence: when it breaks, it is over."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from lotusx.errors import AuthenticationError, ConnectionFailed, CredentialsError, NotSupported, PermissionDenied
from lotusx.plugin import Secret
from lotusx_gateway.subjects import inbox

logger = logging.getLogger("lotusx.gateway")

CONNECT_S = 5.0
_PING_S = 3
_DENIED = re.compile(r'permissions violation for (publish|subscription) to "([^"]+)"', re.IGNORECASE)

Handler = Callable[[Msg], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Login:
    """As whom, and where. ``user`` is the name in the subjects, whatever proves it."""

    server: str
    user: str
    password: Secret | None = field(default=None, repr=False)
    nkey_seed: Secret | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if "@" in self.server:  # an address stands in errors and logs
            raise CredentialsError("the broker's address has no user and no password in it: give them apart from it")

    def arguments(self) -> dict[str, Any]:
        """Return what proves it, as the client takes it."""
        if self.nkey_seed is not None:
            return {"nkeys_seed_str": self.nkey_seed.reveal()}
        return {} if self.password is None else {"user": self.user, "password": self.password.reveal()}


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
        self._client = Client()

    async def open(self) -> None:
        """Connect and log in.

        Raises:
            ConnectionFailed: Nobody answers there.
            AuthenticationError: The broker does not let this user in.
            NotSupported: The event loop is trio's.
        """
        require_asyncio()
        where = self.login.server
        try:
            with anyio.fail_after(CONNECT_S):
                await self._client.connect(
                    where,
                    name="lotusx",
                    error_cb=self._on_error,
                    closed_cb=self._on_closed,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    connect_timeout=int(CONNECT_S),
                    ping_interval=_PING_S,
                    max_outstanding_pings=2,
                    inbox_prefix=inbox(self.login.user),
                    **self.login.arguments(),
                )
        except (OSError, nats.errors.Error, TimeoutError) as error:
            await self.aclose()
            said = f"{error} {self._last}"
            if isinstance(error, nats.errors.AuthorizationError) or "authorization" in said.lower():
                text = f"the broker at {where} does not let {self.login.user!r} in"
                raise AuthenticationError("gateway", "broker", text) from error
            why = self._last or str(error) or type(error).__name__
            raise ConnectionFailed(f"no broker can be reached at {where}: {why}", sent=False) from error
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.aclose()
            raise

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
        """Close; may be called twice."""
        try:
            await self._client.close()
        except (OSError, nats.errors.Error) as error:
            logger.debug("closing the connection to the broker: %s", error)
        self._end("closed")

    async def _on_error(self, error: Exception) -> None:
        self._last = str(error) or type(error).__name__
        found = _DENIED.search(self._last)
        if found is not None:
            self._denied.add(found[2])
            self.on_denied(found[1].lower(), found[2])
        elif isinstance(error, nats.errors.SlowConsumerError):
            self.on_slow(error.subject)

    async def _on_closed(self) -> None:
        self._end(str(self._client.last_error or "") or self._last or "the broker closed the connection")

    def _end(self, reason: str) -> None:
        if not self.gone.is_set():
            self.reason = reason
            self.gone.set()


def denied(user: str, subject: str) -> PermissionDenied:
    """Return the error that says: the broker does not let *user* use *subject*."""
    return PermissionDenied("gateway", "broker", f"the broker's permissions do not let {user!r} use {subject}")


def _ignore(*_: object) -> None:
    return
