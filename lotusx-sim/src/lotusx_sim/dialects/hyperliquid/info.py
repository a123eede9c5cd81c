"""``POST /info``: which types there are, what each costs, and how unknown things are answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lotusx_sim.dialects.hyperliquid import account_info as accounts, market_info as markets
from lotusx_sim.dialects.hyperliquid.errors import HttpError, UnknownCoin, bad_body
from lotusx_sim.dialects.hyperliquid.market_info import Ask
from lotusx_sim.dialects.hyperliquid.state import VenueState


@dataclass(frozen=True, slots=True)
class Query:
    run: Callable[[Ask], Any]
    weight: int = 20
    rows_per_weight: int = 0  # one weight more for every so many rows of the answer


QUERIES: dict[str, Query] = {
    "exchangeStatus": Query(markets.exchange_status, 2),
    "meta": Query(markets.meta),
    "allPerpMetas": Query(markets.all_perp_metas),
    "perpDexs": Query(markets.perp_dexs),
    "metaAndAssetCtxs": Query(markets.meta_and_contexts),
    "spotMeta": Query(markets.spot_meta),
    "spotMetaAndAssetCtxs": Query(markets.spot_meta_and_contexts),
    "allMids": Query(markets.all_mids, 2),
    "l2Book": Query(markets.l2_book, 2),
    "recentTrades": Query(markets.recent_trades, rows_per_weight=20),
    "candleSnapshot": Query(markets.candle_snapshot, rows_per_weight=60),
    "fundingHistory": Query(markets.funding_history, rows_per_weight=20),
    "predictedFundings": Query(markets.predicted_fundings),
    "openOrders": Query(accounts.open_orders),
    "frontendOpenOrders": Query(accounts.frontend_open_orders),
    "orderStatus": Query(accounts.order_status, 2),
    "historicalOrders": Query(accounts.historical_orders, rows_per_weight=20),
    "userFills": Query(accounts.user_fills, rows_per_weight=20),
    "userFillsByTime": Query(accounts.user_fills_by_time, rows_per_weight=20),
    "clearinghouseState": Query(accounts.clearinghouse_state, 2),
    "spotClearinghouseState": Query(accounts.spot_clearinghouse_state, 2),
    "userAbstraction": Query(accounts.user_abstraction),
    "activeAssetData": Query(accounts.active_asset_data),
    "userFees": Query(accounts.user_fees),
    "userRateLimit": Query(accounts.user_rate_limit),
    "userFunding": Query(accounts.user_funding, rows_per_weight=20),
    "userNonFundingLedgerUpdates": Query(accounts.user_ledger, rows_per_weight=20),
    "userRole": Query(accounts.user_role, 60),
    "extraAgents": Query(accounts.extra_agents),
    "subAccounts": Query(accounts.sub_accounts),
}


def answer(state: VenueState, body: Any, now_ns: int, ip: str) -> Any:
    """Answer one info request, whichever way it came.

    Raises:
        HttpError: 422 not understood, 429 too much, 500 unknown coin or dex.
    """
    name = body.get("type") if isinstance(body, Mapping) else None
    query = QUERIES.get(name) if isinstance(name, str) else None
    state.limits.charge(ip, 20 if query is None else query.weight, now_ns)
    if query is None:
        raise bad_body()
    try:
        found = query.run(Ask(state, body, now_ns))
    except UnknownCoin:
        if name == "l2Book":
            return None
        raise HttpError(500, "null") from None
    if query.rows_per_weight and found:
        state.limits.surcharge(ip, len(found) // query.rows_per_weight, now_ns)
    return found
