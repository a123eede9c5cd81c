"""The corpus of Bybit, both folders: REST documents through the conversions, values checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from lotusx.errors import ExchangeError
from lotusx.model import Interval, Symbol, TickSize
from lotusx.plugin import Effect, Request, Response, Verb
from lotusx_bybit.v5 import (
    account_conversions as account,
    account_types,
    batches,
    books,
    conversions as convert,
    instruments,
    order_conversions as orders,
    tickers,
    types,
)
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.envelope import BatchReply, Listing, Reply as Wrapped, reader
from lotusx_bybit.v5.errors import RestErrors

MS = 1_000_000
ERRORS = RestErrors("bybit")
ZERO = Decimal(0)


class Recorded(msgspec.Struct):
    """A record of a ``rest/`` file."""

    request: dict[str, Any]
    response: msgspec.Raw
    status: int | None = None


@dataclass
class Tally:
    """How much was read."""

    documents: int = 0
    frames: int = 0


def symbol(venue_symbol: str) -> Symbol:
    return Symbol(venue_symbol, "X", "X")


def number(text: Any) -> Decimal:
    assert isinstance(text, str)
    return Decimal(text)


def _listed(kind: Any, body: bytes) -> list[Any]:
    return list(reader(Wrapped[Listing[kind]])(Response(200, {}, body)).result.items)


def _category(raw: dict[str, Any], default: Category = Category.LINEAR) -> Category:
    return Category(raw.get("category") or default)


# REST: verb and path → read the whole reply, and compare what comes out with the document.


def _time(body: bytes, raw: dict[str, Any]) -> None:
    reader(Wrapped[types.ServerTime])(Response(200, {}, body))


def _instruments(body: bytes, raw: dict[str, Any]) -> None:
    documents = _listed(msgspec.Raw, body)
    assert len(documents) == len(raw["list"])
    seen = set()
    for document, item in zip(documents, raw["list"], strict=True):
        if "optionsType" in item:
            raise NotImplementedError("options are not traded")
        category = _kind_of(item)
        found = instruments.to_instrument(document, category=category)
        assert found.kind is category.kind
        assert (found.venue_symbol, found.raw_status, found.base) == (item["symbol"], item["status"], item["baseCoin"])
        assert found.settle == item.get("settleCoin")
        assert found.quote in (item["quoteCoin"], "USDC")
        assert isinstance(found.price_rule, TickSize)
        assert found.price_rule.tick_size == number(item["priceFilter"]["tickSize"])
        lots = item["lotSizeFilter"]
        assert found.step_size == number(lots.get("qtyStep") or lots["basePrecision"])
        assert found.raw == item
        seen.add(found.symbol)
    assert len(seen) == len(documents)


def _kind_of(item: dict[str, Any]) -> Category:
    kind = item.get("contractType", "")
    return Category.SPOT if not kind else Category.INVERSE if kind.startswith("Inverse") else Category.LINEAR


def _tickers(body: bytes, raw: dict[str, Any]) -> None:
    category = _category(raw)
    kind = types.SpotTicker if category is Category.SPOT else types.ContractTicker
    items = _listed(kind, body)
    assert len(items) == len(raw["list"])
    for item, document in zip(items, raw["list"], strict=True):
        where = symbol(document["symbol"])
        if category is Category.SPOT:
            found = tickers.to_spot_ticker(item, symbol=where, exchange_ms=5, received_ns=0)
            base, quote = document["volume24h"], document["turnover24h"]
        else:
            found = tickers.to_contract_ticker(item, symbol=where, category=category, exchange_ms=5, received_ns=0)
            assert found.mark_price == number(document["markPrice"])
            assert (
                tickers.to_mark_price(item, symbol=where, exchange_ms=5, received_ns=0).mark_price == found.mark_price
            )
            funding = tickers.to_funding_rate(item, symbol=where)
            assert funding.funding_ns == int(document["nextFundingTime"]) * MS
            assert funding.interval_s == int(document["fundingIntervalHour"]) * 3_600
            interest = tickers.to_open_interest(item, symbol=where, category=category, exchange_ms=5, received_ns=0)
            assert interest.quantity * 2 == number(document["openInterest"])
            base, quote = document["volume24h"], document["turnover24h"]
            if category is Category.INVERSE:
                base, quote = quote, base
        assert found.last_price == number(document["lastPrice"])
        assert (found.base_volume, found.quote_volume) == (number(base), number(quote))
        assert found.bid_price == (number(document["bid1Price"] or "0") or None)
        assert found.ask_quantity == (number(document["ask1Size"] or "0") or None)
        assert found.open_price == number(document["prevPrice24h"])
        assert found.change_fraction == number(document["price24hPcnt"])


def _book(body: bytes, raw: dict[str, Any]) -> None:
    book = reader(Wrapped[types.Book])(Response(200, {}, body)).result
    found = books.to_order_book(book, symbol=symbol(raw["s"]), limit=200, received_ns=0)
    assert (found.sequence, found.exchange_ns) == (raw["u"], raw["ts"] * MS)
    for levels, pairs in ((found.bids, raw["b"]), (found.asks, raw["a"])):
        assert [(level.price, level.quantity) for level in levels] == [(number(p), number(q)) for p, q in pairs]


def _recent(body: bytes, raw: dict[str, Any]) -> None:
    found = convert.to_recent_trades(_listed(types.RecentTrade, body), symbol=symbol("X"), received_ns=0)
    assert len(found) == len(raw["list"])
    by_id = {item["execId"]: item for item in raw["list"]}
    for trade in found:
        item = by_id[trade.trade_id]
        assert (trade.price_text, trade.quantity_text) == (item["price"], item["size"])
        assert (trade.exchange_ns, trade.taker_side) == (int(item["time"]) * MS, item["side"].lower())


def _klines(body: bytes, raw: dict[str, Any]) -> None:
    category = _category(raw)
    rows = reader(Wrapped[types.Klines])(Response(200, {}, body)).result.rows
    found = convert.to_candles(
        rows, symbol=symbol("X"), category=category, interval=Interval.H1, now_ms=0, received_ns=0
    )
    assert [candle.open_ns for candle in found] == sorted(int(row[0]) * MS for row in raw["list"])
    newest, row = found[-1], raw["list"][0]
    assert [newest.open, newest.high, newest.low, newest.close] == [*map(number, row[1:5])]
    inverse = category is Category.INVERSE
    assert newest.base_volume == number(row[6 if inverse else 5])
    assert newest.quote_volume == number(row[5 if inverse else 6])


def _funding(body: bytes, raw: dict[str, Any]) -> None:
    found = convert.to_funding_rates(_listed(types.FundingRecord, body), symbol=symbol("X"))
    assert [(rate.funding_ns, rate.rate) for rate in found] == sorted(
        (int(item["fundingRateTimestamp"]) * MS, number(item["fundingRate"])) for item in raw["list"]
    )


def _interest(body: bytes, raw: dict[str, Any]) -> None:
    for item, document in zip(_listed(types.OpenInterestRecord, body), raw["list"], strict=True):
        one_side = convert.one_sided(item.singleOpenInterest, item.openInterest)
        assert one_side is not None
        assert one_side * 2 == number(document["openInterest"])


def check_order(found: Any, item: dict[str, Any]) -> None:
    assert (found.venue_order_id, found.client_order_id) == (item["orderId"], item["orderLinkId"] or None)
    assert (found.raw_status, found.side) == (item["orderStatus"], item["side"].lower())
    assert found.filled == number(item["cumExecQty"])
    assert found.updated_ns == int(item["updatedTime"]) * MS
    assert found.trigger_price == (number(item["triggerPrice"] or "0") or None)
    assert number(item["qty"]) in (found.quantity, found.quote_quantity)


def _orders(body: bytes, raw: dict[str, Any]) -> None:
    category = _category(raw)
    for item, document in zip(_listed(account_types.Order, body), raw["list"], strict=True):
        check_order(orders.to_order(item, symbol=symbol(item.symbol), category=category), document)


def check_fill(found: Any, item: dict[str, Any]) -> None:
    assert (found.trade_id, found.venue_order_id) == (item["execId"], item["orderId"])
    assert (found.price, found.quantity) == (number(item["execPrice"]), number(item["execQty"]))
    assert (found.fee, found.exchange_ns) == (number(item["execFee"]), int(item["execTime"]) * MS)
    assert found.liquidity == ("maker" if item["isMaker"] else "taker")


def _executions(body: bytes, raw: dict[str, Any]) -> None:
    for item, document in zip(_listed(account_types.Execution, body), raw["list"], strict=True):
        check_fill(orders.to_fill(item, symbol=symbol("X"), category=_category(raw), received_ns=0), document)


def check_position(found: Any, item: dict[str, Any]) -> None:
    assert abs(found.quantity) == number(item["size"])
    assert (found.quantity < ZERO) is (item["side"] == "Sell" and found.quantity != ZERO)
    assert found.entry_price == (number(item.get("avgPrice") or item.get("entryPrice")) or None)
    assert found.liquidation_price == (number(item["liqPrice"] or "0") or None)
    assert found.unrealized_pnl == number(item["unrealisedPnl"])


def _positions(body: bytes, raw: dict[str, Any]) -> None:
    category = _category(raw)
    for item, document in zip(_listed(account_types.Position, body), raw["list"], strict=True):
        check_position(account.to_position(item, symbol=symbol("X"), category=category, margin_mode=None), document)


def check_balance(found: Any, item: dict[str, Any]) -> None:
    assert (found.asset, found.total) == (item["coin"], number(item["walletBalance"]))
    held = sum((number(item.get(name) or "0") for name in ("locked", "totalOrderIM", "totalPositionIM")), ZERO)
    assert found.locked == held
    assert found.free == max(ZERO, found.total - held - number(item.get("bonus") or "0"))


def _wallet(body: bytes, raw: dict[str, Any]) -> None:
    for wallet, document in zip(_listed(account_types.Wallet, body), raw["list"], strict=True):
        for coin, item in zip(wallet.coins, document["coin"], strict=True):
            check_balance(account.to_balance(coin, updated_ms=1), item)


def _fees(body: bytes, raw: dict[str, Any]) -> None:
    for item, document in zip(_listed(account_types.FeeRate, body), raw["list"], strict=True):
        fees = account.to_fees(item, symbol=symbol("X"))
        assert (fees.maker, fees.taker) == (number(document["makerFeeRate"]), number(document["takerFeeRate"]))


def _key(body: bytes, raw: dict[str, Any]) -> None:
    info = reader(Wrapped[account_types.KeyInfo])(Response(200, {}, body)).result
    found = account.to_permissions(info, raw, spot=True)
    assert found.trade is (raw["readOnly"] == 0)
    assert (found.read, found.withdraw, found.ip_restricted) == (True, False, "*" not in raw["ips"])


def _account_info(body: bytes, raw: dict[str, Any]) -> None:
    info = reader(Wrapped[account_types.AccountInfo])(Response(200, {}, body)).result
    assert account.margin_mode_of(info.marginMode) == "cross"


def _ids(body: bytes, raw: dict[str, Any]) -> None:
    ids = reader(Wrapped[account_types.OrderIds])(Response(200, {}, body)).result
    assert (ids.orderId, ids.orderLinkId) == (raw["orderId"], raw["orderLinkId"])


def _batch(body: bytes, raw: dict[str, Any]) -> None:
    reply = reader(BatchReply[msgspec.Raw])(Response(200, {}, body))
    codes = [item["code"] for item in json.loads(body)["retExtInfo"]["list"]]
    found = batches.outcomes("bybit", reply.result, reply.retExtInfo, [{}] * len(codes))
    assert [
        0 if isinstance(item, account_types.OrderIds) else int(getattr(item, "code", -1)) for item in found
    ] == codes


def _log(body: bytes, raw: dict[str, Any]) -> None:
    items = _listed(account_types.LogEntry, body)
    assert [(item.type, item.change, item.funding) for item in items] == [
        (document["type"], document["change"], document["funding"]) for document in raw["list"]
    ]


def _nothing(body: bytes, raw: dict[str, Any]) -> None:
    """A setter: that it worked is all there is."""


Read = Callable[[bytes, dict[str, Any]], None]
ENDPOINTS: dict[str, Read] = {
    "GET /v5/market/time": _time,
    "GET /v5/market/instruments-info": _instruments,
    "GET /v5/market/tickers": _tickers,
    "GET /v5/market/orderbook": _book,
    "GET /v5/market/recent-trade": _recent,
    "GET /v5/market/kline": _klines,
    "GET /v5/market/funding/history": _funding,
    "GET /v5/market/open-interest": _interest,
    "GET /v5/order/realtime": _orders,
    "GET /v5/order/history": _orders,
    "GET /v5/execution/list": _executions,
    "GET /v5/position/list": _positions,
    "GET /v5/account/wallet-balance": _wallet,
    "GET /v5/account/fee-rate": _fees,
    "GET /v5/account/info": _account_info,
    "GET /v5/account/transaction-log": _log,
    "GET /v5/user/query-api": _key,
    "POST /v5/order/create": _ids,
    "POST /v5/order/amend": _ids,
    "POST /v5/order/cancel": _ids,
    "POST /v5/order/pre-check": _ids,
    "POST /v5/order/create-batch": _batch,
    "POST /v5/order/cancel-batch": _batch,
    "POST /v5/position/set-leverage": _nothing,
    "POST /v5/position/switch-mode": _nothing,
    "POST /v5/position/trading-stop": _nothing,
    "POST /v5/position/add-margin": _nothing,
    "POST /v5/position/set-auto-add-margin": _nothing,
    "POST /v5/account/set-margin-mode": _nothing,
}


def _records(path: Path) -> list[Recorded]:
    if path.name.startswith("ccxtrs_"):
        document = msgspec.json.decode(path.read_bytes(), type=dict[str, msgspec.Raw])
        return [Recorded({"method": "GET", "path": "/v5/market/tickers"}, document["http_response"])]
    return msgspec.json.decode(path.read_bytes(), type=list[Recorded])


def rest_file(tally: Tally, path: Path) -> None:
    for record in _records(path):
        name = f"{record.request.get('method')} {record.request.get('path')}"
        read = ENDPOINTS.get(name)
        if read is None:
            raise NotImplementedError(f"no typed reply for {name}")
        body = bytes(record.response)
        content = json.loads(body)
        if "retCode" not in content:  # another client's copy: the result alone
            body = b'{"retCode":0,"retMsg":"OK","result":' + body + b"}"
            content = json.loads(body)
        request = Request(Verb(record.request["method"]), "", record.request["path"], effect=Effect.COMMAND)
        error = ERRORS.error(request, Response(record.status or 200, {}, body))
        if content["retCode"]:
            assert isinstance(error, ExchangeError)
            assert (error.code, error.text) == (str(content["retCode"]), content["retMsg"])
            assert error.details == content["result"]
        else:
            assert error is None
            read(body, content["result"])
        tally.documents += 1
