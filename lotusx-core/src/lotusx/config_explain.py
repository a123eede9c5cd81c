"""What holds, where it comes from, and what is wrong with it; nothing secret is fetched, let alone shown."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from lotusx.config import (
    Settings,
    cache_of,
    merge,
    plugins_of,
    require_account,
    require_credentials,
    resolve,
    secret_of,
)
from lotusx.config_layers import SECTIONS, accounts_of, layers_of, only, upper
from lotusx.config_plugins import options_of
from lotusx.config_references import Reference
from lotusx.config_sources import Sources
from lotusx.errors import ConfigurationError, LotusXError
from lotusx.kernel.facts import ExchangeFacts
from lotusx.kernel.redact import Redactor
from lotusx.plugin.manager import PluginManager, make_plugin
from lotusx.plugin.registry import installed_exchanges

_PASSWORD = re.compile(r"(://)\S*@")  # in an address: of a proxy, of a server; it may have a / that should be %2F
_redactor = Redactor()  # knows what is named like a secret, such as an address's ?password=
_GENERAL = ("CONFIG", "RISK_HALTED")


@dataclass(frozen=True, slots=True)
class Explained:
    """One setting of one exchange and account: its value as it may be shown, and its source.

    ``overruled`` names sources that said something else and count less, the strongest first.
    """

    setting: str
    value: str
    source: str
    overruled: tuple[str, ...] = ()


def explain(facts: ExchangeFacts, account: str | None, sources: Sources, others: Iterable[str] = ()) -> list[Explained]:
    """Return every setting that is made for one exchange and account, in the order of their names.

    Raises:
        ConfigurationError: What is written cannot be used.
    """
    secret = {part.name: part.secret for part in facts.credentials}
    layers = layers_of(facts.name, account, sources, secret, others)
    merge(layers)
    found: dict[str, list[tuple[str, str]]] = {}
    for source, layer in layers:
        for key, value in layer.items():
            if key == "credentials":
                for name, credential in value.items():
                    shown = _hidden(credential, secret=secret.get(name, True))
                    found.setdefault(f"credentials.{name}", []).append((shown, source))
            else:
                found.setdefault(key, []).append((_written(value), source))
    return [
        Explained(name, *said[-1], tuple(source for _, source in reversed(said[:-1])))
        for name, said in sorted(found.items())
    ]


def problems(config: str | os.PathLike[str] | None = None) -> list[str]:
    """Return what is wrong with the configuration of this process, a sentence each; empty: nothing.

    Every document is read whole, and every variable that begins with ``LOTUSX_``. Plugins that are enabled are imported
    and look at their options.

    Raises:
        ConfigurationError: A document cannot be read at all.
    """
    sources = Sources.of_process(config)
    installed = {item.name for item in installed_exchanges() if not item.problem}
    found = [_said(lambda: cache_of(sources)), _said(lambda: plugins_of(sources)), _said(lambda: options_of(sources))]
    found += _of_plugins(sources)
    for document in sources.documents:
        found.append(_said(lambda each=document: only(each.content, SECTIONS, each.name)))
        exchanges = document.content.get("exchanges", {})
        for name in exchanges if isinstance(exchanges, Mapping) else ():
            if name not in installed:
                near = _near(name, installed)
                found.append(f"{document.name}: [exchanges.{name}] is of an exchange that is not installed{near}")
    for name in sorted(installed):
        found += _of_exchange(name, sources, installed - {name})
    for variables in (sources.variables, sources.dotenv, sources.dotenv_local):
        found += _strangers(variables, installed)
    return list(dict.fromkeys(text for text in found if text))


def refusals(name: str, account: str | None = None, config: str | os.PathLike[str] | None = None) -> list[str]:
    """Return why `connect` would refuse exchange *name* as configured, a sentence each; empty: nothing is known.

    Nothing is sent, no program is run and no keyring is asked: a credential that stands there counts as given.
    Credentials in files and variables are fetched, and forgotten.

    Raises:
        ConfigurationError: The exchange is not installed, not allowed or cannot be used, or nothing can be resolved.
    """
    from lotusx.connection import addresses_of, environment_of
    from lotusx.reach import reach_of

    sources = Sources.of_process(config)
    enabled, allowed = plugins_of(sources)
    options = options_of(sources)
    manager = PluginManager(name, plugins=(*enabled, *options), allowed=allowed, options=options)
    facts, name = manager.facts, manager.name
    given: dict[str, Any] = {
        "name": name,
        "account": account,
        "credential_names": [part.name for part in facts.credentials],
        "other_exchanges": [item.name for item in installed_exchanges() if item.name != name],
    }
    settings = resolve(**given, sources=sources, reveal=False)

    def addresses() -> None:
        chosen = environment_of(facts, settings)
        urls = [addresses_of(each, settings.base_url) for each in (chosen.rest, chosen.ws)]
        reach_of(facts, chosen, settings, *urls)

    layers = layers_of(name, account, sources, given["credential_names"], given["other_exchanges"])
    _, written, _ = merge(layers)
    variables = {**sources.dotenv, **sources.dotenv_local, **sources.variables}
    found = [_said(addresses), _said(lambda: _look_at_proxy(settings))]
    found += [_said(partial(_fetchable, value, variables)) for value in written.values()]
    if written or (account is not None and not (enabled or options)):  # a plugin may provide what is not written
        unknown = _said(lambda: require_account(facts, account or "", sources)) if not written else ""
        found.append(unknown or _said(lambda: require_credentials(facts, written, account)))
    return list(dict.fromkeys(text for text in found if text))


def _of_exchange(name: str, sources: Sources, others: Iterable[str]) -> list[str]:
    if not _is_mentioned(name, sources):
        return []
    try:
        facts = PluginManager(name).facts
        accounts = accounts_of(name, sources)
    except LotusXError as error:
        return [str(error)]
    names = [part.name for part in facts.credentials]
    found = []
    for account in (None, *accounts):
        arguments: dict[str, Any] = {
            "name": name,
            "account": account,
            "credential_names": names,
            "other_exchanges": others,
        }
        found.append(_said(lambda given=arguments: _look(facts, sources, given)))
    return found


def _of_plugins(sources: Sources) -> list[str]:
    """Make each plugin that is enabled, as a connection would. It is not entered: nothing is opened or sent."""
    try:
        enabled, allowed = plugins_of(sources)
        options = options_of(sources)
    except ConfigurationError:
        return []  # said already
    names = dict.fromkeys((*enabled, *options))
    return [_said(partial(make_plugin, name, allowed, options.get(name))) for name in names]


def _look(facts: ExchangeFacts, sources: Sources, given: Mapping[str, Any]) -> None:
    from lotusx.reach import reach_of

    layers = layers_of(given["name"], given["account"], sources, given["credential_names"], given["other_exchanges"])
    _, credentials, _ = merge(layers)
    for key in credentials:
        if key not in given["credential_names"]:
            near = _near(key, given["credential_names"])
            raise ConfigurationError(f"{facts.name} has no credential {key!r}{near}")
    settings = resolve(**given, sources=sources, reveal=False)
    environment = settings.environment or "live"
    if environment not in facts.environments:
        known = ", ".join(facts.environments)
        raise ConfigurationError(
            f"{settings.sources['environment']}: {facts.name} has no environment {environment!r}; it has: {known}"
        )
    chosen = facts.environments[environment]
    reach_of(facts, chosen, settings, chosen.rest, chosen.ws)


def _look_at_proxy(settings: Settings) -> None:
    from lotusx.transport.http import make_http_transport
    from lotusx.transport.ws import make_ws_transport

    make_http_transport(proxy=settings.proxy)  # opens nothing before it is asked for something
    make_ws_transport(proxy=settings.proxy)


def _fetchable(value: object, variables: Mapping[str, str]) -> None:
    asks = isinstance(value, Reference) and (value.kind == "keyring" or (value.kind == "command" and value.trusted))
    if not asks:
        secret_of(value, variables).forget()


def _is_mentioned(name: str, sources: Sources) -> bool:
    prefix = f"LOTUSX_{upper(name)}_"
    said = any(key.startswith(prefix) for key in (*sources.variables, *sources.dotenv, *sources.dotenv_local))
    tables = [document.content.get("exchanges", {}) for document in sources.documents]
    return said or any(not isinstance(table, Mapping) or name in table for table in tables)


def _strangers(variables: Mapping[str, str], installed: Iterable[str]) -> list[str]:
    """Name variables that begin as ours do and are nobody's."""
    names = {upper(name): name for name in installed}
    found = []
    for key in sorted(variables):
        rest = key.removeprefix("LOTUSX_")
        if key == rest or rest in _GENERAL or any(rest.startswith(f"{name}_") for name in names):
            continue
        head = rest.partition("__")[0].partition("_")[0]
        found.append(f"{key} is no setting of an installed exchange{_near(head.lower(), names.values())}")
    return found


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _said(check: Any) -> str:
    try:
        check()
    except LotusXError as error:
        return str(error)
    return ""


def _hidden(credential: object, *, secret: bool) -> str:
    if isinstance(credential, Reference):
        return str(credential)
    if secret:
        return "*** (in clear)"
    text = str(credential)
    return f"{text[:4]}…" if len(text) > 8 else "***"


def _written(value: object) -> str:
    if isinstance(value, str):
        return _redactor.text(_PASSWORD.sub(r"\1***@", value))
    return str(value).lower() if isinstance(value, bool) else str(value)
