"""Settings and credentials: arguments > variables > .env.local > .env > lotusx.toml > the user's lotusx.toml.

Variables are ``LOTUSX_<EXCHANGE>_<FIELD>``, and ``LOTUSX_<EXCHANGE>__<ACCOUNT>__<FIELD>`` for a named account.
``lotusx.toml`` stands in the working directory and in the user's configuration folder; ``LOTUSX_CONFIG`` names another
one instead::

    [exchanges.example]
    environment = "testnet"
    read_only = true

    [exchanges.example.credentials]
    api_key = "…"
    api_secret = { file = "~/keys/example" }

    [exchanges.example.accounts.hedge.credentials]
    api_key = "…"

What one setting means is in docs/configuration.md.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from lotusx.config_layers import FIELDS, Layer, accounts_of, layers_of, mapping, only, upper
from lotusx.config_references import Reference
from lotusx.config_sources import Document, Sources
from lotusx.errors import ConfigurationError, CredentialsError
from lotusx.kernel.facts import ExchangeFacts
from lotusx.kernel.secrets import Secret

__all__ = [
    "FIELDS", "Cache", "Document", "Settings", "Sources", "cache_of", "merge", "missing_credentials", "needed",
    "plugins_of", "require_account", "require_credentials", "resolve", "secret_of", "strict_bool", "variable",
]  # fmt: skip

_TEXTS = ("environment", "base_url", "proxy", "journal", "budgets")
_SWITCHES = ("read_only", "allow_withdrawals")


@dataclass(frozen=True, slots=True)
class Cache:
    """Lists of instruments kept on disk.

    Attributes:
        instruments_s: How long a list counts as fresh, seconds; 0: it is not kept.
        folder: Where; ``None``: the user's cache folder.
    """

    instruments_s: float = 0.0
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for one connection.

    Attributes:
        hosts: Environment → service or group → further addresses, tried in this order when none can be reached.
        share: Which part of the exchange's limits is used at most, > 0 and ≤ 1; ``None``: all.
        sources: Setting → where it came from.
    """

    environment: str | None = None
    base_url: str | None = None
    read_only: bool = False
    allow_withdrawals: bool = False
    proxy: str | None = field(default=None, repr=False)  # an address may hold a password
    journal: str | None = None
    budgets: str | None = field(default=None, repr=False)
    credentials: Mapping[str, Secret | str] = field(default_factory=dict, repr=False)
    hosts: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    share: Decimal | None = None
    cache: Cache = Cache()
    plugins: tuple[str, ...] = ()
    allowed_plugins: tuple[str, ...] | None = None
    sources: Mapping[str, str] = field(default_factory=dict)


def resolve(
    name: str,
    *,
    sources: Sources,
    account: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    credential_names: Iterable[str] = (),
    other_exchanges: Iterable[str] = (),
    reveal: bool = True,
) -> Settings:
    """Work out the settings of one connection.

    Args:
        name: The exchange.
        account: A named account; ``None``: the exchange's own settings.
        arguments: What the caller passed; ``None`` values count as not passed.
        credential_names: Names of the exchange's credentials.
        reveal: Whether credentials are fetched from where they stand; without, there are none in the result.
        other_exchanges: Other installed names, so that ``LOTUSX_A_B_…`` of exchange ``a-b`` is not taken for ``a``'s.

    Raises:
        ConfigurationError: A name nobody knows (near matches are in the text), or a value of the wrong kind.
    """
    layers = layers_of(name, account, sources, credential_names, other_exchanges)
    layers.append(("argument", {key: value for key, value in (arguments or {}).items() if value is not None}))
    values, credentials, origin = merge(layers)
    _refuse_silent_live(layers, origin)
    checked = _check(values, origin)
    variables = {**sources.dotenv, **sources.dotenv_local, **sources.variables}
    enabled, allowed = plugins_of(sources)
    return Settings(
        environment=checked.get("environment"),
        base_url=checked.get("base_url"),
        read_only=checked.get("read_only", False),
        allow_withdrawals=checked.get("allow_withdrawals", False),
        proxy=checked.get("proxy"),
        journal=checked.get("journal"),
        budgets=checked.get("budgets"),
        credentials={key: secret_of(value, variables) for key, value in credentials.items()} if reveal else {},
        hosts=checked.get("hosts", {}),
        share=checked.get("share"),
        cache=cache_of(sources),
        plugins=enabled,
        allowed_plugins=allowed,
        sources=origin,
    )


def merge(layers: Iterable[Layer]) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """Return settings, credentials, and where each setting comes from; later layers beat earlier ones.

    Credentials come from one layer: parts of two keys are never put together.
    """
    values: dict[str, Any] = {}
    credentials: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for source, layer in layers:
        for key, value in layer.items():
            if key != "credentials":
                values[key] = value
                origin[key] = source
            elif value:
                credentials = {**credentials, **value}
                origin[key] = source
    return values, credentials, origin


def plugins_of(sources: Sources) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """Return enabled plugins, and the distributions that are allowed (``None``: all).

    What any document enables is enabled; what is allowed must be allowed by every document that has a list.

    Raises:
        ConfigurationError: A key nobody knows, or no list of texts.
    """
    enabled: list[str] = []
    allowed: tuple[str, ...] | None = None
    for document in sources.documents:
        where = f"{document.name}: [plugins]"
        table = mapping(document.content.get("plugins", {}), where)
        only(table, ("enable", "allow"), where)
        for key, value in table.items():
            if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
                raise ConfigurationError(f"{where} {key} must be a list of texts")
        enabled += [item for item in table.get("enable", ()) if item not in enabled]
        if "allow" in table:
            own = tuple(table["allow"])
            allowed = own if allowed is None else tuple(item for item in own if item in allowed)
    return tuple(enabled), allowed


def cache_of(sources: Sources) -> Cache:
    """Return how lists of instruments are kept.

    Raises:
        ConfigurationError: A key nobody knows, or a value of the wrong kind.
    """
    found = Cache()
    for document in sources.documents:
        where = f"{document.name}: [cache]"
        table = mapping(document.content.get("cache", {}), where)
        only(table, ("instruments_s", "folder"), where)
        seconds, folder = table.get("instruments_s", found.instruments_s), table.get("folder")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise ConfigurationError(f"{where} instruments_s must be a number of seconds, 0 or more, not {seconds!r}")
        if folder is not None and not isinstance(folder, str):
            raise ConfigurationError(f"{where} folder must be text, not {folder!r}")
        place = found.folder if folder is None else document.folder / Path(folder).expanduser()
        found = Cache(float(seconds), place)
    return found


def require_credentials(facts: ExchangeFacts, found: Mapping[str, Any], account: str | None) -> None:
    """Refuse incomplete credentials; an empty set is not incomplete, it is public access. Nor is what suffices to read.

    Raises:
        CredentialsError: Names what is missing, the variables and the configuration key; never a value.
    """
    missing = [part.name for part in facts.credentials if part.required and not found.get(part.name)]
    given = {name for name, value in found.items() if value}
    if missing and not (given and given == set(facts.read_credentials)):
        raise CredentialsError(missing_credentials(facts, missing, account))


def require_account(facts: ExchangeFacts, account: str, sources: Sources) -> None:
    """Refuse an account that has no settings at all.

    Raises:
        CredentialsError: Names it, those that have some, and what would define it; never a value.
    """
    known = accounts_of(facts.name.partition(":")[0], sources)
    if account in known or not facts.credentials:
        return
    near = difflib.get_close_matches(account, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise CredentialsError(
        f"{facts.name}: no account {account!r} is configured{hint} (configured: {', '.join(known) or 'none'}). "
        f"{_places(facts, needed(facts), account)}"
    )


def needed(facts: ExchangeFacts) -> list[str]:
    """Return the names of the credentials that commands need; where none is required by itself, the first secret."""
    fields = facts.credentials
    return [part.name for part in fields if part.required] or [part.name for part in fields if part.secret][:1]


def missing_credentials(facts: ExchangeFacts, missing: Iterable[str], account: str | None) -> str:
    """Say what is missing and where to put it."""
    names = list(missing)
    return (
        f"{facts.name}: this call needs credentials, and {' and '.join(names)} "
        f"{'is' if len(names) == 1 else 'are'} missing. {_places(facts, names, account)}"
    )


def _places(facts: ExchangeFacts, names: Iterable[str], account: str | None) -> str:
    variables = ", ".join(variable(facts.name, account, name) for name in names)
    place = f"exchanges.{facts.name.partition(':')[0]}" + (f".accounts.{account}" if account else "") + ".credentials"
    return f"Set {variables}, or {place} in lotusx.toml, or pass credentials={{...}}"


def variable(exchange: str, account: str | None, name: str) -> str:
    """Return the environment variable of one field."""
    prefix = f"LOTUSX_{upper(exchange.partition(':')[0])}"
    return f"{prefix}__{upper(account)}__{name.upper()}" if account else f"{prefix}_{name.upper()}"


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


def _refuse_silent_live(layers: Iterable[Layer], origin: Mapping[str, str]) -> None:
    """Refuse to turn another environment into the live one by precedence alone; an argument may."""
    named = [(source, layer["environment"]) for source, layer in layers if "environment" in layer]
    if not named or named[-1][1] != "live" or origin["environment"] == "argument":
        return
    for source, environment in named:
        if environment != "live":
            raise ConfigurationError(
                f"{source} says environment {environment!r} and {named[-1][0]} says 'live': take one of them away, or "
                "name the environment in the call"
            )


def _check(values: Mapping[str, Any], origin: Mapping[str, str]) -> dict[str, Any]:
    checked = dict(values)
    for key in _TEXTS:
        if key in checked and (not isinstance(checked[key], str) or not checked[key].strip()):
            raise ConfigurationError(f"{key} (from {origin[key]}) must be text, not {checked[key]!r}")
    for key in _SWITCHES:
        if key in checked:
            checked[key] = strict_bool(checked[key], name=f"{key} (from {origin[key]})")
    if "hosts" in checked:
        checked["hosts"] = _hosts(checked["hosts"], f"{origin['hosts']}: hosts")
    if "limits" in checked:
        checked["share"] = _share(checked["limits"], f"{origin['limits']}: limits")
    return checked


def _hosts(value: object, where: str) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for environment, services in mapping(value, where).items():
        for service, urls in mapping(services, f"{where}.{environment}").items():
            if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
                raise ConfigurationError(f"{where}.{environment}.{service} must be a list of addresses")
            found.setdefault(environment, {})[service] = tuple(url.rstrip("/") for url in urls)
    return found


def _share(value: object, where: str) -> Decimal | None:
    table = mapping(value, where)
    only(table, ("share",), where)
    if "share" not in table:
        return None
    written = table["share"]
    try:
        share = Decimal(str(written))
    except InvalidOperation:
        share = Decimal(-1)
    if isinstance(written, bool) or not 0 < share <= 1:
        raise ConfigurationError(f"{where}.share must be above 0 and at most 1, not {written!r}")
    return share


def secret_of(value: object, variables: Mapping[str, str]) -> Secret:
    """Fetch one credential from where it stands.

    Raises:
        CredentialsError: It is not there.
        ConfigurationError: It is no text, or names a program where that is not allowed.
    """
    if isinstance(value, Secret):
        return value.copy()  # the connection forgets its own
    if isinstance(value, Reference):
        return value.reveal(variables)
    if not isinstance(value, str):
        raise ConfigurationError(f"a credential must be text, not {type(value).__name__}")
    return Secret(value.strip())
