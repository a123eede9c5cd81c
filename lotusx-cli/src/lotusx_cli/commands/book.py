"""The order book: a snapshot, or kept in step with the exchange before your eyes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from lotusx_cli.connecting import connected, find_instrument, run
from lotusx_cli.options import Target, with_exchange, with_output, with_symbol
from lotusx_cli.output import Out
from lotusx_cli.values import shown

if TYPE_CHECKING:
    from rich.table import Table

    from lotusx import Exchange, LiveOrderBook
    from lotusx.model import Instrument, Level

_TOP = ["received_ns", "bid_quantity", "bid_price", "ask_price", "ask_quantity"]
_BAR = 24


@click.command()
@with_exchange
@with_symbol
@click.option("--depth", type=click.IntRange(1), default=10, show_default=True, help="Levels a side.")
@click.option("--watch", "-w", is_flag=True, help="Keep it in step with the exchange until Ctrl-C.")
@click.option("--count", type=click.IntRange(1), help="With --watch: end after so many changes of the touch.")
@with_output
def book(target: Target, symbol: str, depth: int, watch: bool, count: int | None, out: Out) -> None:
    """Show the order book; with --watch, live: a picture on a terminal, a line a change in a pipe."""

    async def show() -> None:
        async with connected(target) as exchange:
            instrument = await find_instrument(exchange, symbol)
            if watch or count is not None:
                await follow(out, exchange, instrument, depth, count)
                return
            found = await exchange.market.order_book(instrument.symbol, depth)
        if out.as_json:
            out.record(found)
        elif out.terminal:
            out.console().print(picture(f"{target.exchange} {instrument.symbol}", found.bids, found.asks, depth))
        else:
            rows = [("ask", item) for item in reversed(found.asks[:depth])]
            rows += [("bid", item) for item in found.bids[:depth]]
            out.rows(
                ({"side": side, "price": item.price, "quantity": item.quantity} for side, item in rows),
                ["side", "price", "quantity"],
            )

    run(show)


async def follow(out: Out, exchange: Exchange, instrument: Instrument, depth: int, count: int | None) -> None:
    """Show every change of the touch (the newest, where they come faster), *count* of them; ``None``: until Ctrl-C."""
    async with exchange.market.live_order_book(instrument.symbol, depth=max(depth, 20)) as live:
        if not out.terminal:
            await _lines(out, live, count)
            return
        from rich.live import Live

        title = f"{exchange.name} {instrument.symbol}"
        with Live(console=out.console(), auto_refresh=False) as screen:
            seen = 0
            async for _ in live.changes():
                note = f"{title}   spread {shown('', live.spread)}   age {(live.age or 0) * 1e3:.0f} ms"
                screen.update(picture(note, live.bids(depth), live.asks(depth), depth), refresh=True)
                seen += 1
                if seen == count:
                    return


async def _lines(out: Out, live: LiveOrderBook, count: int | None) -> None:
    seen = 0
    async for top in live.changes():
        bid, ask = top.best_bid, top.best_ask
        out.event(
            {
                "symbol": live.instrument.symbol,
                "received_ns": top.received_ns,
                "sequence": top.sequence,
                "bid_quantity": bid.quantity if bid else None,
                "bid_price": bid.price if bid else None,
                "ask_price": ask.price if ask else None,
                "ask_quantity": ask.quantity if ask else None,
            },
            _TOP,
        )
        seen += 1
        if seen == count:
            return


def picture(title: str, bids: Sequence[Level], asks: Sequence[Level], depth: int) -> Table:
    """Return both sides as a table with bars that show how much has added up to each level."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name, side in (("", "right"), ("quantity", "right"), ("bid", "right"), ("ask", "left"), ("quantity", "left")):
        table.add_column(name, justify="right" if side == "right" else "left", no_wrap=True)
    table.add_column("", no_wrap=True)
    bid_sums, ask_sums = _sums(bids[:depth]), _sums(asks[:depth])
    most = max([*bid_sums[-1:], *ask_sums[-1:]], default=Decimal(1))
    for at in range(max(len(bid_sums), len(ask_sums))):
        left = _row(bids, bid_sums, at, most)
        right = _row(asks, ask_sums, at, most)
        table.add_row(
            f"[green]{left[2]}[/green]", left[1], f"[green]{left[0]}[/green]",
            f"[red]{right[0]}[/red]", right[1], f"[red]{right[2]}[/red]",
        )  # fmt: skip
    return table


def _sums(levels: Sequence[Level]) -> list[Decimal]:
    total, sums = Decimal(0), []
    for level in levels:
        total += level.quantity
        sums.append(total)
    return sums


def _row(levels: Sequence[Level], sums: Sequence[Decimal], at: int, most: Decimal) -> tuple[str, str, str]:
    if at >= len(sums):
        return "", "", ""
    bar = "█" * max(1, int(_BAR * sums[at] / most)) if most else ""
    return shown("", levels[at].price), shown("", levels[at].quantity), bar
