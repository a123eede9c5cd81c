"""Deposits, withdrawals and transfers between wallets. Source: bybit-exchange/docs, v5/asset (2026-07)."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from lotusx_sim.dialects.bybit.call import Call
from lotusx_sim.dialects.bybit.errors import VenueError, bad
from lotusx_sim.dialects.bybit.numbers import plain
from lotusx_sim.dialects.bybit.paging import listed, page
from lotusx_sim.dialects.bybit.params import Params
from lotusx_sim.dialects.bybit.state import NS_PER_MS
from lotusx_sim.engine.funds import Movement, Shift
from lotusx_sim.engine.orders import Refused

UNIFIED, FUND = "UNIFIED", "FUND"
_DAY_MS = 86_400_000
_FEE = Decimal("0.5")
_NO_FUNDS = VenueError(131212, "user insufficient balance")


def _window(params: Params, now_ms: int, days: int) -> tuple[int, int]:
    start, end = params.integer("startTime"), params.integer("endTime")
    last = end if end is not None else now_ms if start is None else start + days * _DAY_MS
    first = last - days * _DAY_MS if start is None else start
    if not 0 <= last - first <= days * _DAY_MS:
        raise bad(f"params error: the time range must be within {days} days")
    return first, last


def _found(call: Call, movements: Iterable[Movement]) -> tuple[list[Movement], str]:
    first, last = _window(call.params, call.now_ms, 30)
    coin = call.params.text("coin")
    mine = [
        item for item in movements
        if item.account == call.account and coin in ("", item.asset) and first <= item.ns // NS_PER_MS <= last
    ][::-1]  # fmt: skip
    chosen, cursor = page(mine, call.params, lambda item: str(item.id), default=50, highest=50)
    return list(chosen), cursor


def deposits(call: Call) -> dict[str, Any]:
    found, cursor = _found(call, call.state.exchange.funds.deposits)
    rows = [
        {
            "coin": item.asset, "chain": item.network, "amount": plain(item.amount), "txID": item.tx_id, "status": 3,
            "toAddress": item.address, "tag": item.tag, "depositFee": "", "successAt": str(item.ns // NS_PER_MS),
            "confirmations": "50", "txIndex": "0", "blockHash": "", "batchReleaseLimit": "-1", "depositType": "0",
            "fromAddress": "", "taxDepositRecordsId": "0", "taxStatus": 0, "id": str(item.id),
        }
        for item in found
    ]  # fmt: skip
    return {"rows": rows, "nextPageCursor": cursor}


def withdrawals(call: Call) -> dict[str, Any]:
    found, cursor = _found(call, call.state.exchange.funds.withdrawals)
    rows = [
        {
            "coin": item.asset, "chain": item.network, "amount": plain(item.amount), "txID": item.tx_id,
            "status": "success", "toAddress": item.address, "tag": item.tag, "withdrawFee": plain(item.fee),
            "createTime": str(item.ns // NS_PER_MS), "updateTime": str(item.ns // NS_PER_MS),
            "withdrawId": str(item.id), "withdrawType": 0, "fee": "", "tax": "", "taxRate": "", "taxType": "",
        }
        for item in found
    ]  # fmt: skip
    return {"rows": rows, "nextPageCursor": cursor}


def withdraw(call: Call) -> dict[str, Any]:
    """Take money off the exchange, and a fee on top, out of the wallet that is named; it is there at once."""
    assert call.key is not None
    if not call.key.may_withdraw:
        raise VenueError(10005, "Permission denied, please check your API key permissions.")
    params, funds = call.params, call.state.exchange.funds
    payer = funds.purse(call.account, FUND) if params.text("accountType", FUND) == FUND else call.account
    try:
        made = funds.withdraw(
            call.account, params.needed("coin"), _amount(params), call.now_ns, payer=payer, fee=_FEE,
            network=params.text("chain", "ETH"), address=params.needed("address"), tag=params.text("tag"),
            client_id=params.text("requestId"),
        )  # fmt: skip
    except Refused:
        raise _NO_FUNDS from None
    return {"id": str(made.id)}


def transfer(call: Call) -> dict[str, Any]:
    """Move money between the unified and the funding wallet; an id that was seen already moves nothing."""
    params, funds = call.params, call.state.exchange.funds
    name, coin = params.needed("transferId"), params.needed("coin")
    source, target = params.needed("fromAccountType"), params.needed("toAccountType")
    try:
        UUID(name)
    except ValueError:
        raise bad("params error: transferId invalid") from None
    if {source, target} != {UNIFIED, FUND}:
        raise bad("params error: accountType invalid")
    if any(item.client_id == name for item in funds.shifts):
        raise VenueError(131214, "duplicate transferId")
    try:
        funds.shift(call.account, coin, _amount(params), source, target, UNIFIED, call.now_ns, name)
    except Refused:
        raise _NO_FUNDS from None
    return {"transferId": name, "status": "SUCCESS"}


def transfers(call: Call) -> dict[str, Any]:
    first, last = _window(call.params, call.now_ms, 7)
    name, coin = call.params.text("transferId"), call.params.text("coin")
    mine = [
        item for item in call.state.exchange.funds.shifts
        if item.account == call.account and name in ("", item.client_id) and coin in ("", item.asset)
        and first <= item.ns // NS_PER_MS <= last
    ][::-1]  # fmt: skip
    chosen, cursor = page(mine, call.params, lambda item: str(item.id), default=20, highest=50)
    return listed([_row(item) for item in chosen], cursor)


def _row(item: Shift) -> dict[str, Any]:
    return {
        "transferId": item.client_id, "coin": item.asset, "amount": plain(item.amount), "fromAccountType": item.source,
        "toAccountType": item.target, "timestamp": str(item.ns // NS_PER_MS), "status": "SUCCESS",
    }  # fmt: skip


def _amount(params: Params) -> Decimal:
    amount = params.number("amount")
    if not amount:
        raise bad("params error: amount invalid")
    return amount
