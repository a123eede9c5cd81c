"""Documents of one account, as the venue writes them. Source: OKX API v5 (2026-06)."""

from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.okx.listings import Listing
from lotusx_sim.dialects.okx.state import VenueState
from lotusx_sim.dialects.okx.text import amount, ms, on_tick, plain
from lotusx_sim.engine.events import FundingEvent
from lotusx_sim.engine.orders import WOULD_HAVE_TAKEN, Fill, Kind, Leg, Order, Side, Status, TimeInForce
from lotusx_sim.engine.positions import Position

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
SIDE_NAMES = {side: name for name, side in SIDES.items()}
LEGS = {"net": Leg.BOTH, "long": Leg.LONG, "short": Leg.SHORT}
LEG_NAMES = {leg: name for name, leg in LEGS.items()}
_STATES = {Status.NEW: "live", Status.PARTIALLY_FILLED: "partially_filled", Status.FILLED: "filled"}
_EMPTY = (
    "algoClOrdId", "algoId", "attachAlgoClOrdId", "ccy", "pxType", "pxUsd", "pxVol", "quickMgnType", "slOrdPx",
    "slTriggerPx", "slTriggerPxType", "source", "stpId", "tpOrdPx", "tpTriggerPx", "tpTriggerPxType", "rebateCcy",
)  # fmt: skip
_AVERAGE = Decimal("1e-10")


def _cancel_source(order: Order) -> str:
    if order.is_open or order.status is Status.FILLED:
        return ""
    if order.status is Status.CANCELED:
        return order.tags.get("cancelSource", "1")
    if order.status is Status.EXPIRED_IN_MATCH:
        return "32"
    if order.expiry_reason == WOULD_HAVE_TAKEN:
        return "31"
    if order.time_in_force is TimeInForce.FOK:
        return "13"
    return "14" if order.time_in_force is TimeInForce.IOC or order.kind is Kind.MARKET else "0"


def order_row(state: VenueState, order: Order, fill: Fill | None = None) -> dict[str, Any]:
    """Return an order; *fill*: what the update is about, or the newest, which is what queries show."""
    listing = state.by_name[order.symbol]
    average = order.executed_quote / order.executed if order.executed else None
    fees = sum((each.fee for each in order.fills), Decimal(0))
    sent = order.quote_quantity if order.quote_quantity is not None else order.quantity
    return {
        **dict.fromkeys(_EMPTY, ""),
        "instType": listing.inst_type,
        "instId": listing.name,
        "ordId": state.order_id(order),
        "clOrdId": "" if order.client_id.startswith("auto-") else order.client_id,
        "tag": order.tags.get("tag", ""),
        "px": "" if order.price is None else plain(order.price),
        "sz": plain(sent) if order.quote_quantity is not None else listing.wire(sent),
        "ordType": order.tags.get("ordType", "market"),
        "side": SIDE_NAMES[order.side],
        "posSide": "" if listing.is_spot else LEG_NAMES[order.leg],
        "tdMode": order.tags.get("tdMode", "cross"),
        "tgtCcy": order.tags.get("tgtCcy", ""),
        "accFillSz": listing.wire(order.executed),
        "avgPx": "" if average is None else plain(average.quantize(_AVERAGE)),
        "state": _STATES.get(order.status, "canceled"),
        "lever": "" if listing.is_spot else "10",
        "fee": amount(-fees),
        "feeCcy": order.fills[0].fee_asset if order.fills else "",
        "rebate": "0",
        "pnl": amount(sum((each.closed_pnl for each in order.fills), Decimal(0))),
        "category": "full_liquidation" if order.is_liquidation else "normal",
        "reduceOnly": "true" if order.reduce_only else "false",
        "cancelSource": _cancel_source(order),
        "cancelSourceReason": "",
        "stpMode": "cancel_maker",
        "attachAlgoOrds": [],
        "linkedAlgoOrd": {"algoId": ""},
        "isTpLimit": "false",
        "tradeQuoteCcy": listing.quote,
        "uTime": ms(order.updated_ns),
        "cTime": ms(order.created_ns),
        **_filled(listing, fill or (order.fills[-1] if order.fills else None)),
    }


def _filled(listing: Listing, fill: Fill | None) -> dict[str, Any]:
    if fill is None:
        return {"fillPx": "", "fillSz": "0", "fillTime": "", "tradeId": ""}
    return {
        "fillPx": plain(fill.price),
        "fillSz": listing.wire(fill.quantity),
        "fillTime": ms(fill.ns),
        "tradeId": str(fill.trade_id),
    }


def order_news(state: VenueState, order: Order, fill: Fill | None, request_id: str = "") -> dict[str, Any]:
    """Return an order as the channel tells of it: what it says of a fill is of this update alone."""
    row = order_row(state, order, fill) | {
        "amendResult": "0" if request_id else "",
        "amendSource": "1" if request_id else "",
        "reqId": request_id,
        "code": "0",
        "msg": "",
        "execType": "",
        "fillFee": "0",
        "fillFeeCcy": "",
        "fillNotionalUsd": "",
        "notionalUsd": "",
        "lastPx": plain(state.last(state.by_name[order.symbol])),
    }
    del row["cancelSourceReason"]
    if fill is None:
        return row | {"fillPx": "", "fillSz": "0", "fillTime": "", "tradeId": ""}
    taken = "M" if fill.is_maker else "T"
    return row | {"execType": taken, "fillFee": amount(-fill.fee), "fillFeeCcy": fill.fee_asset}


def fill_row(state: VenueState, order: Order, fill: Fill) -> dict[str, Any]:
    listing = state.by_name[order.symbol]
    empty = dict.fromkeys(("fillPxVol", "fillFwdPx", "fillPxUsd", "fillMarkVol", "fillIdxPx", "fillMarkPx", "tag"), "")
    return {
        **empty,
        "instType": listing.inst_type,
        "instId": listing.name,
        "ordId": state.order_id(order),
        "clOrdId": "" if order.client_id.startswith("auto-") else order.client_id,
        "billId": state.bill_id(),
        "tradeId": str(fill.trade_id),
        "side": SIDE_NAMES[fill.side],
        "posSide": "net" if listing.is_spot else LEG_NAMES[order.leg],
        "subType": "1" if fill.side is Side.BUY else "2",
        "fillPx": plain(fill.price),
        "fillSz": listing.wire(fill.quantity),
        "fillPnl": amount(fill.closed_pnl),
        "fee": amount(-fill.fee),
        "feeCcy": fill.fee_asset,
        "feeRate": "",
        "execType": "M" if fill.is_maker else "T",
        "fillTime": ms(fill.ns),
        "ts": ms(fill.ns),
        "tradeQuoteCcy": listing.quote,
    }


def funding_bill(state: VenueState, listing: Listing, event: FundingEvent) -> dict[str, Any]:
    total = state.exchange.accounts.balance(event.account, event.asset).total
    return {
        "bal": amount(total),
        "balChg": amount(event.amount),
        "billId": state.bill_id(),
        "ccy": event.asset,
        "instId": listing.name,
        "instType": listing.inst_type,
        "mgnMode": "cross",
        "pnl": amount(event.amount),
        "px": on_tick(event.mark, listing.tick),
        "subType": "174" if event.amount > 0 else "173",
        "sz": listing.wire(abs(event.quantity)),
        "ts": ms(event.ns),
        "type": "8",
        **dict.fromkeys(("clOrdId", "ordId", "tradeId", "execType", "from", "to", "notes", "tag", "fillTime"), ""),
        "fee": "0",
        "interest": "0",
        "posBal": "0",
        "posBalChg": "0",
    }


def position_row(state: VenueState, position: Position, now_ns: int) -> dict[str, Any]:
    listing = state.by_name[position.symbol]
    mark = state.mark(listing)
    entry = position.entry_price
    liquidation = None
    if position.is_open:
        liquidation = state.exchange.perps.liquidation_price(position.account, position.symbol, position.leg)
    size = abs(position.quantity) if position.leg is not Leg.BOTH else position.quantity
    blank = ("availPos", "baseBal", "deltaBS", "deltaPA", "gammaBS", "gammaPA", "hedgedPos", "interest", "liab",
             "liabCcy", "optVal", "posCcy", "quoteBal", "spotInUseAmt", "thetaBS", "thetaPA", "usdPx", "vegaBS",
             "vegaPA", "margin", "mmr", "mgnRatio")  # fmt: skip
    return {
        **dict.fromkeys(blank, ""),
        "adl": "1",
        "avgPx": "" if entry is None else plain(entry.quantize(_AVERAGE)),
        "cTime": ms(state.start_ns),
        "ccy": listing.quote,
        "closeOrderAlgo": [],
        "imr": amount(position.initial_margin(mark)),
        "instId": listing.name,
        "instType": listing.inst_type,
        "last": plain(state.last(listing)),
        "lever": plain(position.leverage),
        "liqPx": "" if liquidation is None else on_tick(liquidation, listing.tick),
        "markPx": on_tick(mark, listing.tick),
        "mgnMode": "cross",
        "notionalUsd": amount(abs(position.value(mark))),
        "pos": listing.wire(size),
        "posId": f"{listing.name}:{position.leg.value}",
        "posSide": LEG_NAMES[position.leg],
        "realizedPnl": amount(position.realized_since_open + position.funding_since_open),
        "tradeId": "",
        "uTime": ms(now_ns),
        "upl": amount(position.unrealized(mark)) if position.is_open else "0",
    }


def holding_row(state: VenueState, account: str, ccy: str, now_ns: int) -> dict[str, Any]:
    """Return what is held of one currency."""
    balance = state.exchange.accounts.balance(account, ccy)
    summary = state.exchange.perps.summary(account, ccy)
    blank = ("clSpotInUseAmt", "imr", "maxSpotInUse", "mgnRatio", "mmr", "notionalLever", "spotInUseAmt")
    zero = ("borrowFroz", "crossLiab", "fixedBal", "interest", "isoEq", "isoLiab", "isoUpl", "liab", "maxLoan",
            "rewardBal", "stgyEq", "twap", "uplLiab")  # fmt: skip
    return {
        **dict.fromkeys(blank, ""),
        **dict.fromkeys(zero, "0"),
        "availBal": amount(min(balance.free, max(Decimal(0), summary.available))),
        "availEq": amount(max(Decimal(0), summary.available)),
        "cashBal": amount(balance.total),
        "ccy": ccy,
        "disEq": amount(summary.equity),
        "eq": amount(summary.equity),
        "eqUsd": amount(summary.equity),
        "frozenBal": amount(balance.locked + summary.position_margin),
        "ordFrozen": amount(balance.locked),
        "uTime": ms(now_ns),
        "upl": amount(summary.unrealized),
    }


def account_row(state: VenueState, account: str, wanted: set[str] | None, now_ns: int) -> dict[str, Any]:
    """Return the trading account, with all currencies that are not zero, or those *wanted*."""
    held = [
        holding_row(state, account, ccy, now_ns)
        for ccy, balance in state.exchange.accounts.balances(account).items()
        if (balance.total if wanted is None else ccy in wanted)
    ]
    blank = ("adjEq", "availEq", "borrowFroz", "imr", "mgnRatio", "mmr", "notionalUsd", "ordFroz", "upl")
    return {**dict.fromkeys(blank, ""), "details": held, "isoEq": "0", "totalEq": "0", "uTime": ms(now_ns)}
