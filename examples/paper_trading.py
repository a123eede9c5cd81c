"""A bot on paper, half an hour within seconds: its fills, its fees, and a plot of what it made of its money.

pip install lotusx-core lotusx-binance lotusx-paper trio matplotlib
python paper_trading.py --minutes 30 paper.png

The market here is the simulator's: a seeded crowd that trades with itself, in virtual time, the same in every run. It
is no history of any real market, and what the bot earns in it says nothing of what it would earn elsewhere. `bot` is
the same on a live connection: `lotusx.connect("binance", paper=TERMS)`, without the rest of this file.
"""

import argparse
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import anyio
import matplotlib as mpl
import trio
from trio.testing import MockClock

import lotusx
from lotusx.errors import PostOnlyWouldTake
from lotusx.model import Liquidity
from lotusx.rules import Rounding, round_quantity
from lotusx_sim import BinanceSpot, LoopClock, Simulator
from lotusx_sim.shells import memory

mpl.use("Agg")  # draw into files, without a window
from matplotlib import pyplot as plt

SYMBOL = "BTC/USDT"
QUANTITY = Decimal("0.01")
ROUND_S = 20
TERMS = {"balances": {"USDT": "10000"}, "maker": "0.0002", "taker": "0.0005", "latency_s": 0.05}


@dataclass
class Result:
    """Minutes, middle price and worth of the account (USDT) of each round, and all fills."""

    minutes: list[float] = field(default_factory=list)
    middle: list[Decimal] = field(default_factory=list)
    worth: list[Decimal] = field(default_factory=list)
    fills: list[lotusx.Fill] = field(default_factory=list)
    began_ns: int = 0


async def bot(exchange: lotusx.Exchange, rounds: int, clock: LoopClock) -> Result:
    """Bid for QUANTITY at the best bid while it holds next to nothing, else offer what it holds at the best ask."""
    result, instrument = Result(began_ns=clock.now_ns()), await exchange.market.instrument(SYMBOL)
    async with exchange.market.live_order_book(SYMBOL) as book:
        for _ in range(rounds):
            await exchange.trading.cancel_all(SYMBOL)
            held = {each.asset: each.total for each in await exchange.account.balances()}
            base = held.get("BTC", Decimal(0))
            bid, ask, middle = book.best_bid, book.best_ask, book.mid
            if bid is not None and ask is not None and middle is not None:
                if base < QUANTITY / 2:
                    order = lotusx.OrderRequest.limit(SYMBOL, "buy", QUANTITY, bid.price, post_only=True)
                else:
                    rest = round_quantity(instrument, base, Rounding.FLOOR)  # the fee was taken in BTC
                    order = lotusx.OrderRequest.limit(SYMBOL, "sell", rest, ask.price, post_only=True)
                with suppress(PostOnlyWouldTake):  # the market has moved meanwhile; the next round will do
                    await exchange.trading.place(order)
                result.minutes.append((clock.now_ns() - result.began_ns) / 60e9)
                result.middle.append(middle)
                result.worth.append(held["USDT"] + base * middle)
            await anyio.sleep(ROUND_S)
    await exchange.trading.cancel_all(SYMBOL)
    result.fills = [fill async for fill in exchange.trading.iter_fills(SYMBOL)]
    return result


async def simulated(minutes: int, seed: int) -> Result:
    """Run the bot on paper over a simulated market."""
    async with (
        memory.connect(Simulator(BinanceSpot(seed=seed, actions_per_s=5)), latency_s=0.01) as server,
        lotusx.connect(
            "binance", environment="simulator", base_url=server.base_url, http=server.http, ws=server.ws,
            clock=server.clock, paper=TERMS,
        ) as exchange,
    ):  # fmt: skip
        result = await bot(exchange, minutes * 60 // ROUND_S, server.clock)
        if server.sim.orders():
            raise SystemExit("an order has left the process")
        return result


def draw(result: Result, path: Path) -> None:
    """Draw the market with the fills, above the worth of the account. Floats are for looking at only."""
    figure, (prices, worth) = plt.subplots(2, sharex=True, figsize=(10, 6))
    prices.plot(result.minutes, [float(price) for price in result.middle], linewidth=0.8, label="middle")
    for side, mark in ((lotusx.Side.BUY, "^"), (lotusx.Side.SELL, "v")):
        fills = [fill for fill in result.fills if fill.side is side]
        at = [(fill.exchange_ns - result.began_ns) / 60e9 for fill in fills]
        prices.scatter(at, [float(fill.price) for fill in fills], marker=mark, s=20, label=side.value)
    prices.set_ylabel(SYMBOL)
    prices.legend()
    worth.plot(result.minutes, [float(value) for value in result.worth])
    worth.ticklabel_format(axis="y", useOffset=False)
    worth.set_ylabel("worth of the account, USDT")
    worth.set_xlabel("minutes")
    figure.savefig(path)
    plt.close(figure)


def main(minutes: int, seed: int, picture: Path) -> None:
    result = trio.run(simulated, minutes, seed, clock=MockClock(autojump_threshold=0))
    fees: dict[str, Decimal] = {}
    for fill in result.fills:
        if fill.fee is not None and fill.fee_asset is not None:
            fees[fill.fee_asset] = fees.get(fill.fee_asset, Decimal(0)) + fill.fee
    makers = sum(fill.liquidity is Liquidity.MAKER for fill in result.fills)
    print(f"{len(result.fills)} fills, {makers} of them as maker, in {minutes} minutes")
    print("fees: " + ", ".join(f"{amount.normalize():f} {asset}" for asset, amount in sorted(fees.items())))
    print(f"worth {result.worth[0]:.2f} USDT at first, {result.worth[-1]:.2f} at last; {picture}")
    draw(result, picture)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("picture", type=Path)
    main(**vars(parser.parse_args()))
