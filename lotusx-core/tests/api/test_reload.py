"""What a running connection takes up of a changed configuration, and what it refuses."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import lotusx
from lotusx import OrderRequest
from lotusx.errors import ConfigurationError, LotusXError, NotSupported
from lotusx.kernel.facts import Limit
from lotusx.reach import Reach

from .acme import install

pytestmark = pytest.mark.anyio

KEYS = {"api_key": "key", "api_secret": "canary-secret"}
ORDER = OrderRequest.limit("BTC/USDT", "buy", "0.1", "60000")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.delenv("LOTUSX_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    configure("")
    return install(tmp_path)


def configure(text: str) -> None:
    Path("lotusx.toml").write_text(f"[exchanges.acme]\n{text}\n", encoding="utf-8")


def connect(**arguments: Any) -> lotusx.Exchange:
    return lotusx.connect("acme", **{"credentials": KEYS, "config": "lotusx.toml", **arguments})


async def test_nothing_changed_is_nothing_to_take_up() -> None:
    async with connect() as exchange:
        assert exchange.reload() == ()


async def test_trading_can_be_stopped_and_not_started() -> None:
    async with connect() as exchange:
        await exchange.trading.place(ORDER)
        configure("read_only = true")
        assert exchange.reload() == ("read_only",)
        with pytest.raises(NotSupported, match="read-only"):
            await exchange.trading.place(ORDER)
        assert exchange.reload() == ()
        configure("read_only = false")
        with pytest.raises(ConfigurationError, match="read_only has changed"):
            exchange.reload()
        with pytest.raises(NotSupported, match="read-only"):
            await exchange.trading.place(ORDER)


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ('environment = "simulator"\nbase_url = "http://127.0.0.1:1"', "environment and base_url"),
        ('proxy = "http://127.0.0.1:1"', "proxy"),
        ('journal = "orders.db"', "journal"),
        ('budgets = "limits.db"', "budgets"),
        ('[exchanges.acme.hosts.live]\napi = ["https://other"]', "hosts"),
        ("[cache]\ninstruments_s = 5", "cache"),
        ('[plugins]\nallow = ["acme-lotus"]', "plugins"),
    ],
)
async def test_what_only_a_new_connection_takes_up_is_refused_and_nothing_else_is_taken_up(
    written: str, named: str
) -> None:
    async with connect() as exchange:
        configure(f"read_only = true\n{written}")
        with pytest.raises(ConfigurationError, match=rf"acme: {named} ha(s|ve) changed.*Nothing was changed"):
            exchange.reload()
        await exchange.trading.place(ORDER)
        configure("read_only = true")
        assert exchange.reload() == ("read_only",)


async def test_other_credentials_are_noticed_without_being_shown_or_fetched() -> None:
    keys = '[exchanges.acme.credentials]\napi_key = "k"\napi_secret = {}'
    configure(keys.format('"canary-1"'))
    async with connect(credentials=None) as exchange:
        assert exchange.reload() == ()
        configure(keys.format('"canary-2"'))
        with pytest.raises(ConfigurationError, match="credentials has changed") as caught:
            exchange.reload()
        assert "canary" not in str(caught.value)
        configure(keys.format('{ command = ["false"] }'))  # fetching it would fail
        with pytest.raises(ConfigurationError, match="credentials has changed"):
            exchange.reload()


async def test_arguments_count_most_after_a_reload_too() -> None:
    async with connect(read_only=False, environment="live") as exchange:
        configure('read_only = true\n[exchanges.acme.credentials]\napi_key = "k"\napi_secret = "s"')
        assert exchange.reload() == ()
        await exchange.trading.place(ORDER)


async def test_a_configuration_that_cannot_be_read_changes_nothing() -> None:
    async with connect() as exchange:
        configure("read_only = maybe")
        with pytest.raises(ConfigurationError, match="not valid TOML"):
            exchange.reload()
        configure('read_onyl = "true"')
        with pytest.raises(ConfigurationError, match="read_only"):
            exchange.reload()
        await exchange.trading.place(ORDER)


async def test_only_an_open_connection_takes_up_settings() -> None:
    exchange = connect()
    with pytest.raises(LotusXError, match="not open"):
        exchange.reload()
    async with exchange:
        pass
    with pytest.raises(LotusXError, match="not open"):
        exchange.reload()


def test_another_share_is_one_of_what_the_exchange_stated_last() -> None:
    reach = Reach({}, {}, Decimal("0.5"))
    assert [limit.amount for limit in reach.take([Limit("weight", 100, 60.0), Limit("orders", 10, 1.0)])] == [50, 5]
    assert [limit.amount for limit in reach.take([Limit("weight", 200, 60.0)])] == [100]
    assert [limit.amount for limit in reach.retake(Decimal("0.1"))] == [20, 1]
    assert [limit.amount for limit in reach.retake(None)] == [200, 10]
    assert reach.limits([Limit("weight", 7, 60.0)])[0].amount == 7
