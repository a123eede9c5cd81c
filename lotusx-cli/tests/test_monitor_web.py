"""The monitor's page in a browser is for this machine, and for none of its browser's other pages."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request

import anyio
import pytest

pytest.importorskip("textual_serve", reason="the monitor extra is not installed")

from aiohttp.test_utils import TestClient, TestServer

from lotusx_cli.monitor import web


def statuses(*headers: dict[str, str], path: str = "/") -> list[int]:
    async def ask() -> list[int]:
        server = TestServer(await web.server("true", 1)._make_app(), host=web.HOST)
        async with TestClient(server) as client:
            found = []
            for each in headers:
                filled = {name: value.format(port=server.port) for name, value in each.items()}
                async with client.get(path, headers=filled) as answer:
                    found.append(answer.status)
            return found

    return anyio.run(ask)


def test_the_page_comes_without_anything_of_other_sites() -> None:
    async def ask() -> str:
        server = TestServer(await web.server("true", 1)._make_app(), host=web.HOST)
        async with TestClient(server) as client, client.get("/") as answer:
            return await answer.text()

    page = anyio.run(ask)
    assert 'id="terminal"' in page
    assert "ws://127.0.0.1:1/ws" in page
    assert "https://" not in page


def test_other_names_and_origins_are_refused() -> None:
    good = [{}, {"host": "localhost:{port}"}, {"origin": "http://127.0.0.1:{port}"}]
    bad = [
        {"host": "evil.example"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9"},
    ]
    assert statuses(*good) == [200] * 3
    assert statuses(*bad) == [403] * 4
    assert statuses(*bad, path="/ws") == [403] * 4


def test_only_so_many_pages_are_open_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "MAX_PAGES", 0)
    assert statuses({}, path="/ws") == [503]


def test_it_says_where_it_is_once_it_is_there(free_port: int) -> None:
    code = f"from lotusx_cli.monitor import web; web.server('true', {free_port}).serve()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert f"http://127.0.0.1:{free_port};" in process.stdout.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/", timeout=60) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
