"""Simulated exchanges on sockets of this process, and the settings under which an example finds them."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, redirect_stdout
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest

from lotusx_sim import Backpack, BinancePerp, BinanceSpot, Bybit, Hyperliquid, Simulator, serve
from lotusx_sim.dialects.binance.spot import DEFAULT_KEY

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
VENUES: dict[str, Callable[..., Any]] = {
    "backpack": Backpack,
    "binance": BinanceSpot,
    "binance-perp": BinancePerp,
    "bybit": Bybit,
    "bybit-perp": Bybit,
    "hyperliquid": Hyperliquid,
}
WITHIN_S = 30


class Printed(io.StringIO):
    """What an example has printed so far."""

    def __init__(self) -> None:
        super().__init__()
        self._more = anyio.Event()

    def write(self, text: str) -> int:
        count = super().write(text)
        self._more.set()
        return count

    async def wait_for(self, *expected: str) -> None:
        """Wait until all of *expected* was printed."""
        with anyio.move_on_after(WITHIN_S):
            while not all(text in self.getvalue() for text in expected):
                self._more = anyio.Event()
                await self._more.wait()
            return
        missing = [text for text in expected if text not in self.getvalue()]
        pytest.fail(f"not printed within {WITHIN_S} s: {missing}\n{self.getvalue()}")


class Stage:
    """Exchanges by name, as long as the block runs."""

    def __init__(self, sims: dict[str, Simulator], printed: Printed) -> None:
        self.sims = sims
        self.printed = printed

    @asynccontextmanager
    async def running(self, main: Callable[..., Coroutine[Any, Any, None]], *args: object) -> AsyncIterator[None]:
        """Run an example that goes on for ever; it is cancelled, as by Ctrl-C, at the end of the block."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(main, *args)
            yield
            tasks.cancel_scope.cancel()


def example(name: str) -> ModuleType:
    """Import an example as a module, so that nothing of it runs yet."""
    spec = spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Return a context manager that serves the exchanges it is given, and leads the configuration there.

    Their markets stand still, unless *actions_per_s* are asked for.
    """
    for name in os.environ:
        if name.startswith("LOTUSX_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    @asynccontextmanager
    async def staged(*names: str, actions_per_s: float = 0) -> AsyncIterator[Stage]:
        async with AsyncExitStack() as stack:
            sims = {}
            for name in names:
                sims[name] = Simulator(VENUES[name](seed=7, actions_per_s=actions_per_s))
                server = await stack.enter_async_context(serve(sims[name]))
                prefix = f"LOTUSX_{name.replace('-', '_').upper()}_"
                monkeypatch.setenv(prefix + "ENVIRONMENT", "simulator")
                monkeypatch.setenv(prefix + "BASE_URL", server.base_url)
                if name.startswith("binance"):
                    monkeypatch.setenv(prefix + "API_KEY", DEFAULT_KEY.key)
                    monkeypatch.setenv(prefix + "API_SECRET", str(DEFAULT_KEY.verifier))
            printed = Printed()
            with redirect_stdout(printed):
                yield Stage(sims, printed)

    return staged
