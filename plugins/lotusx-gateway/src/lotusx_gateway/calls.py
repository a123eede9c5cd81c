"""What a gateway can be asked, and what it asks the exchange then: by the same API that everybody uses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from lotusx.errors import ErrorKind, InvalidArgument, LotusXError, NotSupported, RateLimited, exchange_error
from lotusx.model.requests import OrderRequest
from lotusx_gateway.messages import encode, encode_instruments

if TYPE_CHECKING:
    from lotusx import Exchange

MAX_ITEMS = 10_000
"""A question whose answer has more is refused: it has to name a shorter span."""

Arguments = Mapping[str, Any]
Call = Callable[["Exchange", Arguments], Awaitable[bytes]]


async def _server_time(exchange: Exchange, asked: Arguments) -> bytes:
    return encode(await exchange.market.server_time())


async def _instruments(exchange: Exchange, asked: Arguments) -> bytes:
    return encode_instruments(await exchange.market.instruments())


async def _ticker(exchange: Exchange, asked: Arguments) -> bytes:
    return encode(await exchange.market.ticker(asked["symbol"]))


async def _tickers(exchange: Exchange, asked: Arguments) -> bytes:
    return encode(await exchange.market.tickers(asked["symbols"]))


async def _best_bid_offer(exchange: Exchange, asked: Arguments) -> bytes:
    return encode(await exchange.market.best_bid_offer(asked["symbol"]))


async def _order_book(exchange: Exchange, asked: Arguments) -> bytes:
    return encode(await exchange.market.order_book(asked["symbol"], asked["depth"]))


async def _recent_trades(exchange: Exchange, asked: Arguments) -> bytes:
    return encode(await exchange.market.recent_trades(asked["symbol"], asked["limit"]))


async def _mark_price(exchange: Exchange, asked: Arguments) -> bytes:
    return encode(await exchange.market.mark_price(asked["symbol"]))


async def _funding_rate(exchange: Exchange, asked: Arguments) -> bytes:
    return encode(await exchange.market.funding_rate(asked["symbol"]))


async def _open_interest(exchange: Exchange, asked: Arguments) -> bytes:
    return encode(await exchange.market.open_interest(asked["symbol"]))


async def _order(exchange: Exchange, asked: Arguments) -> bytes:
    return encode(await exchange.trading.order(asked["symbol"], **_names(asked)))


async def _open_orders(exchange: Exchange, asked: Arguments) -> bytes:
    return encode(await exchange.trading.open_orders(asked["symbol"]))


async def _fills(exchange: Exchange, asked: Arguments) -> bytes:
    fills = exchange.trading.iter_fills(asked["symbol"], start=asked["start_ns"], end=asked["end_ns"])
    of = asked.get("venue_order_id")
    return await _all(each async for each in fills if of is None or each.venue_order_id == of)


async def _funding_payments(exchange: Exchange, asked: Arguments) -> bytes:
    span = {"start": asked["start_ns"], "end": asked["end_ns"]}
    return await _all(exchange.account.iter_funding_payments(asked["symbol"], **span))


async def _all(items: AsyncIterator[Any]) -> bytes:
    found = []
    async for item in items:
        found.append(item)
        if len(found) > MAX_ITEMS:
            raise InvalidArgument(f"more than {MAX_ITEMS} items in that span: ask for a shorter one", rule="span")
    return encode(found)


async def _balances(exchange: Exchange, asked: Arguments) -> bytes:
    return encode(await exchange.account.balances())


async def _positions(exchange: Exchange, asked: Arguments) -> bytes:
    return encode(await exchange.account.positions())


async def _fees(exchange: Exchange, asked: Arguments) -> bytes:
    return encode(await exchange.account.fees(asked["symbol"]))


async def _place(exchange: Exchange, asked: Arguments) -> bytes:
    request = OrderRequest(**asked["request"])
    if request.client_order_id is None:
        raise InvalidArgument("an order through a gateway has a client order id before it is sent")
    if request.native:
        raise NotSupported("this gateway", "native parameters of an order", "a connection to the exchange itself")
    return encode((await exchange.trading.place(request)).state)


async def _cancel(exchange: Exchange, asked: Arguments) -> bytes:
    return encode(await exchange.trading.cancel(asked["symbol"], **_names(asked)))


async def _cancel_all(exchange: Exchange, asked: Arguments) -> bytes:
    return encode(await exchange.trading.cancel_all(asked["symbol"]))


def _names(asked: Arguments) -> dict[str, Any]:
    return {name: asked[name] for name in ("client_order_id", "venue_order_id")}


MARKET: Mapping[str, Call] = {
    "server_time": _server_time,
    "instruments": _instruments,
    "ticker": _ticker,
    "tickers": _tickers,
    "best_bid_offer": _best_bid_offer,
    "order_book": _order_book,
    "recent_trades": _recent_trades,
    "mark_price": _mark_price,
    "funding_rate": _funding_rate,
    "open_interest": _open_interest,
}
READS: Mapping[str, Call] = {
    "order": _order,
    "open_orders": _open_orders,
    "fills": _fills,
    "funding_payments": _funding_payments,
    "balances": _balances,
    "positions": _positions,
    "fees": _fees,
}
COMMANDS: Mapping[str, Call] = {"place": _place, "cancel": _cancel, "cancel_all": _cancel_all}


async def answer(calls: Mapping[str, Call], name: str, exchange: Exchange, asked: Arguments) -> bytes:
    """Carry out the call *name*, and return its result as JSON.

    Raises:
        NotSupported: There is none of that name here.
        InvalidArgument: It needs something that was not given.
    """
    call = calls.get(name)
    if call is None:
        raise NotSupported("this gateway", name, "a connection to the exchange itself")
    try:
        return await call(exchange, asked)
    except KeyError as error:
        raise InvalidArgument(f"{name}: {error} is missing") from error


def busy(exchange: str) -> LotusXError:
    """Return the refusal of a gateway that has too much to do. Nothing was done."""
    refusal = exchange_error(ErrorKind.RATE_LIMITED, exchange, "gateway", "the gateway has too many questions open")
    assert isinstance(refusal, RateLimited)
    return refusal
