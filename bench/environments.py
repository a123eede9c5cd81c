"""An environment of its own for each library, made by the benchmark from the package index.

All are made with the interpreter that runs the benchmark, but for those that name another: builds of one Python version
differ by tenths. Who needs another interpreter is only compared with ours on that one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "bench" / ".envs"
_OURS = ("lotusx-core", "plugins/lotusx-binance", "plugins/lotusx-bybit", "plugins/lotusx-hyperliquid")


@dataclass(frozen=True)
class Library:
    """What is installed for a client.

    Attributes:
        module: Its client, in `bench.clients`.
        requirements: For pip; our own are folders of this repository, of which the newest commit is installed.
        distribution: Whose version is told; "" for ours.
        python: Another version of Python, such as "3.13".
    """

    module: str
    requirements: tuple[str, ...]
    distribution: str = ""
    python: str = ""


def _ours(python: str = "") -> Library:
    return Library("lotusx", (*_OURS, "uvloop==0.22.1", "trio"), python=python)


LIBRARIES = {
    "lotusx": _ours(),
    "lotusx-3.13": _ours(python="3.13"),
    "ccxt": Library("ccxt", ("ccxt==4.5.90", "uvloop==0.22.1"), "ccxt"),
    # 2.4.0 is the newest that has wheels for Python 3.11.
    "cryptofeed": Library("cryptofeed", ("cryptofeed==2.4.0", "uvloop<0.22", "websockets<14"), "cryptofeed"),
    "cryptofeed-3": Library("cryptofeed", ("cryptofeed==3.0.1",), "cryptofeed", python="3.13"),
    "nautilus": Library("nautilus", ("nautilus_trader==1.221.0",), "nautilus_trader"),
    "python-binance": Library("python_binance", ("python-binance==1.0.37",), "python-binance"),
    "pybit": Library("pybit", ("pybit==5.17.0",), "pybit"),
    "hyperliquid-sdk": Library("hyperliquid_python_sdk", ("hyperliquid-python-sdk==0.24.0",), "hyperliquid-python-sdk"),
    "picows": Library("picows", ("picows==2.3.1", "msgspec==0.21.1", "uvloop==0.22.1"), "picows"),
    "aiohttp": Library("aiohttp", ("aiohttp==3.14.1",), "aiohttp"),
    "unicorn": Library("unicorn", ("unicorn-binance-websocket-api[picows]==2.16.1",), "unicorn-binance-websocket-api"),
}


@cache
def interpreter(version: str) -> str | None:
    """Return an interpreter of *version* ("": the running one); ``None``: this machine has none."""
    if not version:
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python"))]
    for candidate in (*found, shutil.which(f"python{version}")):
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    return None


@cache
def made(name: str) -> str | None:
    """Return the interpreter of a library's environment; make it if it is not there or holds something else.

    ``None``: this machine lacks the Python it needs.
    """
    library = LIBRARIES[name]
    base = interpreter(library.python)
    if base is None:
        return None
    python, ready = FOLDER / name / "bin" / "python", FOLDER / name / "ready"
    described = subprocess.run(
        [base, "-c", "import sys; print(sys.base_prefix, sys.version)"], capture_output=True, text=True, check=True
    ).stdout
    trees = "" if library.distribution else _git("rev-parse", *(f"HEAD:{path}" for path in _OURS))
    stamp = "\n".join([described, *library.requirements])
    known, _, installed = (ready.read_text("utf-8") if ready.exists() else "").partition("\n---\n")
    if known == stamp and installed == trees:
        return str(python)
    print(f"making {python.parent.parent.relative_to(ROOT)}", file=sys.stderr, flush=True)
    if known != stamp:
        subprocess.run([base, "-m", "venv", "--clear", str(FOLDER / name)], check=True)
    if library.distribution:
        _install(python, *library.requirements)
    else:
        source = FOLDER / name / "source"
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir()
        _git("archive", "--output", str(source / "ours.tar"), "HEAD", *_OURS)
        shutil.unpack_archive(source / "ours.tar", source)
        again = ("--force-reinstall", "--no-deps") if known == stamp else ()
        paths = [f"{source}/{what}" if what.startswith(_OURS) else what for what in library.requirements]
        _install(python, *again, *paths)
    ready.write_text(f"{stamp}\n---\n{trees}", "utf-8")
    return str(python)


def _git(*what: str) -> str:
    return subprocess.run(["git", *what], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@cache
def version_of(name: str) -> str:
    """Return what is installed, such as "ccxt 4.5.90" or our commit."""
    distribution = LIBRARIES[name].distribution
    if not distribution:
        return f"lotusx {_git('rev-parse', '--short', 'HEAD').strip()}"
    code = f"from importlib.metadata import version; print(version({distribution!r}))"
    command = [str(FOLDER / name / "bin" / "python"), "-c", code]
    return f"{distribution} {subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()}"


def _install(python: Path, *what: str) -> None:
    command = [str(python), "-m", "pip", "install", "-qqq", "--disable-pip-version-check", *what]
    subprocess.run(command, check=True)
