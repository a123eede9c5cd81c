"""Balances and positions in the venue's JSON. Amounts of assets have eight decimals."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.binance_perp.contracts import UmSymbol, fixed, money, plain
from lotusx_sim.dialects.binance_perp.state import PerpState
from lotusx_sim.dialects.binance_perp.words import side_of_position
from lotusx_sim.engine.margin import MarginSummary
from lotusx_sim.engine.orders import ZERO, Side
from lotusx_sim.engine.positions import Position
from lotusx_sim.engine.terms import MarginMode

MAX_NOTIONAL = "100000000"


def isolated_margin(state: PerpState, account: str, asset: str) -> Decimal:
    held = state.exchange.perps.positions(account)
    return sum((p.margin for p in held if p.contract.settle == asset and p.mode is MarginMode.ISOLATED), ZERO)


def cross_wallet(state: PerpState, account: str, asset: str) -> Decimal:
    """Return the balance without what isolated positions have set aside."""
    return state.exchange.accounts.balance(account, asset).total - isolated_margin(state, account, asset)


def _cross_unrealized(state: PerpState, account: str, asset: str) -> Decimal:
    """Return profit and loss that no isolated position has."""
    return _summary(state, account, asset).cross_equity - cross_wallet(state, account, asset)


def _summary(state: PerpState, account: str, asset: str) -> MarginSummary:
    return state.exchange.perps.summary(account, asset)


def _maintenance(state: PerpState, account: str, asset: str) -> Decimal:
    held = (p for p in state.exchange.perps.positions(account) if p.contract.settle == asset)
    return sum((p.maintenance_margin(state.mark(state.symbols[p.symbol])) for p in held), ZERO)


def assets_of(state: PerpState, account: str) -> list[str]:
    """Return what is margin here, and whatever else the account owns."""
    return list(dict.fromkeys([*state.assets(), *state.exchange.accounts.balances(account)]))


def balances(state: PerpState, account: str) -> list[dict[str, Any]]:
    rows = []
    for asset in assets_of(state, account):
        summary = _summary(state, account, asset)
        rows.append(
            {
                "accountAlias": "SgsR",
                "asset": asset,
                "balance": money(summary.wallet),
                "crossWalletBalance": money(cross_wallet(state, account, asset)),
                "crossUnPnl": money(_cross_unrealized(state, account, asset)),
                "availableBalance": money(max(ZERO, summary.available)),
                "maxWithdrawAmount": money(state.exchange.perps.spendable(account, asset)),
                "marginAvailable": True,
                "updateTime": state.changed_ms(account, asset),
            }
        )
    return rows


def _asset_row(state: PerpState, account: str, asset: str) -> dict[str, Any]:
    summary = _summary(state, account, asset)
    cross = cross_wallet(state, account, asset)
    return {
        "asset": asset,
        "walletBalance": money(summary.wallet),
        "unrealizedProfit": money(summary.unrealized),
        "marginBalance": money(summary.equity),
        "maintMargin": money(_maintenance(state, account, asset)),
        "initialMargin": money(summary.position_margin + summary.order_margin),
        "positionInitialMargin": money(summary.position_margin),
        "openOrderInitialMargin": money(summary.order_margin),
        "crossWalletBalance": money(cross),
        "crossUnPnl": money(summary.cross_equity - cross),
        "availableBalance": money(max(ZERO, summary.available)),
        "maxWithdrawAmount": money(state.exchange.perps.spendable(account, asset)),
        "marginAvailable": True,
        "updateTime": state.changed_ms(account, asset),
    }


_TOTALS = {
    "totalInitialMargin": "initialMargin",
    "totalMaintMargin": "maintMargin",
    "totalWalletBalance": "walletBalance",
    "totalUnrealizedProfit": "unrealizedProfit",
    "totalMarginBalance": "marginBalance",
    "totalPositionInitialMargin": "positionInitialMargin",
    "totalOpenOrderInitialMargin": "openOrderInitialMargin",
    "totalCrossWalletBalance": "crossWalletBalance",
    "totalCrossUnPnl": "crossUnPnl",
    "availableBalance": "availableBalance",
    "maxWithdrawAmount": "maxWithdrawAmount",
}


def account(state: PerpState, name: str) -> dict[str, Any]:
    """Return the account; its totals are those of USDT, as in single-asset mode."""
    rows = [_asset_row(state, name, asset) for asset in assets_of(state, name)]
    tether = _asset_row(state, name, "USDT")
    totals = {total: tether[field] for total, field in _TOTALS.items()}
    return {**totals, "assets": rows, "positions": [_account_position(state, p) for p in _involved(state, name)]}


def account_v2(state: PerpState, name: str) -> dict[str, Any]:
    """Return version 2: every contract, and what the account may do."""
    config = {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "feeBurn": False,
        "tradeGroupId": -1,
        "updateTime": 0,
        "multiAssetsMargin": False,
    }
    rows = []
    for position in _every(state, name, state.symbols.values()):
        symbol = state.symbols[position.symbol]
        rows.append(
            _account_position(state, position)
            | {
                "leverage": plain(position.leverage),
                "isolated": position.mode is MarginMode.ISOLATED,
                "entryPrice": _entry(position, symbol),
                "breakEvenPrice": _entry(position, symbol),
                "maxNotional": MAX_NOTIONAL,
                **dict(zip(("bidNotional", "askNotional"), _order_notionals(state, position), strict=True)),
            }
        )
    return config | account(state, name) | {"positions": rows}


def _account_position(state: PerpState, position: Position) -> dict[str, Any]:
    mark = state.mark(state.symbols[position.symbol])
    margin = position.initial_margin(mark)
    orders = _order_margin(state, position)
    return {
        "symbol": position.symbol,
        "positionSide": side_of_position(position.leg),
        "positionAmt": fixed(position.quantity, state.symbols[position.symbol].step),
        "unrealizedProfit": money(position.unrealized(mark)),
        "isolatedMargin": money(_isolated(position, mark)),
        "notional": money(position.value(mark)),
        "isolatedWallet": money(position.margin),
        "initialMargin": money(margin + orders),
        "maintMargin": money(position.maintenance_margin(mark)),
        "positionInitialMargin": money(margin),
        "openOrderInitialMargin": money(orders),
        "updateTime": state.changed_ms(position.account, position.symbol, position.leg.value),
    }


def _isolated(position: Position, mark: Decimal) -> Decimal:
    """Return the margin of an isolated position, with what it has gained or lost."""
    return position.margin + position.unrealized(mark) if position.mode is MarginMode.ISOLATED else ZERO


def _orders_of(state: PerpState, position: Position) -> list[Any]:
    orders = state.exchange.open_orders(position.account, position.symbol)
    return [order for order in orders if state.is_order(order) and order.leg is position.leg]


def _order_margin(state: PerpState, position: Position) -> Decimal:
    return sum((order.reserved for order in _orders_of(state, position)), ZERO)


def _order_notionals(state: PerpState, position: Position) -> tuple[str, str]:
    totals = {Side.BUY: ZERO, Side.SELL: ZERO}
    for order in _orders_of(state, position):
        totals[order.side] += order.remaining * (order.price or ZERO)
    return plain(totals[Side.BUY]), plain(totals[Side.SELL])


def _every(state: PerpState, account: str, symbols: Iterable[UmSymbol]) -> list[Position]:
    return [
        state.exchange.perps.position(account, symbol.symbol, leg) for symbol in symbols for leg in state.legs(account)
    ]


def _involved(state: PerpState, account: str, only: UmSymbol | None = None) -> list[Position]:
    """Return positions that are open, and flat ones whose contract has an open order."""
    symbols = list(state.symbols.values()) if only is None else [only]
    return [p for p in _every(state, account, symbols) if p.is_open or _orders_of(state, p)]


def _entry(position: Position, symbol: UmSymbol) -> str:
    price = position.entry_price
    return "0.0" if price is None else fixed(price, symbol.tick.scaleb(-4))


def _liquidation(state: PerpState, position: Position, symbol: UmSymbol) -> str:
    price = state.exchange.perps.liquidation_price(position.account, position.symbol, position.leg)
    return "0" if price is None else fixed(price, symbol.tick.scaleb(-4))


def _position(state: PerpState, position: Position) -> dict[str, Any]:
    """Return what both versions of ``positionRisk`` tell."""
    symbol = state.symbols[position.symbol]
    mark = state.mark(symbol)
    return {
        "symbol": position.symbol,
        "positionSide": side_of_position(position.leg),
        "positionAmt": fixed(position.quantity, symbol.step),
        "entryPrice": _entry(position, symbol),
        "breakEvenPrice": _entry(position, symbol),
        "markPrice": money(mark),
        "unRealizedProfit": money(position.unrealized(mark)),
        "liquidationPrice": _liquidation(state, position, symbol),
        "isolatedMargin": money(_isolated(position, mark)),
        "notional": money(position.value(mark)),
        "isolatedWallet": money(position.margin),
        "updateTime": state.changed_ms(position.account, position.symbol, position.leg.value),
    }


def positions(state: PerpState, account: str, only: UmSymbol | None) -> list[dict[str, Any]]:
    rows = []
    for position in _involved(state, account, only):
        symbol = state.symbols[position.symbol]
        mark = state.mark(symbol)
        margin, orders = position.initial_margin(mark), _order_margin(state, position)
        bids, asks = _order_notionals(state, position)
        rows.append(
            _position(state, position)
            | {
                "marginAsset": symbol.quote,
                "initialMargin": money(margin + orders),
                "maintMargin": money(position.maintenance_margin(mark)),
                "positionInitialMargin": money(margin),
                "openOrderInitialMargin": money(orders),
                "adl": 1 if position.is_open else 0,
                "bidNotional": bids,
                "askNotional": asks,
            }
        )
    return rows


def positions_v2(state: PerpState, account: str, only: UmSymbol | None) -> list[dict[str, Any]]:
    symbols = list(state.symbols.values()) if only is None else [only]
    return [
        _position(state, position)
        | {
            "leverage": plain(position.leverage),
            "maxNotionalValue": MAX_NOTIONAL,
            "marginType": "isolated" if position.mode is MarginMode.ISOLATED else "cross",
            "isAutoAddMargin": "false",
        }
        for position in _every(state, account, symbols)
    ]
