"""The page of hooks is the specification's: every hook, its arguments, and an example that is installed and works."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lotusx.plugin import HookSpecs

PAGE = Path(__file__).resolve().parents[2] / "docs" / "authors" / "hooks.md"
SECTION = re.compile(r"^## `(lotusx_\w+)\(([^)]*)\)`\n\n(.*?)(?=^## |\Z)", re.M | re.S)
SECTIONS = {name: (arguments, text) for name, arguments, text in SECTION.findall(PAGE.read_text("utf-8"))}
CODE = re.compile(r"```python\n(.*?)```", re.S)

SETUP = """
from decimal import Decimal
from lotusx.model import OrderRequest, Symbol
from lotusx.plugin import Effect, Request, Response, Secret, SigningContext, Verb
from lotusx.plugin.manager import PluginManager

manager = PluginManager("example", plugins=["example-extra"])
live, NOW = manager.facts.environments["live"], SigningContext(now_ms=1, nonce=1)
GET, POST = Request(Verb.GET, "", "/x"), Request(Verb.POST, "", "/x", effect=Effect.COMMAND)
"""
USES = {
    "lotusx_exchanges": "assert manager.facts.horizon_s == 0 and live.real_money",
    "lotusx_signer": """
signer = manager.signer(live, {"api_secret": Secret("s")})
signed = dict(signer.sign_request(GET, NOW).headers)
assert len(signed["x-signature"]) == 64 and signer.sign_message({"a": 1}, NOW) == {"a": 1, "time": 1}
""",
    "lotusx_rest_dialect": """
dialect = manager.rest_dialect()
assert dialect.error(GET, Response(200)) is None and not dialect.error(GET, Response(500)).may_have_executed
assert dialect.error(POST, Response(500)).may_have_executed
assert [item.used for item in dialect.usage(GET, Response(200, {"x-used-weight": "7"}))] == [7]
""",
    "lotusx_codecs": """
codec = manager.codecs(live, None, {})["public"]
assert codec.subscribe(["a"], 1, NOW) and codec.route(b'{"topic": "a"}') == "a"
assert codec.route(b'{"id": 1}').request_id == 1
""",
    "lotusx_connector": """
import asyncio
from lotusx.errors import NotSupported
from lotusx_testing import FakeKernel, FakeRest

rest = FakeRest().reply('{"ms": 5}')
connector = manager.connector(FakeKernel(manager.facts, "live", rest=rest).build())
assert asyncio.run(connector.market.server_time_ns()) == 5_000_000
try:
    asyncio.run(connector.account.balances())
except NotSupported:
    pass
else:
    raise AssertionError("what is not written was answered")
""",
    "lotusx_credentials": """
assert manager.credentials("hedge")["api_key"] == "k" and manager.credentials(None) is None
""",
    "lotusx_rest_middleware": """
import asyncio
(wrapper,) = manager.middleware()
async def following(request): return request.headers
assert asyncio.run(wrapper(GET, following)) == (("x-desk", "7"),)
""",
    "lotusx_observer": """
(observer,) = manager.observers()
observer(NOW)
import extra
assert extra.SEEN == {"example SigningContext": 1}
""",
    "lotusx_lifespan": """
import asyncio, extra
(lifespan,) = manager.lifespans()
async def live():
    async with lifespan:
        assert extra.OPEN == ["example"]
asyncio.run(live())
assert extra.OPEN == []
""",
    "lotusx_before_order": """
import asyncio
from lotusx.errors import InvalidArgument
order = OrderRequest.limit("BTC/USDT", "buy", "1", "2", client_order_id="a")
asyncio.run(manager.before_order(order, None, None))
try:
    asyncio.run(manager.before_order(order.model_copy(update={"quantity": Decimal(6)}), None, None))
except InvalidArgument as error:
    assert "more than this desk" in str(error)
else:
    raise AssertionError("no veto")
""",
}


def install(folder: Path, name: str, group: str, module: str, source: str) -> None:
    """Lay out what pip would: a module and its metadata."""
    (folder / f"{module}.py").write_text(source, "utf-8")
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n", "utf-8")


def test_page_has_every_hook_with_its_arguments() -> None:
    specified = {
        name: ", ".join(parameter for parameter in inspect.signature(spec).parameters if parameter != "self")
        for name, spec in vars(HookSpecs).items()
        if name.startswith("lotusx_")
    }

    assert {name: arguments for name, (arguments, _) in SECTIONS.items()} == specified
    assert list(SECTIONS) == list(specified)


@pytest.mark.parametrize("name", SECTIONS)
def test_page_says_when_a_hook_runs(name: str) -> None:
    assert re.search(r"\b(Runs|Asked|Looks at an order)\b", SECTIONS[name][1])


@pytest.mark.parametrize("name", SECTIONS)
def test_example_is_installed_and_works(name: str, tmp_path: Path) -> None:
    facts, example = (CODE.findall(SECTIONS[hook][1])[0] for hook in ("lotusx_exchanges", name))
    of_an_exchange = list(SECTIONS).index(name) < 5
    source = facts if name == "lotusx_exchanges" else f"{facts}\n{example}"
    install(tmp_path, "example", "lotusx.exchanges", "example_exchange", source if of_an_exchange else facts)
    install(tmp_path, "example-extra", "lotusx.plugins", "extra", "" if of_an_exchange else example)

    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{SETUP}\n{USES[name]}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
