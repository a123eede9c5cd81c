"""Orders, executions and positions as answers and streams show them. Source: Bybit V5, order, execution, position."""

from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.bybit.listings import Listing
from lotusx_sim.dialects.bybit.numbers import amount, plain, rounded, scaled
from lotusx_sim.dialects.bybit.state import NS_PER_MS, VenueState
from lotusx_sim.dialects.bybit.tracked import POSITION_INDEX, SIDE_NAMES, Facts, Tracked, status_of, why_ended
from lotusx_sim.engine.events import FundingEvent
from lotusx_sim.engine.orders import ZERO, Fill, Order
from lotusx_sim.engine.positions import Position


def ms(ns: int) -> str:
    return str(ns // NS_PER_MS)


def _value(listing: Listing, order: Order) -> Decimal:
    """Return what was executed: in quote, or in base where the contract is inverse."""
    if not listing.is_inverse:
        return order.executed_quote
    return sum((fill.quantity / fill.price for fill in order.fills), ZERO)


def _average(listing: Listing, order: Order) -> str:
    if not order.executed:
        return "0" if listing.is_spot else ""
    if not listing.is_inverse:
        return plain((order.executed_quote / order.executed).quantize(Decimal("1e-10")))
    return rounded(order.executed / _value(listing, order), listing.tick)


def _fees(listing: Listing, order: Order) -> tuple[str, dict[str, str]]:
    by_coin: dict[str, Decimal] = {}
    for fill in order.fills:
        by_coin[fill.fee_asset] = by_coin.get(fill.fee_asset, ZERO) + fill.fee
    return amount(sum(by_coin.values(), ZERO)), {coin: amount(fee) for coin, fee in by_coin.items()}


def _shown_type(order: Order, facts: Facts) -> str:
    return "Limit" if order.kind.is_limit and not facts.is_market else "Market"


def order_row(tracked: Tracked, order: Order | None = None) -> dict[str, Any]:
    """Return an order; *order*: its state at another time than now."""
    order = order or tracked.order
    assert order is not None, "only what was carried out is shown"
    listing, facts = tracked.listing, tracked.facts
    status = status_of(order, facts, is_spot=listing.is_spot)
    cancel_type, reject_reason = why_ended(order, facts)
    quantity = order.quantity if order.quote_quantity is None else order.quote_quantity
    left = order.remaining if order.is_open else ZERO
    price = order.price or facts.bound
    fee, fee_detail = _fees(listing, order)
    trigger = order.trigger_price
    row: dict[str, Any] = {
        "orderId": facts.order_id,
        "orderLinkId": facts.link_id,
        "parentOrderLinkId": "",
        "blockTradeId": "",
        "symbol": listing.symbol,
        "price": scaled(price, listing.tick) if price else "0",
        "qty": plain(quantity) if order.quote_quantity is not None else scaled(quantity, listing.step),
        "side": SIDE_NAMES[order.side],
        "isLeverage": "0" if listing.is_spot else "",
        "positionIdx": POSITION_INDEX[order.leg],
        "orderStatus": status,
        "cancelType": cancel_type,
        "rejectReason": reject_reason,
        "avgPrice": _average(listing, order),
        "leavesQty": scaled(left, listing.step) if left else "0",
        "leavesValue": amount(left * price if not listing.is_inverse else (left / price if price else ZERO)),
        "cumExecQty": scaled(order.executed, listing.step) if order.executed else "0",
        "cumExecValue": amount(_value(listing, order)),
        "cumExecFee": fee,
        "cumFeeDetail": fee_detail,
        "timeInForce": facts.tif,
        "orderType": _shown_type(order, facts),
        "stopOrderType": facts.stop_order_type,
        "orderIv": "",
        "marketUnit": facts.market_unit,
        "triggerPrice": scaled(trigger, listing.tick) if trigger is not None else ("0.00" if listing.is_spot else ""),
        "takeProfit": facts.take_profit,
        "stopLoss": facts.stop_loss,
        "tpslMode": facts.tpsl_mode,
        "ocoTriggerBy": "",
        "tpLimitPrice": "",
        "slLimitPrice": "",
        "tpTriggerBy": facts.tp_trigger_by,
        "slTriggerBy": facts.sl_trigger_by,
        "triggerDirection": facts.trigger_direction,
        "triggerBy": facts.trigger_by,
        "reduceOnly": order.reduce_only,
        "closeOnTrigger": facts.close_on_trigger,
        "placeType": "",
        "smpType": facts.smp_type,
        "smpGroup": 0,
        "smpOrderId": "",
        "slippageToleranceType": "UNKNOWN",
        "slippageTolerance": "",
        "rpiTakerAccess": False,
        "rpiMatchedQty": "0",
        "createdTime": ms(order.created_ns),
        "updatedTime": ms(order.updated_ns),
    }
    if listing.is_spot:
        row["basePrice"] = scaled(facts.last_price, listing.tick)
        row["lastPriceOnCreated"] = ""
    else:
        row["lastPriceOnCreated"] = scaled(facts.last_price, listing.tick)
        row["createType"] = facts.create_type
    return row


def closed_pnl(order: Order) -> Decimal:
    return sum((fill.closed_pnl for fill in order.fills), ZERO)


def order_news(tracked: Tracked, order: Order | None = None) -> dict[str, Any]:
    """Return an order as the private stream tells of it."""
    shown = order or tracked.order
    assert shown is not None
    row = order_row(tracked, order)
    return row | {
        "category": tracked.listing.category.value,
        "closedPnl": amount(closed_pnl(shown)),
        "feeCurrency": shown.fills[-1].fee_asset if shown.fills else "",
    }


def execution_row(state: VenueState, tracked: Tracked, order: Order, fill: Fill) -> dict[str, Any]:
    """Return a fill; *order*: its state right after it."""
    listing, facts = tracked.listing, tracked.facts
    value = fill.quantity / fill.price if listing.is_inverse else fill.quote_quantity
    fees = state.exchange.fees_of(fill.account, listing.market().kind)
    rate = fees.maker if fill.is_maker else fees.taker
    closing = ZERO
    if not listing.is_spot and fill.start_position * fill.side.sign < 0:
        closing = min(abs(fill.start_position), fill.quantity)
    row = {
        "symbol": listing.symbol,
        "orderId": facts.order_id,
        "orderLinkId": facts.link_id,
        "side": SIDE_NAMES[fill.side],
        "orderPrice": scaled(order.price or facts.bound, listing.tick) if order.price or facts.bound else "0",
        "orderQty": scaled(order.quantity if order.quote_quantity is None else order.quote_quantity, listing.step),
        "leavesQty": scaled(order.remaining, listing.step) if order.remaining > 0 else "0",
        "orderType": _shown_type(order, facts),
        "stopOrderType": facts.stop_order_type or "UNKNOWN",
        "execFee": amount(fill.fee),
        "execFeeV2": "",
        "execId": state.trade_id(listing, fill.trade_id),
        "execPrice": scaled(fill.price, listing.tick),
        "execQty": scaled(fill.quantity, listing.step),
        "execType": "BustTrade" if fill.is_liquidation else "Trade",
        "execValue": amount(value),
        "execTime": ms(fill.ns),
        "feeCurrency": fill.fee_asset,
        "isMaker": fill.is_maker,
        "feeRate": "0" if fill.is_liquidation else plain(rate),
        "tradeIv": "",
        "markIv": "",
        "markPrice": "" if listing.is_spot else scaled(state.mark(listing), listing.tick),
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": "" if listing.is_spot else scaled(closing, listing.step) if closing else "0",
        "extraFees": "",
        "seq": state.seq[listing.name],
    }
    if listing.is_spot:
        return row | {"isLeverage": "0", "marketUnit": facts.market_unit}
    return row | {"createType": facts.create_type, "execPnl": amount(fill.closed_pnl)}


def funding_row(state: VenueState, listing: Listing, event: FundingEvent) -> dict[str, Any]:
    """Return a funding payment, which the venue lists among the executions."""
    value = event.quantity / event.mark if listing.is_inverse else event.quantity * event.mark
    number = state.unique("funding")
    return {
        "symbol": listing.symbol,
        "orderId": number,
        "orderLinkId": "",
        "side": "Buy" if event.quantity > 0 else "Sell",
        "orderPrice": "0",
        "orderQty": "0",
        "leavesQty": "0",
        "createType": "",
        "orderType": "UNKNOWN",
        "stopOrderType": "UNKNOWN",
        "execFee": amount(-event.amount),
        "execFeeV2": "",
        "execId": state.unique("execution"),
        "execPrice": scaled(event.mark, listing.tick),
        "execQty": scaled(abs(event.quantity), listing.step),
        "execType": "Funding",
        "execValue": amount(abs(value)),
        "execTime": ms(event.ns),
        "feeCurrency": event.asset,
        "isMaker": False,
        "feeRate": plain(event.rate),
        "tradeIv": "",
        "markIv": "",
        "markPrice": scaled(event.mark, listing.tick),
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": "0",
        "extraFees": "",
        "seq": state.seq[listing.name],
        "execPnl": "0",
    }


def position_row(state: VenueState, listing: Listing, position: Position, *, now_ns: int) -> dict[str, Any]:
    """Return a position, flat or not, as ``position/list`` shows it."""
    mark = state.mark(listing)
    entry = position.entry_price
    liquidation = None
    if position.is_open:
        liquidation = state.exchange.perps.liquidation_price(position.account, listing.name, position.leg)
    stops = stops_of(state, position.account, listing, position)
    side = "" if not position.is_open else "Buy" if position.quantity > 0 else "Sell"
    return {
        "positionIdx": POSITION_INDEX[position.leg],
        "riskId": 1,
        "riskLimitValue": "2000000",
        "symbol": listing.symbol,
        "side": side,
        "size": scaled(abs(position.quantity), listing.step) if position.is_open else "0",
        "avgPrice": "0" if entry is None else plain(entry.quantize(Decimal("1e-8"))),
        "breakEvenPrice": "",
        "positionValue": amount(abs(position.cost)) if position.is_open else "",
        "tradeMode": 0,
        "autoAddMargin": 0,
        "positionStatus": "Normal",
        "adlRankIndicator": 2 if position.is_open else 0,
        "leverage": plain(position.leverage),
        "positionBalance": "0",
        "markPrice": scaled(mark, listing.tick),
        "liqPrice": "" if liquidation is None else rounded(liquidation, listing.tick),
        "bustPrice": "",
        "positionMM": amount(position.maintenance_margin(mark)) if position.is_open else "",
        "positionIM": amount(position.margin or position.initial_margin(mark)) if position.is_open else "",
        "tpslMode": "Full",
        "takeProfit": stops.get("TakeProfit", ""),
        "stopLoss": stops.get("StopLoss", ""),
        "trailingStop": stops.get("TrailingStop", "0"),
        "sessionAvgPrice": "",
        "unrealisedPnl": amount(position.unrealized(mark)) if position.is_open else "",
        "curRealisedPnl": amount(position.realized_since_open + position.funding_since_open),
        "cumRealisedPnl": amount(position.realized + position.funding),
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "createdTime": ms(state.start_ns),
        "updatedTime": ms(now_ns),
        "openTime": int(ms(now_ns)) if position.is_open else 0,
        "seq": state.seq[listing.name],
    }


def position_news(state: VenueState, listing: Listing, position: Position, *, now_ns: int) -> dict[str, Any]:
    """Return a position as the private stream tells of it: the entry price has another name there."""
    row = position_row(state, listing, position, now_ns=now_ns)
    row["entryPrice"] = row.pop("avgPrice")
    return row | {"category": listing.category.value}


def stops_of(state: VenueState, account: str, listing: Listing, position: Position) -> dict[str, str]:
    """Return the stops of the whole position by ``stopOrderType``: a price, or how far a trailing one follows."""
    found: dict[str, str] = {}
    for order in state.exchange.open_orders(account, listing.name):
        at = order.trailing_distance or order.trigger_price
        if order.whole_position and order.leg is position.leg and at is not None:
            found[state.tracked(order).facts.stop_order_type] = scaled(at, listing.tick)
    return found
