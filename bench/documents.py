"""The large document of row 8."""

from __future__ import annotations

import json
import os
from pathlib import Path

from bench.venues.binance import exchange_info as synthetic

_RECORDED = "binance/rest/exchangeInfo_full_20211012.json"
_SYMBOLS = 1_650  # as many of ours as make 1.8 MB


def exchange_info(folder: Path) -> Path:
    """Write Binance's ``exchangeInfo``, about 1.8 MB, into *folder*: the recorded one where the corpus is."""
    path = folder / "exchangeInfo.json"
    recorded = Path(os.environ.get("LOTUSX_CORPUS", "/nonexistent")) / _RECORDED
    if recorded.exists():
        document = json.loads(recorded.read_text("utf-8"))[0]["response"]
        path.write_text(json.dumps(document, separators=(",", ":")), "utf-8")
    else:
        path.write_bytes(synthetic(["BTC", *(f"S{number}" for number in range(1, _SYMBOLS))]))
    return path
