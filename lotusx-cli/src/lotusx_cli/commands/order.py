"""Place and cancel. Where money is real, nothing is sent unless that was asked for twice."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import click

from lotusx_cli.connecting import connected, facts_of, find_instrument, run
from lotusx_cli.options import Command, Target, with_exchange, with_output, with_symbol
from lotusx_cli.output import Out
from lotusx_cli.values import shown

if TYPE_CHECKING:
    from lotusx import Exchange, OrderRequest


class Step(Enum):
    """What becomes of a command."""

    SHOW = "show it only"
    ASK = "ask, then send it"
    SEND = "send it"


@dataclass(frozen=True, slots=True)
class Switches:
    """What the caller said about sending."""

    live: bool = False
    dry_run: bool = False
    yes: bool = False


def step(switches: Switches, environment: str, *, real_money: bool) -> Step:
    """Decide whether a command is sent.

    Raises:
        UsageError: ``--live`` where no live money is, or together with ``--dry-run``.
    """
    if switches.live and not real_money:
        raise click.UsageError(f"--live was written, but the environment is {environment!r}: nothing was sent")
    if switches.live and switches.dry_run:
        raise click.UsageError("--live and --dry-run contradict each other")
    if switches.dry_run or (real_money and not switches.live):
        return Step.SHOW
    return Step.ASK if real_money and not switches.yes else Step.SEND


def with_switches(command: Command) -> Command:
    """Add the options about sending; *command* gets ``switches``."""

    @click.option("--live", is_flag=True, help="Send it to the live exchange: real money.")
    @click.option("--dry-run", is_flag=True, help="Check and show it only; the default where money is real.")
    @click.option("--yes", is_flag=True, help="Do not ask again.")
    @functools.wraps(command)
    def wrapped(*args: Any, live: bool, dry_run: bool, yes: bool, **more: Any) -> Any:
        return command(*args, switches=Switches(live, dry_run, yes), **more)

    return wrapped


@click.group()
def order() -> None:
    """Place or cancel an order.

    In an environment with real money both are dry runs unless --live is written, and ask before they send.
    """


@order.command()
@with_exchange
@with_symbol
@click.option("--side", type=click.Choice(["buy", "sell"]), required=True)
@click.option("--quantity", "-q", required=True, metavar="NUMBER", help="In base units, unless --unit says otherwise.")
@click.option("--price", "-p", metavar="NUMBER", help="Makes it a limit order.")
@click.option("--type", "kind", metavar="TYPE", help="Default: limit with --price, else market.")
@click.option("--unit", type=click.Choice(["base", "quote", "contracts"]), default="base", show_default=True)
@click.option("--trigger-price", metavar="NUMBER", help="Of conditional types, such as stop_loss.")
@click.option("--max-slippage", metavar="FRACTION", help="0.01 is 1 %; where the exchange needs a bound.")
@click.option("--time-in-force", type=click.Choice(["gtc", "ioc", "fok"]))
@click.option("--post-only", is_flag=True, help="Never take.")
@click.option("--reduce-only", is_flag=True, help="Only make a position smaller.")
@click.option("--client-order-id", metavar="ID", help="Default: made before it is sent.")
@with_switches
@with_output
def place(target: Target, symbol: str, switches: Switches, out: Out, **terms: Any) -> int | None:
    """Place an order and show what became of it."""

    async def act() -> int | None:
        async with connected(target, read_only=None) as exchange:
            real_money = facts_of(exchange.name).environments[exchange.environment].real_money
            request = build(str((await find_instrument(exchange, symbol)).symbol), **terms)
            await place_order(out, exchange, request, step(switches, exchange.environment, real_money=real_money))
            return None

    return run(act)


def build(symbol: str, *, kind: str | None, unit: str, **terms: Any) -> OrderRequest:
    """Return the order that the options describe; options that were not given are left out."""
    from lotusx.errors import InvalidArgument
    from lotusx.model import OrderRequest, OrderType

    chosen = kind or ("limit" if terms["price"] is not None else "market")
    try:
        order_type = OrderType(chosen.replace("-", "_"))
    except ValueError:
        known = ", ".join(item for item in OrderType if item is not OrderType.UNKNOWN)
        raise InvalidArgument(f"{chosen!r} is not a type of order; one of: {known}") from None
    given = {name: value for name, value in terms.items() if value not in (None, False)}
    return OrderRequest(symbol=symbol, type=order_type, quantity_unit=unit, **given)


def _sending(exchange: Exchange) -> str:
    return "add --live" if facts_of(exchange.name).environments[exchange.environment].real_money else "omit --dry-run"


async def place_order(
    out: Out, exchange: Exchange, request: OrderRequest, what: Step, *, confirm: Callable[[str], bool] | None = None
) -> None:
    """Check *request* by the instrument's rules, then show, ask or send."""
    from lotusx.rules import check_order

    check_order(request, await exchange.market.instrument(request.symbol))
    sentence = describe(request, exchange)
    if what is Step.SHOW:
        out.record({"dry_run": True, "order": sentence, "request": _given(request)})
        out.note(f"nothing was sent: {_sending(exchange)} to send it")
        return
    if what is Step.ASK:
        _ask(sentence, confirm)
    handle = await exchange.trading.place(request)
    out.record(handle.state)


def describe(request: OrderRequest, exchange: Exchange) -> str:
    """Return the order as one sentence."""
    at = f" at {shown('', request.price)}" if request.price is not None else ""
    trigger = f", triggered at {shown('', request.trigger_price)}" if request.trigger_price is not None else ""
    flags = "".join(
        f", {name}" for name, on in (("post-only", request.post_only), ("reduce-only", request.reduce_only)) if on
    )
    return (
        f"{request.side} {shown('', request.quantity)} ({request.quantity_unit}) {request.symbol} {request.type}{at}"
        f"{trigger}{flags} on {exchange.name} ({exchange.environment})"
    )


def _given(request: OrderRequest) -> dict[str, object]:
    return {name: value for name, value in request if value not in (None, False, {})}


def _ask(sentence: str, confirm: Callable[[str], bool] | None) -> None:
    answer = _at_terminal if confirm is None else confirm
    if not answer(f"{sentence}: real money. Send it?"):
        raise click.Abort


def _at_terminal(question: str) -> bool:
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is here to confirm it; --yes sends it without asking")
    return click.confirm(question, err=True)


@order.command()
@with_exchange
@with_symbol
@click.option("--client-order-id", metavar="ID")
@click.option("--order-id", metavar="ID", help="The exchange's id.")
@click.option("--all", "everything", is_flag=True, help="Every open order of the symbol.")
@with_switches
@with_output
def cancel(
    target: Target, symbol: str, client_order_id: str | None, order_id: str | None, everything: bool,
    switches: Switches, out: Out,
) -> None:  # fmt: skip
    """Cancel an order, or all of a symbol, and show what became of them."""
    if everything == (client_order_id is not None or order_id is not None):
        raise click.UsageError("name the order by --client-order-id or --order-id, or write --all")

    async def act() -> None:
        async with connected(target, read_only=None) as exchange:
            real_money = facts_of(exchange.name).environments[exchange.environment].real_money
            chosen = str((await find_instrument(exchange, symbol)).symbol)
            what = step(switches, exchange.environment, real_money=real_money)
            await cancel_orders(out, exchange, chosen, client_order_id, order_id, what)

    run(act)


async def cancel_orders(
    out: Out,
    exchange: Exchange,
    symbol: str,
    client_order_id: str | None,
    order_id: str | None,
    what: Step,
    *,
    confirm: Callable[[str], bool] | None = None,
) -> None:
    """Cancel one order, or without an id all of *symbol*: show, ask or do it."""
    from lotusx_cli.commands.account import ORDERS

    name = client_order_id or order_id
    sentence = f"cancel {name or 'every open order'} of {symbol} on {exchange.name} ({exchange.environment})"
    if what is Step.SHOW:
        out.record({"dry_run": True, "command": sentence})
        out.note(f"nothing was sent: {_sending(exchange)} to send it")
        return
    if what is Step.ASK:
        _ask(sentence, confirm)
    if name is None:
        out.rows(await exchange.trading.cancel_all(symbol), ORDERS, title="cancelled", empty="no open order")
    else:
        found = await exchange.trading.cancel(symbol, client_order_id=client_order_id, venue_order_id=order_id)
        out.record(found)
