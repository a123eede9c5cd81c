"""Deposits, withdrawals and transfers between wallets. Source: developers.binance.com, wallet/capital, wallet/asset."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from lotusx_sim.dialects.binance.call import Books, CallOn, Operation, OperationOn, Security
from lotusx_sim.dialects.binance.errors import VenueError
from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.funds import Movement
from lotusx_sim.engine.orders import Refused

_WINDOW_MS = 90 * 86_400_000
_WEEK_MS = 7 * 86_400_000
_FEE = Decimal("0.5")
_WALLETS = ("MAIN", "FUNDING", "UMFUTURE", "CMFUTURE", "MARGIN")
_WAYS = {f"{a}_{b}": (a, b) for a in _WALLETS for b in _WALLETS if a != b and {a, b} != {"UMFUTURE", "CMFUTURE"}}


class Funded(Books, Protocol):
    """What the endpoints need of the state behind them."""

    exchange: Exchange


StateT = TypeVar("StateT", bound=Funded)


def _window(params: Params, now_ms: int, usual_ms: int, most_ms: int) -> tuple[int, int]:
    """Return the first and the last millisecond that is asked for."""
    start, end = params.integer("startTime"), params.integer("endTime")
    last = now_ms if end is None else end
    first = last - usual_ms if start is None else start
    if first > last:
        raise VenueError(-1128, "Combination of optional parameters invalid.")
    if last - first > most_ms:
        raise VenueError(-1127, "More than 90 days between startTime and endTime.")
    return first, last


def _listed(call: CallOn[StateT], movements: Iterable[Movement]) -> list[Movement]:
    first, last = _window(call.params, call.now_ns // NS_PER_MS, _WINDOW_MS, _WINDOW_MS)
    coin = call.params.text("coin")
    mine = [
        item for item in movements
        if item.account == call.account and coin in (None, item.asset) and first <= item.ns // NS_PER_MS <= last
    ][::-1]  # fmt: skip
    offset = call.params.integer("offset") or 0
    return mine[offset : offset + call.params.bounded("limit", 1_000, 1_000)]


def deposits(call: CallOn[StateT]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(item.id), "amount": _text(item.amount), "coin": item.asset, "network": item.network, "status": 1,
            "address": item.address, "addressTag": item.tag, "txId": item.tx_id, "insertTime": item.ns // NS_PER_MS,
            "completeTime": item.ns // NS_PER_MS, "transferType": 0, "confirmTimes": "12/12", "unlockConfirm": 12,
            "walletType": 0, "travelRuleStatus": 0,
        }
        for item in _listed(call, call.state.exchange.funds.deposits)
    ]  # fmt: skip


def withdrawals(call: CallOn[StateT]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for item in _listed(call, call.state.exchange.funds.withdrawals):
        moment = datetime.fromtimestamp(item.ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        row = {
            "id": str(item.id), "amount": _text(item.amount), "transactionFee": _text(item.fee), "coin": item.asset,
            "status": 6, "address": item.address, "addressTag": item.tag, "txId": item.tx_id, "applyTime": moment,
            "completeTime": moment, "network": item.network, "transferType": 0, "info": "", "confirmNo": 12,
            "walletType": 0, "txKey": "",
        }  # fmt: skip
        rows.append(row | ({"withdrawOrderId": item.client_id} if item.client_id else {}))
    return rows


def withdraw(call: CallOn[StateT]) -> dict[str, Any]:
    """Take money off the exchange, and a fee on top; it is there at once."""
    key = next(key for key in call.state.keys.values() if key.account == call.account)
    if not key.may_withdraw:
        raise VenueError(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
    params = call.params
    asset, amount, address = params.need("coin"), _amount(params), params.need("address")
    try:
        made = call.state.exchange.funds.withdraw(
            call.account, asset, amount, call.now_ns, fee=_FEE, network=params.text("network") or "ETH",
            address=address, tag=params.text("addressTag") or "", client_id=params.text("withdrawOrderId") or "",
        )  # fmt: skip
    except Refused:
        raise VenueError(-4026, "User has insufficient balance") from None
    return {"id": str(made.id)}


def transfer_of(own: str) -> OperationOn[StateT]:
    """Return the endpoint that moves money, of a market whose own wallet is *own*."""

    def transfer(call: CallOn[StateT]) -> dict[str, Any]:
        source, target = _way(call.params)
        asset, amount = call.params.need("asset"), _amount(call.params)
        try:
            made = call.state.exchange.funds.shift(call.account, asset, amount, source, target, own, call.now_ns)
        except Refused:
            raise VenueError(-5013, "Asset transfer failed: insufficient balance") from None
        return {"tranId": made.id}

    return OperationOn(transfer, ("type", "asset", "amount"), 1, Security.TRADE)


def transfers() -> OperationOn[StateT]:
    """Return the endpoint that lists what was moved."""
    return OperationOn(_transfers, ("type", "startTime", "endTime", "current", "size"), 1, Security.USER_DATA)


def _transfers(call: CallOn[StateT]) -> dict[str, Any]:
    source, target = _way(call.params)
    first, last = _window(call.params, call.now_ns // NS_PER_MS, _WEEK_MS, 180 * 86_400_000)
    mine = [
        item for item in call.state.exchange.funds.shifts
        if item.account == call.account and (item.source, item.target) == (source, target)
        and first <= item.ns // NS_PER_MS <= last
    ][::-1]  # fmt: skip
    size, page = call.params.bounded("size", 10, 100), call.params.bounded("current", 1, 1_000_000)
    rows = [
        {"asset": item.asset, "amount": _text(item.amount), "type": f"{source}_{target}", "status": "CONFIRMED",
         "tranId": item.id, "timestamp": item.ns // NS_PER_MS}
        for item in mine[(page - 1) * size : page * size]
    ]  # fmt: skip
    return {"total": len(mine), "rows": rows}


def _way(params: Params) -> tuple[str, str]:
    found = _WAYS.get(params.need("type"))
    if found is None:
        raise VenueError(-1130, "Data sent for parameter 'type' is not valid.")
    return found


def _amount(params: Params) -> Decimal:
    params.need("amount")
    amount = params.decimal("amount")
    assert amount is not None, "it is there"
    return amount


def _text(amount: Decimal) -> str:
    text = format(amount.normalize(), "f")
    return "0" if text == "-0" else text


_SPAN = ("coin", "status", "startTime", "endTime", "offset", "limit")
_WISH = ("coin", "amount", "address", "addressTag", "network", "withdrawOrderId", "transactionFeeFlag", "name")
DEPOSITS: Operation = OperationOn(deposits, (*_SPAN, "txId", "includeSource"), 1, Security.USER_DATA)
WITHDRAWALS: Operation = OperationOn(withdrawals, (*_SPAN, "withdrawOrderId", "idList"), 1, Security.USER_DATA)
WITHDRAW: Operation = OperationOn(withdraw, (*_WISH, "walletType"), 1, Security.TRADE)
