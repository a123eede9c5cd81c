"""Recorded data and documentation examples through the real decode path. Needs ``$LOTUSX_CORPUS``.

Rows classed as recorded must decode, with their values checked. Every other row decodes, or stands with its reason in
``tests/corpus_exceptions.toml``; a row that stands there although it decodes is an error too.
"""

from __future__ import annotations

import json
import logging
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import msgspec
import pytest
from binance_corpus import Bench, rest_file
from binance_frames import capture, ws_file

from lotusx.errors import LotusXError
from lotusx.model import (
    OrderRequest,
)
from lotusx_binance.calls import encode
from lotusx_binance.order_requests import order_params
from lotusx_binance.signer import hmac_sha256

ROOT = Path(__file__).resolve().parents[3]
CORPUS = Path(os.environ.get("LOTUSX_CORPUS") or ROOT.parent / "shared" / "corpus")
EXCEPTIONS = ROOT / "tests" / "corpus_exceptions.toml"

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not (CORPUS / "INDEX.md").exists(), reason=f"no corpus at {CORPUS} ($LOTUSX_CORPUS)"),
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _requests_file(bench: Bench, path: Path) -> None:
    """What another client sends for the same order, and the documented signature."""
    document = json.loads(path.read_bytes())
    for vector in document["signing_vectors"]:
        params = dict(vector["params"])
        stamp = f"recvWindow={params.pop('recvWindow')}&timestamp={params.pop('timestamp')}"
        payload = f"{encode(params)}&{stamp}"
        assert payload == vector["payload"]
        assert hmac_sha256(vector["secret"])(payload.encode()) in vector.values()
        bench.documents += 1
    for shape in document["ccxt_static_requests"]:
        sent = dict(parse_qsl(shape["output"], strict_parsing=True))
        expected = {name: value for name, value in sent.items() if name not in ("timestamp", "recvWindow")}
        assert {name: str(value) for name, value in order_params(_same_order(sent), sent["symbol"]).items()} == expected
        bench.documents += 1


def _same_order(sent: dict[str, str]) -> OrderRequest:
    """Write in the model's words the order that *sent* asks for."""
    post_only, in_quote = sent["type"] == "LIMIT_MAKER", "quoteOrderQty" in sent
    return OrderRequest(
        symbol="A/B",
        side=sent["side"].lower(),
        type="limit" if post_only else sent["type"].lower(),
        post_only=post_only,
        quantity=sent["quoteOrderQty" if in_quote else "quantity"],
        quantity_unit="quote" if in_quote else "base",
        price=sent.get("price"),
        trigger_price=sent.get("stopPrice"),
        time_in_force=sent["timeInForce"].lower() if "timeInForce" in sent else None,
        client_order_id=sent["newClientOrderId"],
        native={name: sent[name] for name in ("selfTradePreventionMode", "icebergQty") if name in sent},
    )


def _rows() -> Iterator[tuple[str, str]]:
    """Return file and class of every row of the index's section."""
    section = (CORPUS / "INDEX.md").read_text("utf-8").partition("\n## binance\n")[2].partition("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 4 and re.search(r"\.(json|ndjson)$", cells[1]):
            yield cells[1], cells[3]


def _reasons() -> dict[str, str]:
    reasons: dict[str, str] = tomllib.loads(EXCEPTIONS.read_text("utf-8"))["binance"]
    return reasons


async def _decode(bench: Bench, name: str, damaged: set[int]) -> None:
    path = CORPUS / "binance" / name
    if name.startswith("ws/capture_"):
        capture(bench, path)
    elif name.startswith("ws/"):
        ws_file(bench, path)
    elif name.startswith("rest/"):
        await rest_file(bench, path, damaged)
    else:
        _requests_file(bench, path)


async def test_every_row_decodes_or_has_a_reason(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    excused = _reasons()
    rows = list(_rows())
    bench, wrong = Bench(), []
    with caplog.at_level(logging.WARNING, "lotusx.binance"):
        for name, kind in rows:
            documents, frames = bench.documents, bench.frames
            try:
                await _decode(
                    bench, name, {int(key.partition("#")[2]) for key in excused if key.startswith(f"{name}#")}
                )
            except (
                LotusXError,
                msgspec.DecodeError,
                NotImplementedError,
                AssertionError,
                KeyError,
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
        print(f"\ncorpus binance: {bench.documents} documents, {bench.frames} frames decoded")

    assert wrong == []
    assert caplog.records == []
    assert bench.documents > 0
    assert bench.frames > 0
