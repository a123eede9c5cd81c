"""The actions that change how an address trades: leverage, margin, agents, sub-accounts, budget."""

from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.hyperliquid.accounts import Agent
from lotusx_sim.dialects.hyperliquid.deed import DEFAULT, Deed
from lotusx_sim.dialects.hyperliquid.errors import ActionError, ItemError
from lotusx_sim.dialects.hyperliquid.markets import Listing
from lotusx_sim.dialects.hyperliquid.signing import keccak
from lotusx_sim.engine.orders import Reason, Refused
from lotusx_sim.engine.terms import MarginMode

_NAMED_AGENTS = 3
_LONGEST_NAME = 16
_LONGEST_MS = 180 * 86_400_000
_LIFETIME_MS = 90 * 86_400_000
_USD = Decimal("1e-6")


def _perp(deed: Deed) -> Listing:
    try:
        listing = deed.listing(deed.action["asset"])
    except ItemError as error:
        raise ActionError(str(error)) from None
    if listing.is_spot or not listing.is_open:
        raise ActionError(f"Unknown asset. asset={listing.asset}")  # wording not known
    return listing


def update_leverage(deed: Deed) -> Any:
    listing, action = _perp(deed), deed.action
    mode = MarginMode.CROSS if action["isCross"] else MarginMode.ISOLATED
    if not 1 <= action["leverage"] <= listing.max_leverage:
        raise ActionError("Invalid leverage value")
    perps, wallet = deed.state.exchange.perps, deed.state.wallet_for(deed.user, listing)
    try:
        if perps.position(wallet, listing.coin).mode is not mode:
            perps.set_margin_mode(wallet, listing.coin, mode, deed.now_ns)
        perps.set_leverage(wallet, listing.coin, Decimal(action["leverage"]), deed.now_ns)
    except Refused as refused:
        raise ActionError(_LEVERAGE[refused.reason]) from None
    return DEFAULT


# Wordings are not known, but for the first.
_LEVERAGE = {
    Reason.LEVERAGE: "Invalid leverage value",
    Reason.MARGIN_MODE: "Cross margin is not allowed for this asset.",
    Reason.POSITION_OPEN: "Cannot switch leverage type with open position.",
    Reason.INSUFFICIENT_FUNDS: "Insufficient margin to change leverage.",
    Reason.NOT_ISOLATED: "Position is not isolated.",
}


def update_isolated_margin(deed: Deed) -> Any:
    listing = _perp(deed)
    wallet, amount = deed.state.wallet_for(deed.user, listing), deed.action["ntli"] * _USD
    try:
        deed.state.exchange.perps.change_isolated_margin(wallet, listing.coin, amount, deed.now_ns)
    except Refused as refused:
        raise ActionError(_LEVERAGE[refused.reason]) from None
    return DEFAULT


def approve_agent(deed: Deed) -> Any:
    address, member = deed.action["agentAddress"], deed.owner
    name, _, until = deed.action["agentName"].partition(" valid_until ")
    registry = deed.state.registry
    other = registry.master_of_agent(address, deed.now_ms)
    if address in registry.members or (other is not None and other is not member):
        raise ActionError("Extra agent already used.")
    valid_until_ms = _until(until, deed.now_ms)
    same_name = [agent.address for agent in member.agents.values() if agent.name == name]
    for old in same_name:
        del member.agents[old]
    if name and sum(1 for agent in member.agents.values() if agent.name) >= _NAMED_AGENTS:
        raise ActionError("Too many extra agents.")  # wording not known
    if len(name) > _LONGEST_NAME:
        raise ActionError("Extra agent name too long.")  # wording not known
    member.agents[address] = Agent(address, name, valid_until_ms)
    return DEFAULT


def _until(text: str, now_ms: int) -> int:
    if not text:
        return now_ms + _LIFETIME_MS
    if not text.isdecimal() or int(text) > now_ms + _LONGEST_MS:
        raise ActionError("Invalid valid_until.")  # wording not known
    return int(text)


def approve_builder_fee(deed: Deed) -> Any:
    deed.owner.builder_fees[deed.action["builder"]] = deed.action["maxFeeRate"]
    return DEFAULT


def create_sub_account(deed: Deed) -> Any:
    name, state = deed.action["name"], deed.state
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise ActionError("Invalid sub-account name.")  # wording not known
    address = "0x" + keccak(f"{deed.owner.address}:{name}:{len(state.registry.members)}".encode())[-20:].hex()
    state.open_wallets(state.registry.add(address, name, master=deed.owner.address), {})
    return {"type": "createSubAccount", "data": address}


def set_referrer(deed: Deed) -> Any:
    if deed.owner.referrer:
        raise ActionError("Referrer already set.")
    deed.owner.referrer = deed.action["code"]
    return DEFAULT


def reserve_request_weight(deed: Deed) -> Any:
    """Sell requests at 0.0005 USDC each, out of the perpetuals' balance."""
    weight, state = deed.action["weight"], deed.state
    member = state.registry.members.get(deed.action.get("destination", deed.user))
    if member is None:
        raise ActionError("Unknown destination.")  # wording not known
    try:
        state.exchange.transfer(state.wallet(deed.user, ""), "USDC", -weight * Decimal("0.0005"), deed.now_ns)
    except Refused:
        raise ActionError("Insufficient balance for reserving request weight.") from None  # wording not known
    member.budget.bought += weight
    return DEFAULT
