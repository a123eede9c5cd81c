"""Draw the dashboard from what a Prometheus holds, for the documentation. Needs matplotlib.

python dashboards/picture.py http://127.0.0.1:9090 docs/images/dashboard.png --minutes 5
"""

from __future__ import annotations

import argparse
import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
from matplotlib.figure import Figure

BOARD = Path(__file__).with_name("lotusx.json")
COLUMNS = 3
STEP_S = 2
_LEGEND = re.compile(r"\{\{(\w+)\}\}")


def series(client: httpx.Client, expr: str, minutes: float) -> list[Any]:
    """Ask for one query over the last *minutes*."""
    now = time.time()
    asked = expr.replace("$__rate_interval", "30s").replace("$exchange", ".*")
    span = {"start": now - minutes * 60, "end": now, "step": STEP_S}
    reply = client.get("/api/v1/query_range", params={"query": asked, **span})
    reply.raise_for_status()
    found: list[Any] = reply.json()["data"]["result"]
    return found


def draw(client: httpx.Client, minutes: float) -> Figure:
    """Return every panel of the dashboard, in its rows."""
    rows: list[tuple[str, list[Any]]] = []
    for panel in json.loads(BOARD.read_text("utf-8"))["panels"]:
        if panel["type"] == "row":
            rows.append((panel["title"], []))
        else:
            rows[-1][1].append(panel)
    lines = [
        (title if at == 0 else "", panels[at : at + COLUMNS])
        for title, panels in rows
        for at in range(0, len(panels), COLUMNS)
    ]
    figure = Figure(figsize=(18, 2.9 * len(lines)), facecolor="#111217", layout="constrained")
    axes = figure.subplots(len(lines), COLUMNS, squeeze=False)
    for place, (title, panels) in zip(axes, lines, strict=True):
        for column, axis in enumerate(place):
            if column < len(panels):
                _panel(axis, panels[column], client, minutes, title if column == 0 else "")
            else:
                axis.set_visible(False)
    return figure


def _panel(axis: Any, panel: Any, client: httpx.Client, minutes: float, row: str) -> None:
    now = time.time()
    axis.set_facecolor("#181b1f")
    for target in panel["targets"]:
        for found in series(client, target["expr"], minutes):
            name = _named(target["legendFormat"], found["metric"])
            times = [float(at) - now for at, _ in found["values"]]
            axis.plot(times, [float(value) for _, value in found["values"]], linewidth=1.1, label=name)
    heading = f"{row}:  {panel['title']}" if row else panel["title"]
    axis.set_title(f"{heading} [{panel['fieldConfig']['defaults']['unit']}]", color="#d8d9da", fontsize=10, loc="left")
    axis.tick_params(colors="#8e8e8e", labelsize=7)
    axis.grid(color="#2c3235", linewidth=0.6)
    for edge in axis.spines.values():
        edge.set_visible(False)
    handles, names = axis.get_legend_handles_labels()
    if names:
        axis.legend(
            handles[:8], names[:8], fontsize=6, loc="upper left", labelcolor="#b0b0b0", facecolor="#181b1f",
            edgecolor="none", framealpha=0.7,
        )  # fmt: skip


def _named(legend: str, labels: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return labels.get(match[1], "")

    return " ".join(_LEGEND.sub(value, legend).split())


def main() -> None:
    """Draw what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="of the Prometheus")
    parser.add_argument("file", type=Path, help="the picture")
    parser.add_argument("--minutes", type=float, default=5.0, help="how far to look back")
    arguments = parser.parse_args()
    with httpx.Client(base_url=arguments.address, trust_env=False) as client:
        draw(client, arguments.minutes).savefig(arguments.file, dpi=60)


if __name__ == "__main__":
    main()
