"""Follow what an exchange streams, an event a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from lotusx_cli.connecting import connected, find_instrument, run
from lotusx_cli.options import Target, with_exchange, with_output
from lotusx_cli.output import Out

if TYPE_CHECKING:
    from lotusx import Exchange, Stream
    from lotusx.model import Symbol

COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "trades": ("exchange_ns", "taker_side", "price", "quantity"),
        "ticker": ("received_ns", "last_price", "bid_price", "ask_price", "change_fraction", "base_volume"),
        "best-bid-offer": ("received_ns", "bid_quantity", "bid_price", "ask_price", "ask_quantity"),
        "order-book": ("received_ns", "bids", "asks"),
        "candles": ("open_ns", "open", "high", "low", "close", "base_volume", "closed"),
        "mark-price": ("received_ns", "mark_price", "index_price", "funding_rate", "next_funding_ns"),
        "liquidations": ("exchange_ns", "side", "price", "quantity"),
        "account": ("event", "details"),
    }
)


@click.command()
@click.argument("kind", type=click.Choice(list(COLUMNS)))
@with_exchange
@click.option("--symbol", "-s", metavar="SYMBOL", help="BTC/USDT or BTCUSDT; not for account.")
@click.option("--interval", default="1m", show_default=True, help="Of candles.")
@click.option("--count", type=click.IntRange(1), help="End after so many events.")
@with_output
def stream(kind: str, target: Target, symbol: str | None, interval: str, count: int | None, out: Out) -> None:
    """Follow trades, ticker, best-bid-offer, order-book, candles, mark-price, liquidations or account.

    Connections that break are mended. How many events came, and how many were dropped, is said at the end.
    """
    if (symbol is None) != (kind == "account"):
        raise click.UsageError("account takes no --symbol" if symbol else f"{kind} needs --symbol")

    async def show() -> None:
        async with connected(target) as exchange:
            chosen = None if symbol is None else (await find_instrument(exchange, symbol)).symbol
            async with opener(exchange, kind, chosen, interval)() as events:
                seen = 0
                try:
                    async for event in events:
                        out.event(row(kind, event, as_json=out.as_json), COLUMNS[kind])
                        seen += 1
                        if seen == count:
                            break
                finally:
                    told = events.counters
                    out.note(f"received {told.received}, dropped {told.dropped}, rejected {told.rejected}")

    run(show)


def opener(
    exchange: Exchange, kind: str, symbol: Symbol | None, interval: str
) -> Callable[[], AbstractAsyncContextManager[Stream[Any]]]:
    """Return what subscribes to *kind*."""
    if kind == "account" or symbol is None:
        return exchange.account.stream_account
    if kind == "candles":
        return lambda: exchange.market.stream_candles(symbol, interval)
    subscribe = getattr(exchange.market, f"stream_{kind.replace('-', '_')}")
    return lambda: subscribe(symbol)


def row(kind: str, event: object, *, as_json: bool) -> object:
    """Return what is shown of *event*: of books the best three levels, of accounts what sort of event it is."""
    from lotusx_cli.values import fields_of, shown, to_plain

    if kind == "account":
        fields = fields_of(event) or {}
        if as_json:
            return {"event": type(event).__name__, **fields}
        return {"event": type(event).__name__, "details": " ".join(_parts(to_plain(dict(fields))))}
    if kind == "order-book" and not as_json:
        book: Any = event
        return {
            "received_ns": book.received_ns,
            "bids": " ".join(f"{shown('', level.quantity)}@{shown('', level.price)}" for level in book.bids[:3]),
            "asks": " ".join(f"{shown('', level.quantity)}@{shown('', level.price)}" for level in book.asks[:3]),
        }
    return event


def _parts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [
            f"{name}={item}" if not isinstance(item, dict | list) else " ".join(_parts(item))
            for name, item in value.items()
            if item not in (None, "", [], {}, False)
        ]
    return [" ".join(_parts(item)) if isinstance(item, dict) else str(item) for item in value]
