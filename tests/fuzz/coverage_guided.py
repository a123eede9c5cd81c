"""Feed every decoder of an exchange what a coverage-guided fuzzer thinks of: ``tox -e fuzz -- --seconds 300``.

Ends with 1, and the document, as soon as one breaks instead of raising an error of its own kind.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "helpers"), str(HERE.parent / "invariants" / "helpers")]


def fuzz(exchange: str, seconds: int, corpus: Path) -> None:
    """Fuzz one exchange in this process; never returns."""
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # installed by its environment alone

    with atheris.instrument_imports(include=[f"lotusx_{exchange.replace('-', '_')}", "lotusx_binance", "lotusx_bybit"]):
        from fuzzing.attempt import attempt
        from fuzzing.harvest import harvest

    targets = harvest(exchange)
    for number, target in enumerate(targets):
        (corpus / f"{number}").write_bytes(number.to_bytes(2, "big") + target.document)

    def one(data: bytes) -> None:
        target = targets[int.from_bytes(data[:2], "big") % len(targets)]
        try:
            attempt(target, data[2:])
        except BaseException:
            print(f"{exchange}: {target.name} broke on {data[2:]!r}", flush=True)
            raise

    options = [
        f"-max_total_time={seconds}",
        "-max_len=20000",
        "-timeout=20",
        "-print_final_stats=1",
        "-rss_limit_mb=3000",
    ]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={corpus}/", str(corpus)], one)
    atheris.Fuzz()


def main() -> int:
    """Fuzz every exchange, one after the other, for an equal share of the time."""
    from rig.lab import EXCHANGES

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--exchange", choices=sorted(EXCHANGES), action="append", help="all by default")
    parser.add_argument("--seconds", type=int, default=120, help="in all")
    parser.add_argument("--corpus", type=Path, help="used within")
    arguments = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("LOTUSX_")]:
        del os.environ[name]  # settings of this machine
    chosen = arguments.exchange or list(EXCHANGES)
    if arguments.corpus is not None:
        fuzz(chosen[0], arguments.seconds, arguments.corpus)
    failed = 0
    for exchange in chosen:
        with tempfile.TemporaryDirectory() as corpus:
            command = [sys.executable, __file__, "--exchange", exchange, "--corpus", corpus]
            command += ["--seconds", str(max(arguments.seconds // len(chosen), 1))]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            told = [line for line in (done.stdout + done.stderr).splitlines() if "stat::" in line or "broke on" in line]
            print(exchange, "failed" if done.returncode else "passed", *told, sep="\n  ", flush=True)
            if done.returncode:
                failed += 1
                print(done.stderr[-3_000:], flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
