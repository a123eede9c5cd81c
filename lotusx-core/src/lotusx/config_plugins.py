"""The options of cross-cutting plugins: ``[telemetry.NAME]``, ``[risk]``, ``[audit]``. A table enables its plugin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lotusx.config_layers import OWN_TABLES, mapping, only
from lotusx.config_sources import Document, Sources
from lotusx.errors import ConfigurationError

GENERAL = ("log_format",)
"""What stands in ``[telemetry]`` beside the tables of plugins."""

_LOCAL = ("127.0.0.1", "::1", "localhost")


def options_of(sources: Sources) -> dict[str, dict[str, Any]]:
    """Return plugin → options of every plugin that a document's tables enable; ``enabled = false`` takes that back.

    Options of the project's document beat those of the user's, one by one. In a document that was merely found, the
    user's limits and audit log cannot be changed or switched off.

    Raises:
        ConfigurationError: A table that is none, or what a document that was merely found may not say.
    """
    found: dict[str, dict[str, Any]] = {}
    for document in sources.documents:
        for name, table in _tables(document).items():
            if name in OWN_TABLES and not document.trusted:
                _refuse_changes(found.get(name, {}), table, f"{document.name}: [{name}]")
            found.setdefault(name, {}).update(table)
    return {name: options for name, options in found.items() if _is_enabled(name, options)}


def _tables(document: Document) -> dict[str, Mapping[str, Any]]:
    where = document.name
    telemetry = mapping(document.content.get("telemetry", {}), f"{where}: [telemetry]")
    own = [name for name, value in telemetry.items() if not isinstance(value, Mapping)]
    only({name: telemetry[name] for name in own}, GENERAL, f"{where}: [telemetry]")
    tables = {name: value for name, value in telemetry.items() if isinstance(value, Mapping)}
    for name in OWN_TABLES:
        if name in document.content:
            tables[name] = mapping(document.content[name], f"{where}: [{name}]")
    if not document.trusted:
        for name, table in tables.items():
            _refuse_elsewhere(table, f"{where}: the options of {name}")
    return tables


def _refuse_elsewhere(value: object, where: str) -> None:
    """Refuse addresses that are not this machine's: who enters a stranger's folder must not send them anything."""
    if isinstance(value, Mapping):
        for part in value.values():
            _refuse_elsewhere(part, where)
    elif isinstance(value, list):
        for part in value:
            _refuse_elsewhere(part, where)
    elif isinstance(value, str) and "://" in value and urlsplit(value).hostname not in _LOCAL:
        raise ConfigurationError(
            f"{where}: a document that was merely found in the working directory may not send anything to {value!r}. "
            "Put this into your own lotusx.toml, or name the document: LOTUSX_CONFIG=… or config=…"
        )


def _refuse_changes(before: Mapping[str, Any], table: Mapping[str, Any], where: str) -> None:
    changed = [name for name, value in table.items() if before and before.get(name) != value]
    if changed:
        raise ConfigurationError(
            f"{where} may not change what your own lotusx.toml says ({', '.join(changed)}): it was merely found in "
            "the working directory. Name the document to have it count: LOTUSX_CONFIG=… or config=…"
        )


def _is_enabled(name: str, options: dict[str, Any]) -> bool:
    enabled = options.pop("enabled", True)
    if not isinstance(enabled, bool):
        raise ConfigurationError(f"enabled (of plugin {name}) must be true or false, not {enabled!r}")
    return enabled
