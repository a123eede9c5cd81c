"""What is refused before anything is sent, and the one table of names."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from lotusx.account import Account
from lotusx.errors import (
    CredentialsError,
    InvalidArgument,
    ItemRejected,
    LotusXError,
    MalformedReply,
    NotSupported,
    UnknownSymbol,
)
from lotusx.exchange import COMPONENTS, Exchange
from lotusx.guard import Guard
from lotusx.health import Check, Health, HealthReport
from lotusx.history import all_pages, iterate, to_ns, to_span
from lotusx.instruments import Instruments
from lotusx.kernel.facts import Capability, Environment, ExchangeFacts, Support
from lotusx.kernel.ports import Page
from lotusx.market import MarketData
from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, Symbol, TickSize
from lotusx.trading import Trading

pytestmark = pytest.mark.anyio

LIVE = Environment("live", {}, {}, real_money=True)
DEMO = Environment("demo", {}, {}, lacks={Capability.FEES: Support.not_offered("environment='live'")})
FACTS = ExchangeFacts(
    name="acme",
    contract=1,
    environments={"live": LIVE, "demo": DEMO},
    capabilities={
        Capability.TICKER: Support.full(),
        Capability.FEES: Support.full(),
        Capability.PLACE_ORDER: Support.full(),
        Capability.BATCH_ORDERS: Support.not_offered("emulate=True"),
        Capability.TRANSFER: Support.not_written(),
    },
)


def guard(environment: Environment = LIVE, *, has_key: bool = True, read_only: bool = False) -> Guard:
    return Guard(FACTS, environment, has_key=has_key, read_only=read_only, account=None)


def instrument(symbol: str, venue_symbol: str) -> Instrument:
    return Instrument(
        Symbol.parse(symbol),
        venue_symbol,
        InstrumentKind.SPOT,
        InstrumentStatus.TRADING,
        TickSize(Decimal("0.01")),
        Decimal("0.1"),
    )


def test_every_capability_has_an_answer() -> None:
    assert set(guard().capabilities) == set(Capability)
    assert not guard().capabilities[Capability.POSITIONS]


def test_what_is_not_offered_names_what_to_use_instead() -> None:
    with pytest.raises(NotSupported, match="emulate=True"):
        guard().offers(Capability.BATCH_ORDERS)
    with pytest.raises(NotSupported, match=r"yet.*native\.call"):
        guard().offers(Capability.TRANSFER)


def test_what_one_environment_lacks_names_the_environment_and_the_alternative() -> None:
    assert guard().offers(Capability.FEES)
    with pytest.raises(NotSupported, match=r"'demo'.*environment='live'"):
        guard(DEMO).offers(Capability.FEES)


def test_a_private_call_without_a_key_names_the_variables() -> None:
    with pytest.raises(CredentialsError, match="LOTUSX_ACME_API_KEY"):
        guard(has_key=False).private(Capability.FEES)


def test_an_address_alone_may_read_and_not_command() -> None:
    reader = Guard(FACTS, LIVE, has_key=False, may_read=True, read_only=False, account=None)
    assert reader.private(Capability.FEES)
    with pytest.raises(CredentialsError, match="LOTUSX_ACME_API_KEY"):
        reader.command(Capability.PLACE_ORDER)


def test_a_read_only_connection_refuses_commands_and_allows_reads() -> None:
    assert guard(read_only=True).private(Capability.FEES)
    with pytest.raises(NotSupported, match="read-only"):
        guard(read_only=True).command(Capability.PLACE_ORDER)


def test_the_table_of_names_is_what_the_components_have() -> None:
    for component, kind in (("market", MarketData), ("trading", Trading), ("account", Account)):
        public = {name for name, value in vars(kind).items() if inspect.isfunction(value) and name[0] != "_"}
        assert public == set(COMPONENTS[component])


def test_the_table_of_names_is_pinned() -> None:
    assert COMPONENTS["market"] == (
        "server_time", "instruments", "instrument", "ticker", "tickers", "best_bid_offer", "order_book",
        "recent_trades", "candles", "mark_price", "funding_rate", "open_interest", "iter_candles",
        "iter_trades", "iter_funding_rates", "stream_trades", "stream_ticker", "stream_best_bid_offer",
        "stream_order_book", "stream_candles", "stream_mark_price", "stream_liquidations", "live_order_book",
    )  # fmt: skip
    assert COMPONENTS["trading"] == (
        "ready", "place", "test", "place_batch_orders", "amend", "amend_batch_orders", "cancel", "cancel_batch_orders",
        "cancel_all", "cancel_all_after", "order", "open_orders", "recovered", "iter_orders", "iter_fills",
    )  # fmt: skip
    assert COMPONENTS["account"] == (
        "balances", "positions", "fees", "permissions", "leverage", "set_leverage", "set_margin_mode",
        "change_margin", "deposits", "withdrawals", "transfer", "iter_funding_payments", "stream_account",
    )  # fmt: skip


def test_a_connection_that_was_not_entered_says_how() -> None:
    exchange = Exchange.__new__(Exchange)
    exchange.name, exchange.environment, exchange._state = "acme", "live", "new"
    exchange._guard = Guard(FACTS, LIVE, has_key=False, read_only=False, account=None)
    with pytest.raises(LotusXError, match=r"async with lotusx\.connect\('acme'\)"):
        exchange.ticker  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'tickr'"):
        exchange.tickr  # type: ignore[attr-defined]  # noqa: B018
    assert "acme" in repr(exchange)


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="time zone"):
        to_ns(datetime(2026, 1, 1), name="start")  # noqa: DTZ001
    assert to_ns(datetime(2026, 1, 1, 0, 0, 0, 5, tzinfo=UTC), name="start") == 1_767_225_600_000_005_000
    with pytest.raises(InvalidArgument):
        to_ns("yesterday", name="start")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("moment", "unit"),
    [(1_700_000_000, "seconds"), (1_700_000_000_000, "milliseconds"), (1_700_000_000_000_000, "microseconds")],
)
def test_a_moment_in_another_unit_than_nanoseconds_is_refused_with_what_to_give(moment: int, unit: str) -> None:
    text = (
        f"end is in nanoseconds since the epoch, and {moment} looks like {unit}: give 1700000000000000000, or an aware"
    )
    with pytest.raises(InvalidArgument, match=text):
        to_span(None, moment)


@pytest.mark.parametrize("moment", [0, 1, 631_151_999, 7_258_118_400, 1_700_000_000_000_000_000, 2**63 - 1, -1])
def test_a_moment_that_is_no_other_unit_is_left_as_it_is(moment: int) -> None:
    assert to_span(moment, None).start_ns == moment


def test_a_reversed_span_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="before end"):
        to_span(5, 5)


async def test_pages_that_overlap_yield_each_item_once() -> None:
    pages = {None: Page([1, 2], "a"), "a": Page([2, 3], "b"), "b": Page([3, 4], None)}

    async def fetch(cursor: str | None) -> Page[int]:
        return pages[cursor]

    assert [item async for item in iterate(fetch, lambda item: item, remember=2)] == [1, 2, 3, 4]


async def test_a_cursor_that_does_not_move_is_not_the_end_of_the_history() -> None:
    async def fetch(cursor: str | None, limit: int = 0) -> Page[int]:
        return Page([1], "same")

    items = iterate(fetch, lambda item: item)
    assert await anext(items) == 1
    with pytest.raises(MalformedReply, match="does not move") as caught:
        await anext(items)
    assert not caught.value.retryable  # a recovery must not ask for ever
    with pytest.raises(MalformedReply, match="does not move"):
        await all_pages(fetch)


class Still:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at_ns = 0

    def monotonic_ns(self) -> int:
        return self.at_ns

    now_ns = monotonic_ns

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing waits here")


async def test_an_unknown_symbol_is_looked_for_in_a_fresh_list_at_most_once_a_minute() -> None:
    clock = Still()
    table = Instruments("acme", clock)
    listed = [instrument("BTC/USDT", "BTCUSDT")]
    calls = 0

    async def fetch() -> Sequence[Instrument]:
        nonlocal calls
        calls += 1
        return list(listed)

    table.use(fetch)
    await table.ensure()
    listed.append(instrument("NEW/USDT", "NEWUSDT"))
    with pytest.raises(UnknownSymbol):
        await table.resolve("NEW/USDT")
    clock.at_ns += 60_000_000_000
    assert (await table.resolve("NEW/USDT")).venue_symbol == "NEWUSDT"
    with pytest.raises(UnknownSymbol):
        await table.resolve("TYPO/USDT")
    assert calls == 2


async def test_an_unknown_symbol_gets_near_matches() -> None:
    table = Instruments("acme", Still())
    calls = 0

    async def fetch() -> Sequence[Instrument]:
        nonlocal calls
        calls += 1
        return [instrument("BTC/USDT", "BTCUSDT"), instrument("ETH/USDT", "ETHUSDT")]

    table.use(fetch)
    assert (await table.resolve("BTC/USDT")).venue_symbol == "BTCUSDT"
    with pytest.raises(UnknownSymbol) as caught:
        await table.resolve("BTC/USD")
    assert "BTC/USDT" in caught.value.near
    with pytest.raises(UnknownSymbol, match="BTC/USDT"):
        await table.resolve("BTCUSDT")
    with pytest.raises(InvalidArgument):
        await table.resolve("nonsense")
    assert calls == 1


async def test_a_symbol_the_list_does_not_have_makes_it_stale_and_it_is_fetched_again() -> None:
    table = Instruments("acme", Still())
    listed = [instrument("BTC/USDT", "BTCUSDT")]

    async def fetch() -> Sequence[Instrument]:
        return list(listed)

    table.use(fetch)
    await table.ensure()
    with pytest.raises(ItemRejected):
        table.by_venue_symbol("NEWUSDT")
    listed.append(instrument("NEW/USDT", "NEWUSDT"))
    assert (await table.resolve("NEW/USDT")).venue_symbol == "NEWUSDT"
    assert table.by_venue_symbol("NEWUSDT").base == "NEW"
    assert len(table.all()) == 2


async def test_a_list_of_names_is_fetched_again_only_for_one_that_is_not_in_it() -> None:
    table = Instruments("acme", Still())
    calls = 0

    async def fetch() -> Sequence[Instrument]:
        nonlocal calls
        calls += 1
        return [instrument("BTC/USDT", "BTCUSDT")]

    table.use(fetch)
    await table.ensure()
    await table.refresh_if_unlisted(["BTCUSDT"])
    assert calls == 1
    await table.refresh_if_unlisted(["BTCUSDT", "NEWUSDT", "NEXTUSDT"])
    assert calls == 2


def test_a_health_report_is_healthy_unless_something_failed() -> None:
    report = HealthReport("acme", "live", (Check("a", Health.OK, ""), Check("b", Health.NOT_CHECKED, "")))
    assert report.healthy
    assert report["a"].result is Health.OK
    with pytest.raises(KeyError):
        report["c"]
    assert not HealthReport("acme", "live", (Check("a", Health.FAILED, ""),)).healthy
