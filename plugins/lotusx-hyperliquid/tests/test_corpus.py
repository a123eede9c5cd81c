"""Recorded data and documentation examples through the real decode path. Needs ``$LOTUSX_CORPUS``.

Rows classed as recorded must decode, with their values checked. Every other row decodes, or stands with its reason in
``tests/corpus_exceptions.toml``; a row that stands there although it decodes is an error too.
"""

from __future__ import annotations

import json
import logging
import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hyperliquid_bench import Bench, instrument, rest_file
from hyperliquid_corpus import CORPUS, ROOT, needs_corpus
from hyperliquid_frames import capture, ws_file

from lotusx.errors import LotusXError
from lotusx.model import OrderRequest
from lotusx_hyperliquid.actions import AnyL1Action
from lotusx_hyperliquid.order_requests import order_item

EXCEPTIONS = ROOT / "tests" / "corpus_exceptions.toml"

pytestmark = [pytest.mark.anyio, needs_corpus]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _same_order(sent: dict[str, Any]) -> OrderRequest:
    """Write in the model's words the order that another client sent as *sent*."""
    limit, trigger = sent["t"].get("limit"), sent["t"].get("trigger")
    common = {"symbol": "X/USDC:USDC", "side": "buy" if sent["b"] else "sell", "quantity": sent["s"]}
    if trigger is not None:
        kind = {"sl": "stop_loss", "tp": "take_profit"}[trigger["tpsl"]]
        reach = Decimal(sent["p"]) / Decimal(trigger["triggerPx"]) - 1
        return OrderRequest(type=kind, trigger_price=trigger["triggerPx"], max_slippage=reach, **common)
    return OrderRequest(type="limit", price=sent["p"], time_in_force=limit["tif"].lower(), **common)


def _requests_file(bench: Bench, path: Path) -> None:
    """What other clients send for the same order, and what is signed of it."""
    document = json.loads(path.read_bytes())
    for shape in document["ccxt_static_requests"]:
        action = json.loads(shape["output"]).get("action")
        for sent in (action or {}).get("orders", ()):
            item = instrument("X", step_size=None, price_rule=None)
            mine = order_item(_same_order(sent), item, sent["a"], cloid=sent.get("c"))
            assert msgspec.to_builtins(mine) == sent
        bench.documents += 1
    for vector in document["signing_vectors"]:
        action = vector["args"].get("action")
        if action is not None and action.get("type") == "order":
            assert msgspec.to_builtins(msgspec.convert(action, AnyL1Action)) == action
        bench.documents += 1


def _rows() -> Iterator[tuple[str, str]]:
    """Return file and class of every row of the index's section."""
    section = (CORPUS / "INDEX.md").read_text("utf-8").partition("\n## hyperliquid\n")[2].partition("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 4 and re.search(r"\.(json|ndjson)$", cells[1]):
            yield cells[1], cells[3]


def _reasons() -> dict[str, str]:
    reasons: dict[str, str] = tomllib.loads(EXCEPTIONS.read_text("utf-8"))["hyperliquid"]
    return reasons


async def _decode(bench: Bench, name: str, damaged: set[int]) -> None:
    path = CORPUS / "hyperliquid" / name
    if name.startswith("ws/capture_"):
        capture(bench, path)
    elif name.startswith("ws/"):
        ws_file(bench, path, damaged)
    elif name.startswith("rest/"):
        await rest_file(bench, path)
    else:
        _requests_file(bench, path)


async def test_every_row_decodes_or_has_a_reason(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    excused = _reasons()
    rows = list(_rows())
    bench, wrong = Bench(), []
    with caplog.at_level(logging.ERROR, "lotusx.hyperliquid"):
        for name, kind in rows:
            documents, frames = bench.documents, bench.frames
            damaged = {int(key.partition("#")[2]) for key in excused if key.startswith(f"{name}#")}
            try:
                await _decode(bench, name, damaged)
            except (
                LotusXError,
                msgspec.DecodeError,
                NotImplementedError,
                AssertionError,
                IndexError,
                KeyError,
                TypeError,
                ValueError,
            ) as error:
                bench.documents, bench.frames = documents, frames
                if kind.startswith("recorded"):
                    wrong.append(f"{name} is recorded and must decode: {error!r}")
                elif name not in excused:
                    wrong.append(f"{name} does not decode and has no reason: {error!r}")
            else:
                if name in excused:
                    wrong.append(f"{name} has a reason but decodes")
    wrong += [f"{name} has a reason but is in no row" for name in excused if name.partition("#")[0] not in dict(rows)]
    with capsys.disabled():
        print(f"\ncorpus hyperliquid: {bench.documents} documents, {bench.frames} frames decoded")

    assert wrong == [], "\n".join(wrong)
    assert bench.documents > 0
    assert bench.frames > 0
