"""What stands before every call: does the exchange offer it, is there a key, may this connection trade."""

from __future__ import annotations

from collections.abc import Mapping
from threading import get_ident
from types import MappingProxyType

from lotusx.config import missing_credentials, needed
from lotusx.errors import CredentialsError, NotSupported, RefusedBeforeSending
from lotusx.kernel.facts import Capability, Environment, ExchangeFacts, Support, SupportLevel


class Guard:
    """Refuses what cannot work before anything is sent."""

    def __init__(
        self,
        facts: ExchangeFacts,
        environment: Environment,
        *,
        has_key: bool,
        read_only: bool,
        account: str | None,
        may_read: bool = False,
        on_paper: bool = False,
    ) -> None:
        self.exchange = facts.name
        self.read_only = read_only
        self._facts = facts
        self._environment = environment
        self.has_key = has_key or on_paper
        self.on_paper = on_paper
        self.may_read = may_read or self.has_key
        self.account = account
        self._thread: int | None = None
        self._closed = False
        self.capabilities: Mapping[Capability, Support] = MappingProxyType(
            {
                item: environment.lacks.get(item, facts.capabilities.get(item, Support.not_offered()))
                for item in Capability
            }
        )

    def entered(self) -> None:
        """The connection belongs to this thread from now on."""
        self._thread = get_ident()

    def closed(self) -> None:
        """The connection is at its end."""
        self._closed = True

    def check(self) -> None:
        """Refuse to send anything over a connection that is closed, or from a thread that is not its own.

        Raises:
            RefusedBeforeSending: It is so.
        """
        if self._closed:
            raise RefusedBeforeSending(f"this {self.exchange} connection was closed; call lotusx.connect again")
        if self._thread != get_ident() and self._thread is not None:
            raise RefusedBeforeSending(
                f"this {self.exchange} connection belongs to the event loop of another thread; call it there "
                "(asyncio.run_coroutine_threadsafe), or use lotusx.sync, which may be called from any thread"
            )

    def offers(self, capability: Capability) -> Support:
        """As `check`; return how far *capability* is there.

        Raises:
            NotSupported: It is not; the text names what to use instead.
        """
        self.check()
        support = self.capabilities[capability]
        if support:
            return support
        what = capability.value
        if capability in self._environment.lacks:
            what += f" in its environment {self._environment.name!r}"
        elif support.level is SupportLevel.NOT_WRITTEN:
            what += " through this plugin yet"
        raise NotSupported(self.exchange, what, support.instead)

    def private(self, capability: Capability) -> Support:
        """As `offers`, and the account can be read.

        Raises:
            CredentialsError: There is no key; the text names the variables and the configuration key.
        """
        support = self.offers(capability)
        if not self.may_read:
            raise self._no_key()
        return support

    def command(self, capability: Capability) -> Support:
        """As `offers`, there is a key, and this connection may change things.

        Raises:
            CredentialsError: There is no key.
            NotSupported: It was opened with ``read_only=True``.
        """
        support = self.offers(capability)
        if self.read_only:
            raise NotSupported(self.exchange, f"{capability.value} on a read-only connection", "read_only=False")
        if not self.has_key:
            raise self._no_key()
        return support

    def _no_key(self) -> CredentialsError:
        return CredentialsError(missing_credentials(self._facts, needed(self._facts), self.account))
