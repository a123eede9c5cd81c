"""New orders: what is read, what is checked, what the engine is told. Source: the OpenAPI document, "Execute order"."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

from lotusx_sim.dialects.backpack.errors import VenueError, bad, refusal, unreadable
from lotusx_sim.dialects.backpack.listings import BY_SYMBOL, Listing
from lotusx_sim.dialects.backpack.order_rows import BRACKET_KEYS, SIDES, TIMES_IN_FORCE
from lotusx_sim.dialects.backpack.params import Params
from lotusx_sim.dialects.backpack.state import Facts, User, VenueState
from lotusx_sim.dialects.backpack.text import plain
from lotusx_sim.engine.orders import ZERO, Kind, NewOrder, Order, PriceSource, Refused, SelfTrade, Side

SOURCES = {"LastPrice": PriceSource.LAST, "MarkPrice": PriceSource.MARK, "IndexPrice": PriceSource.INDEX}
_SELF_TRADE = {
    "RejectTaker": SelfTrade.EXPIRE_TAKER,
    "RejectMaker": SelfTrade.EXPIRE_MAKER,
    "RejectBoth": SelfTrade.EXPIRE_BOTH,
}
_AUTO = ("autoLend", "autoLendRedeem", "autoBorrow", "autoBorrowRepay")


def place(state: VenueState, user: User, params: Params) -> Order:
    """Place one order.

    Raises:
        VenueError: It is malformed, breaks a rule of the market, or the engine refuses it.
    """
    listing = params.listing()
    side = params.one_of("side", SIDES)
    is_limit = params.word("orderType", ("Limit", "Market")) == "Limit"
    tif = params.one_of("timeInForce", TIMES_IN_FORCE, "GTC")
    facts = Facts(params.client_id(), self_trade=params.word("selfTradePrevention", _SELF_TRADE, "RejectTaker"))
    auto = {name for name in _AUTO if params.flag(name)}
    post_only, reduce_only = params.flag("postOnly"), params.flag("reduceOnly")
    if post_only and not is_limit:
        raise VenueError("INVALID_ORDER", "Post only is for limit orders")
    if reduce_only and listing.is_spot:
        raise VenueError("INVALID_ORDER", "Reduce only is for perpetuals")
    _check_state(listing, is_limit=is_limit, post_only=post_only)
    price = _price(state, listing, params, side, is_limit=is_limit)
    _read_brackets(listing, params, facts)
    trigger = params.decimal("triggerPrice")
    whole = False
    quantity, quote = ZERO, None
    kind = Kind.LIMIT if is_limit else Kind.MARKET
    if trigger is not None or "triggerQuantity" in params:
        if trigger is None or "triggerQuantity" not in params:
            raise bad("Must specify both `triggerPrice` and `triggerQuantity` or neither")
        if "quantity" in params or "quoteQuantity" in params:
            raise bad("Must not specify `quantity` or `quoteQuantity` with `triggerQuantity`")
        _check_decimals(trigger, listing.tick, "Price")
        facts.is_conditional = True
        facts.trigger_by = params.word("triggerBy", SOURCES, "LastPrice")
        facts.trigger_quantity = params.needed("triggerQuantity")
        quantity, whole = _trigger_quantity(state, user, listing, params, reduce_only=reduce_only)
        kind = conditional_kind(state, listing, side, trigger, SOURCES[facts.trigger_by], is_limit=is_limit)
    elif not is_limit and "quoteQuantity" in params:
        if "quantity" in params:
            raise bad("Must specify either `quantity` or `quoteQuantity`")
        facts.asked_quote = quote = params.decimal("quoteQuantity")
        if not listing.is_spot and quote is not None:
            quantity, quote = _base_for(state, listing, side, quote), None
    else:
        asked = params.decimal("quantity")
        if asked is None:
            raise bad("Must specify `quantity`")
        quantity = _quantity(listing, asked)
    if "autoLendRedeem" in auto:
        state.redeem(user, listing.base if listing.is_spot and side is Side.SELL else listing.quote)
    in_use = facts.client_id is not None and _is_open(state.by_client_id.get((user.account, facts.client_id)))
    new = NewOrder(
        user.account, listing.symbol, side, kind, quantity, price=price, quote_quantity=quote, time_in_force=tif,
        post_only=post_only, trigger_price=trigger, self_trade=_SELF_TRADE[facts.self_trade],
        # Whether a client id may be used again is not documented; here it may, as that asks more of a client.
        client_id="" if facts.client_id is None or in_use else str(facts.client_id),
        reduce_only=reduce_only, trigger_by=SOURCES.get(facts.trigger_by, PriceSource.LAST), whole_position=whole,
        lock_when_triggered=listing.is_spot and trigger is not None, expire_if_taking=state.options.post_only_expires,
    )  # fmt: skip
    return enter(state, new, facts)


def enter(state: VenueState, new: NewOrder, facts: Facts) -> Order:
    """Give an order to the engine and keep what it does not know of it."""
    try:
        order = state.exchange.place(new, state.now_ns)
    except Refused as refused:
        raise refusal(refused.reason, is_spot=BY_SYMBOL[new.symbol].is_spot) from None
    state.keep(order, facts)
    return order


def conditional_kind(
    state: VenueState, listing: Listing, side: Side, trigger: Decimal, source: PriceSource, *, is_limit: bool
) -> Kind:
    """Tell a stop from a take-profit by where the trigger lies; how the exchange does it is not documented."""
    price = {
        PriceSource.LAST: state.last(listing),
        PriceSource.MARK: state.last(listing) if listing.is_spot else state.mark(listing),
        PriceSource.INDEX: state.last(listing) if listing.is_spot else state.index(listing),
    }[source]
    if (trigger > price) == (side is Side.BUY):
        return Kind.STOP_LIMIT if is_limit else Kind.STOP_MARKET
    return Kind.TAKE_PROFIT_LIMIT if is_limit else Kind.TAKE_PROFIT_MARKET


def _is_open(order: Order | None) -> bool:
    return order is not None and order.is_open


def _check_state(listing: Listing, *, is_limit: bool, post_only: bool) -> None:
    if not listing.is_open:
        raise VenueError("TRADING_PAUSED", f"Order book is {listing.state}", 503)
    if (listing.state == "LimitOnly" and not is_limit) or (listing.state == "PostOnly" and not post_only):
        raise VenueError("INVALID_ORDER", f"Order book is {listing.state}")


def _check_decimals(value: Decimal, unit: Decimal, what: str) -> None:
    if not _is_multiple(value, Decimal(1).scaleb(int(unit.as_tuple().exponent))):
        raise bad(f"{what} decimal too long")


def _is_multiple(value: Decimal, unit: Decimal) -> bool:
    """Tell exactly, however long *value* is."""
    return (Fraction(value) / Fraction(unit)).denominator == 1


def _price(state: VenueState, listing: Listing, params: Params, side: Side, *, is_limit: bool) -> Decimal | None:
    price = params.decimal("price")
    if not is_limit:
        if price is not None:
            raise bad("Must not specify `price` for a market order")
        return None
    if price is None:
        raise bad("Must specify `price`")
    _check_decimals(price, listing.tick, "Price")
    if not _is_multiple(price, listing.tick):
        raise VenueError("INVALID_PRICE", "Price is not a multiple of the tick size")
    last = state.last(listing)
    too_far = price > last * listing.highest if side is Side.BUY else price < last * listing.lowest
    if too_far:
        raise VenueError("INVALID_PRICE", "Price is too far from the last active price")
    return price


def _quantity(listing: Listing, quantity: Decimal) -> Decimal:
    _check_decimals(quantity, listing.step, "Quantity")
    if quantity < listing.step or not _is_multiple(quantity, listing.step):
        raise VenueError("INVALID_QUANTITY", "Quantity is below the minimum or off the step size")
    return quantity


def _trigger_quantity(
    state: VenueState, user: User, listing: Listing, params: Params, *, reduce_only: bool
) -> tuple[Decimal, bool]:
    """Return an amount, and whether it is the whole position's, whatever that will be.

    A share is one of the position as it is now, on the step; what it is a share of is not documented.
    """
    text = params.needed("triggerQuantity")
    if not text.endswith("%"):
        asked = params.decimal("triggerQuantity")
        assert asked is not None
        return _quantity(listing, asked), False
    share = Params({"triggerQuantity": text[:-1]}).decimal("triggerQuantity")
    if share is None or share > 100:
        raise unreadable("triggerQuantity", "expected a percentage")
    if listing.is_spot:
        raise VenueError("INVALID_QUANTITY", "A percentage is one of a position")
    held = abs(state.exchange.perps.position(user.account, listing.symbol).quantity)
    quantity = (held * share / 100 / listing.step).to_integral_value(ROUND_DOWN) * listing.step
    if not quantity:
        raise VenueError("INVALID_QUANTITY", "There is no position")
    return quantity, reduce_only and share == 100


def _base_for(state: VenueState, listing: Listing, side: Side, quote: Decimal) -> Decimal:
    """Return how much of a perpetual a quote amount trades now."""
    base = ZERO
    for price, total in state.levels(listing, side.opposite, 1_000):
        take = min(total, (quote / price / listing.step).to_integral_value(ROUND_DOWN) * listing.step)
        base, quote = base + take, quote - take * price
        if take < total:
            break
    if not base:
        raise VenueError("INVALID_QUANTITY", "Quantity is below the minimum")
    return base


def _read_brackets(listing: Listing, params: Params, facts: Facts) -> None:
    for name in BRACKET_KEYS:
        if name not in params:
            continue
        if name.endswith("By"):
            facts.brackets[name] = params.word(name, SOURCES)
            continue
        price = params.decimal(name)
        assert price is not None
        _check_decimals(price, listing.tick, "Price")
        facts.brackets[name] = plain(price)
    for kind in ("takeProfit", "stopLoss"):
        if any(name.startswith(kind) for name in facts.brackets) and f"{kind}TriggerPrice" not in facts.brackets:
            raise bad(f"Must specify `{kind}TriggerPrice`")
    if facts.brackets and listing.is_spot:
        raise VenueError("NOT_IMPLEMENTED", "Brackets of spot orders are not simulated")


def place_brackets(state: VenueState, order: Order) -> None:
    """Place what an order brings along once it has opened something: reduce-only, for the whole position."""
    facts = state.facts_of(order)
    if facts.bracketed or not facts.brackets or not order.executed:
        return
    facts.bracketed = True
    position = state.exchange.perps.position(order.account, order.symbol)
    if not position.is_open or (position.quantity > 0) != (order.side is Side.BUY):
        return
    for bracket in ("takeProfit", "stopLoss"):
        if f"{bracket}TriggerPrice" not in facts.brackets:
            continue
        trigger = Decimal(facts.brackets[f"{bracket}TriggerPrice"])
        limit = facts.brackets.get(f"{bracket}LimitPrice")
        source = facts.brackets.get(f"{bracket}TriggerBy", "LastPrice")
        own = Facts(
            is_conditional=True, trigger_by=source, trigger_quantity="100%", related_id=state.id_of(order),
        )  # fmt: skip
        kinds = {
            "takeProfit": (Kind.TAKE_PROFIT_MARKET, Kind.TAKE_PROFIT_LIMIT),
            "stopLoss": (Kind.STOP_MARKET, Kind.STOP_LIMIT),
        }
        new = NewOrder(
            order.account, order.symbol, order.side.opposite, kinds[bracket][limit is not None],
            abs(position.quantity), price=None if limit is None else Decimal(limit), trigger_price=trigger,
            reduce_only=True, whole_position=True, trigger_by=SOURCES[source],
        )  # fmt: skip
        try:
            enter(state, new, own)
        except VenueError:
            continue  # the price is there already: what becomes of such a bracket is not documented
