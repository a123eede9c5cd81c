"""The gateway: holds the connections to one exchange, and serves whoever the broker lets in and the grants admit."""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import msgspec
from anyio.abc import TaskGroup, TaskStatus
from nats.aio.msg import Msg

from lotusx.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    ErrorKind,
    InvalidArgument,
    LotusXError,
    PermissionDenied,
    TransportError,
    exchange_error,
)
from lotusx.plugin import Secret
from lotusx_gateway import calls
from lotusx_gateway.broker import Broker
from lotusx_gateway.claim import Claim
from lotusx_gateway.failures import to_failure
from lotusx_gateway.login import Login, Tls
from lotusx_gateway.messages import VALID_S, WORK_S, Answer, Ask, Followed, decode, encode, parts
from lotusx_gateway.permissions import User
from lotusx_gateway.pumps import account_pump, pump_of
from lotusx_gateway.sources import MAX_FEEDS, Pump, Sources
from lotusx_gateway.subjects import ACCOUNT, PREFIX, Subjects, inbox, token

if TYPE_CHECKING:
    from lotusx import Exchange

logger = logging.getLogger("lotusx.gateway")

MAX_OPEN = 128
"""Questions of one user that are being answered at a time; more are refused, and nothing is done."""
MAX_REMEMBERED = 10_000
_ID_LENGTH = 64
_LONGEST_NS = int((VALID_S + 1.0) * 1e9)  # the consumer's idea of our clock may be off by what two clocks drift
_QUEUE = "gateway"
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.2, 5.0
_PROBE_S = 1.0


class Gateway:
    """Serves one exchange in one environment. Run it inside the ``async with`` of its connections.

    Args:
        exchange: The connection for public data.
        server: Address of the broker, such as ``nats://127.0.0.1:4222``.
        users: Who may use it. Market data is for all of them; an account for those to whom it is granted by name.
        accounts: Name → connection with that account's keys.
        user, password, nkey_seed: As whom the gateway logs in at the broker.
        tls: Files for an encrypted connection to the broker.
        allow_anonymous: Serve at a broker that lets anybody in. Then anybody may say to be any user.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        server: str,
        users: Iterable[User],
        accounts: Mapping[str, Exchange] | None = None,
        user: str = "gateway",
        password: str | Secret | None = None,
        nkey_seed: str | Secret | None = None,
        tls: Tls | None = None,
        allow_anonymous: bool = False,
        prefix: str = PREFIX,
    ) -> None:
        self.subjects = Subjects(exchange.name, exchange.environment, token(prefix, what="the prefix of a gateway"))
        self.run_id = os.urandom(8).hex()
        self._exchange = exchange
        self._accounts = {token(name, what="the name of an account"): each for name, each in (accounts or {}).items()}
        self._users = {each.name: each for each in users}
        for name, account in ((each.name, account) for each in self._users.values() for account in each.accounts):
            if account not in self._accounts:
                raise ConfigurationError(f"{name} is granted the account {account!r}, which this gateway does not hold")
        served = exchange.name, exchange.environment
        if any((each.name, each.environment) != served for each in self._accounts.values()):
            raise ConfigurationError("all connections of a gateway are to one exchange, in one environment")
        self._login = Login(server, token(user, what="a user"), _secret(password), _secret(nkey_seed), tls)
        self._allow_anonymous = allow_anonymous
        self._sources = Sources(exchange.name, self._pump, self._publish)
        self._broker: Broker | None = None
        self._tasks: TaskGroup | None = None
        self._rival = self._serves = False
        self._open: Counter[str] = Counter()
        self._commands: dict[tuple[str, str], int] = {}
        self.unpublished = 0
        """Messages of feeds that no broker took; whoever follows notices the gap."""

    def stats(self) -> Mapping[str, Any]:
        """Return live sizes and counters: feeds with followers and messages, questions, and what no broker took."""
        return {"feeds": self._sources.stats(), "open": self._open.total(), "unpublished": self.unpublished}

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. Once it has begun, a broker that is lost is waited for.

        Raises:
            ConnectionFailed: No broker answers at the start.
            AuthenticationError: It does not let the gateway in.
            ConfigurationError: It lets anybody in, or another gateway serves the same there.
        """
        raised: Exception | None = None
        async with anyio.create_task_group() as self._tasks:
            try:
                await self._tasks.start(self._sources.run)
                await self._connect()
                task_status.started()
                await self._keep()
            except Exception as error:  # a task group would wrap it
                raised = error
            finally:
                self._tasks.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    if self._broker is not None:
                        await self._sources.aclose()
                        await self._broker.aclose()
        if raised is not None:
            raise raised

    async def _keep(self) -> None:
        while True:
            assert self._broker is not None
            await self._broker.gone.wait()
            if self._rival:
                raise self._second()
            logger.warning("%s: the broker was lost: %s", self.subjects.root, self._broker.reason)
            pause_s = _FIRST_PAUSE_S
            while self._broker.gone.is_set():
                try:
                    await self._connect()
                except (TransportError, AuthenticationError) as error:
                    logger.warning("%s: the broker is still lost: %s", self.subjects.root, error)
                    await anyio.sleep(pause_s)
                    pause_s = min(pause_s * 2, _LAST_PAUSE_S)
            logger.warning("%s: the broker is back", self.subjects.root)

    async def _connect(self) -> None:
        if not self._allow_anonymous:
            await self._refuse_open_broker()
        broker = Broker(self._login)
        await broker.open()
        try:
            await self._refuse_second(broker)
            claim = Claim(broker, self.subjects.claims, self.run_id, partial(self._on_rival, broker))
            if not await claim.make():
                raise self._second()
            self._broker = broker  # who asks as soon as it can is answered over this one
            root = self.subjects.root
            await broker.subscribe(f"{root}.ask.*.market", self._on_ask, queue=_QUEUE)
            await broker.subscribe(f"{root}.ask.*.account.*", self._on_ask, queue=_QUEUE)
            if self._rival:
                raise self._second()
            self._serves = True
        except BaseException:
            with anyio.CancelScope(shield=True):
                await broker.aclose()
            raise

    async def _refuse_open_broker(self) -> None:
        anonymous = Broker(self._login.anonymous)
        try:
            await anonymous.open()
        except AuthenticationError:
            return
        except ConnectionFailed:  # it is refused without a certificate, or lost: then we will not get in either
            if self._login.tls is None or self._login.tls.cert is None:
                raise
            return
        finally:
            with anyio.CancelScope(shield=True):
                await anonymous.aclose()
        raise ConfigurationError(
            f"the broker at {self._login.server} lets anybody in without credentials: configure its users "
            "(lotusx_gateway.render_permissions writes the configuration), or say allow_anonymous=True"
        )

    async def _refuse_second(self, broker: Broker) -> None:
        """Ask whether another gateway serves the same: two would each know half of what was asked."""
        heard = anyio.Event()
        answered = False

        async def on_answer(message: Msg) -> None:
            nonlocal answered
            answered = message.headers is None or message.headers.get("Status") != "503"
            heard.set()

        reply = f"{inbox(self._login.user)}.{self.run_id}"
        subscription = await broker.subscribe(reply, on_answer)
        asks = self.subjects.asks(self._login.user)
        await broker.publish(asks, encode(Ask("hello", self.run_id)), reply=reply)
        with anyio.move_on_after(_PROBE_S):
            await heard.wait()
        await broker.unsubscribe(subscription)
        if answered:
            raise self._second()

    def _on_rival(self, broker: Broker) -> None:
        self._rival = True
        if self._serves and self._tasks is not None:
            self._tasks.start_soon(broker.aclose)  # which ends `_keep`

    def _second(self) -> ConfigurationError:
        return ConfigurationError(f"another gateway serves {self.subjects.root} on this broker")

    async def _publish(self, key: str, data: bytes) -> None:
        broker = self._broker
        if broker is None or broker.gone.is_set():
            self.unpublished += 1
            return
        try:
            await broker.publish(self.subjects.feed(key), data)
        except TransportError:
            self.unpublished += 1

    def _pump(self, key: str) -> Pump:
        channel, _, of = key.partition(" ")
        return account_pump(self._accounts[of]) if channel == ACCOUNT else pump_of(self._exchange, key)

    # ------------------------------------------------------------------------------------------------- questions

    async def _on_ask(self, message: Msg) -> None:
        user, account = self.subjects.asked(message.subject)
        if not message.reply.startswith(f"{inbox(user)}."):
            logger.warning("%s asked for an answer to %r, which is not its own inbox", user, message.reply)
            return
        assert self._tasks is not None
        if self._open[user] >= MAX_OPEN:
            await self._reply(message, None, calls.busy(self._exchange.name))
            return
        self._open[user] += 1
        self._tasks.start_soon(self._answer, user, account, message)

    async def _answer(self, user: str, account: str | None, message: Msg) -> None:
        try:
            self._check_grant(user, account)
            await self._reply(message, await self._result(user, account, decode(message.data, Ask)), None)
        except Exception as error:
            if not isinstance(error, LotusXError):
                logger.exception("%s: a question of %s could not be answered", self.subjects.root, user)
            await self._reply(message, None, error)
        finally:
            self._open[user] -= 1
            if not self._open[user]:
                del self._open[user]

    def _check_grant(self, user: str, account: str | None) -> None:
        known = self._users.get(user)
        if known is None and user == self._login.user and account is None:
            return  # another gateway, which asks whether there is one
        if known is None or (account is not None and account not in known.accounts):
            what = "market data" if account is None else f"the account {account!r}"
            raise PermissionDenied(self._exchange.name, "gateway", f"{user!r} has no grant for {what} at this gateway")

    async def _result(self, user: str, account: str | None, ask: Ask) -> bytes:
        if ask.call == "hello":
            return b"null"
        if ask.call in ("follow", "renew"):
            return encode(await self._follow(user, account, ask))
        if account is None:
            return await calls.answer(calls.MARKET, ask.call, self._exchange, ask.arguments)
        exchange = self._accounts[account]
        if ask.call not in calls.COMMANDS:
            return await calls.answer(calls.READS, ask.call, exchange, ask.arguments)
        self._admit(user, ask)
        with anyio.move_on_after(WORK_S):
            return await calls.answer(calls.COMMANDS, ask.call, exchange, ask.arguments)
        text = f"not finished within {WORK_S:g} s"
        raise exchange_error(ErrorKind.UNKNOWN_EXECUTION, self._exchange.name, "gateway", text)

    def _admit(self, user: str, ask: Ask) -> None:
        """Refuse a command that is late, was made for another run of the gateway, or has come before."""
        name, now_ns = self._exchange.name, time.monotonic_ns()
        if ask.run != self.run_id:
            text = "this was made for another run of the gateway, which has been started anew; it was not carried out"
            raise exchange_error(ErrorKind.TIMESTAMP_SKEW, name, "gateway", text)
        if len(ask.id) > _ID_LENGTH or ask.deadline_ns > now_ns + _LONGEST_NS:
            raise InvalidArgument(f"a command is valid for {VALID_S:g} s, and its id has {_ID_LENGTH} letters at most")
        if now_ns > ask.deadline_ns:
            text = f"it came {(now_ns - ask.deadline_ns) / 1e9:.3f} s after its deadline; it was not carried out"
            raise exchange_error(ErrorKind.TIMESTAMP_SKEW, name, "gateway", text)
        if (user, ask.id) in self._commands:
            text = "this very request has come before, and is carried out once"
            raise exchange_error(ErrorKind.UNKNOWN_EXECUTION, name, "gateway", text)
        if len(self._commands) >= MAX_REMEMBERED:
            self._commands = {each: until_ns for each, until_ns in self._commands.items() if until_ns >= now_ns}
            if len(self._commands) >= MAX_REMEMBERED:
                raise calls.busy(name)
        self._commands[user, ask.id] = ask.deadline_ns

    async def _follow(self, user: str, account: str | None, ask: Ask) -> dict[str, Followed]:
        keys, client = ask.arguments.get("keys"), ask.arguments.get("client")
        if not isinstance(client, str) or len(client) > _ID_LENGTH:
            raise InvalidArgument(f"client is text of {_ID_LENGTH} letters at most")
        if not isinstance(keys, list) or len(keys) > MAX_FEEDS or not all(isinstance(key, str) for key in keys):
            raise InvalidArgument(f"keys is a list of {MAX_FEEDS} texts at most")
        found: dict[str, Followed] = {}
        for key in keys:
            channel, _, of = key.partition(" ")
            if (channel == ACCOUNT) is not (account is not None) or (account is not None and of != account):
                text = f"{user!r} asked for {key!r} where that is not granted"
                raise PermissionDenied(self._exchange.name, "gateway", text)
            if ask.call == "follow":
                found[key] = await self._sources.follow((user, client), key)
            else:
                where = self._sources.renew((user, client), key)
                if where is not None:
                    found[key] = where
        return found

    async def _reply(self, message: Msg, result: bytes | None, error: Exception | None) -> None:
        failure = None if error is None else to_failure(error, self._exchange.name)
        raw = msgspec.Raw(b"null" if result is None else result)
        answer = encode(Answer(self.run_id, time.monotonic_ns(), raw, failure))
        broker = self._broker
        if broker is None:
            return
        try:
            for part in parts(answer, broker.part_bytes):
                await broker.publish(message.reply, part)
        except TransportError as lost:
            logger.warning("%s: an answer could not be sent: %s", self.subjects.root, lost)


def _secret(value: str | Secret | None) -> Secret | None:
    return Secret(value) if isinstance(value, str) else value
