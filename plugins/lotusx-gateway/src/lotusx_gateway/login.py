"""As whom to log in at a broker, and how the connection to it is kept private."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

from lotusx.errors import CredentialsError
from lotusx.plugin import Secret


@dataclass(frozen=True, slots=True)
class Tls:
    """Files (PEM) for an encrypted connection.

    Attributes:
        ca: Of the authority that vouches for the broker; ``None``: those that this machine trusts.
        cert, key: Of the certificate with which we prove ourselves, and its key, which is not encrypted; ``None``: no
            certificate is shown. ``key`` may be left out where ``cert`` has both in it.
    """

    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        if self.key is not None and self.cert is None:
            raise CredentialsError("tls_key is given and tls_cert is not: a key is of a certificate")

    def context(self) -> ssl.SSLContext:
        """Return what the client needs.

        Raises:
            CredentialsError: A file cannot be read, or is something else.
        """
        try:
            made = ssl.create_default_context(cafile=self.ca)
        except OSError as error:  # an SSLError is one
            raise CredentialsError(f"tls_ca {self.ca}: {error.strerror or error}") from error
        if self.cert is not None:
            try:
                made.load_cert_chain(self.cert, self.key, password="")  # or a terminal would be asked for one
            except OSError as error:
                files = self.cert if self.key is None else f"{self.cert} and {self.key}"
                raise CredentialsError(f"tls_cert {files}: {error.strerror or error}") from error
        return made


@dataclass(frozen=True, slots=True)
class Login:
    """As whom, and where. ``user`` is the name in the subjects, whatever proves it.

    The connection is encrypted, or none is made, where the address says ``tls://`` or ``tls`` is given.
    """

    server: str
    user: str
    password: Secret | None = field(default=None, repr=False)
    nkey_seed: Secret | None = field(default=None, repr=False)
    tls: Tls | None = None

    def __post_init__(self) -> None:
        if "@" in self.server:  # an address stands in errors and logs
            raise CredentialsError("the broker's address has no user and no password in it: give them apart from it")

    @property
    def encrypted(self) -> bool:
        """Whether nothing may be said in clear text."""
        return self.tls is not None or self.server.startswith("tls://")

    @property
    def anonymous(self) -> Login:
        """The same connection of somebody who proves nothing."""
        tls = None if self.tls is None else Tls(self.tls.ca)
        return replace(self, user="anonymous", password=None, nkey_seed=None, tls=tls)

    def arguments(self) -> dict[str, Any]:
        """Return what proves it, as the client takes it.

        Raises:
            CredentialsError: A file or a seed is not what it should be, or the package that reads seeds is missing.
        """
        found: dict[str, Any] = {"tls": (self.tls or Tls()).context()} if self.encrypted else {}
        if self.nkey_seed is not None:
            found["nkeys_seed_str"] = _seed(self.nkey_seed)
        elif self.password is not None:
            found |= {"user": self.user, "password": self.password.reveal()}
        return found


def _seed(secret: Secret) -> str:
    """Return the seed, which is one: the client would fail on another one in its own ways."""
    try:
        nkeys = import_module("nkeys")
    except ImportError as error:
        text = 'an nkey_seed needs the package nkeys: pip install "lotusx-gateway[nkeys]"'
        raise CredentialsError(text) from error
    seed = secret.reveal().strip()
    try:
        nkeys.from_seed(bytearray(seed.encode())).wipe()
    except Exception:  # the library's own, and whatever it meets inside; none may show the seed
        raise CredentialsError("the nkey_seed is not the seed of a user (SU…)") from None
    return seed
