"""The plugin: looks at every order before it is sent, and vetoes what is beyond its limits."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any

from lotusx.errors import LotusXError, OrderVetoed
from lotusx.model import Instrument, OrderRequest, PositionSide, Side, Symbol, plain
from lotusx.plugin import Effect, OrderContext, Origin, Request, Response, hookimpl
from lotusx_risk.exposure import Exposure
from lotusx_risk.limits import limits_of
from lotusx_risk.worth import EXACT, Prices, collar, needs_price, notional, quantity

HALTED_VARIABLE = "LOTUSX_RISK_HALTED"
"""Environment variable that halts while it is anything but empty, ``0`` or ``false``."""
MOST_PRICES = 1_000
REREAD_NS = 1_000_000_000
"""Before it refuses an order for the position, it asks again, but not more often than this."""

_BY_OPTION = "halted = true"
_NOTHING = Prices()
_Next = Callable[[Request], Awaitable[Response]]


class Risk:
    """Limits for every order of a connection. Cancels always pass.

    Args:
        options: The table ``[risk]``; see `Limits`. *more* are the same by name.

    Attributes:
        limits: What holds.
        vetoes: How many orders were refused so far, by rule.

    One object may be given to several connections: rate and kill switch are then common to them, positions are not.
    Not for use from several threads, `halt` excepted.
    """

    def __init__(self, options: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        self.limits = limits_of({**(options or {}), **more})
        self.vetoes: Counter[str] = Counter()
        self._halted = _BY_OPTION if self.limits.halted else ""
        self._passed_ns: deque[int] = deque(maxlen=self.limits.max_orders or 1)
        self._prices: dict[tuple[str, Symbol], tuple[int, Prices]] = {}
        self._exposures: dict[tuple[str, str | None, Symbol, PositionSide | None], Exposure] = {}

    def reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        """Return what puts *options* in force in place of those that hold. What was counted so far still counts.

        Raises:
            ConfigurationError: They cannot be; those that hold go on holding.
        """
        limits = limits_of(options)

        def put_in_force() -> None:
            self.limits = limits
            self._passed_ns = deque(self._passed_ns, maxlen=limits.max_orders or 1)
            if limits.halted:
                self._halted = self._halted or _BY_OPTION
            elif self._halted == _BY_OPTION:  # what `halt` was called for is for `resume` to take back
                self._halted = ""

        return put_in_force

    def halt(self, reason: str) -> None:
        """Let nothing pass but cancels until `resume`."""
        self._halted = reason or "halted"

    def resume(self) -> None:
        """Take back `halt`; a kill file and the variable still count."""
        self._halted = ""

    @property
    def halted(self) -> str:
        """Why nothing passes; empty: it does."""
        if self._halted:
            return self._halted
        if os.environ.get(HALTED_VARIABLE, "").lower() not in ("", "0", "false"):
            return f"{HALTED_VARIABLE} is set"
        path = self.limits.kill_file
        if path is None:
            return ""
        try:
            os.stat(path)
        except FileNotFoundError:
            return ""
        except OSError as error:  # whether it is there cannot be told
            return f"{path} cannot be looked for: {error.strerror}"
        return f"{path} exists"

    @hookimpl
    async def lotusx_before_order(
        self, exchange: str, account: str | None, request: OrderRequest, instrument: Instrument, context: OrderContext
    ) -> None:
        """Refuse what is beyond the limits, and what cannot be judged.

        Raises:
            OrderVetoed: Nothing was sent; ``rule`` names the limit.
        """
        try:
            await self._look(exchange, account, request, instrument, context)
        except OrderVetoed as veto:
            self.vetoes[veto.rule] += 1
            raise

    @hookimpl
    def lotusx_rest_middleware(self, exchange: str) -> Callable[[Request, _Next], Awaitable[Response]]:
        """Refuse commands of native calls, where the limits say so."""
        return self._only_own

    async def _only_own(self, request: Request, following: _Next) -> Response:
        if not self.limits.native and request.effect is Effect.COMMAND and request.origin is Origin.NATIVE:
            self.vetoes["native"] += 1
            said = "a native command cannot be checked: use a call of LotusX's own, or allow it with native = 'allow'"
            raise OrderVetoed(f"risk limit native: {request.name}: {said}", rule="native")
        return await following(request)

    async def _look(
        self, exchange: str, account: str | None, request: OrderRequest, instrument: Instrument, context: OrderContext
    ) -> None:
        reason = self.halted
        if reason:
            raise _veto("halted", request, f"nothing may be sent: {reason}")
        limits = self.limits
        if limits.allow is not None and request.symbol not in limits.allow:
            allowed = ", ".join(sorted(map(str, limits.allow))) or "nothing"
            raise _veto("allow", request, f"only these may be traded: {allowed}")
        now_ns = context.clock.monotonic_ns()
        self._check_rate(request, now_ns)
        prices = await self._prices_for(exchange, request, instrument, context)
        self._check_worth(request, instrument, prices)
        self._check_collar(request, instrument, prices)
        await self._check_position(exchange, account, request, instrument, context, prices)
        if limits.max_orders is not None and not context.dry_run:
            self._passed_ns.append(now_ns)

    def _check_rate(self, request: OrderRequest, now_ns: int) -> None:
        limits, passed = self.limits, self._passed_ns
        if limits.max_orders is None or len(passed) < limits.max_orders:
            return
        wait_ns = passed[0] + int(limits.per_s * 1_000_000_000) - now_ns
        if wait_ns > 0:
            veto = _veto("max_orders", request, f"{limits.max_orders} orders were sent within {plain(limits.per_s)} s")
            veto.retryable, veto.after_s = True, wait_ns / 1e9
            raise veto

    def _check_worth(self, request: OrderRequest, instrument: Instrument, prices: Prices) -> None:
        most = self.limits.of(request.symbol).max_notional
        if most is None:
            return
        worth = notional(request, instrument, prices)
        if worth is None:
            self._refuse_unpriced("max_notional", request)
        elif worth > most:
            unit = instrument.quote
            raise _veto("max_notional", request, f"it is worth {plain(worth)} {unit}, at most {plain(most)} is allowed")

    def _check_collar(self, request: OrderRequest, instrument: Instrument, prices: Prices) -> None:
        most = self.limits.of(request.symbol).price_collar
        if most is None:
            return
        furthest = collar(request, prices, most)
        price = request.price
        if price is None:
            if request.max_slippage is not None and request.max_slippage > most:
                said = f"its max_slippage is {plain(request.max_slippage)}, at most {plain(most)} is allowed"
                raise _veto("price_collar", request, said)
        elif furthest is None:
            self._refuse_unpriced("price_collar", request)
        elif price > furthest if request.side is Side.BUY else price < furthest:
            how = "at most" if request.side is Side.BUY else "at least"
            said = f"its price is {plain(price)} {instrument.quote}, now it must be {how} {plain(furthest)}"
            raise _veto("price_collar", request, said)

    async def _check_position(
        self,
        exchange: str,
        account: str | None,
        request: OrderRequest,
        instrument: Instrument,
        context: OrderContext,
        prices: Prices,
    ) -> None:
        most = self.limits.of(request.symbol).max_position
        if most is None or request.reduce_only:
            return
        rest = quantity(request, instrument, prices)
        if rest is None:
            raise _veto("max_position", request, "there is no price to tell its quantity by")
        if context.before is not None and context.change is not None and context.change.quantity is not None:
            rest = max(EXACT.subtract(rest, context.before.filled), Decimal(0))
        key = (exchange, account, request.symbol, request.position_side)
        exposure = self._exposures.get(key)
        if exposure is None:
            exposure = self._exposures[key] = Exposure(instrument, request.position_side)
        age_ns = _age_ns(exposure, context)
        if age_ns is None or age_ns > self.limits.position_age_s * 1_000_000_000 or exposure.is_full:
            await self._read(exposure, request, context)
        far = exposure.furthest(request, rest, context)
        if far > most and (_age_ns(exposure, context) or 0) > REREAD_NS:
            await self._read(exposure, request, context)
            far = exposure.furthest(request, rest, context)
        if far > most:
            side = "long" if request.side is Side.BUY else "short"
            said = f"with everything open it could become {plain(far)} {side}, at most {plain(most)} is allowed"
            raise _veto("max_position", request, said)
        if not context.dry_run:
            exposure.add(request, rest, context)

    async def _read(self, exposure: Exposure, request: OrderRequest, context: OrderContext) -> None:
        try:
            await exposure.read(context)
        except LotusXError as error:
            raise _veto("max_position", request, f"the position cannot be read: {error}") from error

    async def _prices_for(
        self, exchange: str, request: OrderRequest, instrument: Instrument, context: OrderContext
    ) -> Prices:
        limits = self.limits.of(request.symbol)
        worth = limits.max_notional is not None and needs_price(request, instrument)
        compared = limits.price_collar is not None and request.price is not None and request.trigger_price is None
        converted = limits.max_position is not None and request.quantity_unit == "quote"
        if not (worth or compared or converted):
            return _NOTHING
        key, now_ns = (exchange, request.symbol), context.clock.monotonic_ns()
        known = self._prices.get(key)
        if known is not None and now_ns - known[0] <= self.limits.price_age_s * 1_000_000_000:
            return known[1]
        try:
            prices = Prices.of(await context.best_bid_offer())
        except LotusXError:
            return _NOTHING  # what cannot be judged without it is refused, unless the limits allow it
        if len(self._prices) >= MOST_PRICES:
            self._prices.clear()
        self._prices[key] = (now_ns, prices)
        return prices

    def _refuse_unpriced(self, rule: str, request: OrderRequest) -> None:
        if not self.limits.unpriced:
            raise _veto(rule, request, "there is no price to judge it by")


def _age_ns(exposure: Exposure, context: OrderContext) -> int | None:
    return None if exposure.read_ns is None else context.clock.monotonic_ns() - exposure.read_ns


def _veto(rule: str, request: OrderRequest, said: str) -> OrderVetoed:
    return OrderVetoed(f"risk limit {rule}: {request.symbol}: {said}", rule=rule)
