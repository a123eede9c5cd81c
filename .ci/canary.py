"""Run the end-to-end tests with everything told, and look for their keys in all they leave behind.

    python .ci/canary.py [pytest arguments]

The keys of the simulated accounts exist nowhere else in what a run says, so any trace of one is a leak: as it is, in
hex, in base64 at each of its three alignments, percent-encoded, or as a number. Looks first whether a planted one would
be found. Ends with 1 if a test fails or a trace is found.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote, quote_plus

from distributions import ROOT

from lotusx_sim.dialects import backpack, binance_perp, bybit, hyperliquid
from lotusx_sim.dialects.binance.venue import DEFAULT_KEY

TESTS = ["tests/e2e", "tests/sockets"]
MEMORY = Path("/dev/shm")
"""Where the machine has it: journals wait for the disk at every order, and thousands of orders share one here."""
_LEAST = 12
"""Bytes of a key that are a trace of it, where the whole is longer."""


def keys() -> dict[str, bytes]:
    """Return every key of the accounts that the tests use, with a name that may be printed."""
    found = {
        "Binance api_key": DEFAULT_KEY.key.encode(),
        "Binance api_secret": str(DEFAULT_KEY.verifier).encode(),
        "Bybit api_key": bybit.DEFAULT_KEY.key.encode(),
        "Bybit api_secret": str(bybit.DEFAULT_KEY.verifier).encode(),
        "Backpack api_key": backpack.DEFAULT_API_KEY.encode(),
        "Backpack api_secret": backpack.DEFAULT_SECRET.encode(),
        "Backpack seed": base64.b64decode(backpack.DEFAULT_SECRET),
        "the keys of tests/e2e/test_secrets.py": b"CanaryKeyk1k1",
        "the secrets of tests/e2e/test_secrets.py": b"CanarySecret/+",
    }
    perp = getattr(binance_perp, "DEFAULT_KEY", DEFAULT_KEY)
    found["Binance futures api_key"] = perp.key.encode()
    found["Binance futures api_secret"] = str(perp.verifier).encode()
    for name, key in (("", hyperliquid.DEFAULT_PRIVATE_KEY), (" agent", hyperliquid.DEFAULT_AGENT_KEY)):
        found[f"Hyperliquid{name} private_key"] = key.removeprefix("0x").encode()
        found[f"Hyperliquid{name} private_key, its bytes"] = bytes.fromhex(key[2:])
        found[f"Hyperliquid{name} private_key, its number"] = str(int(key, 16)).encode()
    return found


def forms(key: bytes) -> set[bytes]:
    """Return what *key* looks like in a text or a file."""
    found = {key, key[: 2 * _LEAST], key.hex().encode(), key.hex().upper().encode()}
    for shift in range(3):  # within a longer text that was encoded, such as user:password
        inner = base64.b64encode(b"\0" * shift + key)[4 if shift else 0 : -4]
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    text = key.decode("ascii", "ignore")
    if len(text) == len(key):
        found |= {quote(text, safe="").encode(), quote_plus(text).encode(), repr(text)[1:-1].encode()}
    else:
        found.add(repr(key)[2:-1].encode())
    return {form for form in found if len(form) >= _LEAST}


def traces(folder: Path) -> list[str]:
    """Return where in *folder* a key shows, one sentence each."""
    wanted = {name: forms(key) for name, key in keys().items()}
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        for name, shapes in wanted.items():
            places = [content.find(shape) for shape in shapes if shape in content]
            if places:
                line = content.count(b"\n", 0, min(places)) + 1
                found.append(f"{path.relative_to(folder)}, line {line}: {name}")
    return found


def would_be_found() -> bool:
    """Say whether each form of each key is found where it is planted."""
    with tempfile.TemporaryDirectory() as planted:
        for name, key in keys().items():
            for number, form in enumerate(sorted(forms(key))):
                file = Path(planted) / "planted"
                file.write_bytes(b"before " + form + b" after")
                if not any(trace.endswith(name) for trace in traces(Path(planted))):
                    print(f"a trace of {name} (form {number}) would not be found")
                    return False
    return True


def main(arguments: list[str]) -> int:
    """Run and look; return 1 if a test fails or a trace is found."""
    if not would_be_found():
        return 1
    with tempfile.TemporaryDirectory(prefix="canary-", dir=MEMORY if MEMORY.is_dir() else None) as made:
        folder = Path(made)
        environment = {**os.environ, "LOTUSX_CANARY": made, "PYTHONPATH": str(Path(__file__).parent)}
        command = [sys.executable, "-m", "pytest", "-p", "canary_plugin", "-p", "no:randomly", "-s", "-m", "not slow"]
        with (folder / "output.txt").open("wb") as output:
            status = subprocess.run(
                [*command, *(arguments or TESTS)], cwd=ROOT, env=environment, stdout=output, stderr=output, check=False
            ).returncode
        lines = (folder / "output.txt").read_text("utf-8", "replace").splitlines()
        print(*lines[-20:] if status else lines[-1:], sep="\n")
        sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir()) if path.is_file()}
        print("looked through", ", ".join(f"{name} ({size} bytes)" for name, size in sizes.items()))
        needed = {
            "audit.jsonl", "errors.txt", "journal.db", "log.jsonl", "log.txt", "output.txt", "pickles.bin", "reprs.txt",
            "telemetry.txt",
        }  # fmt: skip
        missing = {name for name in needed if not sizes.get(name)}
        if missing:
            print(f"nothing was written to {', '.join(sorted(missing))}: the run says too little")
        found = traces(folder)
        print(*found, f"canary {len(found)} traces of {len(keys())} keys", sep="\n")
        return int(bool(status or found or missing))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
