"""Pure: Bybit's tickers → the model, and the sparse updates of a contract's ticker → the whole of it.

The stream of a linear or inverse ticker begins with everything and goes on with what changed. Source:
bybit-exchange/docs, v5/market/tickers and v5/websocket/public/ticker.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import UNSET, UnsetType

from lotusx.errors import BeginningMissing, ItemRejected
from lotusx.model import FundingRate, MarkPrice, OpenInterest, Symbol, Ticker, decimal_from_wire
from lotusx_bybit.v5 import types
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.conversions import MS, ms_of, one_sided, open_interest

_Text = str | UnsetType


class TickerState(msgspec.Struct, frozen=True):
    """A contract's ticker as far as the stream has told it. ``ts``: time of the last message; ``cs``: its sequence."""

    data: types.ContractTicker
    ts: int
    cs: int


def merged(state: TickerState | None, message: types.Push[types.ContractTicker]) -> TickerState:
    """Return the state after *message*. A delta older than the state changes nothing.

    Raises:
        BeginningMissing: A delta before the first snapshot.
    """
    if message.type == "snapshot":
        return TickerState(message.data, message.ts, message.cs)
    if state is None:
        raise BeginningMissing(
            f"{message.topic}: a change of a ticker that has not begun", field="type", value=message.type
        )
    if message.cs < state.cs:
        return state
    changes = {
        name: value
        for name in types.ContractTicker.__struct_fields__
        if (value := getattr(message.data, name)) is not UNSET
    }
    return TickerState(msgspec.structs.replace(state.data, **changes), message.ts, message.cs)


def _number(text: _Text, field: str) -> Decimal | None:
    return decimal_from_wire(text, field=field) if text else None


def _quoted(price: _Text, quantity: _Text) -> tuple[Decimal | None, Decimal | None]:
    """Read one side; no price, or zero, says that there is no order on that side."""
    value = _number(price, "price")
    return (value, _number(quantity, "quantity")) if value else (None, None)


def to_spot_ticker(item: types.SpotTicker, *, symbol: Symbol, exchange_ms: int | None, received_ns: int) -> Ticker:
    """Convert a spot ticker; on the stream it has neither best bid nor best offer. What is blank is ``None``."""
    bid_price, bid_quantity = _quoted(item.bid1Price, item.bid1Size)
    ask_price, ask_quantity = _quoted(item.ask1Price, item.ask1Size)
    return Ticker(
        symbol=symbol,
        last_price=_number(item.lastPrice, "lastPrice") or None,
        exchange_ns=None if exchange_ms is None else exchange_ms * MS,
        received_ns=received_ns,
        bid_price=bid_price,
        bid_quantity=bid_quantity,
        ask_price=ask_price,
        ask_quantity=ask_quantity,
        open_price=_number(item.prevPrice24h, "prevPrice24h"),
        high_price=_number(item.highPrice24h, "highPrice24h"),
        low_price=_number(item.lowPrice24h, "lowPrice24h"),
        base_volume=_number(item.volume24h, "volume24h"),
        quote_volume=_number(item.turnover24h, "turnover24h"),
        change_fraction=_number(item.price24hPcnt, "price24hPcnt"),
    )


def to_contract_ticker(
    item: types.ContractTicker, *, symbol: Symbol, category: Category, exchange_ms: int | None, received_ns: int
) -> Ticker:
    """Convert a whole ticker of a linear or inverse instrument; what it leaves open is ``None``."""
    bid_price, bid_quantity = _quoted(item.bid1Price, item.bid1Size)
    ask_price, ask_quantity = _quoted(item.ask1Price, item.ask1Size)
    base, quote = _number(item.volume24h, "volume24h"), _number(item.turnover24h, "turnover24h")
    if category is Category.INVERSE:  # contracts, which are worth quote, and what they turned over in base
        base, quote = quote, base
    return Ticker(
        symbol=symbol,
        last_price=_number(item.lastPrice, "lastPrice") or None,
        exchange_ns=None if exchange_ms is None else exchange_ms * MS,
        received_ns=received_ns,
        bid_price=bid_price,
        bid_quantity=bid_quantity,
        ask_price=ask_price,
        ask_quantity=ask_quantity,
        open_price=_number(item.prevPrice24h, "prevPrice24h"),
        high_price=_number(item.highPrice24h, "highPrice24h"),
        low_price=_number(item.lowPrice24h, "lowPrice24h"),
        base_volume=base,
        quote_volume=quote,
        change_fraction=_number(item.price24hPcnt, "price24hPcnt"),
        mark_price=_number(item.markPrice, "markPrice"),
        index_price=_number(item.indexPrice, "indexPrice"),
        funding_rate=_number(item.fundingRate, "fundingRate"),
        open_interest=one_sided(item.singleOpenInterest or "", item.openInterest or ""),
    )


def to_mark_price(
    item: types.ContractTicker, *, symbol: Symbol, exchange_ms: int | None, received_ns: int
) -> MarkPrice:
    """Read the mark price out of a whole ticker.

    Raises:
        ItemRejected: It has none.
    """
    price = _number(item.markPrice, "markPrice")
    if price is None:
        raise ItemRejected(f"no mark price of {symbol}", field="markPrice")
    return MarkPrice(
        symbol,
        price,
        index_price=_number(item.indexPrice, "indexPrice"),
        funding_rate=_number(item.fundingRate, "fundingRate"),
        next_funding_ns=_funding_ns(item),
        open_interest=one_sided(item.singleOpenInterest or "", item.openInterest or ""),
        exchange_ns=None if exchange_ms is None else exchange_ms * MS,
        received_ns=received_ns,
    )


def to_funding_rate(item: types.ContractTicker, *, symbol: Symbol) -> FundingRate:
    """Read the rate of the running interval out of a whole ticker.

    Raises:
        ItemRejected: It has none: the instrument is dated, or not trading yet.
    """
    rate, funding_ns = _number(item.fundingRate, "fundingRate"), _funding_ns(item)
    if rate is None or funding_ns is None:
        raise ItemRejected(f"no funding of {symbol}", field="fundingRate")
    hours = item.fundingIntervalHour
    return FundingRate(symbol, rate, funding_ns, int(hours) * 3_600 if hours and hours.isdecimal() else None)


def to_open_interest(
    item: types.ContractTicker, *, symbol: Symbol, category: Category, exchange_ms: int, received_ns: int
) -> OpenInterest:
    """Read the open interest of one side out of a whole ticker. Errors as in `open_interest`."""
    return open_interest(
        one_sided(item.singleOpenInterest or "", item.openInterest or ""),
        symbol=symbol,
        category=category,
        exchange_ns=exchange_ms * MS,
        received_ns=received_ns,
        value=one_sided(item.singleOpenInterestValue or "", item.openInterestValue or ""),
    )


def _funding_ns(item: types.ContractTicker) -> int | None:
    text = item.nextFundingTime
    return ms_of(text, "nextFundingTime") * MS if text and text != "0" else None
