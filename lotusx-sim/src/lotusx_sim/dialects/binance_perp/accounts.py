"""Balances, positions and the account's settings. Source: USDⓈ-M futures, "Account endpoints"."""

from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.binance.accounts import order_counts, restrictions_of
from lotusx_sim.dialects.binance.call import Security
from lotusx_sim.dialects.binance.errors import VenueError
from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.dialects.binance_perp import holdings, reading
from lotusx_sim.dialects.binance_perp.call import Call, Operation
from lotusx_sim.dialects.binance_perp.contracts import UmSymbol, json_number
from lotusx_sim.dialects.binance_perp.errors import setting_refused
from lotusx_sim.engine.orders import Leg, Refused
from lotusx_sim.engine.terms import MarginMode, MarketKind

SUCCESS = {"code": 200, "msg": "success"}
_MODES = {"ISOLATED": MarginMode.ISOLATED, "CROSSED": MarginMode.CROSS}


def balances(call: Call) -> list[dict[str, Any]]:
    return holdings.balances(call.state, call.account)


def account(call: Call) -> dict[str, Any]:
    return holdings.account(call.state, call.account)


def account_with_settings(call: Call) -> dict[str, Any]:
    """Return version 2, which lists every symbol and the settings, too."""
    return holdings.account_v2(call.state, call.account)


def positions(call: Call) -> list[dict[str, Any]]:
    """Return version 3: contracts with a position or an open order, without leverage and margin type."""
    name = call.params.text("symbol")
    wanted = None if name is None else call.state.listed(name)
    return holdings.positions(call.state, call.account, wanted)


def positions_with_settings(call: Call) -> list[dict[str, Any]]:
    """Return version 2: all contracts, with leverage and margin type."""
    name = call.params.text("symbol")
    wanted = None if name is None else call.state.listed(name)
    return holdings.positions_v2(call.state, call.account, wanted)


def symbol_config(call: Call) -> list[dict[str, Any]]:
    name = call.params.text("symbol")
    state = call.state
    wanted = [state.listed(name)] if name is not None else list(state.symbols.values())
    rows = []
    for symbol in wanted:
        position = state.exchange.perps.position(call.account, symbol.symbol, state.legs(call.account)[0])
        rows.append(
            {
                "symbol": symbol.symbol,
                "marginType": "ISOLATED" if position.mode is MarginMode.ISOLATED else "CROSSED",
                "isAutoAddMargin": False,
                "leverage": int(position.leverage),
                "maxNotionalValue": holdings.MAX_NOTIONAL,
            }
        )
    return rows


def account_config(call: Call) -> dict[str, Any]:
    key = next(key for key in call.state.keys.values() if key.account == call.account)
    return {
        "feeTier": 0,
        "canTrade": key.may_trade,
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": call.account in call.state.hedged,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }


def restrictions(call: Call) -> dict[str, Any]:
    return restrictions_of(call.state.keys, call.account, call.state.start_ns // NS_PER_MS, futures=True)


def brackets(call: Call) -> Any:
    """Return an object for one symbol, a list for all; there is one bracket."""
    state = call.state
    name = call.params.text("symbol")
    if name is not None:
        return _bracket(state.listed(name))
    return [_bracket(symbol) for symbol in state.symbols.values()]


def _bracket(symbol: UmSymbol) -> dict[str, Any]:
    one = {
        "bracket": 1,
        "initialLeverage": symbol.max_leverage,
        "notionalCap": int(holdings.MAX_NOTIONAL),
        "notionalFloor": 0,
        "maintMarginRatio": json_number(symbol.maintenance),
        "cum": 0,
    }
    return {"symbol": symbol.symbol, "brackets": [one]}


def commission(call: Call) -> dict[str, Any]:
    symbol = call.state.symbol(call.params)
    fees = call.state.exchange.fees_of(call.account, MarketKind.LINEAR)
    return {
        "symbol": symbol.symbol,
        "makerCommissionRate": str(fees.maker),
        "takerCommissionRate": str(fees.taker),
        "rpiCommissionRate": str(fees.maker),
    }


# -- settings --------------------------------------------------------------------------------------------------------


def set_leverage(call: Call) -> dict[str, Any]:
    state, symbol = call.state, call.state.symbol(call.params)
    call.params.need("leverage")
    leverage = call.params.integer("leverage") or 0
    try:
        for leg in Leg:
            state.exchange.perps.set_leverage(call.account, symbol.symbol, Decimal(leverage), call.now_ns, leg)
    except Refused as refused:
        if not 1 <= leverage <= symbol.max_leverage:
            raise VenueError(-4028, f"Leverage {leverage} is not valid") from None
        raise setting_refused(refused) from None
    now_ms = call.now_ns // NS_PER_MS
    change = {"e": "ACCOUNT_CONFIG_UPDATE", "E": now_ms, "T": now_ms, "ac": {"s": symbol.symbol, "l": leverage}}
    state.news.append((call.account, change))
    return {"leverage": leverage, "maxNotionalValue": holdings.MAX_NOTIONAL, "symbol": symbol.symbol}


def set_margin_type(call: Call) -> dict[str, Any]:
    state, symbol = call.state, call.state.symbol(call.params)
    mode = _MODES.get(call.params.need("marginType"))
    if mode is None:
        raise VenueError(-4055, "Invalid margin type.")
    perps = state.exchange.perps
    if perps.position(call.account, symbol.symbol).mode is mode:
        raise VenueError(-4046, "No need to change margin type.")
    if state.exchange.open_orders(call.account, symbol.symbol):
        raise VenueError(-4047, "Margin type cannot be changed if there exists open orders.")
    if any(perps.position(call.account, symbol.symbol, leg).is_open for leg in Leg):
        raise VenueError(-4048, "Margin type cannot be changed if there exists position.")
    state.reason = "MARGIN_TYPE_CHANGE"
    for leg in Leg:
        perps.set_margin_mode(call.account, symbol.symbol, mode, call.now_ns, leg)
    return SUCCESS


def change_margin(call: Call) -> dict[str, Any]:
    """Add margin to an isolated position (type 1), or take some out (2)."""
    state, symbol = call.state, call.state.symbol(call.params)
    leg = reading.leg_of(call)
    amount = reading.needed(call.params, "amount")
    kind = call.params.need("type")
    if kind not in ("1", "2"):
        raise VenueError(-4055, "Invalid type: 1 adds margin, 2 reduces it.")
    position = state.exchange.perps.position(call.account, symbol.symbol, leg)
    if position.mode is not MarginMode.ISOLATED:
        raise VenueError(-4046, "No need to change margin type.")
    if not position.is_open:
        raise VenueError(-4054, "Cannot add position margin: position is 0.")
    state.reason = "MARGIN_TRANSFER"
    try:
        state.exchange.perps.change_isolated_margin(
            call.account, symbol.symbol, amount if kind == "1" else -amount, call.now_ns, leg
        )
    except Refused as refused:
        if kind == "2":
            raise VenueError(-4051, "Isolated balance insufficient.") from None
        raise VenueError(-4050, "Cross balance insufficient.") from refused
    return {
        "amount": json_number(amount),
        "code": 200,
        "msg": "Successfully modify position margin.",
        "type": int(kind),
    }


def position_mode(call: Call) -> dict[str, Any]:
    return {"dualSidePosition": call.account in call.state.hedged}


def set_position_mode(call: Call) -> dict[str, Any]:
    state = call.state
    call.params.need("dualSidePosition")
    wanted = call.params.boolean("dualSidePosition")
    if wanted == (call.account in state.hedged):
        raise VenueError(-4059, "No need to change position side.")
    if state.exchange.open_orders(call.account):
        raise VenueError(-4067, "Position side cannot be changed if there exists open orders.")
    if state.exchange.perps.positions(call.account):
        raise VenueError(-4068, "Position side cannot be changed if there exists position.")
    (state.hedged.add if wanted else state.hedged.discard)(call.account)
    return SUCCESS


def assets_mode(call: Call) -> dict[str, Any]:
    del call
    return {"multiAssetsMargin": False}


def set_assets_mode(call: Call) -> dict[str, Any]:
    """Refuse: every asset here is a margin of its own."""
    call.params.need("multiAssetsMargin")
    if not call.params.boolean("multiAssetsMargin"):
        raise VenueError(-4171, "No need to change multi assets mode.")
    raise VenueError(-1020, "This operation is not supported: the simulated venue has no multi-assets mode.")


_SYMBOL = ("symbol",)
_USER = Security.USER_DATA
BALANCES = Operation(balances, (), 5, _USER)
ACCOUNT = Operation(account, (), 5, _USER)
ACCOUNT_V2 = Operation(account_with_settings, (), 5, _USER)
POSITIONS = Operation(positions, _SYMBOL, 5, _USER)
POSITIONS_V2 = Operation(positions_with_settings, _SYMBOL, 5, _USER)
SYMBOL_CONFIG = Operation(symbol_config, _SYMBOL, 5, _USER)
ACCOUNT_CONFIG = Operation(account_config, (), 5, _USER)
RESTRICTIONS = Operation(restrictions, (), 1, _USER)
BRACKETS = Operation(brackets, _SYMBOL, 1, _USER)
COMMISSION = Operation(commission, _SYMBOL, 20, _USER)
ORDER_COUNTS = Operation(order_counts, (), 1, _USER)
SET_LEVERAGE = Operation(set_leverage, ("symbol", "leverage"), 1, Security.TRADE)
SET_MARGIN_TYPE = Operation(set_margin_type, ("symbol", "marginType"), 1, Security.TRADE)
CHANGE_MARGIN = Operation(change_margin, ("symbol", "positionSide", "amount", "type"), 1, Security.TRADE)
POSITION_MODE = Operation(position_mode, (), 30, _USER)
SET_POSITION_MODE = Operation(set_position_mode, ("dualSidePosition",), 1, Security.TRADE)
ASSETS_MODE = Operation(assets_mode, (), 30, _USER)
SET_ASSETS_MODE = Operation(set_assets_mode, ("multiAssetsMargin",), 1, Security.TRADE)
