"""A connection to a simulated exchange, in the hands of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any

import lotusx
from lotusx import rules
from lotusx.model import OrderRequest, Side
from lotusx_sim import BinanceSpot, Simulator, serve
from lotusx_sim.dialects.binance import DEFAULT_KEY
from lotusx_sim.venue import Venue


@dataclass(frozen=True)
class Dialect:
    """A venue that can be simulated, and the credentials its simulation knows."""

    venue: Callable[..., Venue]
    credentials: Mapping[str, str]


DIALECTS = {
    "binance": Dialect(BinanceSpot, {"api_key": DEFAULT_KEY.key, "api_secret": DEFAULT_KEY.verifier}),
}
"""By exchange name."""


@dataclass
class Arena:
    """A connected exchange and the simulation behind it.

    Attributes:
        connect: Opens another connection to the same simulation; takes what `lotusx.connect` takes.
    """

    exchange: lotusx.Exchange
    sim: Simulator
    symbol: str
    connect: Callable[..., lotusx.Exchange]

    def __post_init__(self) -> None:
        self._ids = count(1)

    async def instrument(self) -> lotusx.Instrument:
        """Return what is traded here."""
        return await self.exchange.market.instrument(self.symbol)

    async def resting(self, side: Side = Side.BUY, **more: Any) -> OrderRequest:
        """Write a limit order far enough from the market to rest, large enough to be allowed."""
        return await self._limit(side, Decimal("0.98") if side is Side.BUY else Decimal("1.02"), **more)

    async def crossing(self, side: Side = Side.BUY, **more: Any) -> OrderRequest:
        """Write a limit order that takes at once."""
        return await self._limit(side, Decimal("1.01") if side is Side.BUY else Decimal("0.99"), **more)

    def next_id(self) -> str:
        """Return a client order id of this arena's own."""
        return f"case-{next(self._ids)}"

    async def _limit(self, side: Side, factor: Decimal, **more: Any) -> OrderRequest:
        instrument = await self.instrument()
        top = await self.exchange.market.best_bid_offer(self.symbol)
        wanted = (top.ask_price if side is Side.BUY else top.bid_price) * factor
        price = rules.round_price(instrument, wanted, rules.Rounding.NEAREST)
        quantity = await self.quantity(price)
        more.setdefault("client_order_id", self.next_id())
        return OrderRequest.limit(self.symbol, side, quantity, price, **more)

    async def quantity(self, price: Decimal) -> Decimal:
        """Return a quantity on the step, of four times the least notional at *price*."""
        instrument = await self.instrument()
        wanted = max((instrument.min_notional or Decimal(10)) * 4 / price, (instrument.min_quantity or Decimal(0)) * 4)
        return rules.round_quantity(instrument, wanted, rules.Rounding.CEIL)


@asynccontextmanager
async def simulated(
    exchange: str,
    *,
    symbol: str = "BTC/USDT",
    dialect: Dialect | None = None,
    connect: Mapping[str, Any] | None = None,
    **venue: Any,
) -> AsyncIterator[Arena]:
    """Serve a simulated *exchange* on real sockets and connect to it.

    Args:
        dialect: Of a venue this kit does not know.
        connect: More arguments of `lotusx.connect`, for every connection.
        venue: Arguments of the venue, such as ``actions_per_s=0`` for a market that stands still.
    """
    chosen = dialect or DIALECTS.get(exchange)
    if chosen is None:
        raise LookupError(f"no simulation of {exchange!r} (there are: {', '.join(DIALECTS)}); give a dialect")
    async with serve(chosen.venue(**venue)) as server:
        settings = {
            "environment": "simulator",
            "base_url": server.base_url,
            "credentials": chosen.credentials,
            **(connect or {}),
        }

        def connected(**more: Any) -> lotusx.Exchange:
            return lotusx.connect(exchange, **{**settings, **more})

        async with connected() as opened:
            yield Arena(opened, server.sim, symbol, connected)


Simulated = Callable[..., AbstractAsyncContextManager[Arena]]
"""The type of the fixture ``simulated``."""
