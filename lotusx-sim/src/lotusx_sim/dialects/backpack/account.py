"""What an account has: balances, collateral, positions, fees, histories. Source: OpenAPI document (2026-08)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal
from typing import Any

from lotusx_sim.dialects.backpack.call import Call
from lotusx_sim.dialects.backpack.errors import not_found, refusal
from lotusx_sim.dialects.backpack.listings import BY_SYMBOL, LISTINGS, Listing
from lotusx_sim.dialects.backpack.order_rows import SIDES, history_row
from lotusx_sim.dialects.backpack.state import Row, User, VenueState
from lotusx_sim.dialects.backpack.text import NS_PER_MS, plain, rounded
from lotusx_sim.engine.orders import ZERO, Refused, Side
from lotusx_sim.engine.positions import Position
from lotusx_sim.engine.terms import MarketKind
from lotusx_sim.wire import HttpResponse

_FLAGS = ("autoBorrowSettlements", "autoLend", "autoRepayBorrows", "autoRealizePnl")
_BASIS_POINTS = 10_000
_WEIGHT = {"USDC": Decimal(1), "USDT": Decimal("0.95")}
_OTHER_WEIGHT = Decimal("0.9")


def account(call: Call) -> Any:
    exchange = call.state.exchange
    spot, perp = exchange.fees_of(call.account), exchange.fees_of(call.account, MarketKind.LINEAR)
    open_orders = exchange.open_orders(call.account)
    triggers = sum(order.working_ns is None for order in open_orders)
    return {
        **{name: call.user.auto.get(name, False) for name in _FLAGS},
        "borrowLimit": "5000000",
        "futuresMakerFee": plain(perp.maker * _BASIS_POINTS),
        "futuresTakerFee": plain(perp.taker * _BASIS_POINTS),
        "spotMakerFee": plain(spot.maker * _BASIS_POINTS),
        "spotTakerFee": plain(spot.taker * _BASIS_POINTS),
        "leverageLimit": plain(call.user.leverage),
        "limitOrders": len(open_orders) - triggers,
        "triggerOrders": triggers,
        "liquidating": False,
        "positionLimit": "5000000",
    }


def update_account(call: Call) -> Any:
    """Change the account's settings; its leverage is one for all markets."""
    for name in _FLAGS:
        if name in call.params:
            call.user.auto[name] = call.params.flag(name)
    leverage = call.params.decimal("leverageLimit")
    if leverage is not None:
        before = call.user.leverage
        try:
            _set_leverage(call, leverage)
        except Refused as refused:
            _set_leverage(call, before)
            raise refusal(refused.reason, is_spot=False) from None
        call.user.leverage = leverage
    return HttpResponse(200)


def _set_leverage(call: Call, leverage: Decimal) -> None:
    for listing in LISTINGS:
        if not listing.is_spot:
            call.state.exchange.perps.set_leverage(call.account, listing.symbol, leverage, call.now_ns)


# -- money -------------------------------------------------------------------------------------------------------


def capital(call: Call) -> Any:
    """Return what is held. What is lent is not in it."""
    owned = call.state.exchange.accounts.balances(call.account)
    return {
        asset: {"available": plain(balance.free), "locked": plain(balance.locked), "staked": "0"}
        for asset, balance in owned.items()
        if balance.total
    }


def collateral(call: Call) -> Any:
    state, user = call.state, call.user
    owned = state.exchange.accounts.balances(call.account)
    rows: list[dict[str, Any]] = []
    worth = ZERO
    for asset in sorted({*owned, *user.lent}):
        balance = state.exchange.accounts.balance(call.account, asset)
        lent = user.lent.get(asset, ZERO)
        total, price = balance.total + lent, state.usd(asset)
        weight = _WEIGHT.get(asset, _OTHER_WEIGHT)
        if not total:
            continue
        worth += total * price * weight
        rows.append(
            {
                "symbol": asset,
                "assetMarkPrice": plain(price),
                "totalQuantity": plain(total),
                "balanceNotional": rounded(total * price),
                "collateralWeight": plain(weight),
                "collateralValue": rounded(total * price * weight),
                "openOrderQuantity": plain(balance.locked),
                "lendQuantity": plain(lent),
                "availableQuantity": plain(balance.free),
            }
        )
    margin = state.exchange.perps.summary(call.account, "USDC")
    exposure = sum((abs(p.value(_mark(state, p))) for p in state.exchange.perps.positions(call.account)), ZERO)
    equity = worth + margin.unrealized
    used = margin.position_margin + margin.order_margin
    return {
        "netEquity": rounded(equity),
        "netEquityAvailable": rounded(max(ZERO, equity - used)),
        "netEquityLocked": rounded(used),
        "assetsValue": rounded(worth),
        "liabilitiesValue": "0",
        "borrowLiability": "0",
        "pnlUnrealized": rounded(margin.unrealized),
        "unsettledEquity": rounded(margin.unrealized),
        "netExposureFutures": rounded(exposure),
        "imf": "0.02",
        "mmf": "0.0125",
        "marginFraction": rounded(equity / exposure) if exposure else None,
        "collateral": rows,
    }


def lent(call: Call) -> Any:
    """Return what is lent; nothing is ever borrowed here."""
    state = call.state
    return [
        {
            "symbol": asset, "netQuantity": plain(amount), "markPrice": plain(state.usd(asset)),
            "netExposureQuantity": plain(amount), "netExposureNotional": rounded(amount * state.usd(asset)),
            "cumulativeInterest": "0", "id": asset, "imf": "0.02", "mmf": "0.0125",
        }
        for asset, amount in sorted(call.user.lent.items())
    ]  # fmt: skip


def max_order(call: Call) -> Any:
    """Return how much of a limit or market order the free funds cover now."""
    state, listing = call.state, call.params.listing()
    side = call.params.one_of("side", SIDES)
    price = call.params.decimal("price") or state.last(listing)
    if not listing.is_spot:
        amount = max(ZERO, state.exchange.perps.available(call.account, listing.quote)) * call.user.leverage / price
    elif side is Side.SELL:
        amount = state.exchange.accounts.balance(call.account, listing.base).free
    else:
        amount = state.exchange.perps.spendable(call.account, listing.quote) / price
    steps = (amount / listing.step).to_integral_value(ROUND_DOWN)
    return {
        "symbol": listing.symbol,
        "side": call.params.text("side"),
        "maxOrderQuantity": plain(steps * listing.step),
        "price": None if "price" not in call.params else plain(price),
        "reduceOnly": None,
        "autoBorrow": None,
        "autoBorrowRepay": None,
        "autoLendRedeem": None,
    }


# -- positions ---------------------------------------------------------------------------------------------------


def positions(call: Call) -> Any:
    listing = call.params.maybe_listing()
    held = call.state.exchange.perps.positions(call.account)
    rows = [
        position_row(call.state, call.user, position, alone=listing is not None)
        for position in held
        if listing is None or position.symbol == listing.symbol
    ]
    if listing is not None and not rows:
        raise not_found("Position not found")
    return rows


def _mark(state: VenueState, position: Position) -> Decimal:
    return state.mark(BY_SYMBOL[position.symbol])


def position_row(state: VenueState, user: User, position: Position, *, alone: bool) -> dict[str, Any]:
    """Return a position; where it would be liquidated is told only to who asks for one market."""
    listing, mark = BY_SYMBOL[position.symbol], _mark(state, position)
    entry = plain(position.entry_price or ZERO)
    limit = state.exchange.perps.liquidation_price(position.account, position.symbol) if alone else None
    return {
        "symbol": position.symbol,
        "positionId": str(user.position_ids.get(position.symbol, 0)),
        "netQuantity": plain(position.quantity),
        "entryPrice": entry,
        "breakEvenPrice": entry,
        "markPrice": plain(mark),
        "estLiquidationPrice": "0" if limit is None else rounded(limit),
        "imf": plain(listing.base_imf),
        "imfFunction": listing.imf(listing.base_imf),
        "mmf": plain(listing.base_mmf),
        "mmfFunction": listing.imf(listing.base_mmf),
        "netCost": rounded(position.cost),
        "netExposureQuantity": plain(abs(position.quantity)),
        "netExposureNotional": rounded(abs(position.value(mark))),
        "pnlRealized": rounded(position.realized_since_open),
        "pnlUnrealized": rounded(position.unrealized(mark)),
        "cumulativeFundingPayment": rounded(position.funding_since_open),
        "cumulativeInterest": "0",
        "subaccountId": None,
        "userId": 1_813_870,
    }


# -- histories ---------------------------------------------------------------------------------------------------


def order_history(call: Call) -> Any:
    """Return all orders, open ones too, and the triggers that became orders."""
    state, wanted = call.state, call.params.text("orderId")
    mine = (order for order in state.exchange.orders.values() if order.account == call.account)
    rows = [
        Row(order.symbol, order.created_ns, history_row(state, order))
        for order in mine
        if not wanted or state.id_of(order) == wanted
    ]
    rows += [row for row in call.user.fired if not wanted or row.content["id"] == wanted]
    return _page(call, sorted(rows, key=lambda row: row.ns))


def fill_history(call: Call) -> Any:
    wanted, kind = call.params.text("orderId"), call.params.text("fillType")
    first, last = call.params.integer("from"), call.params.integer("to")
    rows = [
        row
        for row in call.user.fills
        if (not wanted or row.content["orderId"] == wanted)
        and (kind != "User" or row.content["systemOrderType"] is None)
        and (first is None or row.ns // NS_PER_MS >= first)
        and (last is None or row.ns // NS_PER_MS <= last)
    ]
    return _page(call, rows)


def funding_history(call: Call) -> Any:
    return _page(call, call.user.funding)


def _page(call: Call, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return one page, newest first unless asked otherwise; *rows* are oldest first."""
    listing: Listing | None = call.params.maybe_listing()
    kind = call.params.text("marketType")
    lag_ns = call.state.options.history_lag_ns + call.state.visibility_delay_ns
    chosen = [
        row.content
        for row in rows
        if (listing is None or row.symbol == listing.symbol)
        and (not kind or row.symbol.endswith("_PERP") == (kind == "PERP"))
        and row.ns + lag_ns <= call.now_ns
    ]
    if call.params.word("sortDirection", ("Asc", "Desc"), "Desc") == "Desc":
        chosen.reverse()
    limit = call.params.bounded("limit", 100, 1_000)
    offset = call.params.bounded("offset", 0, 10_000_000)
    return chosen[offset : offset + limit]
