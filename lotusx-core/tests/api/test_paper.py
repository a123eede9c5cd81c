"""``connect(paper=…)``: an account in this process takes the place of the exchange's, and no key is read."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import anyio
import pytest
from anyio.abc import TaskStatus

import lotusx
import lotusx.sync
from lotusx import paper as paper_module
from lotusx.errors import ConfigurationError, NotSupported, PluginError
from lotusx.kernel.codec import Channel, ChannelKind
from lotusx.kernel.facts import Capability, Support
from lotusx.model import BalanceEvent, OrderRequest
from lotusx.plugin import hookimpl
from lotusx.streams import Stream, StreamState

from .acme import BTC, Account, Trading, install

pytestmark = pytest.mark.anyio
KEYS = {"api_key": "key", "api_secret": "canary-secret"}


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOTUSX_CONFIG", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(paper_module, "GROUP", "lotusx.paper.of.tests")  # what is installed here is not asked
    return install(tmp_path)


class Holdings(Account):
    """An account with one channel of its own."""

    def channels(self) -> list[Channel[Any]]:
        return [Channel(paper_module.ACCOUNT_GROUP, "account", ChannelKind.ACCOUNT, lambda message, ns: ())]


class Local:
    """A paper account that keeps what it was told."""

    horizon_s = 2.5
    made: list[Local] = []  # noqa: RUF012 - one test, one list: emptied by the fixture

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = dict(settings)
        self.trading = Trading()
        self.account = Holdings()
        self.readers: list[Stream[Any]] = []
        self.followed: Any = None
        self.ended = False
        self.made.append(self)

    def offered(self, exchange: Mapping[Capability, Support]) -> Mapping[Capability, Support]:
        return {**exchange, Capability.TRANSFER: Support.not_offered(), Capability.POSITIONS: Support.full()}

    def over(self, connector: Any, exchange: str, clock: Any) -> Any:
        del exchange, clock
        return SimpleNamespace(
            market=connector.market, trading=self.trading, account=self.account, native=connector.native
        )

    def subscribe(self, channel: Channel[Any], *, buffer: int, overflow: Any) -> Stream[Any]:
        reader: Stream[Any] = Stream(channel.key, buffer=buffer, overflow=overflow)
        reader.change(StreamState.LIVE)
        self.readers.append(reader)
        return reader

    async def run(self, market: Any, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        self.followed = market
        task_status.started()
        try:
            await anyio.sleep_forever()
        finally:
            self.ended = True


def offer(site: Path, name: str, value: str = "paper_of_tests:Local") -> None:
    """Lay out a distribution that offers paper trading, as pip would."""
    module = ModuleType("paper_of_tests")
    module.Local = Local  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    Local.made.clear()
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{paper_module.GROUP}]\npaper = {value}\n", encoding="utf-8")


@asynccontextmanager
async def opened(paper: Any = True, **more: Any) -> AsyncIterator[tuple[lotusx.Exchange, Local]]:
    async with lotusx.connect("acme", credentials=KEYS, paper=paper, **more) as exchange:
        yield exchange, Local.made[-1]


async def test_without_the_distribution_the_error_says_what_to_install(acme: SimpleNamespace) -> None:
    with pytest.raises(ConfigurationError, match="pip install lotusx-paper"):
        lotusx.connect("acme", paper=True)


async def test_orders_go_to_the_local_account(acme: SimpleNamespace, tmp_path: Path) -> None:
    offer(tmp_path, "lotusx-paper")
    async with opened({"a": 1}) as (exchange, local):
        order = await exchange.place(OrderRequest.limit(BTC, "buy", "1", "2"))
        assert order.client_order_id in {state.client_order_id for state in local.trading.orders.values()}
        assert local.settings == {"a": 1}
        assert exchange.capabilities[Capability.POSITIONS]
        with pytest.raises(NotSupported):
            await exchange.transfer("BTC", 1, source="a", target="b")
        assert [item.venue_symbol for item in await exchange.instruments()] == ["BTCUSDT"]
        assert local.followed is exchange.market
    assert acme.trading.orders == {}
    assert local.ended


async def test_no_key_is_read_and_none_is_handed_on(
    acme: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(tmp_path, "lotusx-paper")
    monkeypatch.setenv("LOTUSX_ACME_API_KEY", "key")
    monkeypatch.setenv("LOTUSX_ACME_API_SECRET", "canary-secret")
    async with opened():
        (kernel,) = acme.kernels
        assert kernel.signer is None
        assert kernel.credentials == {}


async def test_observers_are_told_that_it_is_paper(acme: SimpleNamespace, tmp_path: Path) -> None:
    offer(tmp_path, "lotusx-paper")
    seen: list[str] = []

    class Watcher:
        @hookimpl
        def lotusx_observer(self, environment: str) -> None:
            seen.append(environment)

    async with opened(plugins=[Watcher()]) as (exchange, _):
        assert exchange.environment == "paper:live"
    assert seen == ["paper:live"]


async def test_the_account_stream_reads_the_local_events(acme: SimpleNamespace, tmp_path: Path) -> None:
    offer(tmp_path, "lotusx-paper")
    async with opened() as (exchange, local), exchange.stream_account() as account:
        local.readers[0].put([BalanceEvent((await exchange.balances())[0:1])])  # type: ignore[arg-type]
        with anyio.fail_after(30):
            assert isinstance(await account.__anext__(), BalanceEvent)


def test_scripts_trade_on_paper_too(acme: SimpleNamespace, tmp_path: Path) -> None:
    offer(tmp_path, "lotusx-paper")
    with lotusx.sync.connect("acme", paper=True) as exchange:
        exchange.place(OrderRequest.limit(BTC, "buy", "1", "2"))
    assert len(Local.made[-1].trading.orders) == 1
    assert acme.trading.orders == {}


async def test_no_journal_is_kept_of_it(acme: SimpleNamespace, tmp_path: Path) -> None:
    offer(tmp_path, "lotusx-paper")
    async with opened(journal=tmp_path / "orders.db") as (exchange, _):
        await exchange.place(OrderRequest.limit(BTC, "buy", "1", "2"))
    assert not (tmp_path / "orders.db").exists()


async def test_what_claims_paper_must_be_one_allowed_and_sound(acme: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="True, False or a mapping"):
        lotusx.connect("acme", paper="yes")  # type: ignore[arg-type]
    offer(tmp_path, "lotusx-paper", "paper_of_tests:Nobody")
    with pytest.raises(PluginError, match="lotusx-paper cannot be imported"):
        lotusx.connect("acme", paper=True)
    (tmp_path / "lotusx.toml").write_text('[plugins]\nallow = ["acme-lotus"]\n')
    with pytest.raises(PluginError, match="not on the list of allowed plugins"):
        lotusx.connect("acme", paper=True)
    offer(tmp_path, "another-paper")
    with pytest.raises(PluginError, match="another-paper, lotusx-paper"):
        lotusx.connect("acme", paper=True)
