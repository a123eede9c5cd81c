"""Names on the broker. Pure.

A key is what a consumer follows: ``trades BTC/USDT``, ``candles:1m BTC/USDT``, ``book BTC/USDT``, ``account main``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from lotusx.errors import ConfigurationError

PREFIX = "lotusx"
ACCOUNT = "account"
"""The channel of an account's events; what follows is not a symbol, but the account."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def token(name: object, *, what: str) -> str:
    """Return *name*, which may stand in a subject.

    Raises:
        ConfigurationError: It may not.
    """
    if not isinstance(name, str) or _TOKEN.fullmatch(name) is None:
        raise ConfigurationError(f"{what} is up to 64 letters, digits, - and _, not {name!r}")
    return name


@dataclass(frozen=True, slots=True)
class Subjects:
    """The subjects of one exchange in one environment."""

    exchange: str
    environment: str
    prefix: str = PREFIX

    @property
    def root(self) -> str:
        """What all of them begin with."""
        return f"{self.prefix}.{self.exchange}.{self.environment}"

    def asks(self, user: str, account: str | None = None) -> str:
        """Where *user* asks for public data; or for anything of *account*."""
        return f"{self.root}.ask.{user}." + ("market" if account is None else f"account.{account}")

    def asked(self, subject: str) -> tuple[str, str | None]:
        """Return user and account of a subject that `asks` has made."""
        user, _, rest = subject.removeprefix(f"{self.root}.ask.").partition(".")
        return user, None if rest == "market" else rest.removeprefix("account.")

    def feed(self, key: str) -> str:
        """Where what *key* names is published."""
        channel, _, of = key.partition(" ")
        if channel == ACCOUNT:
            return f"{self.root}.account.{of}.events"
        return f"{self.root}.feed.{channel}.{quote(of, safe='/:-').replace('.', '%2E')}"

    @property
    def claims(self) -> str:
        """Where gateways tell each other that they serve."""
        return f"{self.root}.gateways"

    @property
    def feeds(self) -> str:
        """All public ones."""
        return f"{self.root}.feed.>"


def inbox(user: str) -> str:
    """Where answers to *user* arrive; nobody else may listen there."""
    return f"_INBOX.{user}"
