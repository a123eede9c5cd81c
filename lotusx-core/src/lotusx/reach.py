"""What the settings change about how an exchange is reached: further hosts, kept lists, a part of its limits."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lotusx.errors import ConfigurationError
from lotusx.kernel.facts import Environment, ExchangeFacts, Limit

if TYPE_CHECKING:
    from lotusx.config import Settings
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.transport import HttpTransport, WsTransport
    from lotusx.model.instruments import Instrument
    from lotusx.transport.failover import Hosts
    from lotusx.transport.reply_cache import ReplyCache

Fetch = Callable[[], Awaitable["Sequence[Instrument]"]]

_LOCAL = ("127.0.0.1", "::1", "localhost")


@dataclass(slots=True)
class Reach:
    """Wraps the transports of one connection. Without settings it changes nothing and costs nothing.

    Attributes:
        rest, ws: Usual address → all addresses, the usual one first.
        share: Which part of each limit is used at most.
        cache_s: How long a list of instruments counts as fresh; 0: it is not kept.
    """

    rest: Mapping[str, Sequence[str]]
    ws: Mapping[str, Sequence[str]]
    share: Decimal = Decimal(1)
    cache_s: float = 0.0
    cache_folder: Path | None = None
    _cache: ReplyCache | None = None
    _stated: dict[tuple[str, str, float], Limit] = field(default_factory=dict)

    def over_http(self, transport: HttpTransport, clock: Clock) -> HttpTransport:
        """Return *transport* with what the settings put in front of it."""
        if self.rest:
            from lotusx.transport.failover import FailoverHttp

            transport = FailoverHttp(transport, _hosts(self.rest))
        if self.cache_s:
            from lotusx.transport.reply_cache import ReplyCache

            folder = self.cache_folder or user_cache_folder(os.environ)
            transport = self._cache = ReplyCache(transport, folder, self.cache_s, clock)
        return transport

    def over_ws(self, transport: WsTransport) -> WsTransport:
        """Return *transport* with what the settings put in front of it."""
        if not self.ws:
            return transport
        from lotusx.transport.failover import FailoverWs

        return FailoverWs(transport, _hosts(self.ws))

    def fetch(self, fetch: Fetch) -> Fetch:
        """Return how instruments are fetched; call it after `over_http`."""
        return fetch if self._cache is None else self._cache.around(fetch)

    def limits(self, limits: Sequence[Limit]) -> tuple[Limit, ...]:
        """Return the part of *limits* that may be used, at least 1 of each."""
        if self.share == 1:
            return tuple(limits)
        return tuple(replace(limit, amount=max(1, int(limit.amount * self.share))) for limit in limits)

    def take(self, limits: Iterable[Limit]) -> tuple[Limit, ...]:
        """As `limits`, of what the exchange states; it is remembered for `retake`."""
        stated = tuple(limits)
        self._stated |= {(limit.pool, limit.scope, limit.window_s): limit for limit in stated}
        return self.limits(stated)

    def retake(self, share: Decimal | None) -> tuple[Limit, ...]:
        """Use another *share* (``None``: all) from now on; return the part of what was stated last."""
        self.share = Decimal(1) if share is None else share
        return self.limits(tuple(self._stated.values()))


def reach_of(
    facts: ExchangeFacts,
    environment: Environment,
    settings: Settings,
    urls: Mapping[str, str],
    ws_urls: Mapping[str, str],
) -> Reach:
    """Work out the reach of one connection.

    Args:
        urls, ws_urls: The addresses of *environment*, with the caller's ``base_url`` filled in.

    Raises:
        ConfigurationError: An environment, service or address that cannot be; above all an address that belongs to
            another environment of the exchange.
    """
    for name, services in settings.hosts.items():
        if name not in facts.environments:
            known = ", ".join(facts.environments)
            raise ConfigurationError(f"hosts.{name}: {facts.name} has no environment {name!r} (it has: {known})")
        known_services = (*facts.environments[name].rest, *facts.environments[name].ws)
        for service in services:
            if service not in known_services:
                raise ConfigurationError(
                    f"hosts.{name}.{service}: there is no such service (known: {', '.join(known_services)})"
                )
    chosen = settings.hosts.get(environment.name, {})
    elsewhere = {
        urlsplit(url).netloc
        for other in facts.environments.values()
        if other.name != environment.name
        for url in (*other.rest.values(), *other.ws.values())
    }
    for service, addresses in chosen.items():
        kinds = [kind for kind, known in (("https", environment.rest), ("wss", environment.ws)) if service in known]
        for url in addresses:
            _check(url, kinds, service, elsewhere)

    def further(usual: Mapping[str, str], scheme: str) -> dict[str, Sequence[str]]:
        return {
            url: (url, *(each for each in chosen[name] if _kind(each) == scheme))
            for name, url in usual.items()
            if name in chosen
        }

    share = settings.share if settings.share is not None else Decimal(1)
    cache = settings.cache
    return Reach(further(urls, "https"), further(ws_urls, "wss"), share, cache.instruments_s, cache.folder)


def user_cache_folder(variables: Mapping[str, str]) -> Path:
    """Return where lists are kept unless the settings say otherwise."""
    base = variables.get("LOCALAPPDATA") if sys.platform == "win32" else variables.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "lotusx"


def _hosts(addresses: Mapping[str, Sequence[str]]) -> dict[str, Hosts]:
    from lotusx.transport.failover import Hosts

    return {base: Hosts(urls) for base, urls in addresses.items()}


def _kind(url: str) -> str:
    """Return the scheme *url* stands for: one without encryption counts as its better half on this machine only."""
    parts = urlsplit(url)
    if parts.hostname in _LOCAL and parts.scheme in ("http", "ws"):
        return f"{parts.scheme}s"
    return parts.scheme if parts.netloc else ""


def _check(url: str, kinds: Sequence[str], service: str, elsewhere: set[str]) -> None:
    if _kind(url) not in kinds:
        wanted = " or ".join(f"{kind}://" for kind in kinds)
        raise ConfigurationError(f"hosts: {url!r} of {service} must be an address with {wanted}")
    if urlsplit(url).netloc in elsewhere:
        raise ConfigurationError(f"hosts: {url!r} of {service} belongs to another environment of the exchange")
