"""The layers of settings, the one that counts least first, each with the place it comes from.

A layer is a mapping of fields to values as they were written; nothing is judged here but names.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from lotusx.config_references import Reference, read_reference
from lotusx.config_sources import Document, Sources
from lotusx.errors import ConfigurationError

FIELDS = ("environment", "base_url", "read_only", "allow_withdrawals", "proxy", "journal", "budgets")
"""What can be set for an exchange besides its credentials; also by variables."""

TABLES = ("hosts", "limits")
"""What only a document can say of an exchange."""

OWN_TABLES = ("risk", "audit")
"""Plugins whose options stand in a table of their own name; those of other plugins stand in ``telemetry``."""

SECTIONS = ("exchanges", "plugins", "telemetry", *OWN_TABLES, "cache", "strategy")
"""What stands at the top of a document; ``strategy`` belongs to the user."""

Layer = tuple[str, dict[str, Any]]


def layers_of(
    name: str, account: str | None, sources: Sources, credential_names: Iterable[str], other_exchanges: Iterable[str]
) -> list[Layer]:
    """Return the layers of one exchange and account.

    Raises:
        ConfigurationError: A key or variable nobody knows, or a table that is none.
    """
    names, others = tuple(credential_names), tuple(other_exchanges)
    general, special = [], []
    for document in sources.documents:
        own, chosen = _of_document(document, name, account)
        general.append(own)
        special.append(chosen)
    return [
        *general,
        *(layer for layer in special if layer is not None),  # what is said of the account counts more, wherever
        (".env", from_variables(name, account, sources.dotenv, names, others)),
        (".env.local", from_variables(name, account, sources.dotenv_local, names, others)),
        ("environment", from_variables(name, account, sources.variables, names, others)),
    ]


def _of_document(document: Document, name: str, account: str | None) -> tuple[Layer, Layer | None]:
    where = document.name
    only(document.content, SECTIONS, where)
    exchanges = mapping(document.content.get("exchanges", {}), f"{where}: exchanges")
    own = dict(mapping(exchanges.get(name, {}), f"{where}: exchanges.{name}"))
    only(own, (*FIELDS, *TABLES, "credentials", "accounts"), f"{where}: [exchanges.{name}]")
    if "hosts" in own and not document.trusted:
        raise ConfigurationError(
            f"{where}: [exchanges.{name}.hosts]: a document that was merely found in the working directory may not say "
            "where requests go. Put this into your own lotusx.toml, or name the document: LOTUSX_CONFIG=… or config=…"
        )
    accounts = mapping(own.pop("accounts", {}), f"{where}: exchanges.{name}.accounts")
    if account is None:
        return (where, _read_credentials(own, document, f"exchanges.{name}")), None
    own.pop("credentials", None)  # a named account never falls back to somebody else's keys
    place = f"exchanges.{name}.accounts.{account}"
    chosen = dict(mapping(accounts.get(account, {}), f"{where}: {place}"))
    only(chosen, (*FIELDS, "credentials"), f"{where}: [{place}]")
    return (where, own), (where, _read_credentials(chosen, document, place))


def _read_credentials(table: dict[str, Any], document: Document, place: str) -> dict[str, Any]:
    if "credentials" in table:
        place = f"{document.name}: {place}.credentials"
        found: dict[str, str | Reference] = {}
        for key, value in mapping(table["credentials"], place).items():
            where = f"{place}.{key}"
            if isinstance(value, Mapping):
                found[key] = read_reference(value, where=where, folder=document.folder, trusted=document.trusted)
            elif isinstance(value, str):
                found[key] = value
            else:
                raise ConfigurationError(f"{where}: a credential must be text, not {type(value).__name__}")
        table["credentials"] = found
    return table


def from_variables(
    exchange: str,
    account: str | None,
    variables: Mapping[str, str],
    credential_names: tuple[str, ...],
    other_exchanges: Iterable[str],
) -> dict[str, Any]:
    """Return what *variables* say of one exchange and account.

    Raises:
        ConfigurationError: A variable of this exchange that is none of its settings; near matches are in the text.
    """
    prefix = f"LOTUSX_{upper(exchange)}_"
    longer = tuple(
        f"LOTUSX_{upper(other)}_" for other in other_exchanges if upper(other).startswith(f"{upper(exchange)}_")
    )
    known = {field_name.upper(): field_name for field_name in (*FIELDS, *credential_names)}
    own = prefix + (f"_{upper(account)}__" if account else "")
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


def accounts_of(name: str, sources: Sources) -> list[str]:
    """Return the named accounts that documents and variables have of exchange *name*, sorted."""
    found: set[str] = set()
    for document in sources.documents:
        exchange = mapping(document.content.get("exchanges", {}), f"{document.name}: exchanges").get(name, {})
        accounts = exchange.get("accounts", {}) if isinstance(exchange, Mapping) else {}
        found |= set(mapping(accounts, f"{document.name}: exchanges.{name}.accounts"))
    prefix = f"LOTUSX_{upper(name)}__"
    for variables in (sources.variables, sources.dotenv, sources.dotenv_local):
        for key in variables:
            account, separator, _ = key.removeprefix(prefix).rpartition("__")
            if key.startswith(prefix) and separator and account not in {upper(known) for known in found}:
                found.add(account.lower().replace("_", "-"))
    return sorted(found)


def only(found: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Refuse a key that is not *known*.

    Raises:
        ConfigurationError: Names *where*, near matches and what is known.
    """
    for key in found:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(f"{where} has an unknown key {key!r}{hint} (known: {', '.join(known)})")


def mapping(value: object, where: str) -> Mapping[str, Any]:
    """Return *value* if it is a table.

    Raises:
        ConfigurationError: It is none.
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where} must be a table")
    return value


def upper(name: str) -> str:
    """Return *name* as variables write it."""
    return name.upper().replace("-", "_")
