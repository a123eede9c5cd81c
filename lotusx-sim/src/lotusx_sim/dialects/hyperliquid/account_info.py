"""Answers of ``POST /info`` about one address. An address the venue does not know owns nothing."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from lotusx_sim.dialects.hyperliquid import account_state, rows
from lotusx_sim.dialects.hyperliquid.errors import bad_body
from lotusx_sim.dialects.hyperliquid.market_info import Ask
from lotusx_sim.dialects.hyperliquid.numbers import shown, usd, wire
from lotusx_sim.dialects.hyperliquid.schema import address, boolean, oid_or_cloid
from lotusx_sim.dialects.hyperliquid.state import NS_PER_MS, VenueState, hash_of, user_of
from lotusx_sim.engine.orders import ZERO, Fill, Order

_PAGE = 500
_FILLS = 2_000
_REACHABLE_FILLS = 10_000


def user(ask: Ask) -> str:
    return address(ask.body.get("user"))


# -- orders ------------------------------------------------------------------------------------------------------


def _open_orders(ask: Ask) -> list[Order]:
    dex = ask.dex().name
    return visible_orders(ask.state, user(ask), dex, ask.now_ns)


def visible_orders(state: VenueState, who: str, dex: str, now_ns: int) -> list[Order]:
    """Return the open orders on a dex, newest first; those on spot pairs come with the first dex."""
    found = [
        order
        for order in state.open_orders_of(who)
        if state.is_visible(order, now_ns) and state.universe.by_coin[order.symbol].dex == dex
    ]
    return found[::-1]


def open_orders(ask: Ask) -> Any:
    return [rows.open_order(order) for order in _open_orders(ask)]


def frontend_open_orders(ask: Ask) -> Any:
    return [rows.full(order) for order in _open_orders(ask)]


def order_status(ask: Ask) -> Any:
    found = ask.state.find_order(user(ask), oid_or_cloid(ask.body.get("oid")))
    if found is None or (isinstance(found, Order) and not ask.state.is_visible(found, ask.now_ns)):
        return {"status": "unknownOid"}
    return {"status": "order", "order": rows.history(found)}


def historical_orders(ask: Ask) -> Any:
    who = user(ask)
    known = [order for order in ask.state.orders_of(who) if ask.state.is_visible(order, ask.now_ns)]
    listed = [rows.history(order) for order in known]
    listed += [rows.history(rejected) for rejected in ask.state.journal(who).rejected]
    listed.sort(key=lambda row: (row["statusTimestamp"], row["order"]["oid"]), reverse=True)
    return listed[:_FILLS]


# -- fills -------------------------------------------------------------------------------------------------------


def fills_of(state: VenueState, who: str) -> list[Fill]:
    """Return a user's fills within reach, oldest first."""
    return [item for item in state.exchange.fills if user_of(item.account) == who][-_REACHABLE_FILLS:]


def user_fills(ask: Ask) -> Any:
    return _fill_rows(ask, fills_of(ask.state, user(ask))[-_FILLS:])[::-1]


def user_fills_by_time(ask: Ask) -> Any:
    if ask.body.get("startTime") is None:
        raise bad_body()
    start_ms, end_ms = ask.span()
    known = [f for f in fills_of(ask.state, user(ask)) if start_ms <= f.ns // NS_PER_MS <= end_ms]
    if boolean(ask.body.get("reversed") or False):
        return _fill_rows(ask, known[-_FILLS:])[::-1]
    return _fill_rows(ask, known[:_FILLS])


def _fill_rows(ask: Ask, fills: Iterable[Fill]) -> list[dict[str, Any]]:
    if not boolean(ask.body.get("aggregateByTime") or False):
        return [rows.fill(ask.state, item) for item in fills]
    return aggregated(ask.state, fills)


def aggregated(state: VenueState, fills: Iterable[Fill]) -> list[dict[str, Any]]:
    """Return one row for all that one order traded at one time."""
    result = []
    for _, group in groupby(fills, key=lambda item: (item.order_id, item.ns)):
        same = list(group)
        row = rows.fill(state, same[0])
        row |= {
            "px": rows.average_price(same),
            "sz": shown(sum((item.quantity for item in same), ZERO)),
            "fee": shown(sum((item.fee for item in same), ZERO)),
            "closedPnl": usd(sum((item.closed_pnl for item in same), ZERO)),
        }
        result.append(row)
    return result


# -- what an address owns ----------------------------------------------------------------------------------------


def clearinghouse_state(ask: Ask) -> Any:
    return account_state.perp_state(ask.state, user(ask), ask.dex(), ask.now_ns)


def spot_clearinghouse_state(ask: Ask) -> Any:
    return account_state.spot_state(ask.state, user(ask))


def user_abstraction(ask: Ask) -> Any:
    member = ask.state.registry.members.get(user(ask))
    return "default" if member is None else member.abstraction


def active_asset_data(ask: Ask) -> Any:
    return account_state.asset_data(ask.state, user(ask), ask.listing())


# -- fees, budget, ledgers ---------------------------------------------------------------------------------------


def user_fees(ask: Ask) -> Any:
    perp, spot = ask.state.options.perp_fees, ask.state.options.spot_fees
    rates = {
        "userCrossRate": wire(perp.taker),
        "userAddRate": wire(perp.maker),
        "userSpotCrossRate": wire(spot.taker),
        "userSpotAddRate": wire(spot.maker),
    }
    return {
        "dailyUserVlm": [],
        "feeSchedule": {
            "cross": wire(perp.taker),
            "add": wire(perp.maker),
            "spotCross": wire(spot.taker),
            "spotAdd": wire(spot.maker),
            "tiers": {"vip": [], "mm": []},
            "referralDiscount": "0.04",
            "stakingDiscountTiers": [],
        },
        **rates,
        "activeReferralDiscount": "0.0",
        "trial": None,
        "feeTrialEscrow": "0.0",
        "nextTrialAvailableTimestamp": None,
        "stakingLink": None,
        "activeStakingDiscount": {"bpsOfMaxSupply": "0.0", "discount": "0.0"},
    }


def user_rate_limit(ask: Ask) -> Any:
    member = ask.state.registry.members.get(user(ask))
    if member is None:
        cap = ask.state.options.rules.address_requests
        return {"cumVlm": "0.0", "nRequestsUsed": 0, "nRequestsCap": cap, "nRequestsSurplus": 0}
    cap = member.budget.cap(member.volume)
    return {
        "cumVlm": usd(member.volume),
        "nRequestsUsed": member.budget.used,
        "nRequestsCap": cap,
        "nRequestsSurplus": 0,
    }


def user_funding(ask: Ask) -> Any:
    start_ms, end_ms = ask.span()
    known = funding_rows(ask.state, user(ask))
    return [row for row in known if start_ms <= row["time"] <= end_ms][:_PAGE]


def funding_rows(state: VenueState, who: str) -> list[dict[str, Any]]:
    return [
        {
            "time": item["time_ms"],
            "hash": hash_of(f"funding:{who}:{item['coin']}:{item['time_ms']}"),
            "delta": {
                "type": "funding",
                "coin": item["coin"],
                "usdc": usd(item["amount"]),
                "szi": shown(item["size"]),
                "fundingRate": wire(item["rate"]),
                "nSamples": None,
            },
        }
        for item in state.journal(who).fundings
    ]


def user_ledger(ask: Ask) -> Any:
    start_ms, end_ms = ask.span()
    return [row for row in ask.state.journal(user(ask)).ledger if start_ms <= row["time"] <= end_ms][:_PAGE]


# -- who is who --------------------------------------------------------------------------------------------------


def user_role(ask: Ask) -> Any:
    registry, who = ask.state.registry, user(ask)
    member = registry.members.get(who)
    if member is not None and member.is_vault:
        return {"role": "vault"}
    if member is not None:
        return {"role": "subAccount", "data": {"master": member.master}} if member.master else {"role": "user"}
    master = registry.master_of_agent(who, ask.now_ms)
    return {"role": "missing"} if master is None else {"role": "agent", "data": {"user": master.address}}


def extra_agents(ask: Ask) -> Any:
    member = ask.state.registry.members.get(user(ask))
    agents = [] if member is None else [agent for agent in member.agents.values() if agent.name]
    return [
        {"name": agent.name, "address": agent.address, "validUntil": agent.valid_until_ms or 253_402_300_799_000}
        for agent in agents
    ]


def sub_accounts(ask: Ask) -> Any:
    state, master = ask.state, user(ask)
    found = state.registry.sub_accounts(master)
    if not found:
        return None
    first = state.universe.dexes[""]
    return [
        {
            "name": member.name,
            "subAccountUser": member.address,
            "master": master,
            "clearinghouseState": account_state.perp_state(state, member.address, first, ask.now_ns),
            "spotState": account_state.spot_state(state, member.address),
        }
        for member in found
    ]
