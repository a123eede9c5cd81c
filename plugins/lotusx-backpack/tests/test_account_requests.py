"""What is asked about an account, and what becomes of the answers."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from backpack_documents import ACCOUNT, CAPITAL, COLLATERAL, PERP, POSITION, SPOT, text

from lotusx.errors import AuthenticationError, NotSupported
from lotusx.model import MarginMode
from lotusx.plugin import Effect, ItemDropped, Response, Span

pytestmark = pytest.mark.anyio
NOW_NS = 1_770_000_000_000_000_000
HOUR_NS = 3_600_000_000_000


async def test_what_is_owned_is_what_is_there_and_what_is_lent(desk: Any) -> None:
    capital = {**CAPITAL, "SOL": {"available": "0", "locked": "0", "staked": "0"}}
    desk.rest.reply(text(capital), text(COLLATERAL))

    found = await desk.connector.account.balances()

    assert desk.asked == ["GET /api/v1/capital", "GET /api/v1/capital/collateral"]
    assert [(item.asset, item.wallet, item.free, item.locked, item.total) for item in found] == [
        ("USDC", "account", 90, 10, 100),
        ("USDC", "lent", 0, 50, 50),
    ]
    assert {item.updated_ns for item in found} == {NOW_NS}


async def test_positions_of_the_account_have_no_liquidation_price(desk: Any) -> None:
    rows = [
        {**POSITION, "estLiquidationPrice": "99"},
        {**POSITION, "symbol": "NEW_USDC_PERP"},
        {**POSITION, "symbol": "OLD_USDC_PERP", "netQuantity": "0"},
    ]
    desk.rest.reply(text(rows))

    (position,) = await desk.connector.account.positions()

    assert (desk.asked, desk.rest.last.query) == (["GET /api/v1/position"], "")
    assert (position.symbol, position.quantity, position.liquidation_price) == (PERP.symbol, D("-1.5"), None)
    assert [event.key for event in desk.events if isinstance(event, ItemDropped)] == ["position"]


async def test_fees_are_fractions_by_kind_of_market(desk: Any) -> None:
    desk.rest.reply(text(ACCOUNT), text(ACCOUNT))

    perp, spot = await desk.connector.account.fees(PERP), await desk.connector.account.fees(SPOT)

    assert (perp.maker, perp.taker, spot.maker, spot.taker) == (D("-0.00005"), D("0.0005"), D("0.0008"), D("0.001"))


async def test_leverage_is_one_for_the_account(desk: Any) -> None:
    desk.rest.reply(text(ACCOUNT))

    found = await desk.connector.account.leverage(PERP)

    assert (found.symbol, found.leverage, found.margin_mode) == (PERP.symbol, 10, MarginMode.CROSS)


async def test_leverage_is_set_by_a_signed_patch_that_answers_nothing(desk: Any) -> None:
    desk.rest.reply(Response(200))

    await desk.connector.account.set_leverage(PERP, D("5.0"))

    assert (desk.asked, desk.sent) == (["PATCH /api/v1/account"], {"leverageLimit": "5"})
    assert (desk.rest.last.effect, desk.rest.last.signed) == (Effect.COMMAND, True)
    assert dict(desk.rest.last.headers)["X-Signature"]


async def test_spot_has_no_leverage(desk: Any) -> None:
    with pytest.raises(NotSupported):
        await desk.connector.account.set_leverage(SPOT, D(2))
    assert desk.asked == []


def payment(hour: int, symbol: str = "SOL_USDC_PERP") -> dict[str, str]:
    return {
        "symbol": symbol, "quantity": f"-0.{hour}", "fundingRate": "0.0001",
        "intervalEndTimestamp": f"2026-02-01T{hour}:00:00",
    }  # fmt: skip


async def test_payments_of_all_symbols_are_told_oldest_first(desk: Any) -> None:
    desk.rest.reply(text([payment(23, "OLD_USDC_PERP"), payment(23), payment(22), payment(21)]))

    start = NOW_NS - (26 * 3_600 + 40 * 60) * 10**9 + 22 * HOUR_NS
    page = await desk.connector.account.funding_payments_page(None, Span(start), None, 100)

    assert desk.rest.params == {"sortDirection": "Desc", "limit": "1000"}
    assert [(str(item.symbol), item.amount) for item in page.items] == [
        ("SOL/USDC:USDC", D("-0.22")), ("SOL/USDC:USDC", D("-0.23")), ("OLD/USDC:USDC", D("-0.23")),
    ]  # fmt: skip
    assert page.items[0].exchange_ns == start


async def test_newest_payments_of_a_symbol(desk: Any) -> None:
    desk.rest.reply(text([payment(23), payment(22)]))

    page = await desk.connector.account.funding_payments_page(PERP, Span(), None, 2)

    assert desk.rest.params == {"symbol": "SOL_USDC_PERP", "sortDirection": "Desc", "limit": "2"}
    assert [item.amount for item in page.items] == [D("-0.22"), D("-0.23")]


async def test_key_is_proved_by_one_signed_request(desk: Any) -> None:
    desk.rest.reply(text(ACCOUNT))

    await desk.connector.account.prepare()

    assert (desk.asked, desk.rest.last.signed) == (["GET /api/v1/account"], True)
    assert desk.rest.last.effect is Effect.READ


async def test_key_that_is_refused_does_not_get_as_far_as_a_subscription(desk: Any) -> None:
    desk.rest.reply(Response(401, {}, b'{"code":"UNAUTHORIZED","message":"Unauthorized"}'))

    with pytest.raises(AuthenticationError):
        await desk.connector.account.prepare()
