"""Numbers are exact, whatever the caller's decimal context is."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Any

import msgspec
import okx_documents as documented
import pytest

from lotusx_okx import account_conversions, account_types, conversions, order_conversions, types
from lotusx_okx.client_ids import ClientIds

D = Decimal
SWAP = documented.SWAP


@pytest.fixture(autouse=True)
def _rounding() -> Iterator[None]:
    with localcontext(prec=1):
        yield


def read(kind: Any, content: object) -> Any:
    return msgspec.convert(content, kind)


def test_what_is_free_is_what_is_not_locked() -> None:
    found = account_conversions.to_balance(read(account_types.Holding, documented.HOLDING | {"availBal": ""}))

    assert found.free == D("4691.862693622894")


def test_a_short_position() -> None:
    row = read(account_types.Position, documented.POSITION | {"posSide": "short", "pos": "1234.5"})

    assert account_conversions.to_position(row, instrument=SWAP).quantity == D("-12.345")


def test_rates_of_fees() -> None:
    rates = read(account_types.FeeRates, {"feeGroup": [{"groupId": "2", "maker": "0.000125", "taker": "-0.00055"}]})

    found = account_conversions.to_fees(rates, instrument=SWAP)

    assert (found.maker, found.taker) == (D("-0.000125"), D("0.00055"))


def test_the_fee_of_a_fill() -> None:
    row = read(account_types.Fill, documented.FILL)

    fill = order_conversions.to_fill(row, instrument=documented.SPOT, ids=ClientIds(), received_ns=1)

    assert fill.fee == D("0.00000192834")


def test_the_change_of_a_day() -> None:
    found = conversions.to_ticker(read(types.Ticker, documented.TICKER), instrument=SWAP, received_ns=1)

    assert found.change == D("999.99")
