"""A consumer's line to one gateway: questions and answers over a connection to the broker that is made when needed."""

from __future__ import annotations

import itertools
import logging
import os
import time
from collections.abc import Mapping
from typing import Any

import anyio
import msgspec
from nats.aio.msg import Msg

from lotusx.errors import ConnectionFailed, LotusXError, RequestTimeout, TransportError
from lotusx_gateway.broker import Broker, denied
from lotusx_gateway.failures import to_error
from lotusx_gateway.login import Login
from lotusx_gateway.messages import MAX_PARTS, VALID_S, Answer, Ask, decode, encode
from lotusx_gateway.subjects import Subjects, inbox

logger = logging.getLogger("lotusx.gateway")

ASK_S = 10.0
COMMAND_S = 15.0
_CLOCK_NS = 60 * 1_000_000_000
"""How long the gateway's clock, once read, counts as known: clocks drift far less than a second by then."""


class _Waiting:
    """A question that was sent."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.done = anyio.Event()
        self.parts: list[bytes] = []
        self.error: LotusXError | None = None

    def fail(self, error: LotusXError) -> None:
        if not self.done.is_set():
            self.error = error
            self.done.set()


class Link:
    """One consumer's connection. Several tasks may ask at once."""

    def __init__(self, subjects: Subjects, login: Login, account: str) -> None:
        self.subjects = subjects
        self.login = login
        self.account = account
        self.client_id = os.urandom(6).hex()
        self._broker: Broker | None = None
        self._lock = anyio.Lock()
        self._ids = itertools.count(1)
        self._waiting: dict[str, _Waiting] = {}
        self._run = ""
        self._offset_ns = 0
        self._read_ns: int | None = None
        self._slow: set[str] = set()
        self._closed = False

    async def broker(self) -> Broker:
        """Return the connection, made anew where it broke.

        Raises:
            ConnectionFailed: No broker answers.
            AuthenticationError: It does not let this user in.
        """
        async with self._lock:
            if self._closed:
                raise ConnectionFailed("the connection is closed", sent=False)
            if self._broker is None or self._broker.gone.is_set():
                await self._drop()
                broker = Broker(self.login)
                broker.on_denied, broker.on_slow = self._on_denied, self._on_slow
                await broker.open()
                try:
                    await broker.subscribe(f"{self._inbox}.*", self._on_answer)
                except BaseException:
                    with anyio.CancelScope(shield=True):
                        await broker.aclose()
                    raise
                self._broker = broker
            return self._broker

    @property
    def _inbox(self) -> str:
        return f"{inbox(self.login.user)}.{self.client_id}"

    async def ask(
        self,
        call: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        of_account: bool = False,
        command: bool = False,
        timeout_s: float | None = None,
    ) -> msgspec.Raw:
        """Ask the gateway, and return its answer, still to be decoded.

        A *command* carries until when it may be carried out, by the gateway's own clock, and for which of its runs.

        Raises:
            TransportError: ``sent`` is False where it cannot have reached the gateway.
            LotusXError: What the gateway answers.
        """
        made_ns = time.monotonic_ns()
        if command and (self._read_ns is None or made_ns - self._read_ns > _CLOCK_NS):
            await self._read_clock()
        broker = await self.broker()
        name = f"{self.client_id}-{next(self._ids)}"
        question = Ask(call, name, dict(arguments or {}))
        if command:
            deadline_ns = made_ns + int(VALID_S * 1e9) + self._offset_ns
            question = msgspec.structs.replace(question, run=self._run, deadline_ns=deadline_ns)
        subject = self.subjects.asks(self.login.user, self.account if of_account else None)
        waiting = self._waiting[name] = _Waiting(subject)
        patience_s = (COMMAND_S if command else ASK_S) if timeout_s is None else timeout_s
        try:
            await broker.publish(subject, encode(question), reply=f"{self._inbox}.{name}")
            with anyio.move_on_after(patience_s):
                await self._answered(waiting, broker)
        finally:
            del self._waiting[name]
        if waiting.error is not None:
            raise waiting.error
        if not waiting.done.is_set():
            raise RequestTimeout(f"the gateway did not answer {call} within {patience_s:g} s")
        return self._read(b"".join(waiting.parts))

    async def _answered(self, waiting: _Waiting, broker: Broker) -> None:
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                await broker.gone.wait()
                waiting.fail(ConnectionFailed(f"the broker was lost before the gateway had answered: {broker.reason}"))

            tasks.start_soon(watch)
            await waiting.done.wait()
            tasks.cancel_scope.cancel()

    def _read(self, data: bytes) -> msgspec.Raw:
        arrived_ns = time.monotonic_ns()
        answer = decode(data, Answer)
        self._run, self._read_ns = answer.run, arrived_ns
        self._offset_ns = answer.now_ns - arrived_ns  # too low by the way back: a deadline is early, never late
        if answer.failure is not None:
            raise to_error(answer.failure)
        return answer.result

    async def _read_clock(self) -> None:
        try:
            await self.ask("hello", timeout_s=ASK_S)
        except TransportError as error:
            reason = f"nothing was sent: the gateway's clock could not be read: {error}"
            raise ConnectionFailed(reason, sent=False) from error

    async def _on_answer(self, message: Msg) -> None:
        waiting = self._waiting.get(message.subject.rpartition(".")[2])
        if waiting is None or waiting.done.is_set():
            return
        if message.headers is not None and message.headers.get("Status") == "503":
            where = f"{self.subjects.exchange} ({self.subjects.environment})"
            waiting.fail(ConnectionFailed(f"no gateway of {where} listens on this broker", sent=False))
            return
        if not message.data or len(waiting.parts) >= MAX_PARTS:
            waiting.fail(_unreadable())
            return
        waiting.parts.append(message.data[1:])
        if message.data[:1] == b"1":
            waiting.done.set()

    def _on_denied(self, kind: str, subject: str) -> None:
        for waiting in self._waiting.values():
            if kind == "publish" and waiting.subject == subject:
                waiting.fail(denied(self.login.user, subject))

    def _on_slow(self, subject: str) -> None:
        if subject not in self._slow:
            self._slow.add(subject)
            logger.warning("messages of %s are dropped: they are not read fast enough", subject)

    async def _drop(self) -> None:
        broker, self._broker = self._broker, None
        if broker is not None:
            await broker.aclose()

    async def aclose(self) -> None:
        """Close. Whoever still waits for an answer is told that the connection is gone."""
        self._closed = True
        await self._drop()
        for secret in (self.login.password, self.login.nkey_seed):
            if secret is not None:
                secret.forget()


def _unreadable() -> LotusXError:
    return TransportError("the gateway's answer is longer than an answer can be, or empty")
