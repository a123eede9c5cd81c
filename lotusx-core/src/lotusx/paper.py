"""Orders that are matched in this process: where the one who matches is found, and what changes for a connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, Protocol

from lotusx.errors import ConfigurationError, PluginError
from lotusx.kernel.facts import Capability, Environment, ExchangeFacts, Support
from lotusx.plugin.registry import canonical

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyio.abc import TaskStatus

    from lotusx.kernel.clock import Clock
    from lotusx.kernel.codec import Channel
    from lotusx.kernel.ports import Connector
    from lotusx.market import MarketData
    from lotusx.streams import Overflow, Stream

GROUP = "lotusx.paper"
"""Entry point group; the one of this name in it is called with the settings of ``connect(paper=…)``."""
ACCOUNT_GROUP = "paper"
"""The group of the channels that a paper account names."""


class Paper(Protocol):
    """An account and a matching engine in this process, for one connection."""

    @property
    def horizon_s(self) -> float:
        """After this long, an order that cannot be found was never matched."""

    def offered(self, exchange: Mapping[Capability, Support]) -> Mapping[Capability, Support]:
        """Return what is there on paper, where the exchange offers *exchange*."""

    def over(self, connector: Connector, exchange: str, clock: Clock) -> Connector:
        """Return a connector with the market data of *connector* and an account of its own."""

    def subscribe(self, channel: Channel[Any], *, buffer: int, overflow: Overflow) -> Stream[Any]:
        """Return a stream of the account's events."""

    async def run(self, market: MarketData, *, task_status: TaskStatus[None] = ...) -> None:
        """Follow *market* and match, until cancelled; started as soon as commands may come."""


def load_paper(paper: bool | Mapping[str, Any], allowed: Iterable[str] | None) -> Paper:
    """Make the paper account of one connection.

    Raises:
        ConfigurationError: ``lotusx-paper`` is not installed, or a setting is wrong.
        PluginError: It may not be loaded, or cannot be.
    """
    if not isinstance(paper, bool | Mapping):
        raise ConfigurationError(f"paper is True, False or a mapping of settings, not {type(paper).__name__}")
    points = metadata.entry_points(group=GROUP, name="paper")
    if not points:
        raise ConfigurationError("paper trading is a distribution of its own. Try: pip install lotusx-paper")
    owners = sorted({point.dist.name for point in points if point.dist is not None})
    if len(points) > 1:
        raise PluginError("paper", f"several distributions claim paper trading: {', '.join(owners)}", tuple(owners))
    (point,) = points
    owner = "".join(owners)
    if allowed is not None and canonical(owner) not in {canonical(item) for item in allowed}:
        raise PluginError("paper", f"paper trading is of {owner}, which is not on the list of allowed plugins")
    try:
        make: Callable[[Mapping[str, Any]], Paper] = point.load()
    except Exception as error:
        raise PluginError("paper", f"{owner} cannot be imported ({error})", (owner,)) from error
    return make({} if isinstance(paper, bool) else paper)


def on_paper(facts: ExchangeFacts, environment: Environment, paper: Paper) -> tuple[ExchangeFacts, Environment]:
    """Return *facts* and *environment* as they are for a connection whose orders never leave the process."""
    here = {
        item: environment.lacks.get(item, facts.capabilities.get(item, Support.not_offered())) for item in Capability
    }
    offered = paper.offered(here)
    return (
        replace(facts, capabilities=offered, horizon_s=paper.horizon_s, deadline_by_our_clock=False),
        replace(environment, lacks={}, real_money=False),
    )
