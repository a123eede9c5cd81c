"""The hooks of a LotusX plugin. Ten at most, each with one purpose.

An exchange plugin implements the first five. Cross-cutting plugins implement the others and stay off until a caller
enables them by argument or configuration: an installed package cannot touch orders by being there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import pluggy

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

hookspec = pluggy.HookspecMarker("lotusx")
hookimpl = pluggy.HookimplMarker("lotusx")


class HookSpecs:
    """What a plugin may implement. An implementation may leave out arguments it does not need."""

    @hookspec
    def lotusx_exchanges(self) -> Sequence[ExchangeFacts]:  # type: ignore[empty-body]
        """Return the facts of every exchange this plugin serves. Imports nothing heavy, does no I/O."""

    @hookspec(firstresult=True)
    def lotusx_signer(self, exchange: str, environment: Environment, credentials: Mapping[str, Any]) -> Signer | None:
        """Build the signer of one account. Secret values are `Secret`; raises `CredentialsError`.

        ``None``: the credentials only say whose account is read (the facts' ``read_credentials``).
        """

    @hookspec(firstresult=True)
    def lotusx_rest_dialect(self, exchange: str) -> RestDialect:  # type: ignore[empty-body]
        """Return what errors and limits look like in this exchange's REST replies."""

    @hookspec(firstresult=True)
    def lotusx_codecs(  # type: ignore[empty-body]
        self, exchange: str, environment: Environment, signer: Signer | None, credentials: Mapping[str, Any]
    ) -> Mapping[str, WsCodec]:
        """Return the WebSocket dialect of each group the environments name."""

    @hookspec(firstresult=True)
    def lotusx_connector(self, exchange: str, kernel: Kernel) -> Connector:  # type: ignore[empty-body]
        """Build the ports over the kernel it is given."""

    @hookspec
    def lotusx_credentials(self, exchange: str, account: str | None) -> Mapping[str, str] | None:
        """Provide credentials from elsewhere (a vault); ``None``: not mine. Asked after arguments and settings."""

    @hookspec
    def lotusx_rest_middleware(
        self, exchange: str
    ) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]] | None:
        """Return an async wrapper around every attempt of a REST request; ``None``: not for this exchange.

        It stands outside the wait for the exchange's limits and before signing: what it answers itself costs nothing of
        them, and what it waits does not age a signature. It sees no secret, and the reply only if that is a success.
        """

    @hookspec
    def lotusx_observer(self, exchange: str, environment: str, account: str | None) -> Observer | None:
        """Return a function that is told what happens; *account* is the caller's name for it.

        An observer that raises is reported, after ten times switched off, and disturbs nothing. One with an attribute
        ``measure_s`` is told measurements as well, about every so many seconds.
        """

    @hookspec
    def lotusx_lifespan(
        self, exchange: str, environment: str, account: str | None
    ) -> AbstractAsyncContextManager[object] | None:
        """Return what is entered when the connection opens, before anything is sent, and left when it has closed.

        An error on entering is the caller's, and nothing is connected; one on leaving is logged. Leaving has
        two seconds.
        """

    @hookspec
    def lotusx_before_order(
        self, exchange: str, account: str | None, request: OrderRequest, instrument: Instrument, context: OrderContext
    ) -> Awaitable[None] | None:
        """Look at an order before it is sent, or at what an amendment would make of it; raise to veto it.

        The error reaches the caller as it is. May be ``async``. The orders of a connection are looked at one by one.
        """
