"""The exchange ``gateway``: stands for the exchange that a gateway on a broker is connected to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio

from lotusx.errors import ConfigurationError, CredentialsError
from lotusx.plugin import (
    Capability,
    Connector,
    CredentialField,
    Environment,
    ExchangeFacts,
    Kernel,
    RestDialect,
    Secret,
    Signer,
    Support,
    WsCodec,
    WsFacts,
    hookimpl,
)
from lotusx.plugin.manager import PluginManager
from lotusx_gateway.codec import GatewayCodec
from lotusx_gateway.conversions import MARKET, PRIVATE
from lotusx_gateway.messages import RENEW_S, VALID_S, WORK_S
from lotusx_gateway.ports import GatewayConnector
from lotusx_gateway.subjects import PREFIX, Subjects, token

if TYPE_CHECKING:
    from lotusx_gateway.link import Link

_KNOWN = ("exchange", "account", "prefix", "waiting", "renew_s")
_NOWHERE = "gateway.invalid"
_WAITING = 65_536

C = Capability
CARRIED = frozenset(
    {
        C.SERVER_TIME, C.INSTRUMENTS, C.TICKER, C.BEST_BID_OFFER, C.ORDER_BOOK, C.RECENT_TRADES, C.FUNDING_RATE,
        C.MARK_PRICE, C.OPEN_INTEREST, C.STREAM_TRADES, C.STREAM_TICKER, C.STREAM_BEST_BID_OFFER, C.STREAM_CANDLES,
        C.STREAM_MARK_PRICE, C.STREAM_LIQUIDATIONS, C.LIVE_ORDER_BOOK, C.PLACE_ORDER, C.CONDITIONAL_ORDERS,
        C.TRAILING_ORDERS, C.QUOTE_QUANTITY, C.MAX_SLIPPAGE, C.POST_ONLY, C.REDUCE_ONLY, C.GTD, C.CANCEL_ORDER,
        C.CANCEL_ALL, C.QUERY_ORDER, C.OPEN_ORDERS, C.FILLS, C.BALANCES, C.POSITIONS, C.FEES, C.HEDGE_MODE,
        C.FUNDING_PAYMENTS, C.STREAM_ACCOUNT,
    }
)  # fmt: skip
"""What a gateway carries, as far as the exchange has it."""
_ELSEWHERE = Support.not_written("a connection to the exchange itself")
_CREDENTIALS = (
    CredentialField("server", secret=False, help="address of the broker, such as nats://10.0.0.5:4222"),
    CredentialField("user", secret=False, help="as whom to log in there"),
    CredentialField("password", required=False),
    CredentialField("nkey_seed", required=False, help="instead of a password; needs the package nkeys"),
    CredentialField("tls_ca", secret=False, required=False, help="file of the authority that vouches for the broker"),
    CredentialField("tls_cert", secret=False, required=False, help="file of our certificate, where it wants one"),
    CredentialField("tls_key", secret=False, required=False, help="file of its key"),
)
_SOCKETS = WsFacts(
    max_channels=1_000, max_keys_per_message=1, control_per_s=1_000.0, connects_per_window=(1_000, 1.0), lifetime_s=None
)


class ThroughGateway:
    """One connection. ``lotusx.connect("gateway:binance")``; the plugin of that exchange must be installed, too.

    Args:
        options: ``exchange`` (what stands behind the colon), ``account`` (which of the gateway's; ``main``), ``prefix``
            (of all subjects; ``lotusx``), ``waiting`` (messages of one feed that may wait to be read; 65 536),
            ``renew_s`` (seconds after which it is looked whether the last messages have arrived; 5, at most 10).
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.ws: Any = None
        self.link: Link | None = None
        self._exchange = ""
        if not options:  # it is only listed
            return
        for name in options:
            if name not in _KNOWN:
                raise ConfigurationError(f"gateway has no option {name!r} (known: {', '.join(_KNOWN)})")
        self._exchange = str(options.get("exchange", ""))
        self._account = token(options.get("account", "main"), what="the account of a gateway")
        self._prefix = token(options.get("prefix", PREFIX), what="the prefix of a gateway")
        self._waiting = options.get("waiting", _WAITING)
        if isinstance(self._waiting, bool) or not isinstance(self._waiting, int) or self._waiting < 1:
            raise ConfigurationError(f"gateway: waiting must be a whole number above 0, not {self._waiting!r}")
        self._renew_s = options.get("renew_s", RENEW_S)
        if isinstance(self._renew_s, bool) or not isinstance(self._renew_s, int | float) or not 0 < self._renew_s <= 10:
            raise ConfigurationError(f"gateway: renew_s must be above 0 and at most 10, not {self._renew_s!r}")
        self._inner = PluginManager(self._exchange)

    @hookimpl
    def lotusx_exchanges(self) -> list[ExchangeFacts]:
        """Return the facts of the exchange behind the gateway, less what is not carried."""
        if not self._exchange:
            nowhere = Environment("live", rest={"gateway": f"https://{_NOWHERE}"}, ws={})
            title = "An exchange behind a gateway"
            return [ExchangeFacts("gateway", 1, {"live": nowhere}, {}, credentials=_CREDENTIALS, title=title)]
        return [_facts(self._inner.facts)]

    @hookimpl
    def lotusx_signer(self, environment: Environment, credentials: Mapping[str, Any]) -> Signer:
        """Prepare the log-in to the broker. Nothing is signed: the exchange's keys are the gateway's."""
        from lotusx_gateway.link import Link
        from lotusx_gateway.login import Login, Tls
        from lotusx_gateway.transport import GatewayWs

        password, seed = (_secret(credentials.get(name)) for name in ("password", "nkey_seed"))
        if password is not None and seed is not None:
            raise CredentialsError("gateway: give a password or an nkey_seed, not both")
        user = token(str(credentials["user"]), what="the user of a gateway")
        files = [
            str(credentials[each]) if credentials.get(each) else None for each in ("tls_ca", "tls_cert", "tls_key")
        ]
        login = Login(str(credentials["server"]), user, password, seed, Tls(*files) if any(files) else None)
        self.link = Link(Subjects(self._exchange, environment.name, self._prefix), login, self._account)
        self.ws = GatewayWs(self.link, waiting=self._waiting, renew_s=self._renew_s)
        return _Unsigned()

    @hookimpl
    def lotusx_rest_dialect(self) -> RestDialect:
        """Return that of the exchange; no REST reply is ever read."""
        return self._inner.rest_dialect()

    @hookimpl
    def lotusx_codecs(self) -> Mapping[str, WsCodec]:
        """Return how feeds are asked for."""
        return {MARKET: GatewayCodec(), PRIVATE: GatewayCodec()}

    @hookimpl
    def lotusx_connector(self, kernel: Kernel) -> Connector:
        """Return the ports."""
        assert self.link is not None  # `lotusx_lifespan` refuses to open without
        return GatewayConnector(self.link)

    @hookimpl
    def lotusx_lifespan(self) -> AbstractAsyncContextManager[object]:
        """Connect to the broker, and close that connection at the end."""
        return self._connected()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        if not self._exchange:
            raise ConfigurationError('say which exchange is behind the gateway: connect("gateway:binance")')
        if self.link is None:
            raise CredentialsError(
                "gateway: the address of the broker and a user are missing. Set LOTUSX_GATEWAY_SERVER, "
                "LOTUSX_GATEWAY_USER and LOTUSX_GATEWAY_PASSWORD, or exchanges.gateway.credentials in lotusx.toml, or "
                "pass credentials={...}"
            )
        try:
            await self.link.ask("hello")
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await self.link.aclose()


class _Unsigned:
    """The core's ``Signer`` of a connection that signs nothing."""

    def sign_request(self, request: Any, context: Any) -> Any:
        """Refuse: no request leaves this connection."""
        raise ConfigurationError("a connection through a gateway has no keys of the exchange")

    def sign_message(self, payload: Any, context: Any) -> Any:
        """Refuse, likewise."""
        raise ConfigurationError("a connection through a gateway has no keys of the exchange")


def _secret(value: object) -> Secret | None:
    return value.copy() if isinstance(value, Secret) else None


def _facts(facts: ExchangeFacts) -> ExchangeFacts:
    return replace(
        facts,
        name=f"gateway:{facts.name}",
        environments={name: _environment(each) for name, each in facts.environments.items()},
        capabilities={
            item: support if item in CARRIED or not support else _ELSEWHERE
            for item, support in facts.capabilities.items()
        },
        credentials=_CREDENTIALS,
        read_credentials=(),
        limits=(),
        ws={MARKET: _SOCKETS, PRIVATE: _SOCKETS},
        horizon_s=facts.horizon_s and facts.horizon_s + VALID_S + WORK_S,
        deadline_by_our_clock=False,
        snapshots_per_s=1_000.0,
    )


def _environment(environment: Environment) -> Environment:
    return replace(
        environment,
        rest={"gateway": f"https://{_NOWHERE}"},
        ws={group: f"wss://{_NOWHERE}/{group}" for group in (MARKET, PRIVATE)},
    )
