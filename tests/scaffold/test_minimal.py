"""The smallest plugin of the documentation is as small as it says, installs, and works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "authors" / "minimal.md"
FILES = dict(re.findall(r"`([\w.]+)`:\n\n```\w+\n(.*?)```", PAGE.read_text("utf-8"), re.S))

PROGRAM = """
import http.server, json, threading
import anyio
import lotusx


class Exchange(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/time" else 404)
        self.end_headers()
        self.wfile.write(b'{"ms": 1770000000123}')

    def log_message(self, *words): ...


async def main(base_url):
    async with lotusx.connect("example", environment="simulator", base_url=base_url) as exchange:
        assert await exchange.market.server_time() == 1_770_000_000_123_000_000
        for call in (exchange.account.balances, exchange.trading.open_orders):
            try:
                await call()
            except lotusx.LotusXError as error:
                print(type(error).__name__, error)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exchange)
threading.Thread(target=server.serve_forever, daemon=True).start()
anyio.run(main, f"http://127.0.0.1:{server.server_port}")
server.shutdown()
"""


def test_it_is_at_most_sixty_lines() -> None:
    assert set(FILES) == {"pyproject.toml", "lotusx_example.py"}
    assert sum(len(text.splitlines()) for text in FILES.values()) <= 60


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home, target = tmp_path_factory.mktemp("minimal"), tmp_path_factory.mktemp("site")
    for name, text in FILES.items():
        (home / name).write_text(text, "utf-8")
    install = ["pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(target), str(home)]
    done = subprocess.run([sys.executable, "-m", *install], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def _run(site: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOTUSX_")}
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, *arguments], env={**environment, "PYTHONPATH": path}, cwd=site, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_command_line_finds_it(site: Path) -> None:
    assert "lotusx-example" in _run(site, "-m", "lotusx_cli", "exchanges")


def test_it_asks_for_the_time_and_says_what_it_does_not_have(site: Path) -> None:
    said = _run(site, "-c", PROGRAM).splitlines()

    assert len(said) == 2
    assert all(line.startswith(("NotSupported", "CredentialsError")) for line in said), said
