"""Quote both sides of a perpetual with post-only batches; a dead-man's switch pulls the quotes if the program dies.

It shows the mechanics of quoting safely, not a strategy that earns. Needs a key in `lotusx.toml` or the environment
(docs: configuration). Refuses to run where orders cost money.

- Every order is post-only: what would take is refused by the exchange and quoted anew in the next round.
- The exchange cancels everything unless it hears of us every few seconds: a crash or a dead network leaves no quotes.
- An outcome that nobody knows ends the program. The switch then does what we cannot.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal

import anyio

import lotusx
from lotusx.model import FillEvent, PositionEvent
from lotusx.rules import Rounding, round_price

SYMBOL = "BTC/USDT:USDT"
HALF_SPREAD = Decimal("0.0010")  # of the middle price
MOVE = Decimal("0.0003")  # quotes stay while the middle has moved less
QUANTITY = Decimal("0.01")
MAX_POSITION = Decimal("0.03")
SWITCH_S = 30
ROUND_S = 0.5


@dataclass
class Desk:
    """What we know: our position, the quotes that rest, and the middle they were made for."""

    position: Decimal = Decimal(0)
    quotes: list[str] = field(default_factory=list)
    middle: Decimal | None = None


def wanted(desk: Desk, middle: Decimal, instrument: lotusx.Instrument) -> list[lotusx.OrderRequest]:
    """Return the quotes around *middle*, without the side on which the position is at its limit."""
    low = round_price(instrument, middle * (1 - HALF_SPREAD), Rounding.FLOOR)
    high = round_price(instrument, middle * (1 + HALF_SPREAD), Rounding.CEIL)
    return [
        lotusx.OrderRequest.limit(SYMBOL, side, QUANTITY, price, post_only=True)
        for side, price, position in (("buy", low, desk.position), ("sell", high, -desk.position))
        if position + QUANTITY <= MAX_POSITION
    ]


async def requote(exchange: lotusx.Exchange, desk: Desk, middle: Decimal, instrument: lotusx.Instrument) -> None:
    """Take the old quotes away, then place the new ones; nothing is placed while an old one may still rest."""
    if desk.quotes:
        for outcome in await exchange.trading.cancel_batch_orders(SYMBOL, desk.quotes):
            match outcome:
                case lotusx.Unknown(client_order_id=name, evidence=evidence):
                    raise lotusx.OrderOutcomeUnknown(exchange.name, name, evidence)
                case lotusx.Rejected(error=error) if not isinstance(error, lotusx.OrderNotFound):
                    raise error  # it still rests; an order that is not found has filled
        desk.quotes.clear()
    requests = wanted(desk, middle, instrument)
    if not requests:
        return
    for outcome in await exchange.trading.place_batch_orders(requests):
        match outcome:
            case lotusx.Accepted(client_order_id=name):
                desk.quotes.append(name)
            case lotusx.Rejected(error=error):
                print(f"not quoted: {error}", flush=True)
            case lotusx.Unknown(client_order_id=name, evidence=evidence):
                raise lotusx.OrderOutcomeUnknown(exchange.name, name, evidence)
    desk.middle = middle
    quoted = ", ".join(f"{request.side} {request.price}" for request in requests)
    print(f"quoted {quoted}; position {desk.position}", flush=True)


async def follow_account(exchange: lotusx.Exchange, desk: Desk, *, task_status: anyio.abc.TaskStatus[None]) -> None:
    """Keep the position. The stream is lossless: what happens while it is interrupted is delivered afterwards."""
    async with exchange.account.stream_account() as events:
        for position in await exchange.account.positions():
            if str(position.symbol) == SYMBOL:
                desk.position = position.quantity
        task_status.started()
        async for event in events:
            if isinstance(event, FillEvent):
                print(f"filled {event.fill.side} {event.fill.quantity} at {event.fill.price}", flush=True)
                desk.middle = None  # quote anew
            elif isinstance(event, PositionEvent):
                for position in event.positions:
                    if str(position.symbol) == SYMBOL:
                        desk.position = position.quantity


async def hold_switch(exchange: lotusx.Exchange, *, task_status: anyio.abc.TaskStatus[None]) -> None:
    """Tell the exchange that we are alive. Where it refuses, the error ends the program."""
    await exchange.trading.cancel_all_after(SWITCH_S, SYMBOL)
    task_status.started()
    while True:
        await anyio.sleep(SWITCH_S / 3)
        try:
            await exchange.trading.cancel_all_after(SWITCH_S, SYMBOL)
        except lotusx.TransportError as error:  # two more tries fit before the switch acts
            print(f"the switch was not renewed: {error}", flush=True)


async def quote(exchange: lotusx.Exchange) -> None:
    desk, instrument = Desk(), await exchange.market.instrument(SYMBOL)
    async with anyio.create_task_group() as tasks, exchange.market.live_order_book(SYMBOL) as book:
        await tasks.start(hold_switch, exchange)
        await tasks.start(follow_account, exchange, desk)
        async for _ in book.changes():  # silent while the book is stale
            middle = book.mid
            if middle is not None and (desk.middle is None or abs(middle / desk.middle - 1) > MOVE):
                await requote(exchange, desk, middle, instrument)
            await anyio.sleep(ROUND_S)


async def main() -> None:
    async with lotusx.connect("binance-perp") as exchange:
        if exchange.environment == "live":
            raise SystemExit("an example that trades: set environment = 'testnet' or 'simulator' in lotusx.toml")
        await exchange.trading.ready()
        try:
            await quote(exchange)
        finally:
            with anyio.CancelScope(shield=True), anyio.fail_after(10):
                ended = await exchange.trading.cancel_all(SYMBOL)
                await exchange.trading.cancel_all_after(0, SYMBOL)  # only now, when nothing rests any more
                print(f"stopped; {len(ended)} quotes canceled", flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # Ctrl-C
        anyio.run(main)
