"""From `connect` to every call, over an exchange that answers from memory."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

import lotusx
import lotusx.sync
from lotusx import Accepted, Exchange, OrderRequest, OrderStatus
from lotusx.config_explain import refusals
from lotusx.errors import (
    ConfigurationError,
    CredentialsError,
    InvalidArgument,
    JournalFailed,
    LotusXError,
    NotSupported,
    OrderNotFound,
    RefusedBeforeSending,
    UnknownEnvironment,
    UnknownExchange,
)
from lotusx.health import Health
from lotusx.kernel.facts import CredentialField
from lotusx.kernel.ports import Page
from lotusx.kernel.request import Request, Verb
from lotusx.kernel.secrets import Secret
from lotusx.kernel.transport import HttpRequest, HttpResponse
from lotusx.model import AmendRequest, Fill, MarginMode, Side
from lotusx.plugin import hookimpl
from lotusx.streams import Overflow

from .acme import BTC, FACTS, install

pytestmark = pytest.mark.anyio

KEYS = {"api_key": "key", "api_secret": "canary-secret"}


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    for name in ("LOTUSX_CONFIG", "LOTUSX_ACME_API_KEY", "LOTUSX_ACME_API_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return install(tmp_path)


def connect(**arguments: Any) -> Exchange:
    return lotusx.connect("acme", **{"credentials": KEYS, **arguments})


async def test_market_calls_reach_the_port_with_checked_arguments(acme: SimpleNamespace) -> None:
    async with connect() as exchange:
        assert exchange.environment == "live"
        assert await exchange.server_time() == 1_770_000_000_000_000_000
        assert [item.venue_symbol for item in await exchange.instruments()] == ["BTCUSDT"]
        assert len(await exchange.market.instruments(refresh=True)) == 1
        assert (await exchange.instrument("BTC/USDT")).base == "BTC"
        assert (await exchange.ticker("BTC/USDT")).last_price == 100
        assert len(await exchange.tickers()) == 1
        assert len(await exchange.tickers(["BTC/USDT"])) == 1
        best: object = await exchange.best_bid_offer(BTC)
        assert best == ("bbo", BTC)
        assert (await exchange.order_book("BTC/USDT", 7)).sequence == 1
        assert len(await exchange.recent_trades("BTC/USDT", 3)) == 1
        assert ("order_book", 7) in acme.market.asked
        assert ("recent_trades", 3) in acme.market.asked
        wrongs: list[Any] = [0, -1, True, 1.5, "3"]
        for wrong in wrongs:
            with pytest.raises(InvalidArgument, match="whole number"):
                await exchange.order_book("BTC/USDT", wrong)


async def test_history_is_iterated_page_after_page(acme: SimpleNamespace) -> None:
    async with connect() as exchange:
        assert len(await exchange.candles("BTC/USDT", "1m", limit=2)) == 2
        bars = [bar.open_ns async for bar in exchange.iter_candles("BTC/USDT", "1m", start=0)]
        assert bars == [0, 1, 2, 3, 4]
        assert [trade.trade_id async for trade in exchange.iter_trades("BTC/USDT")] == ["7"]
        with pytest.raises(InvalidArgument, match="not an interval"):
            await exchange.candles("BTC/USDT", "7m")


async def test_an_order_lives_from_place_to_cancel(acme: SimpleNamespace) -> None:
    async with connect() as exchange:
        await exchange.trading.ready()
        order = await exchange.place(OrderRequest.limit("BTC/USDT", "buy", "0.1", "100.01"))
        assert order.client_order_id.startswith("lx-")
        found = await exchange.order("BTC/USDT", client_order_id=order.client_order_id)
        assert found.status is OrderStatus.OPEN
        assert len(await exchange.open_orders()) == 1
        assert len(await exchange.open_orders("BTC/USDT")) == 1
        amended = await exchange.amend("BTC/USDT", client_order_id=order.client_order_id, price="100.02")
        assert amended.state.price == Decimal("100.02")
        ended = await exchange.cancel("BTC/USDT", client_order_id=order.client_order_id)
        assert ended.status is OrderStatus.CANCELED
        assert [state.status async for state in exchange.iter_orders("BTC/USDT")] == [OrderStatus.CANCELED]
        assert [fill.trade_id async for fill in exchange.iter_fills("BTC/USDT")] == ["t1"]
        assert len(await exchange.cancel_all("BTC/USDT")) == 1
        await exchange.trading.test(OrderRequest.market("BTC/USDT", "sell", "0.1"))
        assert acme.trading.calls == ["ready", "place", "test"]


async def test_both_sides_of_a_trade_with_oneself_are_listed(
    acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought = Fill(BTC, "t1", "v1", Side.BUY, Decimal(1), Decimal(1), 5)
    sold = replace(bought, venue_order_id="v2", side=Side.SELL)

    async def fills_page(*_: object) -> Page[Fill]:
        return Page([bought, sold, bought], None)

    monkeypatch.setattr(acme.trading, "fills_page", fills_page)
    async with connect() as exchange:
        assert [fill async for fill in exchange.iter_fills("BTC/USDT")] == [bought, sold]


async def test_an_order_that_breaks_a_rule_is_not_sent(acme: SimpleNamespace) -> None:
    async with connect() as exchange:
        with pytest.raises(InvalidArgument, match=r"100\.005"):
            await exchange.place(OrderRequest.limit("BTC/USDT", "buy", "0.1", "100.005"))
        assert acme.trading.calls == []


async def test_what_the_exchange_lacks_is_refused_and_may_be_emulated(acme: SimpleNamespace) -> None:
    orders = [OrderRequest.limit("BTC/USDT", "buy", "0.1", "100"), OrderRequest.limit("BTC/USDT", "buy", "0.3", "100")]
    async with connect() as exchange:
        with pytest.raises(NotSupported, match="emulate=True"):
            await exchange.place_batch_orders(orders)
        outcomes = await exchange.place_batch_orders(orders, emulate=True)
        names = [outcome.client_order_id for outcome in outcomes]
        assert len(set(names)) == 2
        with pytest.raises(NotSupported):
            await exchange.cancel_batch_orders("BTC/USDT", names)
        assert len(await exchange.cancel_batch_orders("BTC/USDT", names, emulate=True)) == 2
        with pytest.raises(NotSupported):
            await exchange.cancel_all_after(10)
        with pytest.raises(NotSupported):
            await exchange.positions()


async def test_an_order_must_be_named_and_an_amendment_must_change_something(acme: SimpleNamespace) -> None:
    async with connect() as exchange:
        with pytest.raises(InvalidArgument, match="name the order"):
            await exchange.cancel("BTC/USDT")
        with pytest.raises(InvalidArgument, match="new quantity or a new price"):
            await exchange.amend("BTC/USDT", client_order_id="x")
        with pytest.raises(OrderNotFound):
            await exchange.order("BTC/USDT", venue_order_id="none")


async def test_account_calls_reach_the_port(acme: SimpleNamespace) -> None:
    async with connect() as exchange:
        assert [item.asset for item in await exchange.balances()] == ["BTC"]
        assert (await exchange.fees("BTC/USDT")).maker == Decimal("0.001")
        assert (await exchange.permissions()).withdraw is False


async def test_funding_paid_in_two_assets_at_one_moment_is_two_payments(acme: SimpleNamespace) -> None:
    acme.account.payments += [replace(acme.account.payments[0], asset="BNFCR"), acme.account.payments[0]]

    async with connect() as exchange:
        assert [payment.asset async for payment in exchange.iter_funding_payments()] == ["USDT", "BNFCR"]


async def test_the_calls_of_perpetual_futures_reach_the_ports_with_exact_numbers(acme: SimpleNamespace) -> None:
    async with connect() as exchange:
        assert (await exchange.mark_price("BTC/USDT")).mark_price == 7
        assert (await exchange.funding_rate("BTC/USDT")).rate == Decimal("0.0001")
        assert [rate.funding_ns async for rate in exchange.iter_funding_rates("BTC/USDT", start=0)] == [0, 1, 2, 3, 4]
        assert (await exchange.open_interest("BTC/USDT")).quantity == 12
        assert (await exchange.leverage("BTC/USDT")).leverage == 3
        await exchange.set_leverage("BTC/USDT", 5)
        await exchange.set_margin_mode("BTC/USDT", "isolated")
        await exchange.change_margin("BTC/USDT", "-1.50")
        await exchange.transfer("USDT", "2.5", source="spot", target="perp")
        assert [payment.amount async for payment in exchange.iter_funding_payments()] == [-1]
        assert [payment.amount async for payment in exchange.iter_funding_payments("BTC/USDT")] == [-1]
    assert acme.account.calls == [
        ("leverage", 5),
        ("mode", MarginMode.ISOLATED),
        ("margin", Decimal("-1.50")),
        ("transfer", "USDT", Decimal("2.5"), "spot", "perp"),
    ]


@pytest.mark.parametrize(
    ("call", "arguments", "text"),
    [
        ("set_leverage", ("BTC/USDT", "0.5"), "1 or more"),
        ("set_leverage", ("BTC/USDT", 2.5), "must be exact"),
        ("set_margin_mode", ("BTC/USDT", "unknown"), "'cross' or 'isolated'"),
        ("change_margin", ("BTC/USDT", 0), "not be zero"),
    ],
)
async def test_a_setting_that_cannot_be_right_is_not_sent(
    acme: SimpleNamespace, call: str, arguments: tuple[Any, ...], text: str
) -> None:
    async with connect() as exchange:
        with pytest.raises(InvalidArgument, match=text):
            await getattr(exchange, call)(*arguments)
        with pytest.raises(InvalidArgument, match="above zero"):
            await exchange.transfer("USDT", -1, source="spot", target="perp")
    assert acme.account.calls == []


async def test_several_orders_are_amended_in_one_call_or_one_after_the_other(acme: SimpleNamespace) -> None:
    async with connect() as exchange:
        for name in ("a", "b"):
            await exchange.place(OrderRequest.limit("BTC/USDT", "buy", "0.1", "100", client_order_id=name))
        changes = [AmendRequest("BTC/USDT", "a", price=90), AmendRequest("BTC/USDT", "b", quantity="0.2")]
        with pytest.raises(NotSupported, match="emulate=True"):
            await exchange.amend_batch_orders(changes)
        outcomes = await exchange.amend_batch_orders(changes, emulate=True)
        assert [outcome.client_order_id for outcome in outcomes] == ["a", "b"]
        states = [outcome.state for outcome in outcomes if isinstance(outcome, Accepted)]
        assert [(state.price, state.quantity) for state in states] == [
            (Decimal(90), Decimal("0.1")),
            (Decimal(100), Decimal("0.2")),
        ]


async def test_an_address_alone_reads_the_account_and_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    fields = (CredentialField("private_key"), CredentialField("address", secret=False, required=False))
    install(tmp_path, replace(FACTS, credentials=fields, read_credentials=("address",)), signs=False)
    async with connect(credentials={"address": "0xabc"}) as exchange:
        assert await exchange.balances()
        with pytest.raises(CredentialsError, match="private_key"):
            await exchange.place(OrderRequest.limit("BTC/USDT", "buy", "0.1", "100"))
        assert (await exchange.health_check())["credentials"].result is Health.OK


async def test_health_is_checked_part_by_part(acme: SimpleNamespace) -> None:
    async with connect() as exchange:
        report = await exchange.health_check()
        assert report["connectivity"].result is Health.OK
        assert report["credentials"].detail == "the key is accepted"
        assert report["permissions"].detail == "the key may read, trade"
    async with connect(credentials=None) as exchange:
        assert (await exchange.health_check())["credentials"].result is Health.NOT_CHECKED


async def test_a_part_that_fails_is_reported_and_not_raised(
    acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> int:
        raise LotusXError("no route")

    async def refuse() -> Any:
        raise NotSupported("acme", "permissions")

    async with connect() as exchange:
        monkeypatch.setattr(acme.account, "permissions", refuse)
        assert (await exchange.health_check())["credentials"].detail == "the key is accepted"
        monkeypatch.setattr(acme.market, "server_time_ns", fail)
        report = await exchange.health_check()
        assert not report.healthy
        assert report["connectivity"].detail == "no route"
        assert report["clock"].result is Health.NOT_CHECKED


async def test_public_access_needs_no_key_and_private_calls_say_what_is_missing(acme: SimpleNamespace) -> None:
    async with connect(credentials=None) as exchange:
        assert (await exchange.ticker("BTC/USDT")).last_price == 100
        with pytest.raises(CredentialsError, match="LOTUSX_ACME_API_SECRET"):
            await exchange.balances()
        with pytest.raises(CredentialsError):
            await exchange.place(OrderRequest.limit("BTC/USDT", "buy", "0.1", "100"))


async def test_a_read_only_connection_sends_no_orders(acme: SimpleNamespace) -> None:
    async with connect(read_only=True) as exchange:
        with pytest.raises(NotSupported, match="read-only"):
            await exchange.place(OrderRequest.limit("BTC/USDT", "buy", "0.1", "100"))
        assert await exchange.balances()


async def test_an_enabled_plugin_may_veto_an_order(acme: SimpleNamespace) -> None:
    class Risk:
        @hookimpl
        def lotusx_before_order(self, exchange: str, request: Any, instrument: Any) -> None:
            raise ValueError("too much")

        @hookimpl
        def lotusx_observer(self, exchange: str) -> Any:
            return lambda event: None

    async with connect(plugins=[Risk()]) as exchange:
        with pytest.raises(ValueError, match="too much"):
            await exchange.place(OrderRequest.limit("BTC/USDT", "buy", "0.1", "100"))
    assert acme.trading.calls == []


async def test_a_plugin_lives_as_long_as_the_connection_and_is_told_everything_before_it_ends(
    acme: SimpleNamespace,
) -> None:
    class Watching:
        measure_s = 60.0

        def __init__(self) -> None:
            self.told: list[str] = []

        def __call__(self, event: object) -> None:
            self.told.append(type(event).__name__)

        @hookimpl
        def lotusx_observer(self, exchange: str, environment: str, account: str | None) -> Any:
            self.told.append(f"watches {exchange} {environment} {account}")
            return self

        @hookimpl
        def lotusx_lifespan(self) -> Any:
            return self.life()

        @asynccontextmanager
        async def life(self) -> AsyncIterator[None]:
            self.told.append("begins")
            yield
            self.told.append("ends")

    watching = Watching()
    async with connect(plugins=[watching]) as exchange:
        await exchange.place(OrderRequest.limit("BTC/USDT", "buy", "0.1", "100"))
        async with exchange.stream_trades("BTC/USDT"):
            pass

    assert watching.told[:2] == ["watches acme live None", "begins"]
    assert watching.told[-1] == "ends"
    assert {"OrderSent", "OrderAnswered", "OrderOutcome", "StreamMeasured"} <= set(watching.told)


async def test_the_callers_own_error_leaves_the_block_unwrapped(acme: SimpleNamespace) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with connect():
            raise KeyError("mine")


async def test_a_connection_that_is_not_entered_or_was_closed_says_so(acme: SimpleNamespace) -> None:
    exchange = connect()
    for name in ("market", "trading", "account", "native"):
        with pytest.raises(AttributeError, match="enter the connection first: async with"):
            getattr(exchange, name)
        assert getattr(exchange, name, None) is None
    assert not hasattr(exchange, "markt")
    async with exchange:
        await exchange.market.ticker("BTC/USDT")
    for call in (exchange.market.ticker("BTC/USDT"), exchange.trading.cancel_all()):
        with pytest.raises(LotusXError, match=r"was closed; call lotusx\.connect again") as caught:
            await call
        assert not caught.value.retryable


async def test_a_stream_or_book_that_is_not_entered_says_how(acme: SimpleNamespace) -> None:
    async with connect() as exchange:
        market = exchange.market
        for made, how in (
            (market.stream_trades(BTC), r"async with exchange\.market\.stream_…\(…\) as stream: async for event in"),
            (market.live_order_book(BTC), r"async with exchange\.market\.live_order_book\(…\) as book: "),
            (exchange.stream_account(), r"async with exchange\.account\.stream_account\(\) as stream: async for"),
        ):
            unusable: Any = made
            with pytest.raises(TypeError, match=f"enter it first: {how}"):
                await unusable
            with pytest.raises(TypeError, match=f"enter it first: {how}"):
                async for _ in unusable:
                    pass
            with pytest.raises(TypeError, match=f"enter it first: {how}"):
                iter(unusable)


def test_a_stream_of_the_sync_api_that_is_not_entered_says_how(acme: SimpleNamespace) -> None:
    with lotusx.sync.connect("acme", credentials=KEYS) as exchange:
        for made in (exchange.market.stream_trades(BTC), exchange.stream_account()):
            unusable: Any = made
            with pytest.raises(TypeError, match="enter it first: with … as stream: for event in stream"):
                iter(unusable)


async def test_a_call_from_another_threads_loop_is_refused(acme: SimpleNamespace) -> None:
    async with connect() as exchange:

        def elsewhere() -> None:
            anyio.run(exchange.market.ticker, "BTC/USDT")

        with pytest.raises(LotusXError, match="belongs to the event loop of another thread"):
            await anyio.to_thread.run_sync(elsewhere)
        await exchange.market.ticker("BTC/USDT")


class CountingHttp:
    """Answers everything, and counts it."""

    asked = 0

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        self.asked += 1
        return HttpResponse(200, {}, b"{}")

    async def aclose(self) -> None:
        return


async def test_what_native_calls_send_passes_the_same_guard(acme: SimpleNamespace) -> None:
    http = CountingHttp()
    async with connect(http=http):
        kernel = acme.kernels[-1]
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: kernel.rest.call(Request(Verb.GET, "https://acme.test", "/time"), bytes),
            lambda: kernel.ws("market").request(lambda number, context: "hello"),
            lambda: kernel.ws("market").ready(),
        ]
        for call in calls:
            with pytest.raises(RefusedBeforeSending, match="belongs to the event loop of another thread"):
                await anyio.to_thread.run_sync(anyio.run, call)
        assert http.asked == 0
        await kernel.rest.call(Request(Verb.GET, "https://acme.test", "/time"), lambda reply: reply.body)
    for call in calls:
        with pytest.raises(RefusedBeforeSending, match=r"was closed; call lotusx\.connect again") as caught:
            await call()
        assert not caught.value.retryable
    assert http.asked == 1


class PortInUse:
    """A plugin that cannot begin."""

    @hookimpl
    def lotusx_lifespan(self) -> Any:
        raise ConfigurationError("the port is in use")


async def test_a_connection_whose_start_failed_is_closed(acme: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "orders.db").write_bytes(b"something else entirely" * 100)
    late = connect(journal=tmp_path / "orders.db")
    early = connect(plugins=[PortInUse()])
    for exchange in (late, early):
        with pytest.raises(LotusXError):
            async with exchange:
                pass
        with pytest.raises(RefusedBeforeSending, match="was closed"):
            await exchange.ticker("BTC/USDT")
    with pytest.raises(RefusedBeforeSending, match="was closed"):
        await late.market.ticker("BTC/USDT")


async def test_a_connection_is_used_once(acme: SimpleNamespace) -> None:
    exchange = connect()
    assert "new" in repr(exchange)
    async with exchange:
        assert exchange.stats()["websockets"]["market"]["sockets"] == 0
        assert exchange.native is acme.native
        assert exchange.capabilities[lotusx.Capability.TICKER]
    with pytest.raises(LotusXError, match=r"call lotusx\.connect again"):
        async with exchange:
            raise AssertionError("entered twice")


async def test_a_start_that_fails_closes_what_it_opened(acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lotusx.wiring.OrderDesk", lambda *_, **__: 1 / 0)
    closed: list[str] = []

    async def aclose(self: Any) -> None:
        closed.append(type(self).__name__)

    monkeypatch.setattr("lotusx.transport.lean_http.LeanTransport.aclose", aclose)
    monkeypatch.setattr("lotusx.transport.wsproto_ws.WsprotoTransport.aclose", aclose)
    with pytest.raises(ZeroDivisionError):
        async with connect():
            raise AssertionError("entered")
    assert sorted(closed) == ["LeanTransport", "WsprotoTransport"]


async def test_cancellation_from_outside_closes_the_connection(acme: SimpleNamespace) -> None:
    with anyio.move_on_after(0.05) as scope:
        async with connect():
            await anyio.sleep_forever()
    assert scope.cancelled_caught


async def test_a_start_without_journal_says_what_is_not_covered(
    acme: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lotusx.connection")
    async with connect():
        pass
    assert "in memory only" in caplog.text
    assert "canary-secret" not in caplog.text


async def test_credentials_reach_the_connector_as_secrets(acme: SimpleNamespace) -> None:
    async with connect():
        kernel = acme.kernels[-1]
        assert kernel.credentials["api_key"] == "key"
        assert isinstance(kernel.credentials["api_secret"], Secret)
        assert "canary-secret" not in repr(kernel)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"environment": "moon"}, UnknownEnvironment, "it has: live, simulator"),
        ({"environment": "simulator"}, ConfigurationError, "needs base_url"),
        ({"base_url": "http://127.0.0.1:1"}, ConfigurationError, "environment='simulator'"),
        ({"environment": "simulator", "base_url": "127.0.0.1:1"}, InvalidArgument, "http://"),
        ({"credentials": {"api_key": "k"}}, CredentialsError, "api_secret is missing"),
        ({"credentials": {"api_key": "k", "token": "t"}}, CredentialsError, "no credential 'token'"),
        ({"account": "hedge", "credentials": None}, CredentialsError, "LOTUSX_ACME__HEDGE__API_KEY"),
    ],
)
def test_a_wrong_set_up_is_refused_before_anything_is_sent(
    acme: SimpleNamespace, arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        connect(**arguments)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"oder_entry": "ws"},
            r"acme: options={…} has an unknown key 'oder_entry'; did you mean 'order_entry'\? "
            r"\(known: order_entry, comment, allow_withdrawals\)",
        ),
        ({"order_entry": "WS"}, "acme: the option 'order_entry' must be 'rest' or 'ws', not 'WS'"),
        ({"order_entry": None}, "must be 'rest' or 'ws', not None"),
        ({"order_entry": ["ws"]}, r"must be 'rest' or 'ws', not \['ws'\]"),
        ({"comment": " "}, "acme: the option 'comment' must be a text, not ' '"),
        ({"comment": 1}, "must be a text, not 1"),
        ({"allow_withdrawals": "true"}, "the option 'allow_withdrawals' must be True or False, not 'true'"),
    ],
)
def test_an_option_that_nothing_would_read_is_refused(
    acme: SimpleNamespace, options: dict[str, Any], text: str
) -> None:
    for connecting in (lotusx.connect, lotusx.sync.connect):
        with pytest.raises(ConfigurationError, match=text):
            connecting("acme", credentials=KEYS, options=options)
    assert not acme.kernels


@pytest.mark.parametrize("required", [True, False])
def test_an_account_that_nobody_configured_is_named_with_those_that_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, required: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    fields = (CredentialField("api_key", False, required), CredentialField("api_secret", required=required))
    install(tmp_path, replace(FACTS, credentials=fields))
    monkeypatch.setenv("LOTUSX_ACME__ARB__API_KEY", "canary")
    (tmp_path / "lotusx.toml").write_text('[exchanges.acme.accounts.hedges.credentials]\napi_key = "canary"\n')
    with pytest.raises(CredentialsError) as caught:
        lotusx.connect("acme", account="hedge")

    text = str(caught.value)
    assert text.startswith("acme: no account 'hedge' is configured; did you mean 'hedges'? (configured: arb, hedges)")
    assert "LOTUSX_ACME__HEDGE__API_SECRET" in text
    assert "exchanges.acme.accounts.hedge.credentials in lotusx.toml" in text
    assert "canary" not in text
    assert refusals("acme", "hedge") == [text]
    assert lotusx.connect("acme", account="hedge", credentials=KEYS).name == "acme"


async def test_options_that_the_facts_state_reach_the_connector(acme: SimpleNamespace) -> None:
    stated = {"order_entry": "ws", "comment": "mine", "allow_withdrawals": False}
    async with connect(options=stated):
        assert acme.kernels[-1].options == stated


def test_the_simulators_address_is_filled_in(acme: SimpleNamespace) -> None:
    exchange = connect(environment="simulator", base_url="https://127.0.0.1:1/")
    assert exchange.environment == "simulator"


def test_a_credential_provider_is_asked_when_nothing_else_has_any(acme: SimpleNamespace) -> None:
    class Vault:
        @hookimpl
        def lotusx_credentials(self, exchange: str, account: str | None) -> dict[str, str]:
            return dict(KEYS)

    assert connect(credentials=None, plugins=[Vault()])._guard.has_key


def test_an_unknown_exchange_says_what_to_install(acme: SimpleNamespace) -> None:
    with pytest.raises(UnknownExchange, match="pip install lotusx-…: the documentation lists"):
        lotusx.connect("nowhere")


def test_the_root_package_exports_at_most_forty_names() -> None:
    assert len(lotusx.__all__) <= 40
    assert set(lotusx.__all__) <= set(dir(lotusx))
    for name in lotusx.__all__:
        assert getattr(lotusx, name) is not None
    with pytest.raises(AttributeError):
        lotusx.nothing_of_that_name  # noqa: B018


async def test_a_connection_forgets_its_keys_when_it_ends_and_leaves_the_callers_alone(acme: SimpleNamespace) -> None:
    mine = Secret("canary-secret")
    exchange = connect(credentials={"api_key": "key", "api_secret": mine})
    async with exchange:
        await exchange.account.balances()
        wiring: Any = exchange._start.__self__  # type: ignore[attr-defined]
        held = wiring.parts.credentials["api_secret"]
        assert held.reveal() == "canary-secret"
        assert "canary" not in repr(wiring.parts)
        assert "'key'" not in repr(wiring.parts)
    assert (held.reveal(), wiring.parts.credentials, wiring.parts.signer) == ("", {}, None)
    assert repr(wiring.rest._redactor) == "Redactor(<0 values>)"
    assert mine.reveal() == "canary-secret"
    async with connect(credentials={"api_key": "key", "api_secret": mine}) as another:
        await another.account.balances()


async def test_a_connection_may_name_a_journal_and_a_directory_of_limits(acme: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "lotusx.toml").write_text('[exchanges.acme]\njournal = "orders.db"\nbudgets = "limits"\n')
    async with connect() as exchange:
        assert await exchange.recovered() == ()
        assert (tmp_path / "orders.db").exists()
        assert {path.suffix for path in (tmp_path / "limits").iterdir()} == {".limits"}  # of requests, of sockets
    assert b"canary" not in (tmp_path / "orders.db").read_bytes()
    async with connect(read_only=True, journal=tmp_path / "none.db", budgets=tmp_path / "limits") as reader:
        assert await reader.recovered() == ()
    assert not (tmp_path / "none.db").exists()  # what sends nothing has nothing to remember


async def test_a_journal_that_cannot_be_opened_stops_the_connection_before_anything_is_sent(
    acme: SimpleNamespace, tmp_path: Path
) -> None:
    (tmp_path / "orders.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(JournalFailed, match="damaged"):
        async with connect(journal=tmp_path / "orders.db"):
            pass


@pytest.mark.parametrize("overflow", list(Overflow))
async def test_an_overflow_policy_given_as_text_is_that_policy(acme: SimpleNamespace, overflow: Overflow) -> None:
    async with lotusx.connect("acme") as exchange:
        async with exchange.stream_trades("BTC/USDT", overflow=overflow.value) as stream:  # type: ignore[arg-type]
            assert stream.overflow is overflow
        with pytest.raises(InvalidArgument, match="fail, block, latest, drop_oldest; not 'newest'"):
            async with exchange.stream_trades("BTC/USDT", overflow="newest"):  # type: ignore[arg-type]
                pass
