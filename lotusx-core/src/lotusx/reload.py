"""What a running connection takes up of settings that have changed, and what it refuses, by name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from lotusx.config_layers import OWN_TABLES
from lotusx.errors import ConfigurationError

if TYPE_CHECKING:
    from lotusx.config import Settings

SHARE, READ_ONLY = "limits.share", "read_only"

_SALT = os.urandom(16)
"""What is remembered of credentials can be compared in this process only, and guessed nowhere."""


def comparable(
    settings: Settings, environment: str, options: Mapping[str, Any], credentials: Mapping[str, Any]
) -> dict[str, object]:
    """Return settings by name, as `changes` compares them; nothing secret is in it.

    Args:
        environment: The one that is meant where the settings name none.
        options: Of plugins.
        credentials: As written, or where they stand.
    """
    written = repr(sorted((name, repr(value)) for name, value in credentials.items()))
    return {
        "environment": environment,
        "base_url": settings.base_url,
        "allow_withdrawals": settings.allow_withdrawals,
        "proxy": settings.proxy,
        "journal": settings.journal,
        "budgets": settings.budgets,
        "hosts": {name: dict(services) for name, services in settings.hosts.items()},
        "cache": settings.cache,
        "plugins": (settings.plugins, settings.allowed_plugins, sorted(options)),
        **{table_of(plugin): dict(each) for plugin, each in options.items()},
        "credentials": hashlib.blake2b(written.encode(), key=_SALT).digest(),
        SHARE: settings.share,
        READ_ONLY: settings.read_only,
    }


def table_of(plugin: str) -> str:
    """Return the name of the table that holds the options of *plugin*."""
    return plugin if plugin in OWN_TABLES else f"telemetry.{plugin}"


def changes(
    name: str, old: Mapping[str, object], new: Mapping[str, object], tables: Collection[str] = ()
) -> tuple[str, ...]:
    """Return what of *new* is different and can be taken up by a running connection of exchange *name*.

    Args:
        tables: Those whose plugins can take up other options.

    Raises:
        ConfigurationError: Something is different that cannot; all of it is named.
    """
    different = [setting for setting in new if setting not in old or new[setting] != old[setting]]
    taken = {SHARE, *(table for table in tables if table in old)}
    refused = [each for each in different if each not in taken and (each, new[each]) != (READ_ONLY, True)]
    if refused:
        verb = "has" if len(refused) == 1 else "have"
        raise ConfigurationError(
            f"{name}: {' and '.join(refused)} {verb} changed, which a running connection cannot take up. Nothing was "
            "changed: make a new connection, or take the change back"
        )
    return tuple(different)
