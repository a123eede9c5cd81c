"""What people see on a terminal, and what becomes of values on their way out."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lotusx.kernel.secrets import Secret
from lotusx.model import Balance, BalanceEvent, Level, OrderBook, Side, Symbol, Trade
from lotusx_cli.commands.book import picture
from lotusx_cli.commands.stream import row
from lotusx_cli.connecting import run
from lotusx_cli.inventory import installed_plugins
from lotusx_cli.moments import Moment
from lotusx_cli.output import Out
from lotusx_cli.values import moment, shown, to_plain

if TYPE_CHECKING:
    from .conftest import Lotusx

BTC = Symbol("BTC", "USDT")
BALANCE = Balance("USDT", Decimal("1.50"), Decimal(0), Decimal("1.50"))


@pytest.fixture
def terminal() -> Out:
    out = Out()
    out.terminal = True
    return out


def test_a_terminal_gets_a_table(terminal: Out, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.rows([BALANCE], ["asset", "free", "wallet"], title="[balances]")
    said = capsys.readouterr().out
    assert "[balances]" in said
    assert "1.5 " in said
    terminal.rows([], ["asset"], empty="nothing at all")
    assert capsys.readouterr().out == "nothing at all\n"


def test_a_terminal_too_narrow_for_a_table_gets_a_block_for_each_row(
    terminal: Out, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    rows = [
        {"client_order_id": "lx-dtjaotpbvwggrtrl", "price": Decimal("1.5")},
        {"client_order_id": "b", "price": None},
    ]
    terminal.rows(rows, ["client_order_id", "price"], title="open orders")
    assert capsys.readouterr().out.splitlines() == [
        "open orders", "client order id  lx-dtjaotpbvwggrtrl", "price            1.5", "", "client order id  b",
    ]  # fmt: skip


def test_a_terminal_gets_fields_with_their_names(terminal: Out, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.record({"last_price": Decimal("1.10"), "exchange_ns": 1_000_000_000, "missing": None}, title="x")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "x"
    assert lines[1].split() == ["last", "price", "1.1"]
    assert lines[2].split() == ["exchange", "1970-01-01", "00:00:01.000Z"]
    assert len(lines) == 3


def test_a_terminal_gets_events_without_a_head(terminal: Out, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.event({"a": 1, "b": None}, ["a", "b"])
    assert capsys.readouterr().out == "1  -\n"


def test_a_pipe_gets_the_head_once(capsys: pytest.CaptureFixture[str]) -> None:
    out = Out()
    out.event({"a": 1}, ["a"])
    out.event({"a": None}, ["a"])
    assert capsys.readouterr().out == "a\n1\n\n"


def test_bars_grow_with_what_has_added_up(capsys: pytest.CaptureFixture[str], terminal: Out) -> None:
    bids = [Level(Decimal(99), Decimal(1)), Level(Decimal(98), Decimal(3))]
    terminal.console().print(picture("t", bids, [Level(Decimal(100), Decimal(2))], 5))
    first, second = capsys.readouterr().out.splitlines()[2:]
    assert first.count("█") == 6 + 12
    assert second.count("█") == 24
    terminal.console().print(picture("t", [], [], 5))


def test_values_become_what_json_can_hold() -> None:
    trade = Trade(BTC, "7", Side.BUY, "1.10", "0.00000001", 5)
    assert to_plain(trade) == {
        "symbol": "BTC/USDT", "trade_id": "7", "taker_side": "buy", "price": "1.10", "quantity": "0.00000001",
        "exchange_ns": 5, "received_ns": 0,
    }  # fmt: skip
    assert to_plain({"s": Secret("canary"), "b": b"x", "f": frozenset({"b", "a"}), "o": (1, Decimal("2.0"))}) == {
        "s": "***", "b": "x", "f": ["a", "b"], "o": [1, "2"],
    }  # fmt: skip
    assert to_plain(Path("x")) == "x"


def test_values_are_written_for_people() -> None:
    assert shown("x", True) == "yes"
    assert shown("x", ("a", "b")) == "a b"
    assert shown("x", frozenset({"b", "a"})) == "a b"
    assert shown("updated_ns", 0) == "-"
    assert moment(1_700_000_000_123_456_789) == "2023-11-14 22:13:20.123Z"


def test_what_has_no_fields_is_not_shown_as_if_it_had() -> None:
    with pytest.raises(TypeError, match="no fields"):
        Out().record(7)


def test_an_account_event_is_one_line_for_people() -> None:
    shown_row = row("account", BalanceEvent((BALANCE,)), as_json=False)
    assert isinstance(shown_row, dict)
    assert shown_row["event"] == "BalanceEvent"
    assert "asset=USDT" in str(shown_row["details"])
    whole = row("order-book", OrderBook(BTC, (), ()), as_json=True)
    assert isinstance(whole, OrderBook)


def test_moments_are_read_as_utc_unless_they_say_otherwise() -> None:
    convert = Moment().convert
    assert convert("1970-01-02", None, None) == 86_400_000_000_000
    assert convert("1970-01-02T00:00+01:00", None, None) == 82_800_000_000_000
    assert convert(7, None, None) == 7
    assert convert("1h", None, None) > convert("1d", None, None)


def test_one_error_out_of_a_task_group_is_raised_as_itself() -> None:
    async def one() -> None:
        raise ExceptionGroup("", [ValueError("alone")])

    async def two() -> None:
        raise ExceptionGroup("", [ValueError("a"), ValueError("b")])

    with pytest.raises(ValueError, match="alone"):
        run(one)
    with pytest.raises(ExceptionGroup):
        run(two)


def test_cross_cutting_plugins_are_shown_with_whether_they_are_enabled(
    here: Path, monkeypatch: pytest.MonkeyPatch, lotusx: Lotusx
) -> None:
    monkeypatch.syspath_prepend(str(here))
    (here / "nosy_plugin.py").write_text("def lotusx_before_order(): ...\nclass Object:\n    pass\nthing = Object()\n")
    info = here / "nosy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nosy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[lotusx.plugins]\nnosy = nosy_plugin\nobject = nosy_plugin:thing\nbroken = no_such_module\n"
    )
    (here / "lotusx.toml").write_text('[plugins]\nenable = ["nosy"]\n')
    found = {item.name: item for item in installed_plugins() if item.kind == "cross-cutting"}
    assert (found["nosy"].active, found["nosy"].hooks) == ("yes", ("lotusx_before_order",))
    assert found["nosy"].loaded_from == str(here)
    assert found["object"].active == "no (not enabled)"
    assert "ModuleNotFoundError" in found["broken"].problem
    (here / "lotusx.toml").write_text('[plugins]\nallow = ["lotusx-bybit"]\n')
    rows = {item["name"]: item for item in json.loads(lotusx("plugins --json").out)}
    assert "not on the list" in rows["binance"]["problem"]
    assert rows["bybit"]["problem"] == ""
