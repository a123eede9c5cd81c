"""What was measured, row by row, and the page that shows it. A row that is not run again keeps its figures and date."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.environments import ROOT, version_of
from bench.measure import Result
from bench.rows import ROWS, Row

_RESULTS = ROOT / "bench" / "results.json"
_HEAD = ["| # | work | ours | peer | ours / peer | goal | |", "|---|---|---|---|---|---|---|"]


def recorded() -> dict[str, Any]:
    """Return what was measured last, by row."""
    return json.loads(_RESULTS.read_text("utf-8")) if _RESULTS.exists() else {}


def record(row: Row, results: dict[str, Result], rounds: int) -> dict[str, Any]:
    """Note a row."""
    clients = {client.name: client for client in row.clients}
    noted = {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        "rounds": rounds,
        "machine": f"{processor()}, {os.cpu_count()} cores (shared), Python {platform.python_version()}, "
        f"{platform.system()} {platform.release()}",
        "versions": sorted({version_of(clients[name].library) for name in results} - {""}),
        "clients": {
            name: {"costs": [float(f"{cost:.4g}") for cost in result.costs], "reached": result.reached}
            for name, result in results.items()
        },
    }
    known = recorded()
    known[row.key] = noted
    ordered = {each.key: known[each.key] for each in ROWS if each.key in known}
    _RESULTS.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return noted


def lines_of(row: Row, noted: dict[str, Any]) -> Iterator[str]:
    """Write one table line per pair."""
    results = {name: Result(item["costs"], item["reached"]) for name, item in noted["clients"].items()}
    for ours, peer, goal in row.pairs:
        if ours not in results or peer not in results:
            continue
        ratio = results[ours].middle / results[peer].middle
        verdict = "–" if goal is None else "met" if ratio <= goal else "within twice" if ratio <= 2 * goal else "missed"
        wanted = "–" if goal is None else f"{goal:.3g}"
        cells = (
            row.number, f"{row.name}, {row.unit}", f"{ours}: {results[ours]}", f"{peer}: {results[peer]}",
            f"{ratio:.3f}", wanted, verdict,
        )  # fmt: skip
        yield "| " + " | ".join(cells) + " |"


def write() -> None:
    """Write ``bench/README.md`` from everything that was measured."""
    known = recorded()
    lines, notes, missing = list(_HEAD), [], []
    for row in ROWS:
        if row.key not in known:
            missing.append(f"* {row.number}, {row.name}: not measured yet.")
            continue
        noted = known[row.key]
        lines += lines_of(row, noted)
        alone = ", ".join(noted["versions"])
        words = f" {row.note[0].upper()}{row.note[1:]}." if row.note else ""
        rounds = f"{noted['rounds']} interleaved rounds"
        notes.append(f"* {row.number}, {row.name}: {noted['at']} UTC, {rounds}{'; ' + alone if alone else ''}.{words}")
    machines = sorted({noted["machine"] for noted in known.values()})
    intro = (ROOT / "bench" / "intro.md").read_text("utf-8")
    text = (
        f"{intro}\n## The newest figures\n\n{'; '.join(machines)}. Median (lowest–highest) of the rounds.\n\n"
        + "\n".join(lines) + "\n\n" + "\n".join((*notes, *missing)) + "\n"
    )  # fmt: skip
    (ROOT / "bench" / "README.md").write_text(text, "utf-8")


def processor() -> str:
    """Return the processor's name where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
