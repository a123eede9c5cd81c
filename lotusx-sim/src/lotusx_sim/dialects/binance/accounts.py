"""Account endpoints. Source: rest-api.md, account endpoints; wallet endpoints of sapi."""

from collections.abc import Mapping
from typing import Any

from lotusx_sim.dialects.binance import payloads
from lotusx_sim.dialects.binance.call import Call, CallOn, Operation, Security, StateT
from lotusx_sim.dialects.binance.errors import VenueError
from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.signing import ApiKey
from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.dialects.binance.symbols import text

_DAY_MS = 24 * 60 * 60 * 1000


def _window(call: Call) -> tuple[int, int]:
    """Return the time window a history request asks for, in nanoseconds, both ends included."""
    start, end = call.params.integer("startTime"), call.params.integer("endTime")
    if start is not None and end is not None:
        if start > end:
            raise VenueError(-1128, "Combination of optional parameters invalid.")
        if end - start > _DAY_MS:
            raise VenueError(-1127, "More than 24 hours between startTime and endTime.")
    if start is not None and end is None:
        end = start + _DAY_MS
    if end is not None and start is None:
        start = end - _DAY_MS
    low = start * NS_PER_MS if start is not None else 0
    high = (end + 1) * NS_PER_MS - 1 if end is not None else 2**63
    return low, high


def all_orders(call: Call) -> list[dict[str, Any]]:
    symbol = call.state.symbol(call.params).symbol
    limit = call.params.bounded("limit", 500, 1000)
    low, high = _window(call)
    from_id = call.params.integer("orderId")
    found = [
        order
        for order in call.state.exchange.orders.values()
        if order.account == call.account and order.symbol == symbol and low <= order.created_ns <= high
        and (from_id is None or order.id >= from_id) and call.state.is_visible(order, call.now_ns)
    ]  # fmt: skip
    forward = from_id is not None or call.params.integer("startTime") is not None
    return [payloads.order_query(order, call.unit) for order in (found[:limit] if forward else found[-limit:])]


def my_trades(call: Call) -> list[dict[str, Any]]:
    symbol = call.state.symbol(call.params).symbol
    limit = call.params.bounded("limit", 500, 1000)
    low, high = _window(call)
    order_id, from_id = call.params.integer("orderId"), call.params.integer("fromId")
    if from_id is not None and ("startTime" in call.params or "endTime" in call.params):
        raise VenueError(-1128, "Combination of optional parameters invalid.")
    found = [
        fill
        for fill in call.state.exchange.fills
        if fill.account == call.account and fill.symbol == symbol and low <= fill.ns <= high
        and (order_id is None or fill.order_id == order_id) and (from_id is None or fill.trade_id >= from_id)
    ]  # fmt: skip
    forward = from_id is not None or "startTime" in call.params
    return [payloads.my_trade(fill, call.unit) for fill in (found[:limit] if forward else found[-limit:])]


def account(call: Call) -> dict[str, Any]:
    fees = call.state.exchange.fees_of(call.account)
    owned = call.state.exchange.accounts.balances(call.account)
    if call.params.boolean("omitZeroBalances"):
        owned = {asset: balance for asset, balance in owned.items() if balance.total}
    zero = "0.00000000"
    return {
        "makerCommission": int(fees.maker * 10_000),
        "takerCommission": int(fees.taker * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {"maker": text(fees.maker), "taker": text(fees.taker), "buyer": zero, "seller": zero},
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": call.now_ns // call.unit,
        "accountType": "SPOT",
        "balances": payloads.balances(owned.items()),
        "permissions": ["SPOT"],
        "uid": 354_937_868,
    }


def commission(call: Call) -> dict[str, Any]:
    symbol = call.state.symbol(call.params).symbol
    fees = call.state.exchange.fees_of(call.account)
    zero = "0.00000000"
    none = {"maker": zero, "taker": zero, "buyer": zero, "seller": zero}
    return {
        "symbol": symbol,
        "standardCommission": none | {"maker": text(fees.maker), "taker": text(fees.taker)},
        "specialCommission": none,
        "taxCommission": none,
        "discount": {"enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB", "discount": zero},
    }


def order_counts(call: CallOn[StateT]) -> list[dict[str, Any]]:
    counts = call.state.limits.order_counts(call.account, call.now_ns)
    return [
        {
            "rateLimitType": "ORDERS",
            "interval": window.interval,
            "intervalNum": window.number,
            "limit": window.limit,
            "count": counts[window.name],
        }
        for window in call.state.limits.rules.order_windows()
    ]


def restrictions(call: Call) -> dict[str, Any]:
    return restrictions_of(call.state.keys, call.account, call.state.start_ns // call.unit)


def restrictions_of(keys: Mapping[str, ApiKey], account: str, created: int, *, futures: bool = False) -> dict[str, Any]:
    """Return what the account's key may do; *created* is a time in the client's unit."""
    key = next(key for key in keys.values() if key.account == account)
    return {
        "ipRestrict": False,
        "createTime": created,
        "enableReading": key.may_read,
        "enableWithdrawals": key.may_withdraw,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": futures and key.may_trade,
        "permitsUniversalTransfer": key.may_trade,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": not futures and key.may_trade,
        "enablePortfolioMarginTrading": False,
    }


def trade_fee(call: Call) -> list[dict[str, Any]]:
    fees = call.state.exchange.fees_of(call.account)
    name = call.params.text("symbol")
    symbols = [call.state.listed(name)] if name is not None else list(call.state.symbols.values())
    return [
        {"symbol": s.symbol, "makerCommission": str(fees.maker), "takerCommission": str(fees.taker)} for s in symbols
    ]


def margin_pairs(call: Call) -> list[Any]:
    """Return no pair: nothing here trades on margin. ccxt asks before it lists spot markets."""
    del call
    return []


def coins(call: Call) -> list[dict[str, Any]]:
    """Return what the account holds of every listed asset; no network moves anything in or out."""
    zero = "0.00000000"
    listed = sorted({asset for symbol in call.state.symbols.values() for asset in (symbol.base, symbol.quote)})
    owned = call.state.exchange.accounts
    return [
        {
            "coin": asset,
            "name": asset,
            "depositAllEnable": False,
            "withdrawAllEnable": False,
            "free": text(owned.balance(call.account, asset).free),
            "locked": text(owned.balance(call.account, asset).locked),
            "freeze": zero,
            "withdrawing": zero,
            "ipoing": zero,
            "ipoable": zero,
            "storage": zero,
            "isLegalMoney": False,
            "trading": True,
            "networkList": [],
        }
        for asset in listed
    ]


def _my_trades_weight(params: Params) -> int:
    return 5 if "orderId" in params else 20


_HISTORY = ("symbol", "orderId", "startTime", "endTime", "limit")
ALL_ORDERS = Operation(all_orders, _HISTORY, 20, Security.USER_DATA)
MY_TRADES = Operation(my_trades, (*_HISTORY, "fromId"), _my_trades_weight, Security.USER_DATA)
ACCOUNT = Operation(account, ("omitZeroBalances",), 20, Security.USER_DATA)
COMMISSION = Operation(commission, ("symbol",), 20, Security.USER_DATA)
ORDER_COUNTS = Operation(order_counts, (), 40, Security.USER_DATA)
RESTRICTIONS = Operation(restrictions, (), 1, Security.USER_DATA)
TRADE_FEE = Operation(trade_fee, ("symbol",), 1, Security.USER_DATA)
MARGIN_PAIRS = Operation(margin_pairs, ("symbol",), 1, Security.USER_DATA)
COINS = Operation(coins, (), 10, Security.USER_DATA)
