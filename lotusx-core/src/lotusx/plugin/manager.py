"""A typed face on pluggy: one exchange plugin, and the cross-cutting plugins a caller enabled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, cast

import pluggy

from lotusx.config_layers import only
from lotusx.errors import ConfigurationError, PluginError, UnknownExchange
from lotusx.plugin.compat import check_contract
from lotusx.plugin.hookspecs import HookSpecs
from lotusx.plugin.registry import InstalledExchange, canonical, find, load, split

if TYPE_CHECKING:
    from lotusx.kernel.codec import WsCodec
    from lotusx.kernel.context import Kernel
    from lotusx.kernel.dialect import RestDialect
    from lotusx.kernel.facts import Environment, ExchangeFacts
    from lotusx.kernel.orders.context import OrderContext
    from lotusx.kernel.ports import Connector
    from lotusx.kernel.request import Request, Response
    from lotusx.kernel.signer import Signer
    from lotusx.kernel.telemetry import Observer
    from lotusx.model.instruments import Instrument
    from lotusx.model.requests import OrderRequest

    Middleware = Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]

CROSS_CUTTING_GROUP = "lotusx.plugins"
"""Entry point group of plugins that touch every exchange; each is off until enabled by name."""
_ALLOWED: ContextVar[tuple[str, ...] | None] = ContextVar("lotusx_allowed_plugins", default=None)
"""What may be loaded by the plugin that is being made: one that stands for an exchange loads that one's."""


class PluginManager:
    """The hooks of one connection. Nothing is shared with another connection."""

    def __init__(
        self,
        name: str,
        *,
        plugins: Iterable[object] = (),
        allowed: Iterable[str] | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        own_options: Mapping[str, Any] | None = None,
    ) -> None:
        """Load the plugin of exchange *name* and register *plugins* (objects, or names of installed ones).

        *options* are those of installed ones, by name; *own_options* the exchange's. ``NAME:OTHER`` is the exchange
        *NAME* standing for *OTHER*: it is given the option ``exchange``.

        Raises:
            ConfigurationError: An option that the exchange does not have, or does not have so.
        """
        plain, other = split(name)
        allowed = _ALLOWED.get() if allowed is None else tuple(allowed)
        self.claim: InstalledExchange = find(plain, allowed)
        self._exchange = pluggy.PluginManager("lotusx")
        self._exchange.add_hookspecs(HookSpecs)
        loaded = load(self.claim)
        if other and not isinstance(loaded, type):
            raise UnknownExchange(name, (plain,), (plain,))
        own = {**(own_options or {}), **({"exchange": other} if other else {})}
        self._made = _make(loaded, own, allowed) if isinstance(loaded, type) else None
        self._register(self._exchange, loaded if self._made is None else self._made)
        self._others = pluggy.PluginManager("lotusx")
        self._others.add_hookspecs(HookSpecs)
        given = options or {}
        self._named: dict[str, object] = {}
        for plugin in plugins:
            if not isinstance(plugin, str):
                self._register(self._others, plugin)
            elif plugin not in self._named:
                self._named[plugin] = make_plugin(plugin, allowed, given.get(plugin))
                self._register(self._others, self._named[plugin])
        self.name = plain
        self.facts = self._facts()
        if self._made is None:
            _check_options(self.facts, own)

    def part(self, name: str) -> Any:
        """Return the ``http``, ``ws`` or ``clock`` that the exchange's plugin brings; ``None``: the usual one."""
        return getattr(self._made, name, None)

    def signer(self, environment: Environment, credentials: Mapping[str, Any]) -> Signer | None:
        """Build the account's signer; ``None``: the credentials suffice for reading only.

        Raises:
            PluginError: None was built although the facts do not say that these credentials are enough.
        """
        arguments = {"exchange": self.name, "environment": environment, "credentials": credentials}
        if self.facts.read_credentials and set(credentials) <= set(self.facts.read_credentials):
            return cast("Signer | None", self._exchange.hook.lotusx_signer(**arguments))
        return cast("Signer", self._one("lotusx_signer", **arguments))

    def rest_dialect(self) -> RestDialect:
        """Return how REST replies are read."""
        return cast("RestDialect", self._one("lotusx_rest_dialect", exchange=self.name))

    def codecs(
        self, environment: Environment, signer: Signer | None, credentials: Mapping[str, Any]
    ) -> Mapping[str, WsCodec]:
        """Return the WebSocket dialect of each group."""
        found = self._one(
            "lotusx_codecs", exchange=self.name, environment=environment, signer=signer, credentials=credentials
        )
        return cast("Mapping[str, WsCodec]", found)

    def connector(self, kernel: Kernel) -> Connector:
        """Build the ports."""
        return cast("Connector", self._one("lotusx_connector", exchange=self.name, kernel=kernel))

    def credentials(self, account: str | None) -> Mapping[str, str] | None:
        """Ask the enabled credential providers; the first answer counts."""
        answers = self._others.hook.lotusx_credentials(exchange=self.name, account=account)
        return next((answer for answer in answers if answer is not None), None)

    def middleware(self) -> list[Middleware]:
        """Return the enabled wrappers of REST attempts, outermost first."""
        found = self._others.hook.lotusx_rest_middleware(exchange=self.name)
        return [wrapper for wrapper in found if wrapper is not None]

    def observers(self, environment: str = "", account: str | None = None) -> list[Observer]:
        """Return the enabled observers."""
        found = self._others.hook.lotusx_observer(exchange=self.name, environment=environment, account=account)
        return [observer for observer in found if observer is not None]

    def lifespans(self, environment: str = "", account: str | None = None) -> list[AbstractAsyncContextManager[object]]:
        """Return what is entered for as long as the connection is open."""
        given = {"exchange": self.name, "environment": environment, "account": account}
        found = (*self._exchange.hook.lotusx_lifespan(**given), *self._others.hook.lotusx_lifespan(**given))
        return [lifespan for lifespan in found if lifespan is not None]

    def reloads(self) -> dict[str, Callable[[Mapping[str, Any]], Callable[[], None]]]:
        """Return name → ``reload`` of the installed plugins that can take up other options while a connection is open.

        It looks at the options, raises `ConfigurationError` where they cannot be, and returns what puts them in force.
        """
        found = {name: getattr(plugin, "reload", None) for name, plugin in self._named.items()}
        return {name: reload for name, reload in found.items() if callable(reload)}

    @property
    def checks_orders(self) -> bool:
        """Whether any enabled plugin looks at orders."""
        return bool(self._others.hook.lotusx_before_order.get_hookimpls())

    async def before_order(
        self, request: OrderRequest, instrument: Instrument, context: OrderContext, account: str | None = None
    ) -> None:
        """Let every enabled plugin look at an order, one after the other; a veto is raised as it is."""
        given: dict[str, object] = {
            "exchange": self.name, "account": account, "request": request, "instrument": instrument, "context": context,
        }  # fmt: skip
        for each in reversed(self._others.hook.lotusx_before_order.get_hookimpls()):
            answer = each.function(*(given[name] for name in each.argnames))
            if isawaitable(answer):
                await answer

    def _register(self, manager: pluggy.PluginManager, plugin: object) -> None:
        manager.register(plugin)
        try:
            manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise PluginError(
                self.claim.name, f"{plugin!r} implements a hook this core does not have: {error}"
            ) from error
        if any(each.wrapper or each.hookwrapper for each in manager.hook.lotusx_before_order.get_hookimpls()):
            raise PluginError(self.claim.name, f"{plugin!r} wraps lotusx_before_order; a plugin can only implement it")

    def _facts(self) -> ExchangeFacts:
        offered = [facts for batch in self._exchange.hook.lotusx_exchanges() for facts in batch]
        for facts in offered:
            if facts.name == self.name or self._made is not None:  # one that is made may stand for another exchange
                check_contract(facts, self.claim.distribution)
                return cast("ExchangeFacts", facts)
        raise PluginError(
            self.name,
            f"{self.claim.distribution} claims the exchange name {self.name!r} but its lotusx_exchanges hook "
            f"returns only: {', '.join(facts.name for facts in offered) or 'nothing'}",
            (self.claim.distribution,),
        )

    def _one(self, hook: str, **arguments: Any) -> Any:
        answer = getattr(self._exchange.hook, hook)(**arguments)
        if answer is None:
            raise PluginError(
                self.name, f"{self.claim.distribution} does not implement {hook}", (self.claim.distribution,)
            )
        return answer


def _check_options(facts: ExchangeFacts, given: Mapping[str, Any]) -> None:
    """Refuse what nothing would read: the caller would trade on other terms than those he named."""
    only(given, (*facts.options, "allow_withdrawals"), f"{facts.name}: options={{…}}")
    for name, value in given.items():
        if name == "allow_withdrawals":
            is_known, what = isinstance(value, bool), "True or False"
        else:
            texts = facts.options[name]
            is_known = isinstance(value, str) and (value in texts if texts else bool(value.strip()))
            what = " or ".join(map(repr, texts)) or "a text"
        if not is_known:
            raise ConfigurationError(f"{facts.name}: the option {name!r} must be {what}, not {value!r}")


def _make(kind: type[Any], options: Mapping[str, Any], allowed: tuple[str, ...] | None) -> Any:
    token = _ALLOWED.set(allowed)
    try:
        return kind(options)
    finally:
        _ALLOWED.reset(token)


def make_plugin(name: str, allowed: Iterable[str] | None, options: Mapping[str, Any] | None) -> object:
    """Return the installed cross-cutting plugin *name*: its module, or an object made of its class and *options*.

    Raises:
        ConfigurationError: There is none of that name, or it cannot use the options.
        PluginError: It may not be loaded, or cannot be imported.
    """
    from importlib import metadata

    points = metadata.entry_points(group=CROSS_CUTTING_GROUP)
    for point in points:
        if point.name == name:
            owner = point.dist.name if point.dist is not None else ""
            if allowed is not None and canonical(owner) not in {canonical(item) for item in allowed}:
                raise PluginError(name, f"plugin {name!r} is of {owner}, which is not on the list of allowed plugins")
            try:
                plugin = point.load()
            except Exception as error:
                raise PluginError(name, f"plugin {name!r} cannot be imported ({error})") from error
            if isinstance(plugin, type):  # one for each connection
                return cast("object", plugin(dict(options or {})))
            if options:
                raise ConfigurationError(f"plugin {name!r} takes no options, and was given: {', '.join(options)}")
            return cast("object", plugin)
    have = ", ".join(sorted(point.name for point in points)) or "none"
    raise ConfigurationError(f"no plugin {name!r} is installed (installed: {have})")
