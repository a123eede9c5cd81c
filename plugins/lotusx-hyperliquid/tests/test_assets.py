"""What is listed: names, numbers and rules, from documents made by hand and from the recorded ones."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hyperliquid_corpus import needs_corpus, recorded_catalogue, recorded_catalogues

from lotusx.errors import ItemRejected
from lotusx.model import InstrumentKind, InstrumentStatus, SignificantDigits, Symbol
from lotusx_hyperliquid.assets import FIRST_DEX, Catalogue, Dex, catalogue, dex_of, dexes_of, is_spot
from lotusx_hyperliquid.meta_types import Meta, PerpDex, SpotMeta

USDC = {"name": "USDC", "index": 0, "szDecimals": 8, "weiDecimals": 8, "tokenId": "0x6d1e", "isCanonical": True}


def token(name: str, index: int, decimals: int = 2, **more: Any) -> dict[str, Any]:
    return {"name": name, "index": index, "szDecimals": decimals, "weiDecimals": 8, "tokenId": f"0x{index:x}", **more}


def pair(index: int, base: int, quote: int = 0, **more: Any) -> dict[str, Any]:
    return {"name": f"@{index}", "index": index, "tokens": [base, quote], "isCanonical": False, **more}


def perp(name: str, decimals: int = 2, **more: Any) -> dict[str, Any]:
    return {"name": name, "szDecimals": decimals, "maxLeverage": 3, **more}


def spot(tokens: list[dict[str, Any]], pairs: list[Any]) -> SpotMeta:
    return msgspec.json.decode(json.dumps({"tokens": [USDC, *tokens], "universe": pairs}), type=SpotMeta)


def meta(*universe: Any, collateral: int = 0) -> Meta:
    return msgspec.json.decode(json.dumps({"universe": universe, "collateralToken": collateral}), type=Meta)


def first(*universe: Any) -> Dex:
    return Dex(FIRST_DEX, 0, meta(*universe))


def symbols(found: Catalogue) -> dict[str, str]:
    return {item.venue_symbol: str(item.symbol) for item in found.instruments}


def test_places_in_the_first_dex_are_the_numbers_whatever_stands_between_them() -> None:
    found = catalogue(spot([], []), [first(perp("BTC"), {"name": "broken"}, perp("OLD", isDelisted=True), perp("ETH"))])

    assert found.assets == {"BTC": 0, "OLD": 2, "ETH": 3}
    assert [item.coin for item in found.left_out] == ["broken"]


def test_delisted_asset_stays_visible_and_takes_no_orders() -> None:
    (item,) = catalogue(spot([], []), [first(perp("OLD", isDelisted=True))]).instruments

    assert (item.status, item.raw_status) == (InstrumentStatus.CLOSED, "isDelisted")
    assert item.raw["isDelisted"] is True


def test_builder_dex_is_part_of_the_symbol_and_of_the_number() -> None:
    dexes = dexes_of([None, PerpDex("abc"), PerpDex("xyz")], [meta(perp("xyz:A"), perp("xyz:TSLA"), collateral=0)])

    found = catalogue(spot([], []), dexes)

    assert symbols(found) == {"xyz:A": "XYZ-A/USDC:USDC", "xyz:TSLA": "XYZ-TSLA/USDC:USDC"}
    assert found.asset("xyz:TSLA") == 120_001


def test_dexes_are_matched_by_name_not_by_place() -> None:
    listed = [None, PerpDex("abc"), PerpDex("xyz")]
    metas = [meta({}, perp("xyz:A")), meta(), meta(perp("BTC")), meta(perp("new:A"))]

    assert [(dex.name, dex.index) for dex in dexes_of(listed, metas)] == [("xyz", 2), ("", 0)]


def test_asset_of_another_dex_is_left_out() -> None:
    found = catalogue(spot([], []), [Dex("xyz", 1, meta(perp("xyz:A"), perp("abc:B"), perp("C")))])

    assert symbols(found) == {"xyz:A": "XYZ-A/USDC:USDC"}
    assert [item.coin for item in found.left_out] == ["abc:B", "C"]


def test_collateral_prices_and_settles() -> None:
    found = catalogue(spot([token("USDH", 360)], []), [Dex("km", 1, meta(perp("km:US500"), collateral=360))])

    assert symbols(found) == {"km:US500": "KM-US500/USDH:USDH"}


def test_unknown_collateral_leaves_the_asset_out() -> None:
    found = catalogue(spot([], []), [Dex("km", 1, meta(perp("km:US500"), collateral=7))])

    assert found.instruments == ()
    assert found.left_out[0].reason == "there is no token 7"


def test_rules_follow_from_the_size_decimals() -> None:
    found = catalogue(spot([token("HYPE", 150, 2)], [pair(107, 150)]), [first(perp("BTC", 5), perp("X", 7))])
    btc, odd, hype = found.instruments

    assert btc.price_rule == SignificantDigits(5, 1)
    assert btc.step_size == Decimal("0.00001")
    assert btc.min_notional == 10
    assert odd.price_rule == SignificantDigits(5, 0)
    assert hype.price_rule == SignificantDigits(5, 6)
    assert hype.step_size == Decimal("0.01")
    assert (hype.kind, hype.settle, btc.kind, btc.settle) == (InstrumentKind.SPOT, None, InstrumentKind.LINEAR, "USDC")


def test_number_of_a_pair_is_its_index_not_its_place_nor_its_token() -> None:
    found = catalogue(spot([token("HYPE", 150)], [pair(107, 150)]), [])

    assert found.assets == {"@107": 10_107}
    assert found.tokens[150].wire == "HYPE:0x96"
    with pytest.raises(ItemRejected, match="does not list '@1'"):
        found.asset("@1")


def test_of_tokens_with_one_name_the_canonical_then_the_oldest_has_it_and_all_stay_reachable() -> None:
    tokens = [token("A", 9), token("A", 3), token("USDC", 4), token("B", 5), token("B", 8, isCanonical=True)]
    pairs = [pair(1, 9), pair(2, 3), pair(3, 3, 4), pair(4, 5), pair(5, 8)]

    found = catalogue(spot(tokens, pairs), [])

    assert symbols(found) == {"@1": "A.9/USDC", "@2": "A/USDC", "@3": "A/USDC.4", "@4": "B.5/USDC", "@5": "B/USDC"}
    assert found.left_out == ()


def test_second_listing_of_one_symbol_is_left_out_by_name() -> None:
    found = catalogue(spot([token("A", 1)], [pair(1, 1), pair(2, 1)]), [first(perp("D-E")), _dex("d", "d:E")])

    assert symbols(found) == {"D-E": "D-E/USDC:USDC", "@1": "A/USDC"}
    assert {item.coin: item.reason for item in found.left_out} == {
        "d:E": "D-E is D-E/USDC:USDC already",
        "@2": "@1 is A/USDC already",
    }


def _dex(name: str, *assets: str) -> Dex:
    return Dex(name, 1, meta(*map(perp, assets)))


@pytest.mark.parametrize("broken", [{}, {"name": "@3"}, 7, None, {"name": "@3", "index": 3, "tokens": [1, 99]}, "x"])
def test_listing_that_cannot_be_read_is_left_out_and_the_others_stay(broken: Any) -> None:
    found = catalogue(spot([token("A", 1)], [broken, pair(1, 1)]), [first(broken, perp("BTC"))])

    assert found.assets == {"BTC": 1, "@1": 10_001}
    assert len(found.left_out) == 2


def test_absurd_decimals_and_names_leave_out_what_has_them() -> None:
    tokens = [token("A", 1, -1), token("B/C", 2), token("D E", 3), token("F:G", 4)]
    found = catalogue(spot(tokens, [pair(1, 1), pair(2, 2), pair(3, 3), pair(4, 0, 4)]), [first(perp("BTC", 99))])

    assert found.instruments == ()
    assert sorted(item.coin for item in found.left_out) == ["@1", "@2", "@3", "@4", "A", "BTC"]


def test_name_tells_the_dex_and_number_tells_spot() -> None:
    assert (dex_of("xyz:TSLA"), dex_of("BTC")) == ("xyz", "")
    assert [is_spot(asset) for asset in (9_999, 10_000, 99_999, 100_000, 110_000)] == [False, True, True, False, False]


@needs_corpus
def test_everything_recorded_is_listed_once_and_its_text_leads_back() -> None:
    for found in recorded_catalogues():
        assert found.left_out == ()
        assert len({item.symbol for item in found.instruments}) == len(found.instruments) == len(found.assets)
        for item in found.instruments:
            assert Symbol.parse(str(item.symbol)) == item.symbol


@needs_corpus
def test_well_known_names_of_the_recorded_main_network() -> None:
    found = recorded_catalogue()
    named = symbols(found)

    wanted = {
        "BTC": ("BTC/USDC:USDC", 0),
        "kPEPE": ("kPEPE/USDC:USDC", 15),
        "xyz:TSLA": ("XYZ-TSLA/USDC:USDC", 110_001),
        "PURR/USDC": ("PURR/USDC", 10_000),
        "@107": ("HYPE/USDC", 10_107),
    }
    assert {coin: (named[coin], found.asset(coin)) for coin in wanted} == wanted
