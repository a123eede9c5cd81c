"""The rules an order's numbers must keep before it is acknowledged. Source: Bybit V5, market/instruments-info."""

from decimal import Decimal

from lotusx_sim.dialects.bybit.errors import VenueError, bad
from lotusx_sim.dialects.bybit.listings import Listing
from lotusx_sim.dialects.bybit.numbers import plain, scaled
from lotusx_sim.dialects.bybit.params import Params
from lotusx_sim.dialects.bybit.state import VenueState
from lotusx_sim.dialects.bybit.tracked import Facts
from lotusx_sim.engine.orders import PriceSource, Side

SOURCES = {"LastPrice": PriceSource.LAST, "MarkPrice": PriceSource.MARK, "IndexPrice": PriceSource.INDEX}
RISES, FALLS = 1, 2


def checked_price(state: VenueState, listing: Listing, side: Side, price: Decimal) -> Decimal:
    """Return *price* on the tick and inside the band: spot refuses what is outside, derivatives bring it inside."""
    if price % listing.tick:
        raise (
            VenueError(170134, "Order price has too many decimals.")
            if listing.is_spot
            else bad("params error: price must be a multiple of the tick size")
        )
    highest, lowest = price_limits(state, listing)
    if side is Side.BUY and price > highest:
        if listing.is_spot:
            raise VenueError(170193, f"Buy order price cannot be higher than {plain(highest)}USDT.")
        return highest
    if side is Side.SELL and price < lowest:
        if listing.is_spot:
            raise VenueError(170194, f"Sell order price cannot be lower than {plain(lowest)}USDT.")
        return lowest
    return price


def price_limits(state: VenueState, listing: Listing) -> tuple[Decimal, Decimal]:
    """Return the highest price to buy and the lowest to sell at, on the tick."""
    reference = state.last(listing) if listing.is_spot else state.mark(listing)
    highest = reference * (1 + listing.band) // listing.tick * listing.tick
    lowest = -(-(reference * (1 - listing.band)) // listing.tick) * listing.tick
    return highest, lowest


def worst_price(state: VenueState, listing: Listing, side: Side, params: Params) -> Decimal:
    kind, tolerance = params.text("slippageToleranceType"), params.number("slippageTolerance")
    if kind not in ("TickSize", "Percent") or tolerance is None:
        raise bad("slippageToleranceType invalid")
    level = state.exchange.books[listing.name].half(side.opposite).best()
    start = state.last(listing) if level is None else level.price
    distance = tolerance * listing.tick if kind == "TickSize" else start * tolerance / 100
    worst = start + distance if side is Side.BUY else start - distance
    return max(listing.tick, worst // listing.tick * listing.tick)


def checked_quantity(listing: Listing, quantity: Decimal, *, is_limit: bool) -> Decimal:
    highest = listing.max_quantity if is_limit else listing.max_market_quantity
    if listing.is_spot:
        if quantity % listing.step:
            raise VenueError(170137, "Order quantity has too many decimals.")
        if quantity > highest:
            raise VenueError(170124, "Order quantity exceeded upper limit.")
        return quantity
    if not quantity or quantity % listing.step:
        raise bad("Qty invalid")
    if quantity < listing.min_quantity:
        raise bad("The number of contracts exceeds minimum limit allowed")
    if quantity > highest:
        raise bad("The number of contracts exceeds maximum limit allowed: too large")
    return quantity


def check_notional(
    state: VenueState, listing: Listing, quantity: Decimal, by_quote: Decimal | None, price: Decimal | None,
    *, reduce_only: bool,
) -> None:  # fmt: skip
    if reduce_only or listing.is_inverse:
        return
    notional = by_quote if by_quote is not None else quantity * (price or state.last(listing))
    if notional < listing.min_notional:
        if listing.is_spot:
            raise VenueError(170140, "Order value exceeded lower limit.")
        raise VenueError(110094, f"Order does not meet minimum order value {listing.min_notional}{listing.settle}")


def check_trigger(state: VenueState, listing: Listing, trigger: Decimal, facts: Facts) -> None:
    """Raise when the trigger price is on the wrong side of the price it waits for."""
    source = SOURCES[facts.trigger_by]
    prices = {PriceSource.LAST: state.last, PriceSource.MARK: state.mark, PriceSource.INDEX: state.index}
    now = prices[source](listing)
    what = f"trigger_price[{scaled(trigger, listing.tick)}] {{}} current[{scaled(now, listing.tick)}]"
    if facts.trigger_direction == RISES and trigger <= now:
        raise VenueError(110092, f"expect Rising, but {what.format('<=')}??{facts.trigger_by}")
    if facts.trigger_direction == FALLS and trigger >= now:
        raise VenueError(110093, f"expect Falling, but {what.format('>=')}??{facts.trigger_by}")


def check_caps(state: VenueState, account: str, listing: Listing, *, is_conditional: bool) -> None:
    rules = state.options.rules
    orders = state.exchange.open_orders(account)
    if listing.is_spot:
        orders = [order for order in orders if state.directory.by_name[order.symbol].is_spot]
        if len(orders) >= rules.open_orders:
            raise VenueError(170810, "Cannot exceed maximum of 500 conditional, TP/SL and active orders.")
    here = [order for order in orders if order.symbol == listing.name]
    waiting = sum(order.kind.is_conditional and order.working_ns is None for order in here)
    if is_conditional and waiting >= (rules.spot_conditional_orders if listing.is_spot else rules.conditional_orders):
        raise (
            VenueError(170810, "Cannot exceed maximum of 30 conditional orders.")
            if listing.is_spot
            else VenueError(110009, "The number of stop orders exceeds the maximum allowable limit")
        )
    if not listing.is_spot and not is_conditional and len(here) - waiting >= rules.open_orders:
        raise VenueError(110020, "Not allowed to have more than 500 active orders")
