"""The settings of ``connect(paper={…})``."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lotusx.errors import ConfigurationError
from lotusx.plugin import Capability, Support
from lotusx_paper.account import Paper
from lotusx_paper.terms import Terms


def test_the_defaults_are_stated() -> None:
    terms = Paper({}).terms
    assert terms.balances == {"USDT": Decimal(10_000), "USDC": Decimal(10_000)}
    assert (terms.maker, terms.taker, terms.latency_s) == (Decimal("0.001"), Decimal("0.001"), 0.1)


def test_what_is_given_counts() -> None:
    terms = Terms.of({"balances": {"BTC": "0.5"}, "maker": "-0.0001", "latency_s": 0, "max_leverage": 40})
    assert terms.balances == {"BTC": Decimal("0.5")}
    assert (terms.maker, terms.latency_s, terms.max_leverage) == (Decimal("-0.0001"), 0.0, Decimal(40))


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"fees": "0.1"}, "no setting 'fees' .*maker, taker"),
        ({"maker": 0.001}, "maker must be exact"),
        ({"taker": "1"}, "fractions"),
        ({"latency_s": "0.1"}, "latency_s must be seconds"),
        ({"wait_s": True}, "wait_s must be seconds"),
        ({"latency_s": -1}, "latency_s must be seconds"),
        ({"balances": ["USDT"]}, "mapping of assets"),
        ({"balances": {"USDT": 0.5}}, r"balances\.USDT must be exact"),
        ({"balances": {"USDT": "-1"}}, "must not be below zero"),
        ({"leverage": 0}, "leverage must be 1 or more"),
        ({"leverage": 30}, "not above max_leverage"),
        ({"maintenance": "0.2"}, "at most 1 / max_leverage"),
    ],
)
def test_what_is_wrong_is_named(settings: dict[str, object], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        Terms.of(settings)


def test_what_an_exchange_lacks_is_missing_on_paper_too() -> None:
    there = {Capability.PLACE_ORDER: Support.full(), Capability.LEVERAGE: Support.full()}
    offered = Paper({}).offered({**dict.fromkeys(Capability, Support.not_offered()), **there})

    assert offered[Capability.LEVERAGE]
    assert not offered[Capability.MARGIN_MODE]
    assert not offered[Capability.POST_ONLY]
    assert offered[Capability.STREAM_ACCOUNT]  # what is read of the account is always there
