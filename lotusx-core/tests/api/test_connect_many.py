"""Several connections used as one, over an exchange that answers from memory."""

from __future__ import annotations

import pickle
from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import lotusx
from lotusx.errors import (
    ConfigurationError,
    ConnectionFailed,
    ConnectorFailed,
    CredentialsError,
    InvalidArgument,
    JournalFailed,
    LotusXError,
    NotSupported,
    SourceFailed,
    UnknownSymbol,
)
from lotusx.many import Failures, LegState, Many, ReadState, SourceEnded
from lotusx.model import Balance, InstrumentKind
from lotusx.rules import Rounding
from lotusx.streams import StreamState

from .acme import install

pytestmark = pytest.mark.anyio

KEYS = {"api_key": "key", "api_secret": "canary-secret"}
KEYED: dict[str, Any] = {"name": "acme", "credentials": KEYS}


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    for name in ("LOTUSX_CONFIG", "LOTUSX_ACME_API_KEY", "LOTUSX_ACME_API_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return install(tmp_path)


def break_down(exchange: lotusx.Exchange) -> None:
    """Let the machinery of a connection raise what nobody expects."""

    async def bug() -> None:
        await anyio.lowlevel.checkpoint()
        raise ValueError("a bug")

    wiring: Any = exchange._start.__self__  # type: ignore[attr-defined]
    wiring._tasks.start_soon(bug)


def broken_journal(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "orders.db"
    path.write_bytes(b"something else entirely" * 100)
    return {**KEYED, "journal": path}


async def test_each_is_given_as_a_name_as_arguments_or_prepared(acme: SimpleNamespace) -> None:
    places: dict[str, Any] = {"a": "acme", "b": KEYED, "c": lotusx.connect("acme", account=None)}
    async with lotusx.connect_many(places) as many:
        assert isinstance(many, Many)
        assert (many.names, list(many.alive), dict(many.failed)) == (("a", "b", "c"), ["a", "b", "c"], {})
        assert all(isinstance(many[name], lotusx.Exchange) for name in "abc")
        assert many["c"] is places["c"]
        assert (await many["b"].ticker("BTC/USDT")).last_price == 100
        assert "3 open, 0 failed" in repr(many)
        assert acme.market.asked.count(("instruments",)) == 3  # open means that the exchange has answered
    assert all("closed" in repr(many._exchanges[name]) for name in "abc")
    with pytest.raises(LotusXError, match=r"call lotusx.connect_many again"):
        await many.__aenter__()


async def test_a_wrong_set_up_is_refused_at_once_and_named_whatever_the_policy(acme: SimpleNamespace) -> None:
    wrongs: list[tuple[Any, str]] = [
        ("nowhere", "'x': no exchange 'nowhere' is installed"),
        ({"name": "acme", "acount": "a"}, "'x': got an unexpected keyword argument 'acount'"),
        ({"account": "a"}, "'x': missing a required argument: 'name'"),
        ({"name": "acme", "environment": "moon"}, "'x': acme has no environment 'moon'"),
        ({"name": "acme", "credentials": {"api_key": "only"}}, "'x': .*api_secret"),
    ]
    for wrong, text in wrongs:
        with pytest.raises(ConfigurationError, match=text):
            lotusx.connect_many({"a": "acme", "x": wrong}, failures="isolated")
    with pytest.raises(InvalidArgument, match="at least one"):
        lotusx.connect_many({})
    with pytest.raises(InvalidArgument, match="fatal, isolated"):
        lotusx.connect_many({"a": "acme"}, failures="ignored")


async def test_a_name_nobody_has_and_a_block_not_entered_are_said(acme: SimpleNamespace) -> None:
    many = lotusx.connect_many({"a": "acme"})
    with pytest.raises(LotusXError, match=r"async with lotusx.connect_many"):
        many["a"]
    async with many:
        with pytest.raises(InvalidArgument, match="no connection is called 'b'; there are: a"):
            many["b"]


async def test_one_that_cannot_be_opened_is_fatal_by_default_and_named(acme: SimpleNamespace, tmp_path: Path) -> None:
    many = lotusx.connect_many({"a": "acme", "b": broken_journal(tmp_path)})
    with pytest.raises(ConnectorFailed, match=r"the connection 'b' cannot be used: .*damaged") as caught:
        async with many:
            raise AssertionError("never begins")
    assert isinstance(caught.value.__cause__, JournalFailed)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.connector, copy.reason) == (str(caught.value), "b", caught.value.reason)
    assert "closed" in repr(many._exchanges["a"])


async def test_one_that_cannot_be_opened_is_kept_with_its_error_where_failures_are_isolated(
    acme: SimpleNamespace, tmp_path: Path
) -> None:
    places: dict[str, Any] = {"a": "acme", "b": broken_journal(tmp_path)}
    async with lotusx.connect_many(places, failures=Failures.ISOLATED) as many:
        assert list(many.alive) == ["a"]
        assert isinstance(many.failed["b"].__cause__, JournalFailed)
        for _ in range(2):
            with pytest.raises(ConnectorFailed, match=r"'b' cannot be used: .*damaged"):
                many["b"]
        with pytest.raises(ConnectorFailed):
            await many.reopen("b")
        (tmp_path / "orders.db").unlink()
        exchange = await many.reopen("b")
        assert many["b"] is exchange
        assert (await exchange.ticker("BTC/USDT")).last_price == 100
        assert not many.failed
        with pytest.raises(InvalidArgument, match="has not failed"):
            await many.reopen("b")


async def test_a_prepared_connection_cannot_be_opened_twice(acme: SimpleNamespace) -> None:
    used = lotusx.connect("acme")
    async with used:
        pass
    async with lotusx.connect_many({"a": "acme", "b": used}, failures="isolated") as many:
        assert "was used before" in many.failed["b"].reason
        with pytest.raises(InvalidArgument, match="can be used once only"):
            await many.reopen("b")
    with pytest.raises(LotusXError, match="has ended"):
        await many.reopen("b")


async def test_one_that_breaks_midway_is_isolated_and_named(acme: SimpleNamespace) -> None:
    async with lotusx.connect_many({"a": "acme", "b": "acme"}, failures="isolated") as many:
        streams = {name: exchange.market.stream_trades("BTC/USDT") for name, exchange in many.alive.items()}
        async with many.merge(streams) as merged:
            break_down(many["b"])
            with anyio.fail_after(30):
                assert await anext(merged) == ("b", SourceEnded(None))
            assert merged.states["a"] is not StreamState.CLOSED
        with anyio.fail_after(30):
            while "b" not in many.failed:  # noqa: ASYNC110 - nothing is told of it
                await anyio.sleep(0.001)
        with pytest.raises(ConnectorFailed, match="'b' cannot be used: a bug"):
            many["b"]
        assert (await many["a"].ticker("BTC/USDT")).last_price == 100


async def test_one_that_breaks_midway_ends_the_block_where_that_is_fatal(acme: SimpleNamespace) -> None:
    async def live() -> None:
        async with lotusx.connect_many({"a": "acme", "b": "acme"}) as many:
            break_down(many["b"])
            await anyio.sleep_forever()

    with anyio.fail_after(30), pytest.raises(ConnectorFailed, match="'b' cannot be used: a bug"):
        await live()


async def test_a_portfolio_names_sources_times_and_what_is_not_known(acme: SimpleNamespace, tmp_path: Path) -> None:
    clock = SimpleNamespace(now_ns=iter(range(1, 100)).__next__)
    places = {"keyed": KEYED, "keyless": "acme", "down": broken_journal(tmp_path)}
    async with lotusx.connect_many(places, failures="isolated", clock=clock) as many:  # type: ignore[arg-type]
        portfolio = await many.portfolio()
    assert list(portfolio.accounts) == ["keyed", "keyless", "down"]
    keyed, keyless, down = portfolio.accounts.values()
    assert (keyed.exchange, keyed.environment, keyed.account) == ("acme", "live", None)
    assert (keyed.balances.state, keyed.balances.items) == (ReadState.READ, (Balance("BTC", D(1), D(0), D(1)),))
    assert 0 < keyed.balances.asked_ns < keyed.balances.answered_ns
    assert (keyed.positions.state, keyed.positions.items) == (ReadState.NOT_OFFERED, None)
    assert isinstance(keyed.positions.error, NotSupported)
    assert (keyless.balances.state, keyless.balances.items) == (ReadState.FAILED, None)
    assert isinstance(keyless.balances.error, CredentialsError)
    assert isinstance(down.positions.error, ConnectorFailed)
    assert {name: len(errors) for name, errors in portfolio.unread.items()} == {"keyless": 1, "down": 2}
    assert not portfolio.is_complete
    assert portfolio.positions == ()
    total = portfolio.asset("BTC")
    assert (total.total, total.missing, total.is_complete) == (D(1), ("keyless", "down"), False)


async def test_a_portfolio_adds_exactly_and_waits_for_nobody_for_ever(acme: SimpleNamespace) -> None:
    async def balances() -> list[Balance]:
        return [Balance("USDT", D("0.1"), D("1E-30"), D("0.1") + D("1E-25")), Balance("BTC", D(1), D(0), D(1))]

    async def never() -> list[Balance]:
        await anyio.sleep_forever()
        return []

    acme.account.balances = balances
    other = {**KEYED, "credentials": {**KEYS, "api_key": "another"}}
    async with lotusx.connect_many({"a": KEYED, "b": other}) as many:
        portfolio = await many.portfolio()
        assert portfolio.is_complete
        assert [each.same_as for each in portfolio.accounts.values()] == [None, None]
        assert [name for name, _ in portfolio.balances] == ["a", "a", "b", "b"]
        held = portfolio.asset("USDT")
        assert (held.free, held.locked) == (D("0.2"), D("2E-30"))
        assert held.is_complete
        acme.account.balances = never
        portfolio = await many.portfolio(timeout_s=0.01)
        reading = portfolio.accounts["a"].balances
        assert (reading.state, str(reading.error)) == (ReadState.FAILED, "no answer within 0.01 s")
        acme.account.balances = lambda: (_ for _ in ()).throw(ConnectionFailed("reset"))
        assert [str(error) for error in (await many.portfolio()).unread["b"]] == ["reset"]
        acme.account.balances = lambda: (_ for _ in ()).throw(ValueError("a bug"))
        (broken,) = (await many.portfolio()).unread["b"]
        assert "a bug" in str(broken)
        assert isinstance(broken.__cause__, ValueError)


async def test_what_two_connections_show_with_one_key_counts_once(acme: SimpleNamespace) -> None:
    turns = iter([ConnectionFailed("reset"), None, None, None])
    answer = acme.account.balances

    async def balances() -> Any:
        failure = next(turns)
        if failure is not None:
            raise failure
        return await answer()

    async with lotusx.connect_many({"a": KEYED, "b": KEYED}) as many:
        acme.account.balances = balances
        half = await many.portfolio()  # only one of them answers
        whole = await many.portfolio()
    assert [each.same_as for each in whole.accounts.values()] == [None, "a"]
    assert len(whole.balances) == 2
    for portfolio in (half, whole):
        total = portfolio.asset("BTC")
        assert (total.total, total.missing) == (D(1), ())
    assert len(half.unread) == 1


async def test_a_portfolio_waits_for_no_connection_that_is_being_opened_again(
    acme: SimpleNamespace, tmp_path: Path
) -> None:
    listing, go_on = acme.market.instruments, anyio.Event()

    async def slowly() -> Any:
        await go_on.wait()
        return await listing()

    async with lotusx.connect_many({"a": KEYED, "b": broken_journal(tmp_path)}, failures="isolated") as many:
        (tmp_path / "orders.db").unlink()
        acme.market.instruments = slowly
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(many.reopen, "b")
            with anyio.fail_after(30):
                while "b" in many.failed:  # noqa: ASYNC110 - nothing is told of it
                    await anyio.sleep(0.001)
            portfolio = await many.portfolio()
            go_on.set()
        assert {name: str(errors[0]) for name, errors in portfolio.unread.items()} == {
            "b": "the connection 'b' is just being opened again"
        }
        assert portfolio.asset("BTC").missing == ("b",)
        assert not (await many.portfolio()).unread


async def test_what_several_list_is_matched(acme: SimpleNamespace) -> None:
    async with lotusx.connect_many({"a": "acme", "b": "acme"}) as many:
        (found,) = await many.match(base="BTC")
        assert (str(found.product), list(found.listed)) == ("BTC/USDT spot", ["a", "b"])
        assert await many.match(at_least=3) == ()


async def test_a_consolidated_book_of_different_things_or_half_the_fees_is_refused(acme: SimpleNamespace) -> None:
    (spot,) = acme.market.listed
    other = replace(spot, symbol=lotusx.Symbol.parse("BTC/USDC"), venue_symbol="BTCUSDC")
    inverse = replace(
        spot, symbol=lotusx.Symbol.parse("BTC/USD:BTC"), venue_symbol="BTCUSD", kind=InstrumentKind.INVERSE
    )
    acme.market.listed = [spot, other, inverse]
    markets = {"a": "BTC/USDT", "b": "BTC/USDC"}
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({}, "not the same thing"),
        ({"same_quotes": [{"USDT", "USDC"}], "fees": {"a": "0.001"}}, "fees lacks b"),
        ({"fees": {"c": "0.001"}}, "fees names c"),
        ({"depth": 0}, "above zero"),
        ({"max_age_s": 0}, "above zero"),
        ({"fees": {"a": 0.001, "b": "0.001"}}, "must be exact"),
    ]
    async with lotusx.connect_many({"a": "acme", "b": "acme"}) as many:
        for wrong, text in wrongs:
            with pytest.raises(InvalidArgument, match=text):
                async with many.consolidated_book(markets, **wrong):
                    pass
        with pytest.raises(InvalidArgument, match="at least one market"):
            async with many.consolidated_book({}):
                pass
        with pytest.raises(InvalidArgument, match="no connection is called"):
            async with many.consolidated_book({"z": "BTC/USDT"}):
                pass
        with pytest.raises(UnknownSymbol, match="does not list 'NO/SUCH'"):
            async with many.consolidated_book({"a": "NO/SUCH"}):
                pass
        with pytest.raises(InvalidArgument, match="inverse_step"):
            async with many.consolidated_book({"a": "BTC/USD:BTC"}):
                pass


async def test_a_leg_whose_connection_has_failed_is_named_and_left_out(acme: SimpleNamespace, tmp_path: Path) -> None:
    places = {"a": KEYED, "b": broken_journal(tmp_path)}
    markets = {"a": "BTC/USDT", "b": "BTC/USDT"}
    rule: dict[str, Any] = {"inverse_step": "0.1", "inverse_rounding": Rounding.FLOOR}  # not needed here, and no harm
    async with lotusx.connect_many(places, failures="isolated") as many:
        async with many.consolidated_book(markets, ask_fees=True, **rule) as book:
            with pytest.raises(SourceFailed):
                await book.wait_used()
            with anyio.fail_after(30), pytest.raises(InvalidArgument, match="from 1 to 2, the legs"):
                await book.wait_used(3)
            with anyio.fail_after(30):
                async for found in book.changes():
                    if {leg.state for leg in found.legs} == {LegState.FAILED}:
                        break
            assert "damaged" in book.read().legs[1].reason
            assert "live_order_book" in book.read().legs[0].reason  # this exchange has none, and says so
        with pytest.raises(SourceFailed, match=r"b: .*damaged"):
            async with many.consolidated_book({"b": "BTC/USDT"}, failures="fatal"):
                await anyio.sleep_forever()


async def test_streams_of_several_connections_are_merged(acme: SimpleNamespace) -> None:
    async with lotusx.connect_many({"a": "acme", "b": "acme"}, failures="isolated") as many:
        streams = {name: exchange.market.stream_trades("BTC/USDT") for name, exchange in many.alive.items()}
        wrong = many["a"].market.stream_trades("NO/SUCH")
        async with many.merge({**streams, "wrong": wrong}) as merged:
            name, ended = await anext(merged)
            assert name == "wrong"
            assert "does not list" in ended.reason  # type: ignore[union-attr]
            assert set(merged.counters) == {"a", "b"}
        with pytest.raises(SourceFailed, match=r"wrong: .*does not list"):
            async with many.merge({"wrong": many["a"].market.stream_trades("NO/SUCH")}, failures="fatal"):
                pass
