"""Account endpoints. Source: Bybit V5, account and user."""

from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.bybit.call import Call
from lotusx_sim.dialects.bybit.errors import VenueError, bad
from lotusx_sim.dialects.bybit.numbers import plain
from lotusx_sim.dialects.bybit.tracked import LEGS
from lotusx_sim.dialects.bybit.wallets import wallet_row
from lotusx_sim.engine.terms import MarginMode, MarketKind

_USER_ID = 592_324
_DEMO_MONEY = {"USDT": Decimal(100_000), "BTC": Decimal(1), "ETH": Decimal(1), "USDC": Decimal(100_000)}
_KINDS = {"spot": MarketKind.SPOT, "linear": MarketKind.LINEAR, "inverse": MarketKind.INVERSE}


def wallet_balance(call: Call) -> dict[str, Any]:
    if call.params.text("accountType") != "UNIFIED":
        raise bad("accountType only support UNIFIED.")
    owned = call.state.exchange.accounts.balances(call.account)
    wanted = call.params.text("coin").upper()
    coins = wanted.split(",") if wanted else [coin for coin, balance in owned.items() if balance.total]
    return {"list": [wallet_row(call.state, call.account, coins)]}


def info(call: Call) -> dict[str, Any]:
    return {
        "unifiedMarginStatus": 5,
        "marginMode": "ISOLATED_MARGIN" if call.state.users[call.account].isolated else "REGULAR_MARGIN",
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
        "dcpStatus": "OFF",
        "timeWindow": 10,
        "smpGroup": 0,
        "updatedTime": str(call.state.start_ns // 1_000_000),
    }


def fee_rate(call: Call) -> dict[str, Any]:
    category = call.params.category()
    fees = call.state.exchange.fees_of(call.account, _KINDS[category.value])
    found = call.state.directory.of(category)
    if "symbol" in call.params:
        found = [call.state.listed(category, call.params.text("symbol").upper())]
    rows = [
        {"symbol": item.symbol, "takerFeeRate": plain(fees.taker), "makerFeeRate": plain(fees.maker)} for item in found
    ]
    return {"list": rows} | ({"category": "spot"} if category.is_spot else {})


def query_api(call: Call) -> dict[str, Any]:
    key = call.key
    assert key is not None
    trades = key.may_trade
    return {
        "id": "2208369",
        "note": "simulated",
        "apiKey": key.key,
        "readOnly": 0 if trades else 1,
        "secret": "",
        "permissions": {
            "ContractTrade": ["Order", "Position"] if trades else [],
            "Spot": ["SpotTrade"] if trades else [],
            "Wallet": ["AccountTransfer", *(["Withdraw"] if key.may_withdraw else [])] if trades else [],
            "Options": [],
            "Derivatives": ["DerivativesTrade"] if trades else [],
            "CopyTrading": [],
            "BlockTrade": [],
            "Exchange": [],
            "NFT": [],
            "Affiliate": [],
            "Earn": [],
        },
        "ips": ["*"],
        "type": 1 if key.kind == "hmac" else 2,
        "deadlineDay": 90,
        "expiredAt": "2027-01-01T00:00:00Z",
        "createdAt": "2026-01-01T00:00:00Z",
        "unified": 0,
        "uta": 1,
        "userID": _USER_ID,
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": key.verifier if key.kind == "rsa" else "",
        "isMaster": True,
        "parentUid": "0",
        "kycLevel": "LEVEL_DEFAULT",
        "kycRegion": "",
        "userIDInt64": "0",
        "inviterIDInt64": "0",
        "affiliateIDInt64": "0",
    }


def set_margin_mode(call: Call) -> dict[str, Any]:
    """Change the whole account's margin mode; nothing may be open."""
    wanted = call.params.text("setMarginMode")
    if wanted not in ("ISOLATED_MARGIN", "REGULAR_MARGIN", "PORTFOLIO_MARGIN"):
        raise bad("setMarginMode invalid")
    perps = call.state.exchange.perps
    reason = ""
    if wanted == "PORTFOLIO_MARGIN":
        reason = "Equity needs to be equal to or greater than 1000 USDC"
    elif perps.positions(call.account):
        reason = "Close your positions first"
    if reason:
        raise VenueError(
            3400045, "Set margin mode failed", {"reasons": [{"reasonCode": "3400000", "reasonMsg": reason}]}
        )
    isolated = wanted == "ISOLATED_MARGIN"
    call.state.users[call.account].isolated = isolated
    mode = MarginMode.ISOLATED if isolated else MarginMode.CROSS
    from_legs = [(item, leg) for item in call.state.directory.listings if not item.is_spot for leg in LEGS.values()]
    for listing, leg in from_legs:
        perps.set_margin_mode(call.account, listing.name, mode, call.now_ns, leg)
    return {"reasons": []}


def demo_money(call: Call) -> dict[str, Any]:
    """Hand out paper money."""
    for coin, most in _DEMO_MONEY.items():
        wishes = call.params.raw("utaDemoApplyMoney")
        for wish in wishes if isinstance(wishes, list) else [{"coin": coin, "amountStr": str(most)}]:
            if wish.get("coin") == coin:
                amount = min(Decimal(str(wish.get("amountStr", "0"))), most)
                call.state.exchange.transfer(call.account, coin, amount, call.now_ns)
    return {}
