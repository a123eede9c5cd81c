"""Public data, once."""

from __future__ import annotations

import itertools

import click

from lotusx_cli.connecting import connected, find_instrument, run
from lotusx_cli.moments import MOMENT
from lotusx_cli.options import Target, with_exchange, with_output, with_symbol
from lotusx_cli.output import Out

_MARKETS = ["symbol", "venue_symbol", "kind", "status", "tick", "step_size", "min_quantity", "min_notional"]


@click.command()
@with_exchange
@click.option("--search", metavar="TEXT", help="Only symbols that contain it.")
@click.option("--kind", type=click.Choice(["spot", "linear", "inverse", "option"]), help="Only these products.")
@click.option("--all", "everything", is_flag=True, help="Also what does not trade now.")
@with_output
def markets(target: Target, search: str | None, kind: str | None, everything: bool, out: Out) -> None:
    """List what an exchange lists, and the rules of orders."""

    async def show() -> None:
        async with connected(target) as exchange:
            found = await exchange.market.instruments()
        wanted = (search or "").upper()
        rows = [
            {
                "symbol": str(item.symbol),
                "venue_symbol": item.venue_symbol,
                "kind": item.kind,
                "status": item.status,
                "tick": getattr(item.price_rule, "tick_size", None) or _digits(item.price_rule),
                "step_size": item.step_size,
                "min_quantity": item.min_quantity,
                "max_quantity": item.max_quantity,
                "min_notional": item.min_notional,
                "contract_size": item.contract_size,
            }
            for item in found
            if (wanted in str(item.symbol).upper() or wanted in item.venue_symbol.upper())
            and (kind is None or item.kind == kind)
            and (everything or item.status == "trading")
        ]
        out.rows(rows, _MARKETS, title=f"{target.exchange}: {len(rows)} of {len(found)} markets")

    run(show)


def _digits(rule: object) -> str | None:
    digits = getattr(rule, "digits", None)
    return None if digits is None else f"{digits} digits"


@click.command()
@with_exchange
@with_symbol
@with_output
def ticker(target: Target, symbol: str, out: Out) -> None:
    """Show the last price and 24 h statistics."""

    async def show() -> None:
        async with connected(target) as exchange:
            instrument = await find_instrument(exchange, symbol)
            found = await exchange.market.ticker(instrument.symbol)
        out.record(found, title=f"{target.exchange} {instrument.symbol}")

    run(show)


@click.command()
@with_exchange
@with_symbol
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many of the newest.")
@click.option("--start", type=MOMENT, help="From then on, oldest first, where the exchange has the history.")
@click.option("--end", type=MOMENT, help="Before then.")
@with_output
def trades(target: Target, symbol: str, limit: int, start: int | None, end: int | None, out: Out) -> None:
    """Show the newest public trades, oldest first; with --start, the history from then on."""
    columns = ["exchange_ns", "taker_side", "price", "quantity", "trade_id"]

    async def show() -> None:
        async with connected(target) as exchange:
            instrument = await find_instrument(exchange, symbol)
            if start is None and end is None:
                found = await exchange.market.recent_trades(instrument.symbol, limit)
                out.rows(found, columns, title=f"{target.exchange} {instrument.symbol}")
                return
            counter = itertools.count(1)
            async for trade in exchange.market.iter_trades(instrument.symbol, start=start, end=end):
                out.event(trade, columns)
                if next(counter) >= limit:
                    out.note(f"stopped after {limit}; --limit raises that")
                    break

    run(show)
