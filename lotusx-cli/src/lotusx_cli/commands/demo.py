"""Everything at work in a few seconds, on a simulated exchange in this process."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from lotusx_cli.connecting import run
from lotusx_cli.options import with_output
from lotusx_cli.output import Out
from lotusx_cli.values import shown

if TYPE_CHECKING:
    from lotusx import Exchange
    from lotusx_sim import Simulator

_SYMBOL = "BTC/USDT"


@click.command()
@click.option("--updates", type=click.IntRange(1), default=10, show_default=True, help="Changes of the book to show.")
@click.option("--metrics", type=click.IntRange(0, 65_535), metavar="PORT", help="Go on, with metrics at this port.")
@click.option("--faults", is_flag=True, help="With --metrics: break something every few seconds.")
@click.option("--seconds", type=click.FloatRange(0.1), help="With --metrics: end after so long, not at Ctrl-C.")
@with_output
def demo(updates: int, metrics: int | None, faults: bool, seconds: float | None, out: Out) -> None:
    """Show a live book, an order and a connection that heals: no key, no network. Needs lotusx-cli[demo].

    With --metrics PORT it trades on until Ctrl-C, and Prometheus metrics of it are served (0: at a free port). Needs
    lotusx-cli[metrics] as well.
    """
    try:
        from lotusx_sim import BinanceSpot, Simulator, serve
        from lotusx_sim.dialects.binance import DEFAULT_KEY
    except ImportError:
        raise click.UsageError('the demo needs more packages: pip install "lotusx-cli[demo]"') from None

    if metrics is None and (faults or seconds is not None):
        raise click.UsageError("--faults and --seconds go with --metrics")
    plugins = [] if metrics is None else [_served_at(metrics)]

    async def show() -> None:
        import anyio

        import lotusx
        from lotusx_cli.watched import trade_for_ever

        sim = Simulator(BinanceSpot(seed=7))
        async with serve(sim) as server:
            key = {"api_key": DEFAULT_KEY.key, "api_secret": DEFAULT_KEY.verifier}
            connection = lotusx.connect(
                "binance", environment="simulator", base_url=server.base_url, credentials=key, plugins=plugins
            )
            async with connection as exchange:
                _say(out, "a simulated Binance on this machine", address=server.base_url)
                if metrics is not None:
                    _say(out, "metrics", address=f"http://127.0.0.1:{plugins[0].port}/metrics")
                    with anyio.move_on_after(seconds):
                        await trade_for_ever(exchange, sim, partial(_say, out), faults=faults)
                    return
                await _book(out, exchange, sim, updates)
                await _order(out, exchange)

    run(show)


def _served_at(port: int) -> Any:
    try:
        from lotusx_prometheus.plugin import Prometheus
    except ImportError:
        raise click.UsageError('--metrics needs more packages: pip install "lotusx-cli[metrics]"') from None
    return Prometheus({"port": port})


async def _book(out: Out, exchange: Exchange, sim: Simulator, updates: int) -> None:
    ticker = await exchange.market.ticker(_SYMBOL)
    _say(out, "ticker", last=ticker.last_price, high=ticker.high_price, low=ticker.low_price)
    async with exchange.market.live_order_book(_SYMBOL) as book:
        seen = 0
        async for top in book.changes():
            bid, ask = top.best_bid, top.best_ask
            if bid and ask:
                _say(out, "book", bid=bid.price, ask=ask.price, spread=ask.price - bid.price)
            seen += 1
            if seen == updates:
                break
        before = book.resyncs
        sim.cut_connections()
        _say(out, "every connection is cut now")
        async for top in book.changes():
            if book.resyncs > before and top.best_bid:
                _say(out, "the book is whole again", bid=top.best_bid.price, resyncs=book.resyncs)
                break


async def _order(out: Out, exchange: Exchange) -> None:
    from lotusx.model import OrderRequest
    from lotusx.rules import floor_to_step

    top = await exchange.market.best_bid_offer(_SYMBOL)
    bid = top.bid_price or Decimal(60_000)
    price = floor_to_step(bid * Decimal("0.9"), Decimal(1))
    handle = await exchange.trading.place(OrderRequest.limit(_SYMBOL, "buy", "0.01", price, post_only=True))
    _say(out, "order", id=handle.client_order_id, status=handle.status, price=price)
    state = await exchange.trading.cancel(_SYMBOL, client_order_id=handle.client_order_id)
    _say(out, "cancelled", status=state.status, filled=state.filled)


def _say(out: Out, what: str, **facts: Any) -> None:
    if out.as_json:
        out.event({"what": what, **facts}, ())
    else:
        print(f"{what:<38}" + "  ".join(f"{name} {shown('', value)}" for name, value in facts.items()), flush=True)
