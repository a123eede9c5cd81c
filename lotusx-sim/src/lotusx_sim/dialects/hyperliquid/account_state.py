"""What an address owns, as info answers and streams show it."""

from decimal import ROUND_DOWN, Decimal
from typing import Any

from lotusx_sim.dialects.hyperliquid.errors import UnknownCoin
from lotusx_sim.dialects.hyperliquid.markets import Dex, Listing, Token
from lotusx_sim.dialects.hyperliquid.numbers import rounded, shown, usd
from lotusx_sim.dialects.hyperliquid.state import NS_PER_MS, SPOT, VenueState, is_unified, user_of
from lotusx_sim.engine.orders import ZERO, Side
from lotusx_sim.engine.positions import Position
from lotusx_sim.engine.terms import MarginMode

_EMPTY = {"accountValue": "0.0", "totalNtlPos": "0.0", "totalRawUsd": "0.0", "totalMarginUsed": "0.0"}


def _is_member(state: VenueState, who: str) -> bool:
    return who in state.registry.members


def perp_state(state: VenueState, who: str, dex: Dex, now_ns: int) -> dict[str, Any]:
    """Return margin and positions of a user on one dex."""
    now_ms = now_ns // NS_PER_MS
    if not _is_member(state, who):
        return _summaries(dict(_EMPTY), dict(_EMPTY), "0.0", "0.0", [], now_ms)
    wallet, asset = state.wallet(who, dex.name), dex.collateral.name
    positions = [p for p in state.exchange.perps.positions(wallet) if state.universe.by_coin[p.symbol].dex == dex.name]
    total = state.exchange.perps.summary(wallet, asset)
    cross = [p for p in positions if p.mode is MarginMode.CROSS]
    return _summaries(
        _summary(state, total.equity, positions),
        _summary(state, total.cross_equity, cross),
        usd(sum((p.maintenance_margin(_mark(state, p)) for p in cross), ZERO)),
        usd(state.exchange.perps.spendable(wallet, asset)),
        [_position(state, p) for p in positions],
        now_ms,
    )


def _summaries(
    margin: Any, cross: Any, maintenance: str, withdrawable: str, positions: list[Any], now_ms: int
) -> dict[str, Any]:
    return {
        "marginSummary": margin,
        "crossMarginSummary": cross,
        "crossMaintenanceMarginUsed": maintenance,
        "withdrawable": withdrawable,
        "assetPositions": positions,
        "time": now_ms,
    }


def _summary(state: VenueState, equity: Decimal, positions: list[Position]) -> dict[str, Any]:
    values = [p.value(_mark(state, p)) for p in positions]
    return {
        "accountValue": usd(equity),
        "totalNtlPos": usd(sum((abs(value) for value in values), ZERO)),
        "totalRawUsd": usd(equity - sum(values, ZERO)),
        "totalMarginUsed": usd(sum((_margin_used(state, p) for p in positions), ZERO)),
    }


def _mark(state: VenueState, position: Position) -> Decimal:
    return state.mark(state.universe.by_coin[position.symbol])


def _margin_used(state: VenueState, position: Position) -> Decimal:
    mark = _mark(state, position)
    if position.mode is MarginMode.ISOLATED:
        return position.margin + position.unrealized(mark)
    return position.initial_margin(mark)


def leverage(state: VenueState, position: Position) -> dict[str, Any]:
    """Return margin mode and leverage; with the cash of the position where it has its own margin."""
    content: dict[str, Any] = {"type": position.mode.value, "value": int(position.leverage)}
    if position.mode is MarginMode.ISOLATED:
        content["rawUsd"] = usd(_margin_used(state, position) - position.value(_mark(state, position)))
    return content


def _position(state: VenueState, position: Position) -> dict[str, Any]:
    listing, mark = state.universe.by_coin[position.symbol], _mark(state, position)
    unrealized = position.unrealized(mark)
    liquidation = state.exchange.perps.liquidation_price(position.account, position.symbol)
    entry = position.entry_price
    own = abs(position.cost) / position.leverage
    return {
        "type": "oneWay",
        "position": {
            "coin": position.symbol,
            "szi": shown(position.quantity),
            "leverage": leverage(state, position),
            "entryPx": None if entry is None else rounded(entry, listing.max_decimals - listing.size_decimals),
            "positionValue": usd(abs(position.value(mark))),
            "unrealizedPnl": usd(unrealized),
            "returnOnEquity": rounded(unrealized / own, 10) if own else "0.0",
            "liquidationPx": None if liquidation is None else rounded(liquidation, 10),
            "marginUsed": usd(_margin_used(state, position)),
            "maxLeverage": listing.max_leverage,
            "cumFunding": {  # paid > 0
                "allTime": usd(-position.funding),
                "sinceOpen": usd(-position.funding_since_open),
                "sinceChange": usd(-position.funding_since_change),
            },
        },
    }


def spot_state(state: VenueState, who: str) -> dict[str, Any]:
    """Return a user's tokens; in unified mode margin in use is held."""
    if not _is_member(state, who):
        return {"balances": []}
    wallet = state.wallet(who, SPOT)
    owned = state.exchange.accounts.balances(wallet)
    return {
        "balances": [
            {
                "coin": token.name,
                "token": token.index,
                "total": shown(owned[token.name].total),
                "hold": shown(_hold(state, who, token)),
                "entryNtl": usd(_entry_value(state, who, token.name)),
            }
            for token in state.universe.tokens.values()
            if token.name in owned and owned[token.name].total
        ]
    }


def _hold(state: VenueState, who: str, token: Token) -> Decimal:
    wallet = state.wallet(who, SPOT)
    balance = state.exchange.accounts.balance(wallet, token.name)
    if not is_unified(state.registry.members[who]):
        return balance.locked
    free = min(balance.total, state.exchange.perps.spendable(wallet, token.name))
    return max(balance.locked, balance.total - free)


def _entry_value(state: VenueState, who: str, token: str) -> Decimal:
    """Return what a user paid for the tokens it still has, as far as it bought them here."""
    size = value = ZERO
    for item in state.exchange.fills:
        listing = state.universe.by_coin[item.symbol]
        if not listing.is_spot or listing.base != token or user_of(item.account) != who:
            continue
        if item.side is Side.BUY:
            size += item.quantity
            value += item.quote_quantity
        elif size:
            sold = min(size, item.quantity)
            value -= value * sold / size
            size -= sold
    return value


def asset_data(state: VenueState, who: str, listing: Listing) -> dict[str, Any]:
    """Return leverage and how much more may be traded, to buy and to sell."""
    if listing.is_spot:
        raise UnknownCoin(listing.coin)
    mark = state.mark(listing)
    content: dict[str, Any] = {"user": who, "coin": listing.coin}
    if not _is_member(state, who):
        nothing = ["0.0", "0.0"]
        chosen = {"type": "cross", "value": min(20, listing.max_leverage)}
        return {**content, "leverage": chosen, "maxTradeSzs": nothing, "availableToTrade": nothing,
                "markPx": shown(mark)}  # fmt: skip
    perps = state.exchange.perps
    wallet = state.wallet_for(who, listing)
    position = perps.position(wallet, listing.coin)
    free = max(ZERO, perps.available(wallet, listing.quote))
    closing = 2 * position.initial_margin(mark)
    available = [free + (closing if position.quantity < 0 else 0), free + (closing if position.quantity > 0 else 0)]
    sizes = [(money * position.leverage / mark).quantize(listing.step, rounding=ROUND_DOWN) for money in available]
    return {
        **content,
        "leverage": leverage(state, position),
        "maxTradeSzs": [shown(size) for size in sizes],
        "availableToTrade": [usd(money) for money in available],
        "markPx": shown(mark),
    }
