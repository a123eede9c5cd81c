"""Recorded data and documentation examples of USDⓈ-M futures through the real decode path; see `binance_rows`."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from binance_perp_corpus import PerpBench, perp_rest_file
from binance_perp_frames import perp_capture, perp_ws_file
from binance_rows import check_rows, needs_corpus

from lotusx.model import OrderRequest
from lotusx_binance.perp.order_requests import algo_params, order_params

pytestmark = [pytest.mark.anyio, needs_corpus]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _same_order(sent: dict[str, str]) -> OrderRequest:
    """Write in the model's words the order that *sent* asks for."""
    kinds = {"LIMIT": "limit", "MARKET": "market", "STOP": "stop_loss_limit"}
    return OrderRequest(
        symbol="A/B:B",
        side=sent["side"].lower(),
        type=kinds[sent["type"]],
        quantity=sent["quantity"],
        price=sent.get("price"),
        trigger_price=sent.get("triggerPrice"),
        time_in_force=sent["timeInForce"].lower() if "timeInForce" in sent else None,
        client_order_id=sent["newClientOrderId"],
    )


def _requests_file(bench: PerpBench, path: Path) -> None:
    """What another client sends for the same order. Its conditional orders still name themselves as orders do."""
    for shape in json.loads(path.read_bytes())["ccxt_static_requests"]:
        sent = dict(parse_qsl(shape["output"] or "", strict_parsing=bool(shape["output"])))
        if "newClientOrderId" not in sent:
            continue  # a cancel, and an amendment by our id: their requests are in the tests of trading
        expected: dict[str, Any] = {
            name: text for name, text in sent.items() if name not in ("timestamp", "recvWindow")
        }
        if "algoType" in sent:
            del expected["newOrderRespType"]
            expected["clientAlgoId"] = expected.pop("newClientOrderId")
            written = algo_params(_same_order(sent), sent["symbol"])
            del written["timeInForce"]  # GTC is what it is without one
        else:
            written = order_params(_same_order(sent), sent["symbol"])
        assert {name: str(value) for name, value in written.items()} == expected
        bench.documents += 1


async def test_every_row_decodes_or_has_a_reason(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    bench = PerpBench()

    async def decode(path: Path, name: str, damaged: set[int]) -> None:
        if name.startswith("ws/capture_"):
            perp_capture(bench, path)
        elif name.startswith("ws/"):
            perp_ws_file(bench, path, damaged)
        elif name.startswith("rest/"):
            await perp_rest_file(bench, path, damaged)
        else:
            _requests_file(bench, path)

    with caplog.at_level(logging.WARNING, "lotusx.binance"):
        wrong = await check_rows("binance-perp", bench, decode)
    with capsys.disabled():
        print(f"\ncorpus binance-perp: {bench.documents} documents, {bench.frames} frames decoded")

    assert wrong == [], "\n".join(wrong)
    assert caplog.records == []
    assert bench.documents > 0
    assert bench.frames > 0
