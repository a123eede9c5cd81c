"""What the messages of each channel become."""

from __future__ import annotations

import json
from decimal import Decimal as D
from typing import Any

import pytest
from hyperliquid_documents import (
    BAR,
    BASIC_ORDER,
    BBO,
    BOOK,
    BTC,
    CONTEXT,
    FILL_ROW,
    HYPE,
    L2,
    MATIC,
    PERP_STATE,
    PRINT,
    SPOT_STATE,
    USER,
    frame,
)

from lotusx.errors import InvalidArgument, ItemRejected, NotSupported
from lotusx.kernel.book import BookSync
from lotusx.model import (
    BalanceEvent,
    FillEvent,
    FundingEvent,
    Interval,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    PositionEvent,
    VenueEvent,
)

pytestmark = pytest.mark.anyio
MS = 1_000_000


def trades(*prints: dict[str, Any]) -> bytes:
    return frame("trades", list(prints)).encode()


async def test_a_replay_of_trades_is_told_once(desk: Any) -> None:
    channel = desk.connector.market.trades_channel(BTC)
    assert (channel.group, channel.key, channel.symbol) == ("market", "trades BTC", BTC.symbol)
    first, second = {**PRINT, "time": 1, "tid": 1}, {**PRINT, "time": 2, "tid": 2}
    assert channel.fresh is not None
    assert [trade.trade_id for trade in channel.fresh(channel.convert(trades(second, first), 9))] == ["1", "2"]
    assert channel.lost is None  # what was told stays told, whatever happens to the socket
    third = {**PRINT, "time": 2, "tid": 3}
    (fresh,) = channel.fresh(channel.convert(trades(first, second, third), 9))
    assert (fresh.trade_id, fresh.taker_side, fresh.price_text) == ("3", "sell", "84143.0")
    assert channel.identity(fresh) == (2 * MS, "3")
    with pytest.raises(ItemRejected):
        channel.convert(trades({**PRINT, "side": "C"}), 9)


def candle(start: int, close: str = "84143.0") -> bytes:
    return frame("candle", {**BAR, "t": start, "T": start + 59_999, "c": close}).encode()


async def test_a_candle_is_closed_when_a_later_one_comes(desk: Any) -> None:
    channel = desk.connector.market.candles_channel(BTC, Interval.M1)

    def said(message: bytes) -> list[tuple[int, D, bool]]:
        return [(bar.open_ns // MS, bar.close, bar.closed) for bar in channel.convert(message, 9)]

    assert said(candle(0, "1")) == [(0, D(1), False)]
    assert said(candle(0, "2")) == [(0, D(2), False)]
    assert said(candle(60_000, "3")) == [(0, D(2), True), (60_000, D(3), False)]
    assert said(candle(0, "9")) == []
    channel.lost()  # the last prints of the running one may be missing
    assert said(candle(120_000, "4")) == [(120_000, D(4), False)]
    with pytest.raises(ItemRejected):
        channel.convert(frame("candle", {**BAR, "i": "5m"}).encode(), 9)


async def test_ticker_and_mark_price_are_two_views_of_one_channel(desk: Any) -> None:
    market = desk.connector.market
    ticker, mark = market.ticker_channel(BTC), market.mark_price_channel(BTC)
    assert ticker.key == mark.key == "activeAssetCtx BTC"
    assert (ticker.view, mark.view, mark.cadence_s) == ("", "mark", 1.0)
    (one,), (other,) = ticker.convert(CONTEXT.encode(), 9), mark.convert(CONTEXT.encode(), 9)
    assert one.mark_price == other.mark_price == 66_344
    assert (one.mid_price, other.next_funding_ns) == (D("66371.5"), 3_600 * 1_000 * MS)
    with pytest.raises(NotSupported):
        market.mark_price_channel(HYPE)


async def test_best_prices(desk: Any) -> None:
    channel = desk.connector.market.best_bid_offer_channel(BTC)
    (top,) = channel.convert(BBO.encode(), 9)
    assert (top.bid_price_text, top.ask_price_text, top.exchange_ns) == ("84143.0", "84144.0", 1790232237145 * MS)
    (empty,) = channel.convert(frame("bbo", {"coin": "BTC", "time": 1, "bbo": [None, None]}).encode(), 9)
    assert (empty.bid_price_text, empty.ask_quantity_text) == ("0", "0")


@pytest.mark.parametrize(
    ("depth", "group", "window"), [(5, "fast", 5), (1, "fast", 5), (6, "market", 20), (1_000, "market", 20)]
)
async def test_books_by_depth(desk: Any, depth: int, group: str, window: int) -> None:
    channel = desk.connector.market.book_channel(BTC, depth)
    rule = desk.connector.market.book_rule(depth)
    assert (channel.group, channel.key, channel.view, rule.window) == (group, "l2Book BTC", "updates", window)
    assert channel.cadence_s == (0.54 if group == "fast" else 5.4)
    (update,) = channel.convert(BOOK.encode(), 9)
    assert (update.snapshot, update.last, update.bids[0]) == (True, 1790232237145, ("84143.0", "10.25923"))


async def test_a_book_replaces_the_one_before_and_older_ones_are_dropped(desk: Any) -> None:
    channel = desk.connector.market.book_channel(BTC, 20)
    book = BookSync(desk.connector.market.book_rule(20))

    def push(time: int, bid: str) -> None:
        level = {"px": bid, "sz": "1.0", "n": 1}
        message = frame("l2Book", {**L2, "time": time, "levels": [[level], L2["levels"][1]]})  # type: ignore[index]  # the document is a literal
        book.update(channel.convert(message.encode(), 9)[0])

    push(10, "84000.0")
    push(9, "83000.0")
    assert book.ladder.bids(1)[0][0] == "84000.0"
    push(10, "83500.0")
    assert [price for price, _ in book.ladder.bids(5)] == ["83500.0"]


@pytest.mark.parametrize("depth", [1, 10, 100])
async def test_books_of_other_depths_are_not_streamed(desk: Any, depth: int) -> None:
    with pytest.raises(InvalidArgument, match="5 or 20"):
        desk.connector.market.order_book_channel(BTC, depth)


async def test_delisted_markets_are_not_streamed(desk: Any) -> None:
    market = desk.connector.market
    for make in (
        market.trades_channel,
        market.ticker_channel,
        market.best_bid_offer_channel,
        market.mark_price_channel,
    ):
        with pytest.raises(InvalidArgument, match="delisted"):
            make(MATIC)
    with pytest.raises(InvalidArgument, match="delisted"):
        market.book_channel(MATIC, 5)


# The account


async def account(desk: Any, model: str = '"disabled"') -> dict[str, Any]:
    """Return the channels of the account, by key."""
    desk.rest.reply(model)
    await desk.connector.account.prepare()
    return {channel.key: channel for channel in desk.connector.account.channels()}


def report(status: str = "open", **changes: Any) -> dict[str, Any]:
    return {"order": {**BASIC_ORDER, **changes}, "status": status, "statusTimestamp": 2_000}


def order_updates(*reports: dict[str, Any]) -> bytes:
    return frame("orderUpdates", list(reports)).encode()


async def test_the_channels_of_an_account(desk: Any) -> None:
    channels = await account(desk)
    assert list(channels) == [
        "orderUpdates", "userFills", "userFundings", "userEvents", "spotState", "clearinghouseState",
        "clearinghouseState xyz",
    ]  # fmt: skip
    assert all(channel.private and channel.group == "account" for channel in channels.values())


@pytest.mark.parametrize(
    ("status", "rest", "expected", "executed"),
    [
        ("open", "0.01", OrderStatus.OPEN, "0"),
        ("open", "0.004", OrderStatus.PARTIALLY_FILLED, "0.006"),
        ("filled", "0.0", OrderStatus.FILLED, "0.01"),
        ("filled", "0.004", OrderStatus.FILLED, "0.006"),
        ("canceled", "0.004", OrderStatus.CANCELED, "0.006"),
        ("canceled", "0.0", OrderStatus.CANCELED, "0"),  # nothing is concluded: fills tell
        ("marginCanceled", "0.01", OrderStatus.CANCELED, "0"),
        ("scheduledCancel", "0.01", OrderStatus.CANCELED, "0"),
        ("badAloPxRejected", "0.01", OrderStatus.REJECTED, "0"),
        ("iocCancelRejected", "0.01", OrderStatus.EXPIRED, "0"),
        ("triggered", "0.01", OrderStatus.OPEN, "0"),
        ("brandNewRejected", "0.01", OrderStatus.REJECTED, "0"),
        ("brandNewCanceled", "0.01", OrderStatus.CANCELED, "0"),
        ("brandNew", "0.01", OrderStatus.UNKNOWN, "0"),
    ],
)
async def test_words_for_where_an_order_stands(
    desk: Any, status: str, rest: str, expected: OrderStatus, executed: str
) -> None:
    channels = await account(desk)
    (event,) = channels["orderUpdates"].convert(order_updates(report(status, sz=rest)), 9)
    assert isinstance(event, OrderEvent)
    state = event.state
    assert (state.status, state.filled, state.raw_status) == (expected, D(executed), status)
    assert bool(state.reason) is (expected.is_terminal and status not in ("filled", "canceled"))


async def test_an_order_without_its_original_size_is_rejected_instead_of_taken_for_untouched(desk: Any) -> None:
    channels = await account(desk)
    told = report(sz="0.004")
    del told["order"]["origSz"]

    with pytest.raises(ItemRejected, match="placed for"):
        list(channels["orderUpdates"].convert(order_updates(told), 9))


async def test_a_trigger_that_waits_is_pending_until_it_fires(desk: Any) -> None:
    channels = await account(desk)
    convert = channels["orderUpdates"].convert
    stop = OrderRequest(symbol=BTC.symbol, side="sell", type="stop_loss", quantity="0.01", trigger_price="60000",
                        max_slippage="0.1", client_order_id=BASIC_ORDER["cloid"])  # fmt: skip
    desk.rest.reply(json.dumps({"status": "ok", "response": {"type": "order", "data": {
        "statuses": ["waitingForTrigger"]}}}))  # fmt: skip
    await desk.connector.trading.place(stop, BTC)
    assert convert(order_updates(report()), 9)[0].state.status is OrderStatus.PENDING
    assert convert(order_updates(report("triggered")), 9)[0].state.status is OrderStatus.OPEN
    assert convert(order_updates(report()), 9)[0].state.status is OrderStatus.OPEN
    listed = {**BASIC_ORDER, "oid": 5, "cloid": None, "isTrigger": True, "triggerPx": "1", "orderType": "Stop Market"}
    desk.rest.reply(json.dumps([listed]), "[]")
    (seen,) = await desk.connector.trading.open_orders(None)
    assert seen.status is OrderStatus.PENDING
    assert convert(order_updates(report(oid=5, cloid=None)), 9)[0].state.status is OrderStatus.PENDING


async def test_a_coin_that_is_not_listed_rejects_the_message_and_outcomes_do_not(desk: Any) -> None:
    channels = await account(desk)
    with pytest.raises(ItemRejected):
        channels["orderUpdates"].convert(order_updates(report(), report(coin="NEW")), 9)
    assert len(channels["orderUpdates"].convert(order_updates(report(), report(coin="#5")), 9)) == 1
    fills = frame("userFills", {"user": USER, "fills": [FILL_ROW, {**FILL_ROW, "coin": "#5"}]})
    assert len(channels["userFills"].convert(fills.encode(), 9)) == 1


async def test_history_of_fills_is_no_news(desk: Any) -> None:
    now_ms = desk.kernel.clock.now_ns() // MS
    channels = await account(desk)
    rows = [{**FILL_ROW, "time": now_ms, "tid": 2}, {**FILL_ROW, "time": now_ms - 60_000, "tid": 1}]
    history = frame("userFills", {"isSnapshot": True, "user": USER, "fills": rows})
    (event,) = channels["userFills"].convert(history.encode(), 9)
    assert isinstance(event, FillEvent)
    assert event.fill.trade_id == "2"
    live = frame("userFills", {"user": USER, "fills": rows})
    assert [event.fill.trade_id for event in channels["userFills"].convert(live.encode(), 9)] == ["1", "2"]


async def test_fills_that_share_the_trade_id_zero_are_told_apart(desk: Any) -> None:
    channels = await account(desk)
    dust = [{**FILL_ROW, "tid": 0, "oid": 0, "coin": "@107", "time": at_ms} for at_ms in (5_000, 6_000)]
    live = frame("userFills", {"user": USER, "fills": dust}).encode()
    first, second = (event.fill.trade_id for event in channels["userFills"].convert(live, 9))
    assert first != second


async def test_funding_is_told_by_its_own_channel(desk: Any) -> None:
    now_ms = desk.kernel.clock.now_ns() // MS
    channels = await account(desk)
    row = {"time": now_ms, "coin": "BTC", "usdc": "-0.25", "szi": "2.0", "fundingRate": "0.0000125", "nSamples": None}
    old = {**row, "time": 5}
    message = frame("userFundings", {"isSnapshot": True, "user": USER, "fundings": [row, old]})
    (event,) = channels["userFundings"].convert(message.encode(), 9)
    assert isinstance(event, FundingEvent)
    assert (event.payment.amount, event.payment.asset, event.payment.rate) == (D("-0.25"), "USDC", D("0.0000125"))
    others = channels["userEvents"].convert(frame("user", {"funding": row}).encode(), 9)
    assert list(others) == []


async def test_what_the_model_has_no_word_for_is_handed_on(desk: Any) -> None:
    channels = await account(desk)
    liquidation = {"lid": 1, "liquidated_user": USER, "liquidated_ntl_pos": "5"}
    (event,) = channels["userEvents"].convert(frame("user", {"liquidation": liquidation}).encode(), 9)
    assert event == VenueEvent("liquidation", liquidation, 9)
    assert event.raw == liquidation
    (event,) = channels["userEvents"].convert(frame("user", {"nonUserCancel": [{"coin": "BTC", "oid": 1}]}).encode(), 9)
    assert event.raw == {"nonUserCancel": [{"coin": "BTC", "oid": 1}]}


def perps(state: dict[str, Any], dex: str = "") -> bytes:
    return frame("clearinghouseState", {"dex": dex, "user": USER, "clearinghouseState": state}).encode()


async def test_a_position_that_is_not_told_any_more_is_closed(desk: Any) -> None:
    channels = await account(desk)
    channel, flat = channels["clearinghouseState"], {**PERP_STATE, "assetPositions": [], "time": 7_000}
    position, balance = channel.convert(perps(PERP_STATE), 9)
    assert isinstance(position, PositionEvent)
    assert isinstance(balance, BalanceEvent)
    assert (balance.balances[0].wallet, balance.balances[0].total) == ("perp", D("1000.5"))
    closed, _ = channel.convert(perps(flat), 9)
    assert [(each.symbol, each.quantity, each.updated_ns) for each in closed.positions] == [
        (BTC.symbol, D(0), 7_000 * MS)
    ]  # fmt: skip
    assert [type(event) for event in channel.convert(perps(flat), 9)] == [BalanceEvent]
    channel.convert(perps(PERP_STATE), 9)
    channel.lost()
    assert [type(event) for event in channel.convert(perps(flat), 9)] == [BalanceEvent]
    (balance,) = channels["clearinghouseState xyz"].convert(perps(flat, "xyz"), 9)
    assert balance.balances[0].wallet == "perp:xyz"


async def test_an_asset_that_is_not_told_any_more_is_gone(desk: Any) -> None:
    channels = await account(desk)
    channel = channels["spotState"]
    rows: list[dict[str, Any]] = SPOT_STATE["balances"]
    usdc, hype = rows

    def told(*rows: dict[str, Any]) -> list[tuple[str, str, D]]:
        state = {"user": USER, "spotState": {"balances": rows}}
        events = channel.convert(frame("spotState", state).encode(), 9)
        return [(each.wallet, each.asset, each.total) for event in events for each in event.balances]

    held = ("spot", "USDC", D("100.5"))
    assert told(usdc, {**hype, "total": "3.0"}) == [held, ("spot", "HYPE", D(3))]
    assert told(usdc) == [held, ("spot", "HYPE", D(0))]
    assert told(usdc) == [held]
    assert told() == [("spot", "USDC", D(0))]
    assert told() == []
    told(usdc)
    channel.lost()
    assert told() == []


def spot_state(*rows: dict[str, Any]) -> bytes:
    return frame("spotState", {"user": USER, "spotState": {"balances": rows}}).encode()


async def test_two_sockets_side_by_side_each_tell_of_an_asset_that_is_gone(desk: Any) -> None:
    old = (await account(desk))["spotState"]
    usdc, hype = SPOT_STATE["balances"]
    old.convert(spot_state(usdc, hype), 9)
    new = old.another()
    for channel in (new, old):  # the new socket is a little faster: what is kept is the message of either
        (event,) = channel.convert(spot_state(usdc), 9)
        assert [(each.asset, each.total) for each in event.balances] == [("USDC", D("100.5")), ("HYPE", D(0))]


async def test_two_sockets_side_by_side_each_tell_of_a_position_that_is_closed(desk: Any) -> None:
    old = (await account(desk))["clearinghouseState"]
    old.convert(perps(PERP_STATE), 9)
    new = old.another()
    flat = perps({**PERP_STATE, "assetPositions": [], "time": 7_000})
    for channel in (new, old):
        closed, _ = channel.convert(flat, 9)
        assert [(each.symbol, each.quantity) for each in closed.positions] == [(BTC.symbol, D(0))]


async def test_what_goes_while_sockets_change_again_is_told_as_gone(desk: Any) -> None:
    first = (await account(desk))["clearinghouseState"]
    flat = perps({**PERP_STATE, "assetPositions": [], "time": 7_000})
    first.convert(flat, 9)
    second = first.another()
    second.convert(perps(PERP_STATE), 9)  # opened when the first socket was gone
    third = first.another()
    assert isinstance(third.convert(flat, 9)[0], PositionEvent)
    second.lost()
    assert [type(event) for event in first.another().convert(flat, 9)] == [BalanceEvent]  # a recovery asks


@pytest.mark.parametrize("heard_before", [False, True])
async def test_a_position_that_only_the_old_socket_has_told_of_is_told_as_closed(desk: Any, heard_before: bool) -> None:
    old = (await account(desk))["clearinghouseState"]
    flat = perps({**PERP_STATE, "assetPositions": [], "time": 7_000})
    old.convert(flat, 9)
    new = old.another()
    if heard_before:  # each socket is told how things stand at moments of its own
        new.convert(flat, 9)
    assert isinstance(old.convert(perps(PERP_STATE), 9)[0], PositionEvent)
    closed, _ = new.convert(flat, 9)
    assert [(each.symbol, each.quantity) for each in closed.positions] == [(BTC.symbol, D(0))]
    assert [type(event) for event in new.convert(flat, 9)] == [BalanceEvent]


@pytest.mark.parametrize("heard_before", [False, True])
async def test_an_asset_that_only_the_old_socket_has_told_of_is_told_as_gone(desk: Any, heard_before: bool) -> None:
    old = (await account(desk))["spotState"]
    usdc, hype = SPOT_STATE["balances"]
    old.convert(spot_state(usdc), 9)
    new = old.another()
    if heard_before:
        new.convert(spot_state(usdc), 9)
    old.convert(spot_state(usdc, hype), 9)
    (event,) = new.convert(spot_state(usdc), 9)
    assert [(each.asset, each.total) for each in event.balances] == [("USDC", D("100.5")), ("HYPE", D(0))]
    (event,) = new.convert(spot_state(usdc), 9)
    assert [each.asset for each in event.balances] == ["USDC"]


async def test_a_position_that_is_opened_again_on_the_other_socket_is_told_as_closed_again(desk: Any) -> None:
    old = (await account(desk))["clearinghouseState"]
    flat = perps({**PERP_STATE, "assetPositions": [], "time": 7_000})
    old.convert(perps(PERP_STATE), 9)
    new = old.another()
    assert isinstance(new.convert(flat, 9)[0], PositionEvent)
    old.convert(perps(PERP_STATE), 9)
    assert isinstance(new.convert(flat, 9)[0], PositionEvent)


async def test_a_channel_that_was_lost_does_not_make_another_forget(desk: Any) -> None:
    channels = await account(desk)
    channels["clearinghouseState"].convert(perps(PERP_STATE), 9)
    channels["spotState"].lost()
    closed, _ = channels["clearinghouseState"].convert(perps({**PERP_STATE, "assetPositions": []}), 9)
    assert isinstance(closed, PositionEvent)


async def test_margin_of_a_dex_is_no_balance_in_the_unified_account(desk: Any) -> None:
    channels = await account(desk, '"unifiedAccount"')
    assert [type(event) for event in channels["clearinghouseState"].convert(perps(PERP_STATE), 9)] == [PositionEvent]
    (event,) = channels["spotState"].convert(frame("spotState", {"user": USER, "spotState": SPOT_STATE}).encode(), 9)
    assert [(each.wallet, each.asset, each.free) for each in event.balances] == [
        ("spot", "USDC", D(80)), ("spot", "HYPE", D(0)),
    ]  # fmt: skip
