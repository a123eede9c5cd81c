"""The demo runs, and shows what it promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).resolve().parents[2] / "examples" / "first_light.py"


def run(corpus: str | None = None) -> str:
    settings = {name: value for name, value in os.environ.items() if not name.startswith("LOTUSX_")}
    if corpus is not None:
        settings["LOTUSX_CORPUS"] = corpus
    done = subprocess.run(
        [sys.executable, "-W", "error", str(DEMO), "--updates", "5"],
        capture_output=True, text=True, timeout=100, env=settings, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_first_light_shows_a_book_an_order_a_healed_connection_and_one_order_for_a_lost_reply(tmp_path: Path) -> None:
    said = run(str(tmp_path))
    for expected in (
        "connectivity  ok",
        "clock         ok",
        "credentials   ok",
        "BTC/USDT: TickSize",
        "placed first-light-1: open, 0.01 BTC",
        "FillEvent     0.00400000 at",
        "cancelled: canceled, filled 0.00400000 of 0.01000000 BTC",
        "the book is stale: stream lost",
        "it is right again",
        "resolved by looking: filled, filled 0.01000000 BTC",
        "orders with this id at the exchange: 1",
        "not shown: no recordings at",
        "done in",
    ):
        assert expected in said
