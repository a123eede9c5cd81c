"""Settings and credentials: arguments > environment variables > .env > lotusx.toml.

Variables are ``LOTUSX_<EXCHANGE>_<FIELD>``, and ``LOTUSX_<EXCHANGE>__<ACCOUNT>__<FIELD>`` for a named account.
``lotusx.toml`` stands in the working directory, or where ``LOTUSX_CONFIG`` points::

    [exchanges.example]
    environment = "testnet"
    read_only = true

    [exchanges.example.credentials]
    api_key = "…"

    [exchanges.example.accounts.hedge.credentials]
    api_key = "…"
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lotusx.errors import ConfigurationError, CredentialsError
from lotusx.kernel.facts import ExchangeFacts
from lotusx.kernel.secrets import Secret

FIELDS = ("environment", "base_url", "read_only", "proxy", "journal", "budgets")
"""What can be set for an exchange besides its credentials."""

_SECTIONS = ("exchanges", "plugins", "strategy")


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for one connection. ``sources`` says for each setting where it came from."""

    environment: str | None = None
    base_url: str | None = None
    read_only: bool = False
    proxy: str | None = None
    journal: str | None = None
    budgets: str | None = None
    credentials: Mapping[str, Secret | str] = field(default_factory=dict, repr=False)
    plugins: tuple[str, ...] = ()
    allowed_plugins: tuple[str, ...] | None = None
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where settings are read from; given as an argument so that tests and tools can replace it."""

    variables: Mapping[str, str]
    dotenv: Mapping[str, str]
    document: Mapping[str, Any]
    document_name: str = "lotusx.toml"

    @classmethod
    def of_process(cls, config: str | os.PathLike[str] | None = None) -> Sources:
        """Read the process's environment, ``.env`` and ``lotusx.toml``.

        Args:
            config: Path of the document; ``None``: ``LOTUSX_CONFIG``, then ``lotusx.toml`` here.

        Raises:
            ConfigurationError: A document that was named is missing, or is not TOML.
        """
        named = config if config is not None else os.environ.get("LOTUSX_CONFIG")
        path = Path(named) if named is not None else Path("lotusx.toml")
        document: Mapping[str, Any] = {}
        if path.is_file():
            try:
                document = tomllib.loads(path.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise ConfigurationError(f"{path} is not valid TOML: {error}") from error
        elif named is not None:
            raise ConfigurationError(f"the configuration file {path} does not exist")
        return cls(dict(os.environ), _read_dotenv(Path(".env")), document, str(path))


def resolve(
    name: str,
    *,
    sources: Sources,
    account: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    credential_names: Iterable[str] = (),
    other_exchanges: Iterable[str] = (),
) -> Settings:
    """Work out the settings of one connection.

    Args:
        name: The exchange.
        account: A named account; ``None``: the exchange's own settings.
        arguments: What the caller passed; ``None`` values count as not passed.
        credential_names: Names of the exchange's credentials.
        other_exchanges: Other installed names, so that ``LOTUSX_A_B_…`` of exchange ``a-b`` is not taken for ``a``'s.

    Raises:
        ConfigurationError: A name nobody knows (near matches are in the text), or a value of the wrong kind.
    """
    names = tuple(credential_names)
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    layers = [
        *_document_layers(sources, name, account),
        (".env", _from_variables(name, account, sources.dotenv, names, other_exchanges)),
        ("environment", _from_variables(name, account, sources.variables, names, other_exchanges)),
        ("argument", {key: value for key, value in (arguments or {}).items() if value is not None}),
    ]
    credentials: dict[str, Any] = {}
    for source, layer in layers:
        for key, value in layer.items():
            if key == "credentials":
                credentials.update(value)
            else:
                values[key] = value
            origin[key] = source
    plugins = _mapping(sources.document.get("plugins", {}), "plugins")
    _only(plugins, ("enable", "allow"), f"{sources.document_name}: [plugins]")
    allow = plugins.get("allow")
    checked = _check(values, origin)
    return Settings(
        environment=checked.get("environment"),
        base_url=checked.get("base_url"),
        read_only=checked.get("read_only", False),
        proxy=checked.get("proxy"),
        journal=checked.get("journal"),
        budgets=checked.get("budgets"),
        credentials={key: _secret(value) for key, value in credentials.items()},
        plugins=tuple(plugins.get("enable", ())),
        allowed_plugins=None if allow is None else tuple(allow),
        sources=origin,
    )


def require_credentials(facts: ExchangeFacts, found: Mapping[str, Any], account: str | None) -> None:
    """Refuse incomplete credentials; an empty set is not incomplete, it is public access. Nor is what suffices to read.

    Raises:
        CredentialsError: Names what is missing, the variables and the configuration key; never a value.
    """
    missing = [part.name for part in facts.credentials if part.required and not found.get(part.name)]
    given = {name for name, value in found.items() if value}
    if missing and not (given and given == set(facts.read_credentials)):
        raise CredentialsError(missing_credentials(facts, missing, account))


def missing_credentials(facts: ExchangeFacts, missing: Iterable[str], account: str | None) -> str:
    """Say what is missing and where to put it."""
    names = list(missing)
    variables = ", ".join(variable(facts.name, account, name) for name in names)
    place = f"exchanges.{facts.name}" + (f".accounts.{account}" if account else "") + ".credentials"
    return (
        f"{facts.name}: this call needs credentials, and {' and '.join(names)} "
        f"{'is' if len(names) == 1 else 'are'} missing. Set {variables}, or {place} in lotusx.toml, "
        f"or pass credentials={{...}}"
    )


def variable(exchange: str, account: str | None, name: str) -> str:
    """Return the environment variable of one field."""
    prefix = f"LOTUSX_{_upper(exchange)}"
    return f"{prefix}__{_upper(account)}__{name.upper()}" if account else f"{prefix}_{name.upper()}"


def strict_bool(value: object, *, name: str) -> bool:
    """Read a boolean that means what it says.

    Raises:
        ConfigurationError: Anything but true or false.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ConfigurationError(f"{name} must be true or false, not {value!r}")


def _read_dotenv(path: Path) -> Mapping[str, str]:
    if not path.is_file():
        return {}
    from dotenv import dotenv_values

    return {key: value for key, value in dotenv_values(path).items() if value is not None}


def _from_variables(
    exchange: str,
    account: str | None,
    variables: Mapping[str, str],
    credential_names: tuple[str, ...],
    other_exchanges: Iterable[str],
) -> dict[str, Any]:
    prefix = f"LOTUSX_{_upper(exchange)}_"
    longer = tuple(
        f"LOTUSX_{_upper(other)}_" for other in other_exchanges if _upper(other).startswith(f"{_upper(exchange)}_")
    )
    known = {field_name.upper(): field_name for field_name in (*FIELDS, *credential_names)}
    own = prefix + (f"_{_upper(account)}__" if account else "")
    found: dict[str, Any] = {}
    credentials: dict[str, str] = {}
    for key, value in variables.items():
        if not key.startswith(prefix) or (longer and key.startswith(longer)):
            continue
        rest = key.removeprefix(prefix)
        field_name = rest.rpartition("__")[2] if rest.startswith("_") else rest
        if field_name not in known:
            near = difflib.get_close_matches(field_name, known, n=1)
            hint = f"; did you mean {key.removesuffix(field_name)}{near[0]}?" if near else ""
            raise ConfigurationError(f"{key} is not a setting of {exchange}{hint} (known: {', '.join(sorted(known))})")
        inherited = not rest.startswith("_") and known[field_name] in FIELDS
        if key != own + field_name and not inherited:
            continue
        if key != own + field_name and own + field_name in variables:
            continue
        name = known[field_name]
        if name in credential_names:
            credentials[name] = value
        else:
            found[name] = value
    if credentials:
        found["credentials"] = credentials
    return found


def _document_layers(sources: Sources, name: str, account: str | None) -> list[tuple[str, dict[str, Any]]]:
    where = sources.document_name
    _only(sources.document, _SECTIONS, where)
    exchanges = _mapping(sources.document.get("exchanges", {}), f"{where}: exchanges")
    own = dict(_mapping(exchanges.get(name, {}), f"{where}: exchanges.{name}"))
    _only(own, (*FIELDS, "credentials", "accounts"), f"{where}: [exchanges.{name}]")
    accounts = _mapping(own.pop("accounts", {}), f"{where}: exchanges.{name}.accounts")
    if account is None:
        return [(where, own)]
    own.pop("credentials", None)  # a named account never falls back to somebody else's keys
    chosen = dict(_mapping(accounts.get(account, {}), f"{where}: exchanges.{name}.accounts.{account}"))
    _only(chosen, (*FIELDS, "credentials"), f"{where}: [exchanges.{name}.accounts.{account}]")
    return [(where, own), (where, chosen)]


def _check(values: Mapping[str, Any], origin: Mapping[str, str]) -> dict[str, Any]:
    checked = dict(values)
    for key in ("environment", "base_url", "proxy", "journal", "budgets"):
        if key in checked and (not isinstance(checked[key], str) or not checked[key].strip()):
            raise ConfigurationError(f"{key} (from {origin[key]}) must be text, not {checked[key]!r}")
    if "read_only" in checked:
        checked["read_only"] = strict_bool(checked["read_only"], name=f"read_only (from {origin['read_only']})")
    return checked


def _only(found: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in found:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(f"{where} has an unknown key {key!r}{hint} (known: {', '.join(known)})")


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where} must be a table")
    return value


def _secret(value: object) -> Secret | str:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise ConfigurationError(f"a credential must be text, not {type(value).__name__}")
    return Secret(value.strip())


def _upper(name: str) -> str:
    return name.upper().replace("-", "_")
