"""Deposits, withdrawals and transfers against each simulated exchange.

What is listed is proven by the kit's cases, exchange by exchange; this is about money that could be lost.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal as D
from typing import Any

import pytest

import lotusx
from lotusx.errors import (
    AuthenticationError,
    InsufficientFunds,
    InvalidArgument,
    NotSupported,
    PermissionDenied,
    TransferOutcomeUnknown,
)
from lotusx.model import FundsStatus
from lotusx_sim import Backpack, BinancePerp, BinanceSpot, Bybit, Hyperliquid, Okx, Simulator, serve
from lotusx_sim.dialects import backpack, binance, bybit, hyperliquid, okx
from lotusx_sim.venue import Venue

pytestmark = pytest.mark.anyio
ADDRESS = "0x" + "1" * 40
Call = tuple[str, str, dict[str, Any]]


@dataclass(frozen=True)
class Place:
    """One exchange, and how its money moves.

    Attributes:
        venue: Makes the simulation, of which the key may or may not withdraw.
        own: The wallet that is traded from, as the simulation names it; ``None``: the only one.
        wallets: That wallet and another one, as LotusX names them.
        transfer: What a transfer is on the wire.
        withdraw: The native call that takes 10 of *asset* off the exchange.
        leaves_from: The simulation's name of the wallet that a withdrawal is taken from, where it is not *own*.
    """

    name: str
    venue: Callable[[bool], Venue]
    key: Mapping[str, str]
    transfer: tuple[str, str] | None = None
    withdraw: Call | None = None
    wallets: tuple[str, str] = ("unified", "funding")
    own: str | None = None
    asset: str = "USDT"
    leaves_from: str = ""

    def __str__(self) -> str:
        return self.name


def _keys(key: Any, may_withdraw: bool) -> tuple[Any, ...]:
    return (replace(key, may_withdraw=may_withdraw),)


_UNIVERSAL = ("POST", "/sapi/v1/asset/transfer")
_BINANCE = {"api_key": binance.DEFAULT_KEY.key, "api_secret": binance.DEFAULT_KEY.verifier}
_BYBIT = Place(
    "bybit",
    lambda may: Bybit(actions_per_s=0, keys=_keys(bybit.DEFAULT_KEY, may)),
    {"api_key": bybit.DEFAULT_KEY.key, "api_secret": bybit.DEFAULT_KEY.verifier},
    transfer=("POST", "/v5/asset/transfer/inter-transfer"),
    withdraw=(
        "POST",
        "/v5/asset/withdraw/create",
        {"coin": "USDT", "chain": "ETH", "address": ADDRESS, "amount": "10", "timestamp": 1, "accountType": "FUND"},
    ),
    leaves_from="FUND",
)
PLACES = [
    Place(
        "binance",
        lambda may: BinanceSpot(actions_per_s=0, keys=_keys(binance.DEFAULT_KEY, may)),
        _BINANCE,
        transfer=_UNIVERSAL,
        withdraw=("POST", "/sapi/v1/capital/withdraw/apply", {"coin": "USDT", "address": ADDRESS, "amount": "10"}),
        wallets=("spot", "perp"),
    ),
    Place("binance-perp", lambda may: BinancePerp(actions_per_s=0), _BINANCE, _UNIVERSAL, wallets=("perp", "spot")),
    _BYBIT,
    replace(_BYBIT, name="bybit-perp"),
    Place(
        "okx",
        lambda may: Okx(actions_per_s=0, keys=_keys(okx.DEFAULT_KEY, may)),
        {
            "api_key": okx.DEFAULT_KEY.key,
            "api_secret": okx.DEFAULT_KEY.secret,
            "passphrase": okx.DEFAULT_KEY.passphrase,
        },
        transfer=("POST", "/api/v5/asset/transfer"),
        withdraw=(
            "POST",
            "/api/v5/asset/withdrawal",
            {"ccy": "USDT", "amt": "10", "dest": "4", "toAddr": ADDRESS, "chain": "USDT-ERC20"},
        ),
        leaves_from="6",
    ),
    Place(
        "backpack",
        lambda may: Backpack(actions_per_s=0, keys=_keys(backpack.DEFAULT_KEY, may)),
        {"api_key": backpack.DEFAULT_API_KEY, "api_secret": backpack.DEFAULT_SECRET},
        withdraw=(
            "POST",
            "/wapi/v1/capital/withdrawals",
            {"symbol": "USDC", "quantity": "10", "blockchain": "Solana", "address": ADDRESS},
        ),
        asset="USDC",
    ),
    Place(
        "hyperliquid",
        lambda may: Hyperliquid(actions_per_s=0),
        {"private_key": hyperliquid.DEFAULT_PRIVATE_KEY},
        transfer=("POST", "/exchange/usdClassTransfer"),
        withdraw=("POST", "/exchange", {"type": "withdraw3", "destination": ADDRESS, "amount": "11"}),
        wallets=("perp", "spot"),
        own="main/perp",
        asset="USDC",
    ),
]
MOVING = [place for place in PLACES if place.transfer is not None]
LEAVING = [place for place in PLACES if place.withdraw is not None]
GUARDED = [place for place in LEAVING if place.name != "hyperliquid"]  # whose account key may do everything


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # what is tried is the exchange's part, not the backend's


@asynccontextmanager
async def at(place: Place, *, may: bool = True, **settings: Any) -> AsyncIterator[tuple[lotusx.Exchange, Simulator]]:
    """Connect to a simulation of *place*."""
    sim = Simulator(place.venue(may))
    async with (
        serve(sim) as server,
        lotusx.connect(
            place.name, environment="simulator", base_url=server.base_url, credentials=place.key, **settings
        ) as exchange,
    ):
        yield exchange, sim


def asked(sim: Simulator) -> int:
    return sum(sim.requests.values())


@pytest.mark.parametrize("fault", ["the reply is lost", "the exchange gives up waiting"])
@pytest.mark.parametrize("place", MOVING, ids=str)
async def test_a_transfer_in_doubt_was_made_once_and_can_be_found(place: Place, fault: str) -> None:
    assert place.transfer is not None
    async with at(place) as (exchange, sim):
        owned, (source, target) = sim.exchange.accounts, place.wallets
        before, of_all = sim.balances(account=place.own)[place.asset].free, owned.total(place.asset)
        (sim.lose_reply_to if "lost" in fault else sim.execute_but_time_out)(*place.transfer)

        with pytest.raises(TransferOutcomeUnknown, match="Do not send it again") as caught:
            await exchange.transfer(place.asset, "12.5", source=source, target=target)

        assert sim.requests[place.transfer] == 1
        assert before - sim.balances(account=place.own)[place.asset].free == D("12.5")
        assert owned.total(place.asset) == of_all
        assert caught.value.evidence
        found = await _look(exchange, sim, caught.value.look_up)
        assert "12.5" in str(found)


async def _look(exchange: lotusx.Exchange, sim: Simulator, look_up: str) -> Any:
    """Do what the error says."""
    if look_up.startswith("native.ledger"):
        return await exchange.native.ledger(0)  # type: ignore[attr-defined]  # of Hyperliquid
    return await eval(look_up, {"native": exchange.native})


@pytest.mark.parametrize("place", MOVING, ids=str)
async def test_a_transfer_of_more_than_there_is_says_so_and_moves_nothing(place: Place) -> None:
    async with at(place) as (exchange, sim):
        owned, (source, target) = sim.exchange.accounts, place.wallets
        of_all, mine = owned.total(place.asset), sim.balances(account=place.own)[place.asset].free

        with pytest.raises(InsufficientFunds):
            await exchange.transfer(place.asset, mine + 1, source=source, target=target)

        assert (owned.total(place.asset), sim.balances(account=place.own)[place.asset].free) == (of_all, mine)


@pytest.mark.parametrize("place", LEAVING, ids=str)
async def test_a_withdrawal_leaves_only_where_it_is_allowed_and_is_listed(place: Place) -> None:
    assert place.withdraw is not None
    verb, path, params = place.withdraw
    async with at(place) as (exchange, sim):
        before = asked(sim)
        with pytest.raises(NotSupported, match="allow_withdrawals"):
            await exchange.native.call(verb, path, params, signed=True)
        with pytest.raises((NotSupported, InvalidArgument)):
            await exchange.native.call(verb, f"{path}?x=1", params, signed=True)
        assert asked(sim) == before
    async with at(place, allow_withdrawals=True) as (exchange, sim):
        owned = sim.exchange.accounts
        if place.leaves_from:
            await exchange.transfer(place.asset, 20, source=place.wallets[0], target=place.wallets[1])
        before_all = owned.total(place.asset)

        await exchange.native.call(verb, path, params, signed=True)

        (gone,) = await exchange.withdrawals(place.asset)
        assert gone.amount == 10
        assert gone.fee is not None
        assert before_all - owned.total(place.asset) == gone.amount + gone.fee
        assert gone.address == ("" if place.name == "hyperliquid" else ADDRESS)
        assert gone.status is (FundsStatus.UNKNOWN if place.name == "hyperliquid" else FundsStatus.COMPLETED)


@pytest.mark.parametrize("place", LEAVING, ids=str)
async def test_spans_that_meet_in_the_middle_of_a_second_miss_no_withdrawal(place: Place) -> None:
    async with at(place) as (exchange, sim):
        sim.deposit(place.asset, "-1", account=place.own or "main")
        (gone,) = await exchange.withdrawals(place.asset)
        second = gone.exchange_ns // 10**9 * 10**9
        for cut in (second + 1, second + 999_999_999):
            first = await exchange.withdrawals(start=second - 10**9, end=cut)
            after = await exchange.withdrawals(start=cut, end=second + 10**10)
            assert [*first, *after] == [gone]


@pytest.mark.parametrize("place", GUARDED, ids=str)
async def test_a_key_without_that_right_withdraws_nothing(place: Place) -> None:
    assert place.withdraw is not None
    verb, path, params = place.withdraw
    async with at(place, may=False, allow_withdrawals=True) as (exchange, sim):
        before = sim.exchange.accounts.total(place.asset)
        with pytest.raises((PermissionDenied, AuthenticationError)):
            await exchange.native.call(verb, path, params, signed=True)
        assert sim.exchange.accounts.total(place.asset) == before


async def test_nothing_leaves_a_read_only_connection_whatever_is_allowed() -> None:
    place = PLACES[0]
    assert place.withdraw is not None
    verb, path, params = place.withdraw
    async with at(place, allow_withdrawals=True, read_only=True) as (exchange, sim):
        before = asked(sim)
        with pytest.raises(NotSupported, match="read-only"):
            await exchange.native.call(verb, path, params, signed=True)
        with pytest.raises(NotSupported, match="read-only"):
            await exchange.transfer("USDT", 1, source="spot", target="perp")
        assert asked(sim) == before
