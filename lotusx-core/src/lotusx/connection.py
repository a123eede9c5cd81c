"""From a name to a connection: plugin, settings, kernel, connector. Composition only."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lotusx.config import Settings, Sources, merge, plugins_of, require_account, require_credentials, resolve
from lotusx.config_layers import layers_of
from lotusx.config_plugins import options_of
from lotusx.errors import ConfigurationError, CredentialsError, InvalidArgument, UnknownEnvironment
from lotusx.exchange import Exchange
from lotusx.guard import Guard
from lotusx.kernel.facts import Environment, ExchangeFacts
from lotusx.kernel.secrets import Secret
from lotusx.paper import load_paper, on_paper
from lotusx.plugin.manager import PluginManager
from lotusx.plugin.registry import installed_exchanges
from lotusx.reload import comparable

if TYPE_CHECKING:
    from random import Random

    from lotusx.kernel.budget import BudgetRegistry
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.transport import HttpTransport, WsTransport
    from lotusx.orders.journal import Journal

logger = logging.getLogger("lotusx.connection")


def connect(
    name: str,
    *,
    account: str | None = None,
    environment: str | None = None,
    base_url: str | None = None,
    credentials: Mapping[str, str | Secret] | None = None,
    config: str | os.PathLike[str] | None = None,
    read_only: bool | None = None,
    allow_withdrawals: bool | None = None,
    proxy: str | None = None,
    http: HttpTransport | None = None,
    ws: WsTransport | None = None,
    clock: Clock | None = None,
    random: Random | None = None,
    budgets: str | os.PathLike[str] | BudgetRegistry | None = None,
    journal: str | os.PathLike[str] | Journal | None = None,
    plugins: Iterable[object] = (),
    options: Mapping[str, Any] | None = None,
    paper: bool | Mapping[str, Any] = False,
) -> Exchange:
    """Prepare a connection: ``async with lotusx.connect(name) as exchange: …``. Nothing is sent before that.

    ``None`` means: from the configuration (environment variables, ``.env.local``, ``.env``, ``lotusx.toml``, the user's
    ``lotusx.toml``), and then the exchange's live environment, public data only.

    Args:
        name: An installed exchange. ``"NAME:OTHER"``: one that stands for another, with settings of its own.
        account: A named account of the configuration.
        environment: ``live``, ``testnet``, ``demo`` or ``simulator``, as far as the exchange has them.
        base_url: Address of the simulator, or of another host that serves the environment.
        credentials: Such as ``{"api_key": …, "api_secret": …}``.
        config: Path of the configuration document.
        read_only: Refuse everything that changes something.
        allow_withdrawals: Let native calls take money off the exchange. Without it they are refused before sending.
        proxy: Address of an HTTP proxy.
        http, ws, clock, random: Replace a part, for tests and simulation.
        budgets: Share the exchange's limits: with the connections of this process that were given the same
            `BudgetRegistry`, with those of every process on this host that were given the same path, or with those of
            every machine that were given the same address, such as ``redis://host:6379/0`` (needs ``lotusx-redis``).
        journal: Path of a file that remembers orders; several connections and processes may name the same. Or a
            `Journal` of your own for this account. Without it orders are remembered in memory only.
        plugins: Cross-cutting plugins to enable: objects, or names of installed ones.
        options: The exchange's own options, such as ``{"order_entry": "ws"}``. One that it does not have is refused.
        paper: Match orders in this process against the exchange's public data (needs ``lotusx-paper``): no key is
            read, no order is sent. A mapping says on what terms, such as ``{"balances": {"USDT": "5000"}}``.

    Raises:
        UnknownExchange: It is not installed; the text says what is, and where others are.
        PluginError: It is installed and cannot be used.
        ConfigurationError: A setting or a credential is wrong, or ``paper`` needs what is not installed.
    """
    sources = Sources.of_process(config)
    installed = [item.name for item in installed_exchanges()]
    arguments = {
        "environment": environment,
        "base_url": base_url,
        "read_only": read_only,
        "allow_withdrawals": allow_withdrawals,
        "proxy": proxy,
        "credentials": credentials,
        "journal": os.fspath(journal) if isinstance(journal, str | os.PathLike) else None,
        "budgets": os.fspath(budgets) if isinstance(budgets, str | os.PathLike) else None,
    }
    enabled, allowed = plugins_of(sources)
    chosen_options = options_of(sources)
    manager = PluginManager(
        name,
        plugins=(*enabled, *chosen_options, *plugins),
        allowed=allowed,
        options=chosen_options,
        own_options=options,
    )
    facts, name = manager.facts, manager.name
    settings = resolve(
        name,
        sources=sources,
        account=account,
        arguments=arguments,
        credential_names=[part.name for part in facts.credentials],
        other_exchanges=[other for other in installed if other != name],
        reveal=paper is False,
    )
    chosen = environment_of(facts, settings)

    settled = _Settled(name, account, facts, installed, arguments)
    local = None if paper is False else load_paper(paper, allowed)
    secrets = _credentials(facts, settings, manager, account, sources) if local is None else {}
    signer = manager.signer(chosen, secrets) if secrets else None
    if local is not None:
        facts, chosen = on_paper(facts, chosen, local)
    guard = Guard(
        facts,
        chosen,
        has_key=signer is not None,
        on_paper=local is not None,
        may_read=bool(facts.read_credentials) and all(secrets.get(name) for name in facts.read_credentials),
        read_only=settings.read_only,
        account=account,
    )

    urls, ws_urls = addresses_of(chosen.rest, settings.base_url), addresses_of(chosen.ws, settings.base_url)

    from lotusx.reach import reach_of
    from lotusx.wiring import Parts, wire

    return wire(
        Parts(
            manager=manager,
            facts=facts,
            environment=chosen,
            urls=urls,
            ws_urls=ws_urls,
            settings=settings,
            credentials=secrets,
            signer=signer,
            guard=guard,
            account=account,
            http=http or manager.part("http"),
            ws=ws or manager.part("ws"),
            clock=clock or manager.part("clock"),
            random=random,
            budgets=None if isinstance(budgets, str | os.PathLike) else budgets,
            journal=None if isinstance(journal, str | os.PathLike) else journal,
            options=_options(options, settings),
            paper=local,
            reach=reach_of(facts, chosen, settings, urls, ws_urls),
            taken=settled.by(sources),
            reread=lambda: settled.by(Sources.of_process(config)),
        )
    )


def _options(options: Mapping[str, Any] | None, settings: Settings) -> dict[str, Any]:
    """Return what plugins read; withdrawals may also be allowed, or not, among the options of the call."""
    allowed = {"allow_withdrawals": True} if settings.allow_withdrawals else {}
    return {**allowed, **(options or {})}


class _Settled:
    """What `lotusx.reload` compares. Keeps no credential."""

    def __init__(
        self,
        name: str,
        account: str | None,
        facts: ExchangeFacts,
        installed: Iterable[str],
        arguments: Mapping[str, Any],
    ) -> None:
        self._name = name
        self._account = account
        self._facts = facts
        self._others = [other for other in installed if other != name]
        self._arguments = {key: value for key, value in arguments.items() if key != "credentials"}
        self._has_credentials = bool(arguments["credentials"])

    def by(self, sources: Sources) -> dict[str, object]:
        """Return the settings that *sources* make, by name."""
        names = [part.name for part in self._facts.credentials]
        found = resolve(
            self._name,
            sources=sources,
            account=self._account,
            arguments=self._arguments,
            credential_names=names,
            other_exchanges=self._others,
            reveal=False,
        )
        written: Mapping[str, Any] = {}
        if not self._has_credentials:
            written = merge(layers_of(self._name, self._account, sources, names, self._others))[1]
        return comparable(found, environment_of(self._facts, found).name, options_of(sources), written)


def environment_of(facts: ExchangeFacts, settings: Settings) -> Environment:
    """Return the environment that *settings* choose.

    Raises:
        ConfigurationError: There is none of that name, or ``base_url`` is missing, or does not belong there.
    """
    wanted = settings.environment or ("simulator" if settings.base_url and "live" not in facts.environments else "live")
    try:
        chosen = facts.environments[wanted]
    except KeyError:
        raise UnknownEnvironment(facts.name, wanted, tuple(facts.environments)) from None
    needs_base = any("{" in url for url in (*chosen.rest.values(), *chosen.ws.values()))
    if needs_base and not settings.base_url:
        raise ConfigurationError(
            f"{facts.name}: the environment {chosen.name!r} needs base_url, such as 'http://127.0.0.1:8000'"
        )
    if settings.base_url and not needs_base:
        raise ConfigurationError(
            f"{facts.name}: base_url goes with environment='simulator'; {chosen.name!r} has its own addresses"
        )
    return chosen


def addresses_of(urls: Mapping[str, str], base_url: str | None) -> dict[str, str]:
    """Return *urls* with *base_url* where they leave room for it.

    Raises:
        InvalidArgument: It is no address.
    """
    if base_url is None:
        return dict(urls)
    base = base_url.rstrip("/")
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InvalidArgument(f"base_url must start with http:// or https:// and name a host, not {base_url!r}")
    ws = base.replace("http", "ws", 1)
    return {name: url.replace("{base}", base).replace("{ws}", ws) for name, url in urls.items()}


def _credentials(
    facts: ExchangeFacts, settings: Settings, manager: PluginManager, account: str | None, sources: Sources
) -> dict[str, Secret | str]:
    found: dict[str, Secret | str] = dict(settings.credentials)
    if not found:
        provided = manager.credentials(account) or {}
        found = {key: Secret(value) for key, value in provided.items()}
    known = {part.name: part for part in facts.credentials}
    for key in found:
        if key not in known:
            raise CredentialsError(f"{facts.name} has no credential {key!r} (known: {', '.join(known)})")
    if not any(found.values()):
        if account is not None:
            require_account(facts, account, sources)
            require_credentials(facts, found, account)
        return {}
    require_credentials(facts, found, account)
    return {
        key: value if known[key].secret or not isinstance(value, Secret) else value.reveal()
        for key, value in found.items()
        if value
    }
