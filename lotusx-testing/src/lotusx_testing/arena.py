"""A connection to a simulated exchange, in the hands of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any

import lotusx
from lotusx import rules
from lotusx.model import BestBidOffer, OrderRequest, Side
from lotusx_sim import BinancePerp, BinanceSpot, Simulator, serve
from lotusx_sim.dialects.binance import DEFAULT_KEY
from lotusx_sim.venue import Venue


@dataclass(frozen=True)
class Dialect:
    """A venue that can be simulated, and the credentials its simulation knows.

    Attributes:
        client_order_id: Writes the n-th client order id in a form that the exchange keeps as it is.
        is_command: Whether an HTTP request, by verb and path, changes something.
        wallet: The simulation's name of a wallet, for its ledger; ``None``: the account has one.
        wallets: Two wallets between which money moves; deposits arrive in the first.
        market: The simulation's name of a market, by the exchange's.
        has_market_orders: Whether a market order needs no bound.
        books_show_gaps: Whether a lost book message can be noticed; where every one is a whole book, it cannot.
        hedge: Gives the account two positions of a symbol, where it may have them.
    """

    venue: Callable[..., Venue]
    credentials: Mapping[str, str]
    client_order_id: Callable[[int], str] = "case-{}".format
    is_command: Callable[[str, str], bool] = lambda verb, path: verb in ("POST", "DELETE")
    wallet: Callable[[str], str | None] = lambda wallet: None
    wallets: tuple[str, str] = ("spot", "funding")
    market: Callable[[str], str] = str
    has_market_orders: bool = True
    books_show_gaps: bool = True
    hedge: Callable[[Any], Awaitable[object]] | None = None


def _hyperliquid() -> Dialect:
    from lotusx_sim.dialects.hyperliquid import DEFAULT_ADDRESS, DEFAULT_PRIVATE_KEY, Account, Hyperliquid

    # Books ten times as fast as the exchange's, and an account that may use the dead man's switch.
    venue = partial(Hyperliquid, pace=0.1, accounts=(Account(DEFAULT_ADDRESS, volume=Decimal(2_000_000)),))
    return Dialect(
        venue,
        {"private_key": DEFAULT_PRIVATE_KEY},
        client_order_id="0x{:032x}".format,
        is_command=lambda verb, path: verb == "POST" and path.startswith("/exchange"),
        wallet=lambda wallet: f"main/{wallet.removeprefix('perp:')}",
        wallets=("perp", "spot"),
        has_market_orders=False,
        books_show_gaps=False,
    )


def _bybit(category: str) -> Dialect:
    from lotusx_sim.dialects.bybit import DEFAULT_KEY as KEY, Bybit

    # Streams ten times as fast as the exchange's.
    return Dialect(
        partial(Bybit, pace=0.1),
        {"api_key": KEY.key, "api_secret": KEY.verifier},
        is_command=lambda verb, path: verb == "POST",
        wallets=("unified", "funding"),
        market=f"{category}:{{}}".format,
        hedge=lambda exchange: exchange.native.switch_position_mode(3, symbol="BTCUSDT"),
    )


def _backpack() -> Dialect:
    from lotusx_sim.dialects.backpack import DEFAULT_API_KEY, DEFAULT_SECRET, Backpack

    # Streams ten times as fast as the exchange's; client order ids are 32 bits there.
    return Dialect(
        partial(Backpack, pace=0.1),
        {"api_key": DEFAULT_API_KEY, "api_secret": DEFAULT_SECRET},
        client_order_id=lambda number: str(4_000_000_000 + number),
    )


def _okx() -> Dialect:
    from lotusx_sim.dialects.okx import DEFAULT_KEY as KEY, Okx

    # Channels ten times as fast as the exchange's, deadlines not quite; client order ids are letters and digits there.
    return Dialect(
        partial(Okx, pace=0.1, deadline_pace=0.3),
        {"api_key": KEY.key, "api_secret": KEY.secret, "passphrase": KEY.passphrase},
        client_order_id="case{}".format,
        wallets=("unified", "funding"),
        is_command=lambda verb, path: verb == "POST",
        hedge=lambda exchange: exchange.native.set_position_mode("long_short_mode"),
    )


DIALECTS: Mapping[str, Callable[[], Dialect]] = {
    "backpack": _backpack,
    "binance": lambda: Dialect(BinanceSpot, {"api_key": DEFAULT_KEY.key, "api_secret": DEFAULT_KEY.verifier}),
    "binance-perp": lambda: Dialect(
        BinancePerp,
        {"api_key": DEFAULT_KEY.key, "api_secret": DEFAULT_KEY.verifier},
        is_command=lambda verb, path: verb in ("POST", "PUT", "DELETE") and path != "/fapi/v1/listenKey",
        wallets=("perp", "spot"),
        hedge=lambda exchange: exchange.native.set_hedge_mode(True),
    ),
    "bybit": partial(_bybit, "spot"),
    "bybit-perp": partial(_bybit, "linear"),
    "hyperliquid": _hyperliquid,
    "okx": _okx,
}
"""By exchange name."""


def both(top: BestBidOffer) -> tuple[Decimal, Decimal]:
    """Return both prices of *top*; a market that a case uses has them."""
    if top.bid_price is None or top.ask_price is None:
        raise AssertionError(f"nobody on one side of {top}")
    return top.bid_price, top.ask_price


@dataclass
class Arena:
    """A connected exchange and the simulation behind it.

    Attributes:
        connect: Opens another connection to the same simulation; takes what `lotusx.connect` takes.
        dialect: What is particular about the simulation.
    """

    exchange: lotusx.Exchange
    sim: Simulator
    symbol: str
    connect: Callable[..., lotusx.Exchange]
    dialect: Dialect = field(default_factory=DIALECTS["binance"])

    def __post_init__(self) -> None:
        self._ids = count(1)

    async def instrument(self) -> lotusx.Instrument:
        """Return what is traded here."""
        return await self.exchange.market.instrument(self.symbol)

    async def market(self) -> str:
        """Return the simulation's name of what is traded here."""
        return self.dialect.market((await self.instrument()).venue_symbol)

    async def resting(self, side: Side = Side.BUY, **more: Any) -> OrderRequest:
        """Write a limit order far enough from the market to rest, large enough to be allowed."""
        return await self._limit(side, Decimal("0.98") if side is Side.BUY else Decimal("1.02"), **more)

    async def crossing(self, side: Side = Side.BUY, **more: Any) -> OrderRequest:
        """Write a limit order that takes at once."""
        return await self._limit(side, Decimal("1.01") if side is Side.BUY else Decimal("0.99"), **more)

    def next_id(self) -> str:
        """Return a client order id of this arena's own."""
        return self.dialect.client_order_id(next(self._ids))

    async def best(self) -> tuple[Decimal, Decimal]:
        """Return best bid and best offer."""
        top = await self.exchange.market.best_bid_offer(self.symbol)
        return both(top)

    async def _limit(self, side: Side, factor: Decimal, **more: Any) -> OrderRequest:
        instrument = await self.instrument()
        bid, ask = await self.best()
        wanted = (ask if side is Side.BUY else bid) * factor
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
    if dialect is None and exchange not in DIALECTS:
        raise LookupError(f"no simulation of {exchange!r} (there are: {', '.join(DIALECTS)}); give a dialect")
    chosen = dialect or DIALECTS[exchange]()
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
            yield Arena(opened, server.sim, symbol, connected, chosen)


Simulated = Callable[..., AbstractAsyncContextManager[Arena]]
"""The type of the fixture ``simulated``."""
