"""What an account holds and has ordered. Needs a key that may read."""

from __future__ import annotations

import click

from lotusx_cli.connecting import connected, find_instrument, run
from lotusx_cli.moments import MOMENT
from lotusx_cli.options import Target, with_exchange, with_output
from lotusx_cli.output import Out

ORDERS = (
    "created_ns", "symbol", "side", "type", "status", "quantity", "filled", "price", "average_price",
    "client_order_id", "venue_order_id",
)  # fmt: skip
_FILLS = ("exchange_ns", "symbol", "side", "price", "quantity", "fee", "fee_asset", "liquidity", "client_order_id")
_POSITIONS = (
    "symbol", "quantity", "entry_price", "mark_price", "unrealized_pnl", "liquidation_price", "leverage",
    "margin_mode", "margin", "side",
)  # fmt: skip


@click.command()
@with_exchange
@with_output
def balances(target: Target, out: Out) -> None:
    """Show what an account holds, zeros left out."""

    async def show() -> None:
        async with connected(target) as exchange:
            found = await exchange.account.balances()
        out.rows(found, ["asset", "free", "locked", "total", "wallet"], title=f"{target.exchange}: balances")

    run(show)


@click.command()
@with_exchange
@with_output
def positions(target: Target, out: Out) -> None:
    """Show open positions; quantities in base units, above zero long."""

    async def show() -> None:
        async with connected(target) as exchange:
            found = await exchange.account.positions()
        out.rows(found, _POSITIONS, title=f"{target.exchange}: positions", empty="no open position")

    run(show)


@click.command()
@with_exchange
@click.option("--symbol", "-s", metavar="SYMBOL", help="Only of it; history and fills need it.")
@click.option("--client-order-id", metavar="ID", help="Look one order up.")
@click.option("--order-id", metavar="ID", help="Look one order up by the exchange's id.")
@click.option("--history", is_flag=True, help="All orders since --start, also ended ones.")
@click.option("--fills", is_flag=True, help="Fills since --start instead of orders.")
@click.option("--start", type=MOMENT, default="1d", show_default=True, help="Of history and fills.")
@click.option("--end", type=MOMENT, help="Before then.")
@with_output
def orders(
    target: Target, symbol: str | None, client_order_id: str | None, order_id: str | None, history: bool, fills: bool,
    start: int, end: int | None, out: Out,
) -> None:  # fmt: skip
    """Show open orders; one order; or earlier orders and fills."""
    single = client_order_id is not None or order_id is not None
    if symbol is None and (history or fills or single):
        raise click.UsageError("--history, --fills and ids need --symbol: exchanges look them up by symbol")

    async def show() -> None:
        async with connected(target) as exchange:
            chosen = None if symbol is None else (await find_instrument(exchange, symbol)).symbol
            trading = exchange.trading
            if chosen is not None and single:
                state = await trading.order(chosen, client_order_id=client_order_id, venue_order_id=order_id)
                out.record(state)
            elif chosen is not None and fills:
                found = [item async for item in trading.iter_fills(chosen, start=start, end=end)]
                out.rows(found, _FILLS, title="fills", empty="no fills")
            elif chosen is not None and history:
                states = [item async for item in trading.iter_orders(chosen, start=start, end=end)]
                out.rows(states, ORDERS, title="orders", empty="no orders")
            else:
                out.rows(await trading.open_orders(chosen), ORDERS, title="open orders", empty="no open order")

    run(show)
