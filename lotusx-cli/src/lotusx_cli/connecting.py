"""From options to a connection, and from what people type to an instrument."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from lotusx_cli.failures import innermost
from lotusx_cli.options import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lotusx import Exchange
    from lotusx.kernel.facts import ExchangeFacts
    from lotusx.model import Instrument

T = TypeVar("T")


def run(function: Callable[[], Awaitable[T]]) -> T:
    """Run *function* to its end; raise what it raised, without the groups that tasks wrap it in."""
    import anyio

    try:
        return anyio.run(function)
    except BaseExceptionGroup as group:
        cause = innermost(group)
        if cause is group:
            raise
        raise cause from None


@asynccontextmanager
async def connected(target: Target, *, read_only: bool | None = True, **more: Any) -> AsyncIterator[Exchange]:
    """Connect as *target* says. Nothing can be changed unless *read_only* is ``None`` (as configured)."""
    import lotusx

    async with lotusx.connect(target.exchange, **target.settings(), read_only=read_only, **more) as exchange:
        yield exchange


@asynccontextmanager
async def listening(server: AbstractAsyncContextManager[T], host: str, port: int) -> AsyncIterator[T]:
    """Enter *server*, which listens there.

    Raises:
        OSError: It cannot, for one because the port is in use; names the address.
    """
    async with AsyncExitStack() as stack:
        try:
            entered = await stack.enter_async_context(server)
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), f"{host}:{port}") from error
        yield entered


def facts_of(name: str) -> ExchangeFacts:
    """Return what the plugin of exchange *name* states of it."""
    from lotusx.plugin.manager import PluginManager

    return PluginManager(name).facts


async def find_instrument(exchange: Exchange, text: str) -> Instrument:
    """Return the instrument that *text* names: ``BTC/USDT``, or in the exchange's own form, ``BTCUSDT``.

    Raises:
        InvalidArgument: Several instruments could be meant; they are named.
        UnknownSymbol: None is.
    """
    from lotusx.errors import InvalidArgument, UnknownSymbol

    if "/" in text:
        return await exchange.market.instrument(text if text in await _names(exchange) else text.upper())
    listed = await exchange.market.instruments()
    for matching in (
        [item for item in listed if item.venue_symbol == text],
        [item for item in listed if _squeezed(text) in (_squeezed(item.venue_symbol), _squeezed(_pair(item)))],
    ):
        if len(matching) == 1:
            return matching[0]
        if matching:
            names = ", ".join(str(item.symbol) for item in matching)
            raise InvalidArgument(f"{text} could be any of {names}: write one of them")
    raise UnknownSymbol(exchange.name, text, _near(text, listed))


async def _names(exchange: Exchange) -> set[str]:
    return {str(item.symbol) for item in await exchange.market.instruments()}


def _pair(item: Instrument) -> str:
    return f"{item.base}{item.quote}" if item.symbol.expiry is None else str(item.symbol)


def _squeezed(text: str) -> str:
    return "".join(char for char in text.upper() if char.isalnum())


def _near(text: str, listed: Sequence[Instrument]) -> tuple[str, ...]:
    import difflib

    by_form = {_squeezed(_pair(item)): str(item.symbol) for item in listed}
    return tuple(by_form[form] for form in difflib.get_close_matches(_squeezed(text), by_form, n=3, cutoff=0.5))
