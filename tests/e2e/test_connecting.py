"""From a name to a connection, and out of it again."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest
from e2e_kit import BTC, Connect, is_up, until

import lotusx
from lotusx.errors import AuthenticationError, UnknownEnvironment
from lotusx.health import Health
from lotusx_sim import Server, Simulator

pytestmark = pytest.mark.anyio
WRONG_KEY = {"api_key": "w" * 64, "api_secret": "s" * 64}


async def test_one_import_and_three_lines_give_a_price(server: Server) -> None:
    async with lotusx.connect("binance", environment="simulator", base_url=server.base_url) as exchange:
        ticker = await exchange.ticker(BTC)
    assert ticker.last_price is not None


async def test_nothing_is_sent_before_the_block_is_entered(connect: Connect, sim: Simulator) -> None:
    exchange = connect()
    assert repr(exchange) == "<Exchange binance (simulator), new>"
    assert not sim.requests
    with pytest.raises(lotusx.LotusXError, match="async with"):
        exchange.ticker  # noqa: B018


async def test_a_connection_is_used_once(connect: Connect) -> None:
    exchange = connect()
    async with exchange:
        pass
    with pytest.raises(lotusx.LotusXError, match=r"call lotusx\.connect again"):
        await exchange.__aenter__()


def test_an_unknown_exchange_names_what_is_installed_and_what_to_install() -> None:
    with pytest.raises(lotusx.UnknownExchange) as caught:
        lotusx.connect("binanse")
    assert "binance" in caught.value.installed
    assert caught.value.near[0] == "binance"
    assert "pip install lotusx-…" in str(caught.value)
    assert "lotusx-binanse" not in str(caught.value)


def test_an_unknown_environment_names_those_there_are() -> None:
    with pytest.raises(UnknownEnvironment, match="live, testnet, demo, simulator"):
        lotusx.connect("binance", environment="paper")


def test_the_simulator_needs_an_address() -> None:
    with pytest.raises(lotusx.ConfigurationError, match="needs base_url"):
        lotusx.connect("binance", environment="simulator")


def test_an_address_never_redirects_real_money() -> None:
    with pytest.raises(lotusx.ConfigurationError, match="environment='simulator'"):
        lotusx.connect("binance", base_url="http://127.0.0.1:1")


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises((lotusx.InvalidArgument, lotusx.ConfigurationError), match="base_url"):
        lotusx.connect("binance", environment="simulator", base_url=address)


def test_a_wrong_value_in_the_configuration_is_named(tmp_path: Path) -> None:
    (tmp_path / "lotusx.toml").write_text('[exchanges.binance]\nread_only = "yes"\n')
    with pytest.raises(lotusx.ConfigurationError, match=r"read_only.*true or false.*yes"):
        lotusx.connect("binance")


def test_a_misspelt_setting_is_named_with_the_right_one(tmp_path: Path) -> None:
    (tmp_path / "lotusx.toml").write_text('[exchanges.binance]\nenviroment = "testnet"\n')
    with pytest.raises(lotusx.ConfigurationError, match="did you mean 'environment'"):
        lotusx.connect("binance")


def test_a_misspelt_variable_is_named_with_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOTUSX_BINANCE_API_KEI", "x")
    with pytest.raises(lotusx.ConfigurationError, match="did you mean LOTUSX_BINANCE_API_KEY"):
        lotusx.connect("binance")


async def test_settings_come_from_variables_and_arguments_win(
    server: Server, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOTUSX_BINANCE_ENVIRONMENT", "simulator")
    monkeypatch.setenv("LOTUSX_BINANCE_BASE_URL", "http://127.0.0.1:1")
    async with lotusx.connect("binance", base_url=server.base_url) as exchange:
        assert exchange.environment == "simulator"
        await exchange.market.server_time()
    assert sim.requests[("GET", "/api/v3/time")] == 1


async def test_a_configuration_file_is_enough(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        f'[exchanges.binance]\nenvironment = "simulator"\nbase_url = "{server.base_url}"\nread_only = true\n'
    )
    async with lotusx.connect("binance", config=path) as exchange:
        await exchange.market.server_time()
        with pytest.raises(lotusx.NotSupported, match="read-only"):
            await exchange.trading.cancel_all(BTC)


async def test_a_read_only_connection_reads_and_changes_nothing(connect: Connect, sim: Simulator) -> None:
    async with connect(read_only=True) as exchange:
        assert await exchange.account.balances()
        before = dict(sim.requests)
        order = lotusx.OrderRequest.market(BTC, "buy", "0.01")
        for attempt in (
            exchange.trading.place(order),
            exchange.trading.test(order),
            exchange.trading.place_batch_orders([order], emulate=True),
            exchange.trading.cancel(BTC, client_order_id="x"),
            exchange.trading.cancel_all(BTC),
            exchange.trading.amend(BTC, client_order_id="x", quantity="1"),
            exchange.native.call("DELETE", "/api/v3/openOrders", {"symbol": "BTCUSDT"}, signed=True),
        ):
            with pytest.raises(lotusx.NotSupported, match="read-only"):
                await attempt
    assert dict(sim.requests) == before
    assert sim.orders() == []


async def test_a_private_call_without_a_key_names_variables_and_config_key(connect: Connect, sim: Simulator) -> None:
    async with connect(credentials=None) as exchange:
        for attempt in (
            exchange.account.balances,
            exchange.trading.open_orders,
            lambda: exchange.trading.place(lotusx.OrderRequest.market(BTC, "buy", "0.01")),
        ):
            with pytest.raises(lotusx.CredentialsError) as caught:
                await attempt()
            assert "LOTUSX_BINANCE_API_KEY" in str(caught.value)
            assert "exchanges.binance.credentials in lotusx.toml" in str(caught.value)
        with pytest.raises(lotusx.CredentialsError):
            async with exchange.account.stream_account():
                raise AssertionError("entered")
    assert not sim.requests


def test_half_a_key_is_refused_and_never_shown() -> None:
    with pytest.raises(lotusx.CredentialsError) as caught:
        lotusx.connect("binance", credentials={"api_secret": "half-a-secret"})
    assert "api_key" in str(caught.value)
    assert "half-a-secret" not in str(caught.value)


def test_a_credential_the_exchange_does_not_have_is_named() -> None:
    with pytest.raises(lotusx.CredentialsError, match="api_token"):
        lotusx.connect("binance", credentials={"api_token": "x"})


async def test_a_wrong_key_is_an_authentication_error_with_the_venues_code(connect: Connect) -> None:
    async with connect(credentials=WRONG_KEY) as exchange:
        with pytest.raises(AuthenticationError) as caught:
            await exchange.account.balances()
        assert caught.value.code == "-2015"
        with pytest.raises(AuthenticationError) as caught:
            await exchange.trading.place(lotusx.OrderRequest.market(BTC, "buy", "0.01"))
        assert caught.value.code == "-2015"


async def test_a_wrong_secret_is_an_authentication_error_with_the_venues_code(connect: Connect) -> None:
    async with connect(credentials={**WRONG_KEY, "api_key": _key()}) as exchange:
        with pytest.raises(AuthenticationError) as caught:
            await exchange.account.balances()
    assert caught.value.code == "-1022"


async def test_a_wrong_key_ends_the_account_stream_with_the_venues_word(connect: Connect) -> None:
    async with connect(credentials=WRONG_KEY) as exchange:
        with anyio.fail_after(30), pytest.raises(lotusx.LotusXError, match="2015"):
            async with exchange.account.stream_account():
                pytest.fail("the exchange refused this key")


async def test_health_proves_network_clock_and_key_each_by_itself(exchange: lotusx.Exchange) -> None:
    report = await exchange.health_check()
    assert report.healthy
    results = {check.name: check.result.value for check in report.checks}
    assert results == {
        "connectivity": "ok", "clock": "ok", "credentials": "ok", "permissions": "ok", "streams": "not_checked",
        "budgets": "ok",
    }  # fmt: skip
    assert report["permissions"].data["trade"] is True
    async with exchange.market.stream_trades(BTC) as stream:
        await until(lambda: is_up(stream))
        assert (await exchange.health_check())["streams"].data["states"] != {}


async def test_health_tells_a_wrong_key_from_a_dead_network(connect: Connect) -> None:
    async with connect(credentials=WRONG_KEY) as exchange:
        report = await exchange.health_check()
    assert not report.healthy
    assert report["connectivity"].result is Health.OK
    assert report["clock"].result is Health.OK
    assert report["credentials"].result is Health.FAILED
    assert "-2015" in report["credentials"].detail


async def test_health_without_a_key_says_that_it_was_not_checked(connect: Connect) -> None:
    async with connect(credentials=None) as exchange:
        report = await exchange.health_check()
    assert report.healthy
    assert report["credentials"].result is Health.NOT_CHECKED


async def test_health_of_an_exchange_that_is_down_does_not_raise() -> None:
    async with lotusx.connect("binance", environment="simulator", base_url="http://127.0.0.1:1") as exchange:
        with anyio.fail_after(30):
            report = await exchange.health_check()
    assert report["connectivity"].result is Health.FAILED
    assert report["clock"].result is Health.NOT_CHECKED
    assert report["credentials"].result is Health.NOT_CHECKED


async def test_the_users_own_error_passes_through_unwrapped(connect: Connect) -> None:
    class Mine(Exception):
        pass

    with pytest.raises(Mine):
        async with connect() as exchange, exchange.market.live_order_book(BTC), exchange.market.stream_trades(BTC):
            raise Mine
    with pytest.raises(KeyboardInterrupt):
        async with connect() as exchange, exchange.account.stream_account():
            raise KeyboardInterrupt


async def test_leaving_takes_less_than_two_seconds_and_leaves_no_socket(connect: Connect, sim: Simulator) -> None:
    async with (
        connect() as exchange,
        exchange.market.live_order_book(BTC),
        exchange.market.stream_trades(BTC),
        exchange.account.stream_account(),
    ):
        begun = time.monotonic()
    assert time.monotonic() - begun < 2.0
    await until(lambda: not sim.ws_connections)


async def test_leaving_is_quick_although_the_peer_is_silent(connect: Connect, sim: Simulator) -> None:
    async with connect() as exchange, exchange.market.stream_trades(BTC):
        sim.black_hole()
        begun = time.monotonic()
    assert time.monotonic() - begun < 2.5


async def test_no_task_is_left_behind(connect: Connect, anyio_backend_name: str) -> None:
    def tasks() -> int:
        if anyio_backend_name == "asyncio":
            import asyncio

            return len(asyncio.all_tasks())
        import trio

        return trio.lowlevel.current_statistics().tasks_living

    before = tasks()
    for _ in range(5):
        async with connect() as exchange, exchange.market.live_order_book(BTC), exchange.account.stream_account():
            assert await exchange.account.balances()
    await until(lambda: tasks() <= before + 2)  # the backend may have started helpers of its own


@pytest.mark.parametrize("inside", ["book", "trades", "account", "order"])
async def test_cancellation_from_outside_ends_it_at_once(connect: Connect, sim: Simulator, inside: str) -> None:
    entered = anyio.Event()

    async def use() -> None:
        async with connect() as exchange:
            if inside == "book":
                async with exchange.market.live_order_book(BTC) as book:
                    entered.set()
                    async for _ in book.changes():
                        pass
            elif inside == "trades":
                async with exchange.market.stream_trades(BTC) as trades:
                    entered.set()
                    async for _ in trades:
                        pass
            elif inside == "account":
                async with exchange.account.stream_account() as events:
                    entered.set()
                    async for _ in events:
                        pass
            else:
                sim.lose_reply_to("POST", "/api/v3/order", how="hang")
                await exchange.market.instruments()
                entered.set()
                await exchange.trading.place(lotusx.OrderRequest.market(BTC, "buy", "0.01"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(use)
        with anyio.fail_after(30):
            await entered.wait()
            await anyio.sleep(0.05)
        begun = time.monotonic()
        tasks.cancel_scope.cancel()
    assert time.monotonic() - begun < 2.0


async def test_two_connections_share_nothing(connect: Connect, sim: Simulator) -> None:
    async with connect() as one, connect() as two:
        assert await one.market.instruments() == await two.market.instruments()
        async with one.market.stream_trades(BTC) as first, two.market.stream_trades(BTC) as second:
            await until(lambda: is_up(first) and is_up(second))
            sim.trade("BTCUSDT", "buy", "0.001")
            with anyio.fail_after(30):
                assert await anext(first) is not None
                assert await anext(second) is not None
    assert sim.requests[("GET", "/api/v3/exchangeInfo")] == 2


def test_connecting_imports_one_plugin_only() -> None:
    code = (
        "import sys, lotusx; lotusx.connect('binance', environment='simulator', base_url='http://127.0.0.1:1'); "
        "print(sorted({name.partition('.')[0] for name in sys.modules if name.startswith('lotusx_')}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "['lotusx_binance']"


def _key() -> str:
    from lotusx_sim.dialects.binance.spot import DEFAULT_KEY

    return DEFAULT_KEY.key
