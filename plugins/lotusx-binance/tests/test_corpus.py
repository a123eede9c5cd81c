"""Recorded data and documentation examples of spot through the real decode path; see `binance_rows`."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from binance_corpus import Bench, rest_file
from binance_frames import capture, ws_file
from binance_rows import check_rows, needs_corpus

from lotusx.model import (
    OrderRequest,
)
from lotusx_binance.calls import encode
from lotusx_binance.order_requests import order_params
from lotusx_binance.signer import hmac_sha256

pytestmark = [
    pytest.mark.anyio,
    needs_corpus,
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


async def test_every_row_decodes_or_has_a_reason(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench()

    async def decode(path: Path, name: str, damaged: set[int]) -> None:
        if name.startswith("ws/capture_"):
            capture(bench, path)
        elif name.startswith("ws/"):
            ws_file(bench, path)
        elif name.startswith("rest/"):
            await rest_file(bench, path, damaged)
        else:
            _requests_file(bench, path)

    with caplog.at_level(logging.WARNING, "lotusx.binance"):
        wrong = await check_rows("binance", bench, decode)
    with capsys.disabled():
        print(f"\ncorpus binance: {bench.documents} documents, {bench.frames} frames decoded")

    assert wrong == []
    assert caplog.records == []
    assert bench.documents > 0
    assert bench.frames > 0
