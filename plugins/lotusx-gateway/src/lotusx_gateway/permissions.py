"""Who may do what: users, and the broker's configuration that enforces it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lotusx.errors import ConfigurationError
from lotusx_gateway.subjects import Subjects, inbox, token


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may read market data, and what is granted beyond that.

    Attributes:
        name: Its name at the broker; part of the subjects it may use.
        accounts: Accounts it may read and trade on; none unless named.
        nkey: Its public nkey (``U…``), where it proves itself by a signature instead of a password.
    """

    name: str
    accounts: tuple[str, ...] = ()
    nkey: str | None = None

    def __post_init__(self) -> None:
        token(self.name, what="the name of a user")
        object.__setattr__(self, "accounts", tuple(self.accounts))
        for account in self.accounts:
            token(account, what="the name of an account")


_ALIVE = 'ping_interval: "5s"\nping_max: 2\n'
"""The broker notices a gateway that is gone: it would still be asked, and never answer."""


def password_variable(user: str) -> str:
    """Return the variable from which the broker reads the password of *user*."""
    return "NATS_" + user.upper().replace("-", "_") + "_PASSWORD"


def render_permissions(users: Sequence[User], subjects: Iterable[Subjects], *, gateway: User | str = "gateway") -> str:
    """Return the configuration of a ``nats-server``, to be completed by ``port``, ``tls`` and the like.

    Each user may ask under its own name only, listen to public feeds and to its own answers, and to the events of the
    accounts it was granted. Nobody is let in without credentials. Passwords are not written here: the broker reads
    them from its environment (`password_variable`).

    Args:
        subjects: The exchanges and environments that gateways of this broker serve.
        gateway: As whom the gateways log in.
    """
    served = list(subjects)
    holder = User(gateway) if isinstance(gateway, str) else gateway
    names = [holder.name, *(user.name for user in users)]
    if len(set(names)) != len(names):
        raise ConfigurationError(f"two users of the broker have one name: {', '.join(names)}")
    by_variable: dict[str, str] = {}
    for each in (holder, *users):
        other = by_variable.setdefault(password_variable(each.name), each.name) if each.nkey is None else each.name
        if other != each.name:
            text = f"{other!r} and {each.name!r} would have one password, {password_variable(each.name)}: rename one"
            raise ConfigurationError(text)
    own = [f"{each.root}.>" for each in served]
    entries = [_entry(holder, [*own, "_INBOX.>"], [*own, f"{inbox(holder.name)}.>"])]
    for user in users:
        publish = [each.asks(user.name) for each in served]
        subscribe = [each.feeds for each in served]
        for account in user.accounts:
            publish += [each.asks(user.name, account) for each in served]
            subscribe += [each.feed(f"account {account}") for each in served]
        entries.append(_entry(user, publish, [*subscribe, f"{inbox(user.name)}.>"]))
    return f"{_ALIVE}authorization {{\n  users = [\n" + "\n".join(entries) + "\n  ]\n}\n"


def _entry(user: User, publish: Sequence[str], subscribe: Sequence[str]) -> str:
    proof = f'nkey: "{user.nkey}"' if user.nkey else f'user: "{user.name}", password: ${password_variable(user.name)}'
    lines = (
        f"    {{ {proof},",
        "      permissions: {",
        f"        publish: {{ allow: {_list(publish)} }}",
        f"        subscribe: {{ allow: {_list(subscribe)} }}",
        "      } }",
    )
    return "\n".join(lines)


def _list(subjects: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{each}"' for each in subjects) + "]"
