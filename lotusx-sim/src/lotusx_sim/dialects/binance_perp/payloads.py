"""Orders and fills in the venue's JSON. Source: USDⓈ-M futures, "Trade endpoints"."""

from typing import Any

from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.dialects.binance_perp.contracts import UmSymbol, fixed, money, plain
from lotusx_sim.dialects.binance_perp.words import (
    client_id,
    side_name,
    side_of_position,
    status_name,
    tif_name,
    type_name,
)
from lotusx_sim.engine.orders import ZERO, Fill, Order, Side, Status


def _terms(order: Order, symbol: UmSymbol) -> dict[str, Any]:
    return {
        "symbol": order.symbol,
        "pair": symbol.pair,
        "orderId": order.id,
        "clientOrderId": client_id(order),
        "price": fixed(order.price or ZERO, symbol.tick),
        "origQty": fixed(order.quantity, symbol.step),
        "timeInForce": tif_name(order),
        "type": type_name(order),
        "origType": order.tags.get("origType", type_name(order)),
        "side": side_name(order.side),
        "positionSide": side_of_position(order.leg),
        "reduceOnly": order.reduce_only,
        "closePosition": order.whole_position,
        "stopPrice": fixed(order.trigger_price or ZERO, symbol.tick),
        "workingType": order.tags.get("workingType", "CONTRACT_PRICE"),
        "priceProtect": False,
        "priceMatch": order.tags.get("priceMatch", "NONE"),
        "selfTradePreventionMode": order.tags.get("selfTrade", "NONE"),
        "goodTillDate": int(order.tags.get("goodTillDate", "0")),
        "updateTime": order.updated_ns // NS_PER_MS,
    }


def order_reply(order: Order, symbol: UmSymbol) -> dict[str, Any]:
    """Answer a command: no average price and no quote amount since 2026-06-30."""
    executed = fixed(order.executed, symbol.step)
    return _terms(order, symbol) | {"status": status_name(order), "executedQty": executed, "cumQty": executed}


def order_ack(order: Order, symbol: UmSymbol) -> dict[str, Any]:
    """Answer a new order that nobody waited for: it is new, whatever became of it since."""
    nothing = fixed(ZERO, symbol.step)
    return order_reply(order, symbol) | {"status": Status.NEW.name, "executedQty": nothing, "cumQty": nothing}


def average(order: Order, symbol: UmSymbol) -> str:
    """Return the average price of what was executed, with two decimals more than the tick."""
    if not order.executed:
        return "0.00000"
    return fixed(order.executed_quote / order.executed, symbol.tick.scaleb(-2))


def order_query(order: Order, symbol: UmSymbol) -> dict[str, Any]:
    return _terms(order, symbol) | {
        "status": status_name(order),
        "executedQty": fixed(order.executed, symbol.step),
        "avgPrice": average(order, symbol),
        "cumQuote": plain(order.executed_quote),
        "time": order.created_ns // NS_PER_MS,
    }


def user_trade(fill: Fill, order: Order, symbol: UmSymbol) -> dict[str, Any]:
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "side": side_name(fill.side),
        "positionSide": side_of_position(order.leg),
        "price": fixed(fill.price, symbol.tick),
        "qty": fixed(fill.quantity, symbol.step),
        "realizedPnl": money(fill.closed_pnl),
        "marginAsset": symbol.quote,
        "pair": symbol.pair,
        "quoteQty": plain(fill.quote_quantity),
        "baseQty": fixed(fill.quantity, symbol.step),
        "commission": money(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.ns // NS_PER_MS,
        "maker": fill.is_maker,
        "buyer": fill.side is Side.BUY,
    }
