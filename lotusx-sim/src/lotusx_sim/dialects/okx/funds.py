"""Deposits, withdrawals and transfers between wallets. Source: OKX API v5 (2026-06), funding-account."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.okx.errors import VenueError, bad
from lotusx_sim.dialects.okx.params import Params
from lotusx_sim.dialects.okx.state import VenueState
from lotusx_sim.dialects.okx.text import ms, plain
from lotusx_sim.engine.funds import Movement, Shift
from lotusx_sim.engine.orders import Refused

FUNDING, TRADING = "6", "18"
_FEE = Decimal("0.5")
_PAGE = 100
_NO_FUNDS = VenueError("58350", "Insufficient balance")
Rows = list[Any]


def balances(state: VenueState, account: str, params: Params) -> Rows:
    """Return what lies in the funding account."""
    wanted = params.text("ccy").split(",") if params.text("ccy") else None
    purse = state.exchange.funds.purse(account, FUNDING)
    return [
        {"ccy": ccy, "bal": plain(held.total), "availBal": plain(held.free), "frozenBal": plain(held.locked)}
        for ccy, held in state.exchange.accounts.balances(purse).items()
        if held.total and (wanted is None or ccy in wanted)
    ]


def _page(movements: Sequence[Movement], account: str, params: Params) -> list[Movement]:
    """Cut movements, newest first: those earlier than ``after`` and later than ``before``, in milliseconds."""
    after, before, ccy = params.integer("after"), params.integer("before"), params.text("ccy")
    mine = [
        item for item in reversed(movements)
        if item.account == account and ccy in ("", item.asset)
        and (after is None or int(ms(item.ns)) < after) and (before is None or int(ms(item.ns)) > before)
    ]  # fmt: skip
    return mine[: params.limit(_PAGE, _PAGE)]


def deposits(state: VenueState, account: str, params: Params) -> Rows:
    return [
        {
            "actualDepBlkConfirm": "12", "amt": plain(item.amount), "areaCodeFrom": "", "ccy": item.asset,
            "chain": f"{item.asset}-{item.network}", "depId": str(item.id), "from": "", "fromWdId": "", "state": "2",
            "to": item.address, "ts": ms(item.ns), "txId": item.tx_id,
        }
        for item in _page(state.exchange.funds.deposits, account, params)
    ]  # fmt: skip


def withdrawals(state: VenueState, account: str, params: Params) -> Rows:
    return [
        {
            "addrEx": None, "amt": plain(item.amount), "areaCodeFrom": "", "areaCodeTo": "", "ccy": item.asset,
            "chain": f"{item.asset}-{item.network}", "clientId": item.client_id, "fee": plain(item.fee),
            "feeCcy": item.asset, "from": "", "memo": "", "nonTradableAsset": False, "note": "", "pmtId": "",
            "state": "2", "tag": item.tag, "to": item.address, "toAddrType": "1", "ts": ms(item.ns),
            "txId": item.tx_id, "wdId": str(item.id),
        }
        for item in _page(state.exchange.funds.withdrawals, account, params)
    ]  # fmt: skip


def withdraw(state: VenueState, account: str, params: Params) -> Rows:
    """Take money off the exchange, and a fee on top, out of the funding account; it is there at once."""
    if not next(key for key in state.keys.values() if key.account == account).may_withdraw:
        raise VenueError("50120", "This API key doesn't have permission to use this function")
    ccy, chain, funds = params.needed("ccy"), params.text("chain"), state.exchange.funds
    params.needed("dest")
    try:
        made = funds.withdraw(
            account, ccy, _amount(params), state.now_ns, payer=funds.purse(account, FUNDING), fee=_FEE,
            network=chain.partition("-")[2] or "ERC20", address=params.needed("toAddr"),
            client_id=params.text("clientId"),
        )  # fmt: skip
    except Refused:
        raise _NO_FUNDS from None
    return [{"amt": plain(made.amount), "ccy": ccy, "chain": chain, "clientId": made.client_id, "wdId": str(made.id)}]


def transfer(state: VenueState, account: str, params: Params) -> Rows:
    """Move money between the funding and the trading account; an id that was seen already moves nothing."""
    ccy, name, funds = params.needed("ccy"), params.text("clientId"), state.exchange.funds
    amount = _amount(params)
    source, target = params.needed("from"), params.needed("to")
    if params.text("type", "0") != "0" or {source, target} != {FUNDING, TRADING}:
        raise bad("from or to")
    if name and not (name.isalnum() and len(name) <= 32):
        raise bad("clientId")
    if name and any(item.client_id == name for item in funds.shifts):
        raise VenueError("58366", "Duplicated client ID")
    try:
        made = funds.shift(account, ccy, amount, source, target, TRADING, state.now_ns, name)
    except Refused:
        raise _NO_FUNDS from None
    return [_told(made)]


def transfer_state(state: VenueState, account: str, params: Params) -> Rows:
    number, name = params.text("transId"), params.text("clientId")
    if not number and not name:
        raise VenueError("50015", "Either parameter transId or clientId is required")
    return [
        _told(item) | {"instId": "", "state": "success", "subAcct": "", "toInstId": "", "type": "0"}
        for item in state.exchange.funds.shifts
        if item.account == account and number in ("", str(item.id)) and name in ("", item.client_id)
    ]


def _told(item: Shift) -> dict[str, Any]:
    return {
        "amt": plain(item.amount), "ccy": item.asset, "clientId": item.client_id, "from": item.source,
        "to": item.target, "transId": str(item.id),
    }  # fmt: skip


def _amount(params: Params) -> Decimal:
    params.needed("amt")
    amount = params.number("amt")
    assert amount is not None, "it is there"
    return amount
