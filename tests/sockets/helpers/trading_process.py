"""A program that trades, to be killed: python trading_process.py '{"exchange": ..., "settings": ..., "order": ...}'.

It says what it does in one line each: ``ready`` when it is connected, ``placed``, or the error it got.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import anyio

import lotusx


def say(text: str) -> None:
    print(text, flush=True)


async def trade(task: dict[str, Any]) -> None:
    async with lotusx.connect(task["exchange"], **task["settings"]) as exchange:
        await exchange.trading.ready()
        say("ready")
        try:
            await exchange.trading.place(lotusx.OrderRequest.limit(*task["order"], client_order_id=task["name"]))
        except lotusx.LotusXError as error:
            say(f"{type(error).__name__}: {error}")
        else:
            say("placed")


anyio.run(trade, json.loads(sys.argv[1]), backend=sys.argv[2] if len(sys.argv) > 2 else "asyncio")
