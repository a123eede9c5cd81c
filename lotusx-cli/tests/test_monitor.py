"""The monitor: what it knows, what it shows in little and in much room, and that it leaves a clean terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import anyio
import anyio.lowlevel
import pytest

pytest.importorskip("textual", reason="the monitor extra is not installed")

import lotusx
from lotusx import OrderRequest
from lotusx.errors import StreamClosed
from lotusx.kernel.telemetry import (
    BudgetMeasured,
    BudgetWait,
    ClockMeasured,
    ItemDropped,
    RequestFinished,
    RetryScheduled,
    SessionChanged,
    StreamChanged,
)
from lotusx.model import Level, OrderState, OrderStatus, OrderType, Side, Symbol, Trade
from lotusx_cli.commands.monitor import lines_of, show
from lotusx_cli.failures import Exit
from lotusx_cli.monitor import following, web
from lotusx_cli.monitor.cards import card, journal, summary
from lotusx_cli.monitor.following import follow
from lotusx_cli.monitor.screen import Monitor
from lotusx_cli.monitor.watched import MAX_ORDERS, Condition, Journal, Line, Listener, Watched
from lotusx_sim.fault_proxy import fault_proxy

if TYPE_CHECKING:
    from lotusx import LiveOrderBook

    from .conftest import Lotusx, Venue

BTC = Symbol.parse("BTC/USDT")
NOW_NS = 1_767_225_600_000_000_000


class BookOfPaper:
    """As much of a live book as the monitor reads."""

    def __init__(self) -> None:
        self.state = "synced"
        self.stale_reason = ""
        self.age: float | None = 0.2
        self.resyncs = 3

    @property
    def mid(self) -> Decimal:
        return Decimal("100.5")

    def bids(self, count: int, *, allow_stale: bool) -> list[Level]:
        return [Level(Decimal(100 - at), Decimal(at + 1)) for at in range(count)]

    def asks(self, count: int, *, allow_stale: bool) -> list[Level]:
        return [Level(Decimal(101 + at), Decimal(at + 1)) for at in range(count)]


def line_with(*names: str) -> tuple[Line, list[BookOfPaper]]:
    books = [BookOfPaper() for _ in names]
    markets = [Watched(name, name, cast("LiveOrderBook", book)) for name, book in zip(names, books, strict=True)]
    return Line("binance", {}, markets, Journal(), environment="simulator", account="no key"), books


def order(number: int, status: OrderStatus = OrderStatus.OPEN, updated_ns: int = 1) -> OrderState:
    return OrderState(
        BTC, None, f"o-{number}", Side.BUY, OrderType.LIMIT, status, Decimal(2), Decimal("0.5"), Decimal(99),
        updated_ns=updated_ns,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------- what it knows


def test_every_condition_of_a_market_is_told_apart() -> None:
    market = Watched("BTC/USDT")
    assert market.condition(down=False) is Condition.CONNECTING
    market.trouble = "no route"
    assert market.condition(down=False) is Condition.RECONNECTING
    book = BookOfPaper()
    market.book = cast("LiveOrderBook", book)
    assert market.condition(down=True) is Condition.IN_STEP
    book.age = 11.0
    assert market.condition(down=False) is Condition.QUIET
    book.state = "stale"
    assert market.condition(down=False) is Condition.RESYNCING
    assert market.condition(down=True) is Condition.RECONNECTING
    market.failed = True
    assert market.condition(down=False) is Condition.FAILED


def test_a_chart_has_no_point_while_the_book_cannot_be_vouched_for() -> None:
    line, (book,) = line_with("BTC/USDT")
    market = line.markets[0]
    market.sample()
    book.state = "stale"
    market.sample()
    assert list(market.prices) == [Decimal("100.5"), None]


def test_what_observers_are_told_is_counted_and_written_down() -> None:
    line, _ = line_with("BTC/USDT")
    hear = Listener(line, lambda: NOW_NS)
    for event in (
        SessionChanged("binance", "market", 1, "connecting"),
        RequestFinished("binance", "GET /time", 200, 0.01, 1),
        RequestFinished("binance", "GET /time", 0, 0.01, 1, "ConnectionFailed"),
        RetryScheduled("binance", "GET /time", 1, 0.5, "ConnectionFailed"),
        BudgetWait("binance", "GET /depth", "WEIGHT", 1.5),
        StreamChanged("binance", "book:BTC/USDT", "stale", "a gap"),
        StreamChanged("binance", "trades", "live"),
        ItemDropped("binance", "trades", "no price"),
        BudgetMeasured("binance", "WEIGHT", "ip", 60.0, 30, 60),
        BudgetMeasured("binance", "ORDERS", "account", 10.0, 1, 100, 2.5),
        ClockMeasured("binance", -0.25, 0.01),
    ):
        hear(event)
    assert line.down
    assert (line.requests, line.failures, line.dropped, line.clock_ms) == (2, 1, 1, -250)
    assert list(line.latencies) == [0.01, None]
    assert line.latency_ms == 10
    assert [full.percent for full in line.budgets.values()] == [50, 100]
    said = [item.text for item in line.journal.lines]
    assert "GET /time: no reply (ConnectionFailed)" in said
    assert "GET /depth waits 1.5 s for WEIGHT" in said
    assert "book:BTC/USDT: stale (a gap)" in said
    assert not any("trades: live" in text for text in said)


def test_orders_are_bounded_and_the_ended_go_first() -> None:
    line, _ = line_with("BTC/USDT")
    line.order(order(0))
    line.order(order(1, OrderStatus.FILLED))
    for number in range(2, MAX_ORDERS + 1):
        line.order(order(number))
    assert len(line.orders) == MAX_ORDERS
    assert "o-0" in line.orders
    assert "o-1" not in line.orders
    line.order(order(0, OrderStatus.OPEN, updated_ns=0))
    assert line.orders["o-0"].updated_ns == 1  # older news changes nothing
    line.order(order(0, OrderStatus.CANCELED, updated_ns=2))
    assert [item.status.is_terminal for item in line.orders_of("BTC/USDT")][-1]
    assert line.orders_of("ETH/USDT") == []


def test_the_journal_says_nothing_twice_in_a_row_and_ends() -> None:
    told = Journal(keep=3)
    for text in ("a", "a", "b", "c", "d", "a"):
        told.say(NOW_NS, "x", text)
    assert [item.text for item in told.lines] == ["c", "d", "a"]


# ------------------------------------------------------------------------------------------------ what it shows


def shown(line: Line, width: int, height: int, condition: Condition = Condition.IN_STEP) -> list[str]:
    lines = card(line, line.markets[0], condition, width, height)
    assert len(lines) == height
    assert {item.cell_len for item in lines} == {width}
    return [item.plain for item in lines]


@pytest.mark.parametrize(("width", "height"), [(20, 3), (40, 9), (74, 13), (96, 40), (200, 60)])
def test_a_card_takes_just_the_room_it_is_given(width: int, height: int) -> None:
    line, _ = line_with("BTC/USDT")
    line.account = ""
    for number in range(20):
        line.order(order(number))
    for _ in range(300):
        line.markets[0].sample()
    line.budgets["WEIGHT", "ip", "60"] = line.budgets["X", "account", "1"] = _full()
    for condition in Condition:
        shown(line, width, height, condition)


def _full() -> Any:
    from lotusx_cli.monitor.watched import Full

    return Full(9, 10, 3.0)


def test_a_card_shows_the_touch_in_the_middle_trades_limits_and_own_orders() -> None:
    line, _ = line_with("BTC/USDT")
    market = line.markets[0]
    line.account = ""
    line.sockets = {"market": "live", "api": "lost"}
    line.budgets["WEIGHT", "ip", "60"] = _full()
    line.order(order(1))
    market.trades.append(Trade(BTC, "1", Side.SELL, "100.25", "3", NOW_NS))
    text = shown(line, 100, 40)
    whole = "\n".join(text)
    assert text[0].startswith("● in step spread 1")
    assert "market ● api ◌ limits 100%" in text[1]
    assert "WEIGHT per 60s" in whole
    assert "9/10 held 3s" in whole
    middle = next(at for at, row in enumerate(text) if row.startswith("───"))
    assert text[middle - 1].startswith("101")
    assert text[middle + 1].startswith("100")
    assert "00:00:00 ▼      100.25" in whole
    assert "own buy  0.5/2 at 99 open o-1" in whole


def test_a_stale_book_is_not_shown_as_if_it_were_right() -> None:
    line, (book,) = line_with("BTC/USDT")
    book.stale_reason = "stream lost: reset"
    text = shown(line, 80, 20, Condition.RECONNECTING)
    assert text[0].startswith("◌ reconnecting stream lost: reset")
    assert any(row.startswith("─── stale") for row in text)
    short = summary(line, line.markets[0], Condition.RECONNECTING, 80, chosen=True)
    assert "reconnecting" in short.plain
    assert not any("#3fb950" in str(span.style) for span in short.spans)  # no green


def test_the_journal_shows_its_newest_lines() -> None:
    told = Journal()
    for number in range(5):
        told.say(NOW_NS, "binance", f"line {number}\nand more", "bad")
    lines = journal(list(told.lines), 40, 2)
    assert [item.plain.rstrip() for item in lines] == [f"00:00:00 binance line {at} and more" for at in (3, 4)]
    assert journal(list(told.lines), 40, 0) == []


# ---------------------------------------------------------------------------------------------------- the screen


def text_of(app: Monitor) -> str:
    """Return what stands on the screen."""
    import io

    from rich.console import Console

    width, height = app.size
    console = Console(width=width, height=height, file=io.StringIO(), record=True, legacy_windows=False)
    console.print(app.screen._compositor.render_update(full=True))
    return console.export_text(styles=False)


def on_screen(size: tuple[int, int], act: Callable[[Monitor, Any], Any], *lines: Line) -> None:
    async def run() -> None:
        app = Monitor(lines, lines[0].journal)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await act(app, pilot)

    anyio.run(run)


async def seen(app: Monitor, pilot: Any, holds: Callable[[str], bool]) -> None:
    """Wait until the screen shows something."""
    with anyio.fail_after(30):
        while not holds(text_of(app)):
            await pilot.pause(0.05)


def test_little_room_has_a_line_for_each_market_and_one_card() -> None:
    line, _ = line_with("BTC/USDT", "ETH/USDT", "SOL/USDT")

    async def act(app: Monitor, pilot: Any) -> None:
        await seen(app, pilot, lambda text: text.count("in step") == 4 and "binance BTC/USDT  simulator" in text)
        assert " q quit" in text_of(app)
        await pilot.press("down")
        await seen(app, pilot, lambda text: "binance ETH/USDT  simulator" in text)
        await pilot.press("up", "up")
        await seen(app, pilot, lambda text: "binance SOL/USDT  simulator" in text)
        await pilot.click("Summary", offset=(5, 1))
        await seen(app, pilot, lambda text: "binance BTC/USDT  simulator" in text)

    on_screen((80, 24), act, line)


def test_much_room_has_several_cards_and_one_where_that_is_wanted() -> None:
    line, _ = line_with("BTC/USDT", "ETH/USDT", "SOL/USDT")

    async def act(app: Monitor, pilot: Any) -> None:
        await seen(app, pilot, lambda text: text.count("simulator") == 3)
        await pilot.press("z")
        await seen(app, pilot, lambda text: text.count("simulator") == 1)
        await pilot.press("z", "l")
        await seen(app, pilot, lambda text: text.count("simulator") == 3)
        await pilot.resize_terminal(70, 20)
        await seen(app, pilot, lambda text: text.count("simulator") == 1)

    on_screen((200, 50), act, line)


def test_more_markets_than_lines_keep_the_chosen_one_in_sight() -> None:
    line, _ = line_with(*(f"A{at}/USDT" for at in range(30)))

    async def act(app: Monitor, pilot: Any) -> None:
        app.choose(29)
        await seen(app, pilot, lambda text: "▶● binance      A29/USDT" in text)
        await pilot.press("down")
        await seen(app, pilot, lambda text: "▶● binance      A0/USDT" in text)

    on_screen((80, 24), act, line)


def test_a_book_that_has_ended_since_is_drawn_all_the_same() -> None:
    class Ended(BookOfPaper):
        @property
        def mid(self) -> Any:
            raise StreamClosed("the book was closed")

        def bids(self, count: int, *, allow_stale: bool) -> list[Level]:
            raise StreamClosed("the book was closed")

    line, _ = line_with("BTC/USDT")
    line.markets[0].book = cast("LiveOrderBook", Ended())
    assert "spread -" in shown(line, 80, 20)[0]


def test_a_connection_that_breaks_is_seen_and_seen_to_heal(binance: Venue, key: None) -> None:
    async def run() -> None:
        async with fault_proxy("127.0.0.1", binance.server.port) as proxy:
            lines = lines_of(["binance:BTCUSDT", "binance:NO/SUCH"], "simulator", [f"http://{proxy.authority}"], None)
            app = Monitor(lines, lines[0].journal)
            market = lines[0].markets[0]
            async with app.run_test(size=(120, 40)) as pilot, anyio.create_task_group() as tasks:
                tasks.start_soon(follow, lines)

                await seen(app, pilot, lambda text: "in step" in text and "failed" in text and bool(market.trades))
                assert lines[0].markets[1].failed
                await seen(app, pilot, lambda text: "own orders: none" in text or "own buy" in text)
                proxy.refuse()
                proxy.reset()
                await seen(app, pilot, lambda text: "reconnecting" in text and "stale" in text)
                proxy.heal()
                await seen(app, pilot, lambda text: "● in step" in text)
                tasks.cancel_scope.cancel()

    anyio.run(run)


async def until(holds: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not holds():  # noqa: ASYNC110 - what is waited for is told to nobody
            await anyio.sleep(0.02)


async def filled(lines: list[Line], holds: Callable[[], bool]) -> None:
    """Follow *lines* until something holds."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow, lines)
        await until(holds)
        tasks.cancel_scope.cancel()


def test_what_cannot_be_connected_to_says_why_and_disturbs_nothing_else(binance: Venue, free_port: int) -> None:
    lines = lines_of(["nope:BTC/USDT", "binance:BTC/USDT", "bybit:BTC/USDT"], "simulator",
                     [f"binance={binance.server.base_url}", f"bybit=http://127.0.0.1:{free_port}"], None)  # fmt: skip
    nope, good, down = lines

    def holds() -> bool:
        return nope.failed and good.markets[0].book is not None and bool(down.markets[0].trouble)

    anyio.run(filled, lines, holds)
    assert "no exchange 'nope' is installed" in nope.trouble
    assert down.markets[0].condition(down.down) is Condition.RECONNECTING
    assert good.account == "no key"
    assert any("connectivity: the exchange answers" in item.text for item in good.journal.lines)


def test_own_orders_and_fills_are_followed(binance: Venue, key: None) -> None:
    lines = lines_of(["binance:BTC/USDT"], "simulator", [binance.server.base_url], None)
    line = lines[0]

    async def trade() -> None:
        await until(lambda: not line.account)
        async with lotusx.connect("binance", environment="simulator", base_url=binance.server.base_url) as exchange:
            await exchange.trading.place(OrderRequest.market("BTC/USDT", "buy", "0.01", client_order_id="seen-1"))

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(trade)
            await filled(lines, lambda: any("fill buy" in item.text for item in line.journal.lines))

    anyio.run(run)
    assert line.orders["seen-1"].status is OrderStatus.FILLED


# --------------------------------------------------------------------------------------------------- the command


class Screenless:
    """A screen that nobody looks at."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self._left = anyio.Event()

    async def run_async(self) -> None:
        await anyio.lowlevel.checkpoint()
        self._act()
        await self._left.wait()

    def exit(self) -> None:
        self._left.set()


def shown_with(act: Callable[[], object], monkeypatch: pytest.MonkeyPatch, fill: Callable[[Any], Any]) -> None:
    async def run() -> None:
        with anyio.fail_after(30):
            await show(cast("Monitor", Screenless(act)), [])

    monkeypatch.setattr(following, "follow", fill)
    anyio.run(run)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_screen(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fill(lines: object) -> None:
        await anyio.sleep_forever()

    shown_with(lambda: signal.raise_signal(number), monkeypatch, fill)


def test_a_defect_ends_the_screen_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fill(lines: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        shown_with(lambda: None, monkeypatch, fill)


def test_in_a_browser_each_page_runs_the_same_command(lotusx: Lotusx, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[object] = []
    monkeypatch.setattr(web, "serve", lambda arguments, port: served.append((arguments, port)))
    done = lotusx("monitor binance:BTC/USDT bybit:X --web --port 9 --config c.toml --base-url binance=http://x")
    assert done.code == 0
    assert served == [(["--config", "c.toml", "--base-url", "binance=http://x", "binance:BTC/USDT", "bybit:X"], 9)]


def test_markets_of_one_account_share_a_connection() -> None:
    lines = lines_of(
        ["binance:BTC/USDT", "bybit:X", "binance:ETH/USDT", "binance/hedge:BTC/USDT", "binance:BTC/USDT"],
        "simulator", ["binance=http://a", "bybit=http://b"], None,
    )  # fmt: skip
    assert [(line.name, [market.wanted for market in line.markets]) for line in lines] == [
        ("binance", ["BTC/USDT", "ETH/USDT"]),
        ("bybit", ["X"]),
        ("binance/hedge", ["BTC/USDT"]),
    ]
    assert [line.settings["base_url"] for line in lines] == ["http://a", "http://b", "http://a"]
    assert lines[2].settings["account"] == "hedge"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("", "Missing argument"),
        ("binance", "is not EXCHANGE:SYMBOL"),
        ("binance:", "is not EXCHANGE:SYMBOL"),
        ("binance/:BTCUSDT", "is not EXCHANGE:SYMBOL"),
        ("binance:A bybit:B --base-url http://x", "write EXCHANGE=URL"),
        ("binance:A --base-url bybit=http://x", "with one of binance"),
        ("binance:A", "needs a terminal"),
    ],
)
def test_bad_input_is_one_sentence(arguments: str, says: str, lotusx: Lotusx) -> None:
    done = lotusx(f"monitor {arguments}")
    assert done.code == Exit.USAGE
    assert says in done.err


@contextmanager
def in_terminal(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    command = [sys.executable, "-m", "lotusx_cli", "monitor", *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        yield process, ours
    os.close(ours)


def read_until(terminal: int, wanted: bytes | None) -> bytes:
    """Return what a program wrote until *wanted* came; ``None``: until it ended."""
    seen, deadline = b"", time.monotonic() + 60
    while wanted is None or wanted not in seen:
        assert time.monotonic() < deadline
        try:
            part = os.read(terminal, 65_536)
        except OSError:  # Linux says so when the other side is gone
            part = b""
        if not part:
            break
        seen += part
    return seen


@pytest.mark.parametrize("how", ["q", *(pytest.param(way, marks=pytest.mark.slow) for way in ("\x03", "SIGTERM"))])
def test_the_terminal_is_as_it_was_when_the_monitor_ends(how: str, binance: Venue) -> None:
    arguments = ["binance:BTC/USDT", "--environment", "simulator", "--base-url", binance.server.base_url]
    with in_terminal(*arguments) as (process, terminal):
        seen = read_until(terminal, b"in step")
        assert b"\x1b[?1049h" in seen  # a screen of its own
        if how == "SIGTERM":
            process.send_signal(signal.SIGTERM)
        else:
            os.write(terminal, how.encode())
        rest = read_until(terminal, None)
        assert process.wait(60) == 0
    assert b"\x1b[?1049l" in rest
    assert b"\x1b[?25h" in rest  # the cursor is back
    assert b"Traceback" not in rest


def test_an_exchange_that_is_not_installed_is_refused_before_the_screen_is_taken(lotusx: Lotusx) -> None:
    done = lotusx("monitor nope:BTC/USDT")
    assert done.code == Exit.CONFIGURATION
    assert "no exchange 'nope' is installed" in done.err
