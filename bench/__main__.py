"""CPU per item of LotusX and its peers, each in its own environment, in one interleaved run.

    python -m bench [--rounds 5] [--rows 1,5] [--table]

The first run makes the environments under ``bench/.envs``; ``--table`` writes ``bench/README.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.environments import PEERS, ROOT, python_of, python_of_made, version_of
from bench.rows import ROWS, Row
from bench.server import make_certificate


@dataclass
class Result:
    """What one client took, in the row's unit, one value per round."""

    costs: list[float] = field(default_factory=list)
    reached: list[float] = field(default_factory=list)

    @property
    def middle(self) -> float:
        """The median."""
        return statistics.median(self.costs)

    def __str__(self) -> str:
        text = f"{self.middle:.3g} ({min(self.costs):.3g}–{max(self.costs):.3g})"
        reached = statistics.median(self.reached) if self.reached else 1.0
        return text if reached > 0.999 else f"{text}, {reached:.0%} reached the user"


@dataclass(frozen=True)
class Servers:
    """Where the benchmark's exchange listens."""

    plain: str
    tls: str
    certificate: Path


@contextmanager
def serving(python: str, row: Row) -> Iterator[Servers]:
    """Run the server in a process of its own."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        certificate = make_certificate(folder)
        trades, updates = (row.count if row.work == name else 1 for name in ("trades", "book"))
        command = [python, "-m", "bench.server", str(folder), str(trades), str(updates)]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            ports = json.loads(process.stdout.readline())
            try:
                plain, tls = f"http://127.0.0.1:{ports['plain']}", f"https://127.0.0.1:{ports['tls']}"
                yield Servers(plain, tls, certificate)
            finally:
                process.terminate()


def environment(**more: str) -> dict[str, str]:
    """Return a child's environment: nothing of this shell's Python settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LOTUSX_"))}
    return kept | more


def measure_stream(row: Row, rounds: int) -> dict[str, Result]:
    """Let each client in turn take the same frames."""
    results = {client: Result() for client in row.clients}
    with serving(python_of_made("lotusx"), row) as servers:
        base = servers.tls if row.tls else servers.plain
        env = environment(**({"SSL_CERT_FILE": str(servers.certificate)} if row.tls else {}))
        for _ in range(rounds):
            for client, result in results.items():
                module = f"bench.clients.{client.replace('-', '_')}_client"
                command = [python_of_made(client), "-m", module, row.work, base, str(row.count), servers.plain]
                run_client(row, client, command, env, result)
    return results


def measure_module(row: Row, rounds: int) -> dict[str, Result]:
    """Let each client in turn do the same work, which needs no server."""
    results = {client: Result() for client in row.clients}
    for _ in range(rounds):
        for client, result in results.items():
            command = [python_of_made(client), "-m", row.module, client, str(row.count)]
            run_client(row, client, command, environment(), result)
    return results


def run_client(row: Row, client: str, command: list[str], env: dict[str, str], result: Result) -> None:
    """Run one client and add what it reports."""
    run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    if run.returncode:
        raise SystemExit(f"{client} failed:\n{run.stdout}\n{run.stderr}")
    report = json.loads(run.stdout.splitlines()[-1])
    result.costs.append(report["cpu_s"] / row.count * 1e6)
    result.reached.append(report["seen"] / row.count)


def child_ms(python: str, code: str) -> float:
    """Return the CPU time of a whole interpreter, milliseconds."""
    child = subprocess.Popen([python, "-c", code], cwd="/", env=environment(), stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{code!r} failed with {child.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1e3


def measure_start(row: Row, rounds: int) -> dict[str, Result]:
    """Run each command, and a bare interpreter of the same environment, in turn."""
    results = {name: Result() for name in row.commands}
    for number in range(rounds + 1):
        for name, code in row.commands.items():
            python = python_of_made(name.partition(".")[0])
            cost = child_ms(python, code) - child_ms(python, "pass")
            if number:  # the first run writes the byte code
                results[name].costs.append(cost)
    return results


def lines_of(row: Row, results: Mapping[str, Result]) -> Iterator[str]:
    """Write one table line per peer."""
    ours = results["lotusx"]
    for peer, result in results.items():
        if peer == "lotusx":
            continue
        ratio = ours.middle / result.middle
        goal = row.goals.get(peer)
        verdict = "–" if goal is None else "met" if ratio <= goal else "within twice" if ratio <= 2 * goal else "missed"
        wanted = "–" if goal is None else f"{goal:.3g}"
        cells = (row.number, f"{row.name}, {row.unit}", ours, f"{peer}: {result}", f"{ratio:.3f}", wanted, verdict)
        yield "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", default="", help="numbers of the rows to measure, such as 1,5 (default: all)")
    parser.add_argument("--table", action="store_true", help="write bench/README.md")
    options = parser.parse_args()
    for name in ("lotusx", *PEERS):
        python_of(name)
    wanted = options.rows.split(",") if options.rows else [row.number for row in ROWS]
    begun = time.monotonic()
    lines = ["| # | work | ours | peer | ours / peer | goal | |", "|---|---|---|---|---|---|---|"]
    notes = []
    for row in ROWS:
        if row.number not in wanted:
            continue
        measure = measure_stream if row.work else measure_module if row.module else measure_start
        made = list(lines_of(row, measure(row, options.rounds)))
        print("\n".join(made), flush=True)
        lines += made
        if row.note:
            notes.append(f"* {row.name}: {row.note}.")
    if options.table:
        (ROOT / "bench" / "README.md").write_text(page(lines, notes, options.rounds, time.monotonic() - begun), "utf-8")


def processor() -> str:
    """Return the processor's name where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def page(lines: list[str], notes: list[str], rounds: int, took_s: float) -> str:
    """Write the page."""
    versions = ", ".join(f"{name} {version_of(name)}" for name in PEERS)
    intro = (ROOT / "bench" / "intro.md").read_text("utf-8")
    return (
        f"{intro}\n## The newest table\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}, {processor()}, {os.cpu_count()} cores (shared), "
        f"Python {platform.python_version()}, {platform.system()} {platform.release()}; {versions}. "
        f"CPU per item: median (lowest–highest) of {rounds} interleaved rounds, {took_s:.0f} s in all.\n\n"
        + "\n".join(lines) + "\n\n" + "\n".join(notes) + "\n"
    )  # fmt: skip


if __name__ == "__main__":
    main()
