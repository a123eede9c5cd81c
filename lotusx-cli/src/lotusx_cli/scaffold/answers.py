"""What the author of a plugin is asked, and which answers are none."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from lotusx.errors import ConfigurationError
from lotusx_cli.packages import PACKAGES

OURS = frozenset(
    {
        "audit", "cli", "core", "docs", "ext", "gateway", "history", "opentelemetry", "paper", "pro", "prometheus",
        "recorder", "redis", "risk", "sim", "sync", "testing",
    }
)  # fmt: skip
"""Names of distributions and modules that are no exchange, now or later."""
EXCHANGES = frozenset(PACKAGES)
"""Exchanges that have a plugin in the project's own repository."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 24
_LONGEST_TITLE = 28
_TITLE = re.compile(r"[\w][\w .&+'-]*")
_PLAIN_URL = re.compile(r"[a-z]+://[A-Za-z0-9.:_/-]+")


class Scheme(StrEnum):
    """How an exchange wants requests signed."""

    HMAC_HEX = "hmac-hex"
    HMAC_BASE64 = "hmac-base64"
    ED25519 = "ed25519"
    RSA = "rsa"
    JWT = "jwt"
    EIP712 = "eip712"


class Market(StrEnum):
    """What the plugin is to serve."""

    SPOT = "spot"
    PERP = "perp"


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that is asked.

    Attributes:
        name: The exchange's name in LotusX, such as ``kraken``: lower case letters, digits, single dashes.
        rest: Base URL of the REST service. ``ws``: address of the streams; empty: none.
        testnet_rest: Where orders cost nothing; empty: the exchange has no such place.
        passphrase: Whether the exchange wants a third word beside key and secret.
        chain_id: Of the EIP-712 domain.
        title: The exchange's name in prose; empty: made of *name*.
    """

    name: str
    scheme: Scheme
    markets: tuple[Market, ...]
    rest: str
    ws: str = ""
    testnet_rest: str = ""
    testnet_ws: str = ""
    documentation: str = ""
    passphrase: bool = False
    chain_id: int = 1
    title: str = ""

    @property
    def distribution(self) -> str:
        """The name on a package index."""
        return f"lotusx-{self.name}"

    @property
    def package(self) -> str:
        """The import name."""
        return self.distribution.replace("-", "_")

    @property
    def prefix(self) -> str:
        """What classes begin with."""
        return "".join(part.capitalize() for part in self.name.split("-"))

    @property
    def heading(self) -> str:
        """The exchange's name in prose."""
        return self.title or " ".join(part.capitalize() for part in self.name.split("-"))

    def check(self) -> None:
        """Look whether a distribution can be made of this.

        Raises:
            ConfigurationError: It cannot; every problem is in the text, with what to do.
        """
        problems = [*name_problems(self.name), *self._url_problems(), *self._other_problems()]
        if problems:
            raise ConfigurationError("; ".join(problems))

    def _url_problems(self) -> Iterator[str]:
        if not self.rest:
            yield "the address of the REST service is missing: --rest https://…"
        if self.testnet_ws and not self.testnet_rest:
            yield "--testnet-ws goes with --testnet-rest"
        if bool(self.testnet_ws) != bool(self.ws) and self.testnet_rest:
            yield "the streams of both environments must be given, or of none: --ws and --testnet-ws"
        for option, url, schemes in (
            ("--rest", self.rest, ("https", "http")),
            ("--ws", self.ws, ("wss", "ws")),
            ("--testnet-rest", self.testnet_rest, ("https", "http")),
            ("--testnet-ws", self.testnet_ws, ("wss", "ws")),
            ("--documentation", self.documentation, ("https", "http")),
        ):
            parts = urlsplit(url)
            if url and (parts.scheme not in schemes or not parts.hostname or not _PLAIN_URL.fullmatch(url)):
                yield f"{option} {url!r} is no address: {schemes[0]}://host, without user, query or fragment"

    def _other_problems(self) -> Iterator[str]:
        if not self.markets:
            yield "nothing is traded: --market spot, --market perp or both"
        if self.passphrase and self.scheme in (Scheme.EIP712, Scheme.JWT):
            yield f"--passphrase goes with a signature in headers, not with {self.scheme}"
        if self.chain_id < 1:
            yield f"--chain-id {self.chain_id} is no chain"
        if self.title and (len(self.title) > _LONGEST_TITLE or not _TITLE.fullmatch(self.title)):
            yield f"--title: at most {_LONGEST_TITLE} letters, digits, spaces and . & + ' -"


def name_problems(name: str) -> Iterator[str]:
    """Yield why *name* can be no exchange's."""
    if not name:
        yield "the exchange has no name: give one, such as kraken"
    elif not _NAME.fullmatch(name):
        yield f"{name!r} is no name of an exchange: lower case letters, digits, single dashes; a letter first"
    elif len(name) > _LONGEST_NAME:
        yield f"{name!r} is longer than {_LONGEST_NAME} characters"
    elif name in OURS or name in EXCHANGES:
        yield f"{name!r} is reserved: lotusx-{name} is the project's own; choose another name"
    elif keyword.iskeyword(name):
        yield f"{name!r} is a word of Python"
