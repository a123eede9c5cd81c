"""Where limits are shared: a directory of this host, or an address that an installed distribution serves."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata
from typing import TYPE_CHECKING

from lotusx.errors import ConfigurationError, PluginError
from lotusx.plugin.registry import canonical

if TYPE_CHECKING:
    from collections.abc import Callable

    from lotusx.kernel.budget import BudgetRegistry

GROUP = "lotusx.budgets"
"""Entry point group: name = the scheme of addresses, value = what makes a `BudgetRegistry` of one."""


def registry_at(place: str, allowed: Iterable[str] | None = None) -> BudgetRegistry:
    """Return the registry of whoever names the same *place*; whoever calls this closes it.

    Args:
        place: A path, or an address such as ``redis://host:6379/0``.
        allowed: Names of distributions that may be used; ``None``: all.

    Raises:
        ConfigurationError: The directory cannot be made, or nothing installed serves the address.
        PluginError: What serves it may not be loaded, or cannot be.
    """
    scheme, separator, _ = place.partition("://")
    if not separator:
        from lotusx.shared_budgets import SharedBudgets

        return SharedBudgets(place)
    points = metadata.entry_points(group=GROUP, name=scheme)
    if not points:
        known = sorted({point.name for point in metadata.entry_points(group=GROUP)})
        raise ConfigurationError(
            f"no installed distribution shares limits over {scheme}:// (installed: {', '.join(known) or 'none'}); "
            "redis:// is of lotusx-redis"
        )
    owners = sorted({point.dist.name for point in points if point.dist is not None})
    if len(owners) > 1:
        raise PluginError(scheme, f"several distributions share limits over {scheme}://: {', '.join(owners)}")
    owner = "".join(owners)
    if allowed is not None and canonical(owner) not in {canonical(item) for item in allowed}:
        raise PluginError(scheme, f"{scheme}:// is of {owner}, which is not on the list of allowed plugins", (owner,))
    try:
        make: Callable[[str], BudgetRegistry] = next(iter(points)).load()
    except Exception as error:
        raise PluginError(scheme, f"{owner} cannot be imported ({error})", (owner,)) from error
    return make(place)
