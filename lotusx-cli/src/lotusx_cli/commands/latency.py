"""How long an exchange takes, measured from here."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from time import monotonic_ns, time_ns
from typing import TYPE_CHECKING

import click

from lotusx_cli.connecting import connected, find_instrument, run
from lotusx_cli.options import Target, with_exchange, with_output
from lotusx_cli.output import Out

if TYPE_CHECKING:
    from lotusx import Exchange

_COLUMNS = ["what", "samples", "p50_ms", "p90_ms", "p99_ms", "worst_ms"]


@click.command()
@with_exchange
@click.option("--symbol", "-s", metavar="SYMBOL", help="Also measure its stream of trades.")
@click.option("--samples", type=click.IntRange(1, 1_000), default=20, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.1), default=30.0, show_default=True,
              help="How long to wait for the stream's events.")  # fmt: skip
@with_output
def latency(target: Target, symbol: str | None, samples: int, seconds: float, out: Out) -> None:
    """Measure REST round trips and the age of streamed trades when they arrive.

    The age is reckoned by the exchange's clock, as the fastest round trip shows it: half of that is its uncertainty.
    """

    async def measure() -> None:
        async with connected(target) as exchange:
            trips, offset_ns = await round_trips(exchange, samples)
            rows = [percentiles("rest round trip", trips)]
            if symbol is not None:
                instrument = await find_instrument(exchange, symbol)
                ages = await trade_ages(exchange, str(instrument.symbol), samples, seconds, offset_ns)
                if len(ages) < samples:
                    out.note(f"only {len(ages)} trades came within {seconds:g} s")
                if ages:
                    rows.append(percentiles("age of a streamed trade", ages))
        out.rows(rows, _COLUMNS, title=f"{target.exchange}: latency")

    run(measure)


async def round_trips(exchange: Exchange, samples: int) -> tuple[list[int], int]:
    """Return *samples* round trips in nanoseconds, and how far the exchange's clock is ahead of ours."""
    await exchange.market.server_time()  # opens the connection, which is not what is measured
    trips: list[int] = []
    best = (0, 0)
    for _ in range(samples):
        wall, before = time_ns(), monotonic_ns()
        told = await exchange.market.server_time()
        trip = monotonic_ns() - before
        if not trips or trip < best[0]:
            best = (trip, told - (wall + trip // 2))
        trips.append(trip)
    return trips, best[1]


async def trade_ages(exchange: Exchange, symbol: str, samples: int, seconds: float, offset_ns: int) -> list[int]:
    """Return how old trades are when they arrive, nanoseconds; at most *samples*, within *seconds*."""
    import anyio

    ages: list[int] = []
    async with exchange.market.stream_trades(symbol) as stream:
        with anyio.move_on_after(seconds):
            async for trade in stream:
                ages.append(trade.received_ns + offset_ns - trade.exchange_ns)
                if len(ages) >= samples:
                    break
    return ages


def percentiles(what: str, samples_ns: Sequence[int]) -> dict[str, object]:
    """Return the usual percentiles (nearest rank), in milliseconds."""
    ordered = sorted(samples_ns)

    def rank(part: float) -> float:
        return round(ordered[max(0, ceil(part * len(ordered)) - 1)] / 1e6, 2)

    return {
        "what": what,
        "samples": len(ordered),
        "p50_ms": rank(0.5),
        "p90_ms": rank(0.9),
        "p99_ms": rank(0.99),
        "worst_ms": rank(1.0),
    }
