"""Every python block of the documentation runs, against the simulated exchange, with warnings as errors.

A block is run as a program of its own. Where it uses ``await`` outside of a function it is a fragment: it then runs
inside a connection to a simulated exchange of its own, with the names of `PRELUDE`. ``<!-- example: runs until stopped
-->`` in front of a block says that it goes on for ever: it has to print two lines and is then stopped. Blocks that show
a file of ``examples/`` are left out: tests/examples runs those.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Served

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "QUICK_START.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("lotusx-*/README.md")),
    *sorted(ROOT.glob("plugins/*/README.md")),
]
BLOCK = re.compile(
    r"^(?P<mark><!-- example: (?P<how>[^>]*?) -->\n)?(?P<indent> *)```python\n(?P<code>.*?)^(?P=indent)```$",
    re.M | re.S,
)
FENCED = re.compile(r"^ *```.*?^ *```$", re.M | re.S)
LOCAL = "http://127.0.0.1:8080"
PRELUDE = """\
import ast
from decimal import Decimal

import anyio
import pytest

import lotusx
from lotusx import OrderOutcomeUnknown, OrderRequest
from lotusx_sim import BinanceSpot, Simulator, serve
from lotusx_sim.dialects.binance.spot import DEFAULT_KEY

KEY = {{"api_key": DEFAULT_KEY.key, "api_secret": DEFAULT_KEY.verifier}}
BLOCK = compile({code!r}, {name!r}, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


async def main():
    sim = Simulator(BinanceSpot(seed=7))
    async with (
        serve(sim) as server,
        lotusx.connect("binance", environment="simulator", base_url=server.base_url, credentials=KEY) as exchange,
    ):
        best = await exchange.market.best_bid_offer("BTC/USDT")
        order = OrderRequest.limit("BTC/USDT", "buy", "0.01", best.bid_price, client_order_id="a-1")
        running = eval(BLOCK, {{**globals(), **locals()}})
        if running is not None:
            await running


anyio.run(main)
"""


@dataclass(frozen=True)
class Block:
    """One python block of a page."""

    page: Path
    line: int
    code: str
    endless: bool

    @property
    def id(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def program(self) -> str:
        try:
            compile(self.code, self.id, "exec")
        except SyntaxError:
            compile(self.code, self.id, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            return PRELUDE.format(code=self.code, name=self.id)
        return self.code

    @property
    def needs_exchange(self) -> bool:
        return "connect(" in self.code or "connect_many(" in self.code


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8") if page.exists() else ""
    found = []
    for match in BLOCK.finditer(text):
        if match["code"].startswith('--8<-- "examples/'):
            continue
        how = match["how"]
        assert how in (None, "runs until stopped"), f"{page}: {how!r} is no way to run an example"
        line = text.count("\n", 0, match.start("code"))
        found.append(Block(page, line, textwrap.dedent(match["code"]), how is not None))
    return found


BLOCKS = [block for page in PAGES for block in blocks(page)]


def run(block: Block, environment: dict[str, str] | None, folder: Path, base_url: str = LOCAL) -> None:
    command = [sys.executable, "-W", "error", "-c", block.program.replace(LOCAL, base_url)]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        guard = Timer(20, process.kill)
        guard.start()
        try:
            assert process.stdout is not None
            if block.endless:
                lines = [process.stdout.readline() for _ in range(2)]
                process.kill()
                _, errors = process.communicate()
                assert all(lines), errors or "printed nothing for 20 s"
            else:
                _, errors = process.communicate()
                assert process.returncode == 0, errors
        finally:
            guard.cancel()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_python_stands_where_it_would_not_be_run(page: Path) -> None:
    prose = FENCED.sub("", page.read_text("utf-8"))
    shown = [line for line in prose.splitlines() if line.startswith("    ")]
    assert [line for line in shown if re.search(r"lotusx\.(sync\.)?connect\(|\bawait exchange\b", line)] == []


@pytest.mark.parametrize("block", [block for block in BLOCKS if not block.needs_exchange], ids=lambda block: block.id)
def test_block_runs(block: Block, tmp_path: Path) -> None:
    run(block, None, tmp_path)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.needs_exchange], ids=lambda block: block.id)
def test_block_runs_against_the_simulator(block: Block, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    served: Served = request.getfixturevalue("through" if '"gateway:' in block.code else "served")
    run(block, served.environment, tmp_path, served.base_url)
