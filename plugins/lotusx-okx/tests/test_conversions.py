"""Public data: documents → the model."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import okx_documents as documented
import pytest

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import Interval, Side
from lotusx_okx import conversions as convert, types

D = Decimal
SWAP, SPOT = documented.SWAP, documented.SPOT
SIZE = SWAP.contract_size


def read(kind: Any, content: object) -> Any:
    return msgspec.convert(content, kind)


def test_a_tickers_volume_is_in_base_and_quote_on_spot_and_in_base_on_swaps() -> None:
    item = read(types.Ticker, documented.TICKER)
    swap = convert.to_ticker(item, instrument=SWAP, received_ns=1)
    spot = convert.to_ticker(item, instrument=SPOT, received_ns=1)

    assert (swap.base_volume, swap.quote_volume) == (2222, None)
    assert (spot.base_volume, spot.quote_volume) == (222200, 2222)
    assert (swap.bid_quantity, spot.bid_quantity) == (D("0.05"), 5)
    assert (swap.last_price, swap.change, swap.exchange_ns) == (D("9999.99"), D("999.99"), 1597026383085 * 10**6)


def test_a_ticker_of_what_nobody_trades_has_no_prices() -> None:
    bare = documented.TICKER | dict.fromkeys(("last", "askPx", "askSz", "bidPx", "bidSz", "open24h"), "")
    found = convert.to_ticker(read(types.Ticker, bare), instrument=SWAP, received_ns=1)

    assert (found.last_price, found.bid_price, found.ask_quantity, found.change) == (None, None, None, None)


def test_a_trade_counts_base_units() -> None:
    trade = convert.to_trade(read(types.Trade, documented.TRADE), symbol=SWAP.symbol, size=SIZE, received_ns=9)

    assert (trade.trade_id, trade.taker_side, trade.price) == ("130639474", Side.BUY, D("42219.9"))
    assert (trade.quantity, trade.quantity_text) == (D("0.12"), "0.12")


def test_a_trade_of_an_unknown_side_is_rejected() -> None:
    item = read(types.Trade, documented.TRADE | {"side": "both"})
    with pytest.raises(ItemRejected):
        convert.to_trade(item, symbol=SWAP.symbol, size=SIZE, received_ns=9)


def test_an_update_of_a_book_names_the_one_before() -> None:
    push = read(types.Push[types.Book], {"action": "update", "data": [documented.BOOK | {"prevSeqId": 9, "seqId": 3}]})
    update = convert.to_book_update(push, symbol=SWAP.symbol, size=SIZE, received_ns=9)

    assert (update.previous, update.last, update.snapshot) == (9, 3, False)
    assert update.bids[0] == ("8476.97", "2.56")


@pytest.mark.parametrize("push", [{"action": "", "data": [documented.BOOK]}, {"action": "update", "data": []}])
def test_a_books_message_of_another_form_is_rejected(push: dict[str, Any]) -> None:
    with pytest.raises(ItemRejected):
        convert.to_book_update(read(types.Push[types.Book], push), symbol=SWAP.symbol, size=SIZE, received_ns=9)


def test_a_side_where_nobody_is_has_no_price() -> None:
    top = read(types.Book, documented.TOP | {"asks": []})
    best = convert.to_best_bid_offer(top, symbol=SWAP.symbol, size=SIZE, received_ns=9)

    assert (best.bid_price, best.bid_quantity) == (D("111.05"), D("577.45"))
    assert (best.ask_price, best.ask_quantity) == (None, 0)


def test_a_book_is_complete_where_both_sides_are_shorter_than_asked() -> None:
    book = read(types.Book, documented.BOOK)
    for asked, complete in ((2, False), (3, True), (None, False)):
        found = convert.to_order_book(book, symbol=SWAP.symbol, size=SIZE, received_ns=9, asked=asked)
        assert found.complete is complete
        assert found.asks[0].quantity == D("4.15")


def test_a_candle_takes_the_volume_that_counts_base() -> None:
    swap = convert.to_candle(
        read(types.CandleRow, documented.CANDLE), instrument=SWAP, interval=Interval.M1, received_ns=1
    )
    spot = convert.to_candle(
        read(types.CandleRow, documented.CANDLE), instrument=SPOT, interval=Interval.M1, received_ns=1
    )

    assert (swap.base_volume, spot.base_volume) == (D("452.47"), 45247)
    assert (swap.quote_volume, swap.closed) == (D("3861234.5"), False)
    assert swap.close_ns - swap.open_ns == 60 * 10**9


def test_a_candle_that_is_neither_complete_nor_running_is_rejected() -> None:
    row = read(types.CandleRow, [*documented.CANDLE[:8], "2"])
    with pytest.raises(ItemRejected):
        convert.to_candle(row, instrument=SWAP, interval=Interval.M1, received_ns=1)


@pytest.mark.parametrize(
    ("opened", "following"),
    [(1_701_388_800_000, 1_704_067_200_000), (1_706_745_600_000, 1_709_251_200_000)],  # 2023-12, 2024-02
)
def test_months_end_where_the_next_begins(opened: int, following: int) -> None:
    assert convert.next_open_ms(opened, Interval.MONTH1) == following


def test_an_interval_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidArgument) as caught:
        convert.bar_text(Interval.H8)
    assert caught.value.rule == "interval"


def test_the_running_rate_ends_at_its_settlement_and_has_the_length_to_the_next() -> None:
    rate = convert.to_funding_rate(read(types.FundingRate, documented.RATE), symbol=SWAP.symbol)

    assert (rate.rate, rate.funding_ns, rate.interval_s) == (
        D("0.0000182221218054"),
        1743609600000 * 10**6,
        8 * 3_600,
    )
