"""Deposits and withdrawals. Source: OpenAPI document (2026-08), capital."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.backpack.call import Call
from lotusx_sim.dialects.backpack.errors import VenueError, unreadable
from lotusx_sim.dialects.backpack.text import NS_PER_MS, iso, plain
from lotusx_sim.engine.funds import Movement
from lotusx_sim.engine.orders import Refused

_FEE = Decimal("0.5")


def _page(call: Call, movements: Iterable[Movement]) -> list[Movement]:
    first, last = call.params.integer("from"), call.params.integer("to")
    mine = [
        item for item in movements
        if item.account == call.account and (first is None or item.ns // NS_PER_MS >= first)
        and (last is None or item.ns // NS_PER_MS <= last)
    ][::-1]  # fmt: skip
    limit, offset = call.params.bounded("limit", 100, 1_000), call.params.bounded("offset", 0, 10_000_000)
    return mine[offset : offset + limit]


def deposits(call: Call) -> list[dict[str, Any]]:
    return [
        {
            "id": item.id, "toAddress": item.address, "fromAddress": None, "source": "ethereum",
            "status": "confirmed", "transactionHash": item.tx_id, "symbol": item.asset, "quantity": plain(item.amount),
            "createdAt": iso(item.ns), "fiatAmount": None, "fiatCurrency": None, "institutionBic": None,
            "platformMemo": None,
        }
        for item in _page(call, call.state.exchange.funds.deposits)
    ]  # fmt: skip


def withdrawals(call: Call) -> list[dict[str, Any]]:
    return [_row(item) for item in _page(call, call.state.exchange.funds.withdrawals)]


def withdraw(call: Call) -> dict[str, Any]:
    """Take money off the exchange, and a fee on top; it is there at once."""
    assert call.key is not None
    if not call.key.may_withdraw:
        raise VenueError("FORBIDDEN", "Forbidden", 403)
    quantity = call.params.decimal("quantity")
    if quantity is None:
        raise unreadable("quantity", "the parameter is required")
    try:
        made = call.state.exchange.funds.withdraw(
            call.account, call.params.needed("symbol"), quantity, call.now_ns, fee=_FEE,
            network=call.params.needed("blockchain"), address=call.params.needed("address"),
            client_id=call.params.text("clientId"),
        )  # fmt: skip
    except Refused:
        raise VenueError("INSUFFICIENT_FUNDS", "Insufficient funds") from None
    return _row(made)


def _row(item: Movement) -> dict[str, Any]:
    return {
        "id": item.id, "blockchain": item.network, "clientId": item.client_id or None, "identifier": item.tx_id,
        "quantity": plain(item.amount), "fee": plain(item.fee), "fiatFee": None, "fiatState": None, "fiatSymbol": None,
        "providerId": None, "symbol": item.asset, "status": "confirmed", "subaccountId": None,
        "toAddress": item.address, "transactionHash": item.tx_id, "createdAt": iso(item.ns), "isInternal": False,
        "bankName": None, "bankIdentifier": None, "accountIdentifier": None, "triggerAt": None,
    }  # fmt: skip
