"""Listing, and failing to find an exchange import no plugin; connecting imports exactly one."""

from __future__ import annotations

import subprocess
import sys


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


LOADED = "print(sorted({name.split('.')[0] for name in sys.modules if name.startswith('lotusx_')}))"


def test_listing_imports_no_plugin() -> None:
    said = run(f"import sys, lotusx\nassert 'binance' in [x.name for x in lotusx.installed_exchanges()]\n{LOADED}")
    assert said == "[]"


def test_an_unknown_name_imports_no_plugin() -> None:
    asking = "import sys, lotusx\ntry:\n    lotusx.connect('nowhere')\nexcept lotusx.UnknownExchange as error:\n"
    said = run(f"{asking}    assert 'binance' in error.installed\n{LOADED}")
    assert said == "[]"


def test_connecting_imports_exactly_one_plugin() -> None:
    assert run(f"import sys, lotusx\nlotusx.connect('binance')\n{LOADED}") == "['lotusx_binance']"


def test_importing_the_core_loads_no_network_library() -> None:
    said = run("import sys, lotusx\nprint([name for name in ('httpx', 'wsproto', 'pydantic') if name in sys.modules])")
    assert said == "[]"


def test_connecting_for_public_data_loads_neither_pydantic_nor_httpx_nor_cryptography() -> None:
    said = run(
        "import sys, anyio, lotusx\n"
        "async def main():\n"
        "    async with lotusx.connect('binance'): pass\n"
        "anyio.run(main)\n"
        "print([name for name in ('httpx', 'pydantic', 'cryptography') if name in sys.modules])"
    )
    assert said == "[]"
