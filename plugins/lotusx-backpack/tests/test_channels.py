"""What is subscribed to, and what the messages of each channel become."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import msgspec
import pytest
from backpack_documents import (
    BALANCE_EVENT,
    BEST_FRAME,
    DEPTH,
    DEPTH_FRAME,
    KLINE_FRAME,
    LIQUIDATION_FRAME,
    MARK_FRAME,
    ORDER,
    ORDER_EVENT,
    PERP,
    POSITION_EVENT,
    SPOT,
    TICKER_FRAME,
    TRADES_FRAME,
    frame,
    text,
)

from lotusx.kernel.book import BookSync
from lotusx.model import (
    BalanceEvent,
    FillEvent,
    Interval,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    PositionEvent,
    Side,
    VenueEvent,
)
from lotusx.plugin import ChannelKind
from lotusx_backpack.codec import BackpackCodec

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("trades_channel", (), TRADES_FRAME),
        ("ticker_channel", (), TICKER_FRAME),
        ("best_bid_offer_channel", (), BEST_FRAME),
        ("candles_channel", (Interval.M1,), KLINE_FRAME),
        ("mark_price_channel", (), MARK_FRAME),
        ("liquidations_channel", (), LIQUIDATION_FRAME),
        ("book_channel", (1_000,), DEPTH_FRAME),
    ],
)
async def test_channel_has_the_name_that_its_messages_carry(
    desk: Any, name: str, arguments: tuple[Any, ...], message: bytes
) -> None:
    channel = getattr(desk.connector.market, name)(PERP, *arguments)

    assert (channel.group, channel.symbol, channel.private) == ("market", PERP.symbol, False)
    assert BackpackCodec().route(message) == channel.key
    (event,) = channel.convert(message, 9)
    assert (event.symbol, event.received_ns) == (PERP.symbol, 9)


async def test_only_what_is_sent_every_second_has_a_cadence(desk: Any) -> None:
    market = desk.connector.market

    assert (market.ticker_channel(SPOT).cadence_s, market.mark_price_channel(PERP).cadence_s) == (1.0, 1.0)
    for channel in (
        market.trades_channel(SPOT),
        market.book_channel(SPOT, 5),
        market.candles_channel(SPOT, Interval.D1),
    ):
        assert channel.cadence_s is None


async def test_prints_and_tops_are_told_apart_by_their_numbers(desk: Any) -> None:
    market = desk.connector.market
    trades, tops = market.trades_channel(PERP), market.best_bid_offer_channel(PERP)
    (trade,), (top,) = trades.convert(TRADES_FRAME, 9), tops.convert(BEST_FRAME, 9)

    assert (trades.identity(trade), tops.identity(top)) == ("11", 6730019258)
    assert (trade.taker_side, top.bid_price) == (Side.BUY, D("141.2"))


async def test_candle_without_trades_is_no_event(desk: Any) -> None:
    message = frame(
        "kline.1m.SOL_USDC_PERP", s="SOL_USDC_PERP", t=1, T=61, o=None, c=None, h=None, l=None, v="0", n=0, X=True
    )

    assert list(desk.connector.market.candles_channel(PERP, Interval.M1).convert(message, 9)) == []


async def test_month_has_its_own_word(desk: Any) -> None:
    assert desk.connector.market.candles_channel(PERP, Interval.MONTH1).key == "kline.1month.SOL_USDC_PERP"


async def test_price_with_and_without_padding_is_one_level_of_the_book(desk: Any) -> None:
    market = desk.connector.market
    plain = {**DEPTH, "bids": [["141", "4"], ["141.2", "3"]], "asks": [["141.3", "2"]]}
    desk.rest.reply(text(plain))
    snapshot = await market.order_book(PERP, 1_000)
    book = BookSync(market.book_rule(1_000))

    def update(number: int, bids: list[list[str]]) -> None:
        message = frame("depth.SOL_USDC_PERP", T=1, s="SOL_USDC_PERP", U=number, u=number, b=bids, a=[])
        (event,) = market.book_channel(PERP, 1_000).convert(message, 9)
        book.update(event)

    update(6730019258, [["141.20", "9.00"]])  # older than the snapshot
    book.snapshot(snapshot)
    update(6730019259, [["141.20", "0.00"], ["141.00", "5.00"]])
    update(6730019260, [])

    assert [(D(price), D(quantity)) for price, quantity in book.ladder.bids(5)] == [(D(141), D(5))]
    assert book.number == 6730019260


# -- the account's own -----------------------------------------------------------------------------------------------


def account_channels(desk: Any) -> dict[str, Any]:
    return {channel.key: channel for channel in desk.connector.account.channels()}


async def test_account_has_three_private_channels(desk: Any) -> None:
    found = account_channels(desk)

    assert list(found) == ["account.orderUpdate", "account.positionUpdate", "account.balanceUpdate"]
    assert {(each.group, each.kind, each.private) for each in found.values()} == {
        ("account", ChannelKind.ACCOUNT, True)
    }
    message = frame("account.orderUpdate.SOL_USDC_PERP", **ORDER_EVENT)
    assert BackpackCodec().route(message) == "account.orderUpdate"


async def test_stream_knows_the_order_by_the_id_that_it_was_placed_with(desk: Any) -> None:
    desk.rest.reply(text({name: value for name, value in ORDER.items() if name != "clientId"}))
    await desk.connector.trading.place(
        OrderRequest.limit(PERP.symbol, "buy", "0.5", "141.25", client_order_id="grid-1"), PERP
    )
    event = {**ORDER_EVENT, "c": desk.sent["clientId"]}

    fill, order = account_channels(desk)["account.orderUpdate"].convert(frame("account.orderUpdate", **event), 9)

    assert isinstance(fill, FillEvent)
    assert isinstance(order, OrderEvent)
    assert {fill.fill.client_order_id, order.state.client_order_id} == {"grid-1"}
    assert (fill.fill.quantity, order.state.filled, order.state.status) == (
        D("0.2"), D("0.2"), OrderStatus.PARTIALLY_FILLED,
    )  # fmt: skip


async def test_order_of_the_system_is_announced_in_its_own_words(desk: Any) -> None:
    event = {**ORDER_EVENT, "O": "LIQUIDATION_AUTOCLOSE", "c": None}

    found = account_channels(desk)["account.orderUpdate"].convert(frame("account.orderUpdate", **event), 9)

    assert [type(each) for each in found] == [VenueEvent, FillEvent, OrderEvent]


async def test_position_and_balance_are_absolute(desk: Any) -> None:
    channels = account_channels(desk)
    known = {name: value for name, value in POSITION_EVENT.items() if name != "e"}  # as it comes with the subscription

    (position,) = channels["account.positionUpdate"].convert(frame("account.positionUpdate", **known), 9)
    (balance,) = channels["account.balanceUpdate"].convert(frame("account.balanceUpdate", **BALANCE_EVENT), 9)

    assert isinstance(position, PositionEvent)
    assert isinstance(balance, BalanceEvent)
    assert position.positions[0].quantity == D("0.2")
    assert (balance.balances[0].total, balance.balances[0].wallet) == (D(100), "account")


async def test_message_that_cannot_be_read_is_refused(desk: Any) -> None:
    with pytest.raises(msgspec.DecodeError):
        desk.connector.market.trades_channel(PERP).convert(b'{"stream":"trade.SOL_USDC_PERP","data":{}}', 9)
