"""An environment of its own for each library, made by the benchmark from the package index.

All are made with the interpreter that runs the benchmark: builds of one Python version differ by tenths.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / "bench" / ".envs"
INTERPRETER = f"{sys.base_prefix} {sys.version}"
OURS = ["lotusx-core", "plugins/lotusx-binance", "plugins/lotusx-hyperliquid"]
PEERS = {
    "ccxt": ["ccxt==4.5.90"],
    "python-binance": ["python-binance==1.0.37"],
    "cryptofeed": [
        "cryptofeed==2.4.0",
        "uvloop<0.22",
        "websockets<14",
    ],  # 2.4 is the newest that has wheels for Python 3.11
    "hyperliquid-python-sdk": ["hyperliquid-python-sdk==0.24.0"],
}


def python_of(name: str) -> str:
    """Return the interpreter of a library's environment; make it if it is not there or holds something else."""
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    ready = folder / "ready"
    what = PEERS[name] if name in PEERS else [str(ROOT / path) for path in OURS]
    stamp = "\n".join([INTERPRETER, *what])
    if not ready.exists() or ready.read_text("utf-8") != stamp:
        print(f"making {folder.relative_to(ROOT)}", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True, clear=True)
        _install(python, *what)
        ready.write_text(stamp, "utf-8")
    elif name not in PEERS and _changed_ns() > ready.stat().st_mtime_ns:
        _install(python, "--force-reinstall", "--no-deps", *what)
        ready.touch()
    return str(python)


def _changed_ns() -> int:
    return max(file.stat().st_mtime_ns for path in OURS for file in (ROOT / path / "src").rglob("*.py"))


def version_of(name: str) -> str:
    """Return what is installed."""
    code = f"from importlib.metadata import version; print(version({name!r}))"
    return subprocess.run([python_of_made(name), "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def python_of_made(name: str) -> str:
    """Return the interpreter of an environment that was made before."""
    return str(ENVIRONMENTS / ("lotusx" if name.startswith("lotusx") else name) / "bin" / "python")


def _install(python: Path, *what: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what]
    subprocess.run(command, check=True)
