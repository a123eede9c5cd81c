"""The gateway's own document: what it serves, where, and to whom. It has no secrets in it."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lotusx.errors import ConfigurationError
from lotusx_gateway.login import Tls
from lotusx_gateway.permissions import User, password_variable, render_permissions
from lotusx_gateway.subjects import PREFIX, Subjects, token

_TEXTS = ("environment", "base_url", "user", "prefix", "tls_ca", "tls_cert", "tls_key")
_KNOWN = ("exchange", "server", "accounts", "users", "allow_anonymous", *_TEXTS)
_OF_USER = ("accounts", "nkey")
_LIVE = "live"
MAIN = "main"
"""The account that the exchange's own settings name; others are named accounts of the configuration."""


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """One gateway. ``accounts``: those it holds; ``base_url``: of the simulator; no ``environment``: it is live."""

    exchange: str
    server: str
    users: tuple[User, ...]
    environment: str | None = None
    base_url: str | None = None
    user: str = "gateway"
    accounts: tuple[str, ...] = ()
    prefix: str = PREFIX
    allow_anonymous: bool = False
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None

    @property
    def tls(self) -> Tls | None:
        """The files for an encrypted connection to the broker; ``None``: none is named."""
        files = self.tls_ca, self.tls_cert, self.tls_key
        return Tls(*files) if any(files) else None

    @property
    def subjects(self) -> Subjects:
        """The subjects it serves."""
        return Subjects(self.exchange, self.environment or _LIVE, self.prefix)

    @property
    def password(self) -> str | None:
        """Its password at the broker, from the environment."""
        return os.environ.get(password_variable(self.user))

    def permissions(self) -> str:
        """Return the broker's configuration."""
        return render_permissions(self.users, [self.subjects], gateway=self.user)


def read_settings(path: str | os.PathLike[str]) -> GatewaySettings:
    """Read a document.

    Raises:
        ConfigurationError: It cannot be read, or says what nobody knows.
    """
    try:
        content = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    _only(content, _KNOWN, str(path))
    for name in ("exchange", "server"):
        if not isinstance(content.get(name), str):
            raise ConfigurationError(f"{path}: {name} is missing")
    for name in _TEXTS:
        if not isinstance(content.get(name, ""), str):
            raise ConfigurationError(f"{path}: {name} must be text, not {content[name]!r}")
    if not isinstance(content.get("allow_anonymous", False), bool):
        raise ConfigurationError(f"{path}: allow_anonymous must be true or false")
    users = content.pop("users", {})
    if not isinstance(users, dict) or not all(isinstance(each, dict) for each in users.values()):
        raise ConfigurationError(f"{path}: each user has a table of its own, [users.NAME]")
    made = []
    for name, table in users.items():
        _only(table, _OF_USER, f"{path}: [users.{name}]")
        made.append(User(name, _names(table, f"{path}: [users.{name}]"), table.get("nkey")))
    return GatewaySettings(**{**content, "users": tuple(made), "accounts": _names(content, str(path))})


def _names(table: dict[str, Any], where: str) -> tuple[str, ...]:
    found = table.get("accounts", [])
    if not isinstance(found, list):
        raise ConfigurationError(f"{where}: accounts must be a list of names")
    return tuple(token(name, what=f"{where}: an account") for name in found)


def _only(table: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in table:
        if name not in known:
            raise ConfigurationError(f"{where} has an unknown key {name!r} (known: {', '.join(known)})")
