"""The unified wallet. Margin counts coin by coin here: the venue lets one coin stand for another, this one does not."""

from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.bybit.numbers import amount
from lotusx_sim.dialects.bybit.state import VenueState
from lotusx_sim.engine.orders import ZERO


def coin_row(state: VenueState, account: str, coin: str) -> dict[str, Any]:
    perps = state.exchange.perps
    summary = perps.summary(account, coin)
    on_spot = order_margin = ZERO
    for order in state.exchange.open_orders(account):
        if order.reserved_asset == coin:
            if state.directory.by_name[order.symbol].is_spot:
                on_spot += order.reserved
            else:
                order_margin += order.reserved
    realized = maintenance = ZERO
    for listing in state.directory.listings:
        if listing.settle == coin:
            for position in state.positions(account, listing):
                realized += position.realized + position.funding
                if position.is_open:
                    maintenance += position.maintenance_margin(state.mark(listing))
    return {
        "coin": coin,
        "equity": amount(summary.equity),
        "usdValue": amount(summary.equity * state.usd(coin)),
        "walletBalance": amount(summary.wallet),
        "free": "",
        "locked": amount(on_spot),
        "spotHedgingQty": "0",
        "borrowAmount": "0",
        "spotBorrow": "0",
        "availableToBorrow": "",
        "availableToWithdraw": "",
        "accruedInterest": "0",
        "totalOrderIM": amount(order_margin),
        "totalPositionIM": amount(summary.position_margin),
        "totalPositionMM": amount(maintenance),
        "unrealisedPnl": amount(summary.unrealized),
        "cumRealisedPnl": amount(realized),
        "bonus": "0",
        "marginCollateral": True,
        "collateralSwitch": True,
        "colRes": "",
    }


def wallet_row(state: VenueState, account: str, coins: list[str]) -> dict[str, Any]:
    """Return the account in dollars, and *coins*."""
    owned = [coin_row(state, account, coin) for coin in state.exchange.accounts.balances(account)]

    def total(name: str) -> Decimal:
        return sum((Decimal(row[name]) * state.usd(row["coin"]) for row in owned), ZERO)

    available = sum(
        (state.exchange.perps.available(account, row["coin"]) * state.usd(row["coin"]) for row in owned), ZERO
    )
    initial, maintenance = total("totalOrderIM") + total("totalPositionIM"), total("totalPositionMM")
    balance = total("walletBalance")
    margin = balance + total("unrealisedPnl")
    isolated = state.users[account].isolated

    def told(value: Decimal) -> str:
        return "" if isolated else amount(value)  # these sums mean nothing in isolated margin

    return {
        "accountType": "UNIFIED",
        "accountIMRate": told(initial / margin if margin else ZERO),
        "accountMMRate": told(maintenance / margin if margin else ZERO),
        "accountLTV": "0",
        "totalEquity": amount(total("equity")),
        "totalWalletBalance": amount(balance),
        "totalMarginBalance": told(margin),
        "totalAvailableBalance": told(max(ZERO, available)),
        "totalPerpUPL": amount(total("unrealisedPnl")),
        "totalInitialMargin": told(initial),
        "totalMaintenanceMargin": told(maintenance),
        "coin": [row for row in owned if row["coin"] in coins],
    }
