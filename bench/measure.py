"""Runs the clients of a row in turn, round after round, each in a process of its own."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bench.documents import exchange_info
from bench.environments import LIBRARIES, ROOT, made
from bench.rows import Client, Row
from bench.server import make_certificate

_SCALES = {"µs": 1e6, "ms": 1e3}


@dataclass
class Result:
    """What one client took, in the row's unit, one value per round; and what part of the items reached its user."""

    costs: list[float] = field(default_factory=list)
    reached: list[float] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)

    def of(self, figure: str) -> Result:
        """Return another figure of the same runs."""
        return Result([report[figure] for report in self.reports])

    @property
    def middle(self) -> float:
        """The median."""
        return statistics.median(self.costs)

    def __str__(self) -> str:
        text = f"{self.middle:.3g} ({min(self.costs):.3g}–{max(self.costs):.3g})"
        reached = statistics.median(self.reached) if self.reached else 1.0
        return text if 0.999 < reached < 1.001 else f"{text}, {reached:.0%} reached the user"


@dataclass(frozen=True)
class Servers:
    """Where the benchmark's exchange listens."""

    plain: str
    tls: str
    certificate: Path


@contextmanager
def serving(python: str, spec: Mapping[str, Any], folder: Path, certificate: Path) -> Iterator[Servers]:
    """Run the server in a process of its own."""
    command = [python, "-m", "bench.server", str(folder), json.dumps(dict(spec))]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        try:
            plain, tls = f"http://127.0.0.1:{ports['plain']}", f"https://localhost:{ports['tls']}"
            yield Servers(plain, tls, certificate)
        finally:
            process.terminate()


def environment(**more: str) -> dict[str, str]:
    """Return a child's environment: nothing of this shell's Python settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LOTUSX_"))}
    return kept | more


def measure(row: Row, rounds: int) -> dict[str, Result]:
    """Measure a row. A client whose Python this machine lacks is left out."""
    clients = {client.name: client for client in row.clients if made(client.library) is not None}
    results = {name: Result() for name in clients}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = _servers(row, clients.values(), folder, stack)
        for number in range(rounds + row.commands):
            for name, client in clients.items():
                if row.commands:
                    cost = _child_ms(client.library, client.work) - _child_ms(client.library, "pass")
                    if number:  # the first run writes the byte code
                        results[name].costs.append(cost)
                elif row.module:
                    command = [_python(client), "-m", row.module, client.work, str(row.count)]
                    _take(row, client, _run(client, command, environment()), results[name])
                else:
                    _stream(row, client, servers[json.dumps(dict(client.spec))], results[name])
    return results


def _servers(row: Row, clients: Any, folder: Path, stack: ExitStack) -> dict[str, Servers]:
    """Start a server for each thing that clients want served."""
    found: dict[str, Servers] = {}
    if row.module or row.commands:
        return found
    certificate = make_certificate(folder)
    for client in clients:
        key = json.dumps(dict(client.spec))
        if key in found:
            continue
        works = {each.work for each in row.clients}
        books = bool(works & {"book", "many_books"})
        count = client.count or row.count
        spec = {"exchange": row.exchange, "trades": 1 if books else count, "updates": count if books else 1}
        spec |= {**row.spec, **client.spec}
        if spec.get("document"):
            spec["document"] = str(exchange_info(folder))
        python = made("lotusx")
        assert python is not None
        found[key] = stack.enter_context(serving(python, spec, folder, certificate))
    return found


def _stream(row: Row, client: Client, servers: Servers, result: Result) -> None:
    base = servers.tls if row.tls else servers.plain
    env = environment(BENCH_LOOP=client.loop)
    if row.tls:
        env |= {"SSL_CERT_FILE": str(servers.certificate), "WEBSOCKET_CLIENT_CA_BUNDLE": str(servers.certificate)}
        env |= {"REQUESTS_CA_BUNDLE": str(servers.certificate)}
    count = client.count or row.count
    module = f"bench.clients.{LIBRARIES[client.library].module}_client"
    command = [_python(client), "-m", module, client.work, base, str(count), servers.plain, row.exchange, client.option]
    report = _run(client, command, env)
    if row.figure in ("p50", "p99"):
        with urlopen(f"{servers.plain}/bench/latencies") as reply:
            taken = sorted(each / 1e3 for each in json.load(reply))
        report |= {"p50": statistics.median(taken), "p99": taken[len(taken) * 99 // 100]}
    _take(row, client, report, result)


def _take(row: Row, client: Client, report: dict[str, Any], result: Result) -> None:
    count = client.count or row.count
    result.reports.append(report)
    if row.figure == "cpu":
        result.costs.append(report["cpu_s"] / count * _SCALES[row.unit])
        result.reached.append(report["seen"] / count)
    else:
        result.costs.append(report[row.figure])


def _python(client: Client) -> str:
    python = made(client.library)
    assert python is not None
    return python


def _run(client: Client, command: list[str], env: dict[str, str]) -> dict[str, Any]:
    try:
        run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=180, check=False)
    except subprocess.TimeoutExpired as error:
        raise SystemExit(f"{client.name} did not end:\n{error.stdout!r}\n{error.stderr!r}") from None
    if run.returncode:
        raise SystemExit(f"{client.name} failed:\n{run.stdout}\n{run.stderr}")
    lines = [line for line in run.stdout.splitlines() if line.startswith("{")]
    report: dict[str, Any] = json.loads(lines[-1])
    return report


def _child_ms(library: str, code: str) -> float:
    """Return the CPU time of a whole interpreter, milliseconds."""
    python = made(library)
    assert python is not None
    child = subprocess.Popen([python, "-c", code], cwd="/", env=environment(), stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{code!r} failed with {child.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1e3
