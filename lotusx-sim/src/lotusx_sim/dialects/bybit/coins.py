"""What is told of coins. Nothing can be deposited or withdrawn here. Source: Bybit V5, asset/coin-info."""

from typing import Any

from lotusx_sim.dialects.bybit.call import Call


def coin_info(call: Call) -> dict[str, Any]:
    listings = call.state.directory.listings
    coins = sorted({coin for item in listings for coin in (item.base, item.quote, item.settle) if coin})
    wanted = call.params.text("coin").upper()
    return {"rows": [_row(coin) for coin in coins if wanted in ("", coin)]}


def _row(coin: str) -> dict[str, Any]:
    chain = {
        "chainType": coin,
        "confirmation": "1",
        "withdrawFee": "0",
        "depositMin": "0",
        "withdrawMin": "0",
        "chain": coin,
        "chainDeposit": "0",
        "chainWithdraw": "0",
        "minAccuracy": "8",
        "withdrawPercentageFee": "0",
        "contractAddress": "",
        "safeConfirmNumber": "1",
    }
    return {"name": coin, "coin": coin, "remainAmount": "0", "chains": [chain]}
