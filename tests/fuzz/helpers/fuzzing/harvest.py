"""Uses an exchange once, in process, and keeps every document with the function that read it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, cast

import anyio
from rig import scheduling
from rig.lab import EXCHANGES
from rig.randomness import split

import lotusx
from lotusx.errors import LotusXError
from lotusx.kernel.request import Request, Response
from lotusx.kernel.transport import WsConnection, WsHandler, WsTransport
from lotusx.rules import Rounding, round_price, round_quantity
from lotusx_sim import LoopClock, Simulator
from lotusx_sim.shells import memory

_RECEIVED_NS = 1_770_000_000_000_000_000
_KEPT = 3
"""Documents kept for each decoder."""


@dataclass(frozen=True, slots=True)
class Target:
    """One decoder with a document that it reads.

    Attributes:
        name: Of the request or channel. ``read``: takes a document, returns what it says; raises like the plugin.
    """

    name: str
    document: bytes
    read: Callable[[bytes], Any]


class _Listening:
    """A transport that keeps what every socket brings."""

    def __init__(self, inner: WsTransport) -> None:
        self.messages: list[bytes] = []
        self._inner = inner

    async def connect(self, url: str, handler: WsHandler, **settings: Any) -> WsConnection:
        return await self._inner.connect(url, _Hearing(handler, self.messages), **settings)

    async def aclose(self) -> None:
        """Nothing is held."""


class _Hearing:
    def __init__(self, inner: WsHandler, heard: list[bytes]) -> None:
        self._inner = inner
        self._heard = heard

    def on_messages(self, messages: list[bytes], received_ns: int) -> None:
        self._heard += messages
        self._inner.on_messages(messages, received_ns)


@cache
def harvest(name: str) -> tuple[Target, ...]:
    """Return every decoder of exchange *name* that a user reaches, with documents for it."""
    found: list[Target] = []

    async def main() -> None:
        await _Visit(name, found).run()

    scheduling.run(main, 1)
    return tuple(found)


class _Visit:
    def __init__(self, name: str, found: list[Target]) -> None:
        self._exchange = EXCHANGES[name](1, actions_per_s=5)
        self._found = found
        self._counts: dict[str, int] = {}

    async def run(self) -> None:
        """Connect, ask for everything, follow everything."""
        exchange, clock = self._exchange, LoopClock()
        async with memory.connect(Simulator(exchange.venue), clock=clock, latency_s=0.001) as server:
            ws = _Listening(server.ws)
            connection = lotusx.connect(
                exchange.name,
                environment="simulator",
                base_url=server.base_url,
                credentials=exchange.credentials,
                http=server.http,
                ws=ws,
                clock=clock,
                random=split(1, "harvest"),
            )
            async with connection:
                wiring: Any = cast("Any", connection)._start.__self__
                self._tap(wiring)
                async with AsyncExitStack() as stack:
                    await self._follow(connection, stack)
                    await self._ask(connection, server.sim)
                    await anyio.sleep(20.0)
                    self._keep_messages(wiring, ws.messages)

    def _tap(self, wiring: Any) -> None:
        rest = wiring.rest
        send = rest._send

        async def sending(request: Request, attempt: Any) -> Response:
            response: Response = await send(request, attempt)
            seen.append((request, response))
            return response

        seen: list[tuple[Request, Response]] = []
        decoded, dialect = rest._decoded, wiring.parts.manager.rest_dialect()

        def decoding(response: Response, decode: Callable[[Response], Any]) -> Any:
            request = next(request for request, reply in reversed(seen) if reply is response)

            def read(document: bytes) -> Any:
                reply = Response(200, {"content-type": "application/json"}, document)
                problem = dialect.error(request, reply)
                if problem is not None:
                    raise problem
                return decoded(reply, decode)

            self._keep(f"{request.verb.value} {request.path} {request.name}", response.body, read)
            return decoded(response, decode)

        rest._send, rest._decoded = sending, decoding

    def _keep(self, name: str, document: bytes, read: Callable[[bytes], Any]) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1
        if self._counts[name] <= _KEPT:
            self._found.append(Target(name, document, read))

    def _keep_messages(self, wiring: Any, messages: Sequence[bytes]) -> None:
        for group in wiring.groups.values():
            codec = group._codec
            self._keep(f"route {group._name if hasattr(group, '_name') else ''}", messages[0], codec.route)
            by_key = {each.channel.key: each.channel for each in group._subs.values()}
            for message in messages:
                whose = None
                with suppress(LotusXError, ValueError):
                    whose = codec.route(message)
                channel = by_key.get(whose) if isinstance(whose, str) else None
                if channel is not None:
                    self._keep(f"channel {whose}", message, _converting(channel.convert))

    async def _follow(self, connection: lotusx.Exchange, stack: AsyncExitStack) -> None:
        market, symbol = connection.market, self._exchange.symbol
        for opening in (
            lambda: connection.account.stream_account(),
            lambda: market.stream_trades(symbol),
            lambda: market.stream_ticker(symbol),
            lambda: market.stream_best_bid_offer(symbol),
            lambda: market.stream_candles(symbol, "1m"),
            lambda: market.stream_mark_price(symbol),
            lambda: market.stream_order_book(symbol),
            lambda: market.live_order_book(symbol),
        ):
            with suppress(LotusXError):
                await stack.enter_async_context(opening())

    async def _ask(self, connection: lotusx.Exchange, sim: Simulator) -> None:
        market, trading, account = connection.market, connection.trading, connection.account
        symbol = self._exchange.symbol
        instrument = await market.instrument(symbol)
        mid = (await market.best_bid_offer(symbol)).bid_price
        assert mid is not None
        price = round_price(instrument, mid * Decimal("0.95"), Rounding.FLOOR)
        quantity = round_quantity(instrument, Decimal(200) / price, Rounding.CEIL)
        order = await trading.place(lotusx.OrderRequest.limit(symbol, "buy", quantity, price))
        taken = await trading.place(lotusx.OrderRequest.market(symbol, "buy", quantity, **self._exchange.market_order))
        lower = round_price(instrument, price * Decimal("0.99"), Rounding.FLOOR)
        names = {"client_order_id": order.client_order_id, "venue_order_id": order.venue_order_id}
        calls: tuple[Callable[[], Awaitable[Any]], ...] = (
            market.server_time, lambda: market.instruments(refresh=True), lambda: market.ticker(symbol), market.tickers,
            lambda: market.order_book(symbol, 20), lambda: market.recent_trades(symbol, 20),
            lambda: market.candles(symbol, "1m", limit=5), lambda: market.mark_price(symbol),
            lambda: market.funding_rate(symbol), lambda: market.open_interest(symbol),
            lambda: _first(market.iter_trades(symbol)), lambda: _first(market.iter_funding_rates(symbol)),
            lambda: trading.open_orders(symbol), lambda: trading.order(symbol, **names), taken.fetch_fills,
            lambda: trading.amend(symbol, **names, price=lower),
            lambda: _first(trading.iter_orders(symbol)), lambda: _first(trading.iter_fills(symbol)),
            account.balances, account.positions, lambda: account.fees(symbol), account.permissions,
            lambda: account.leverage(symbol), lambda: _first(account.iter_funding_payments()),
            lambda: trading.cancel(symbol, client_order_id=order.client_order_id), lambda: trading.cancel_all(symbol),
        )  # fmt: skip
        for call in calls:
            with suppress(LotusXError):
                await call()


def _converting(convert: Callable[[bytes, int], Any]) -> Callable[[bytes], Any]:
    return lambda text: convert(text, _RECEIVED_NS)


async def _first(items: Any) -> None:
    async with aclosing(items):
        async for _ in items:
            return
