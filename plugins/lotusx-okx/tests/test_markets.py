"""Instruments, and sizes in contracts that become base units."""

from __future__ import annotations

from decimal import Decimal

import okx_documents as documented
import pytest
from hypothesis import given, strategies as st

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import InstrumentKind, InstrumentStatus, TickSize
from lotusx_okx.numbers import base_text, in_base, in_contracts

D = Decimal


def test_a_spot_market_counts_base_units() -> None:
    spot = documented.SPOT

    assert (str(spot.symbol), spot.venue_symbol, spot.kind) == ("BTC/USDT", "BTC-USDT", InstrumentKind.SPOT)
    assert (spot.step_size, spot.min_quantity, spot.contract_size) == (D("1e-8"), D("0.00001"), 1)
    assert spot.price_rule == TickSize(D("0.1"))
    assert spot.market_max_quantity is None  # stated in USDT


def test_a_linear_swap_counts_base_units_too() -> None:
    swap = documented.SWAP

    assert (str(swap.symbol), swap.kind) == ("BTC/USDT:USDT", InstrumentKind.LINEAR)
    assert (swap.contract_size, swap.step_size, swap.min_quantity) == (D("0.01"), D("0.0001"), D("0.0001"))
    assert (swap.max_quantity, swap.market_max_quantity) == (1_000_000, 200)
    assert swap.raw["groupId"] == "2"


def test_an_inverse_swap_is_listed_in_contracts() -> None:
    inverse = documented.INVERSE

    assert (str(inverse.symbol), inverse.kind) == ("BTC/USD:BTC", InstrumentKind.INVERSE)
    assert (inverse.contract_size, inverse.step_size) == (100, 1)


@pytest.mark.parametrize(
    "change",
    [{"ctMult": "10"}, {"settleCcy": "USDC"}, {"ctType": "quanto"}],
    ids=["a multiplier", "settles in neither", "a new type"],
)
def test_what_is_not_understood_is_listed_as_an_unknown_kind(change: dict[str, str]) -> None:
    assert documented.listed(documented.SWAP_LISTED | change).kind is InstrumentKind.UNKNOWN


@pytest.mark.parametrize("change", [{"instType": "OPTION"}, {"ctValCcy": ""}, {"ctVal": "much"}, {"settleCcy": ""}])
def test_what_does_not_say_what_is_traded_is_rejected(change: dict[str, str]) -> None:
    with pytest.raises(ItemRejected):
        documented.listed(documented.SWAP_LISTED | change)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("live", InstrumentStatus.TRADING),
        ("post_only", InstrumentStatus.TRADING),
        ("suspend", InstrumentStatus.HALTED),
        ("preopen", InstrumentStatus.PENDING),
        ("test", InstrumentStatus.CLOSED),
        ("tomorrow", InstrumentStatus.UNKNOWN),
    ],
)
def test_states(state: str, status: InstrumentStatus) -> None:
    found = documented.listed(documented.SWAP_LISTED | {"state": state})

    assert (found.status, found.raw_status) == (status, state)


_SIZES = st.sampled_from([D("1"), D("0.01"), D("0.1"), D("10"), D("1000"), D("100000000"), D("0.0001")])
_LOTS = st.integers(min_value=0, max_value=10**14).map(lambda number: D(number).scaleb(-2))


@given(contracts=_LOTS, size=_SIZES)
def test_contracts_become_base_units_and_back_exactly(contracts: Decimal, size: Decimal) -> None:
    base = in_base(str(contracts), size, "sz")

    assert base == contracts * size
    assert in_contracts(base, size) == contracts
    assert D(base_text(str(contracts), size)) == base


def test_what_is_no_number_of_contracts_is_refused() -> None:
    with pytest.raises(InvalidArgument) as caught:
        in_contracts(D(1), D(3))
    assert caught.value.rule == "step_size"


@pytest.mark.parametrize("text", ["", "NaN", "many"])
def test_a_size_that_is_no_number_is_rejected(text: str) -> None:
    for size in (D(1), D("0.01")):
        with pytest.raises(ItemRejected):
            base_text(text, size)
