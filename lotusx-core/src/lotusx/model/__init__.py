"""The model: frozen, exact values that mean the same at every exchange.

Names are resolved when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx.lazy import lazily

if TYPE_CHECKING:
    from lotusx.model.account import (
        AccountEvent as AccountEvent,
        Balance as Balance,
        BalanceEvent as BalanceEvent,
        Fees as Fees,
        FillEvent as FillEvent,
        FundingEvent as FundingEvent,
        FundingPayment as FundingPayment,
        Leverage as Leverage,
        OrderEvent as OrderEvent,
        Permissions as Permissions,
        Position as Position,
        PositionEvent as PositionEvent,
        Recovered as Recovered,
        VenueEvent as VenueEvent,
    )
    from lotusx.model.enums import (
        InstrumentKind as InstrumentKind,
        InstrumentStatus as InstrumentStatus,
        Interval as Interval,
        Liquidity as Liquidity,
        MarginMode as MarginMode,
        OptionRight as OptionRight,
        OrderStatus as OrderStatus,
        OrderType as OrderType,
        PositionSide as PositionSide,
        QuantityUnit as QuantityUnit,
        Side as Side,
        TimeInForce as TimeInForce,
        known as known,
    )
    from lotusx.model.funds import (
        Deposit as Deposit,
        FundsStatus as FundsStatus,
        Transfer as Transfer,
        Wallet as Wallet,
        Withdrawal as Withdrawal,
        funds_status as funds_status,
    )
    from lotusx.model.instruments import (
        Instrument as Instrument,
        PriceRule as PriceRule,
        SignificantDigits as SignificantDigits,
        TickSize as TickSize,
    )
    from lotusx.model.market_data import (
        BestBidOffer as BestBidOffer,
        BookUpdate as BookUpdate,
        Candle as Candle,
        FundingRate as FundingRate,
        Level as Level,
        Liquidation as Liquidation,
        MarkPrice as MarkPrice,
        OpenInterest as OpenInterest,
        OrderBook as OrderBook,
        Ticker as Ticker,
        Trade as Trade,
    )
    from lotusx.model.numbers import (
        added as added,
        decimal_from_user as decimal_from_user,
        decimal_from_wire as decimal_from_wire,
        exact as exact,
        multiplied as multiplied,
        negated as negated,
        plain as plain,
        quotient as quotient,
        shifted as shifted,
        subtracted as subtracted,
    )
    from lotusx.model.orders import (
        Accepted as Accepted,
        Fill as Fill,
        OrderState as OrderState,
        Outcome as Outcome,
        Rejected as Rejected,
        Unknown as Unknown,
    )
    from lotusx.model.requests import AmendRequest as AmendRequest, OrderRequest as OrderRequest
    from lotusx.model.symbol import Symbol as Symbol

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        ".account": "AccountEvent Balance BalanceEvent Fees FillEvent FundingEvent FundingPayment Leverage OrderEvent "
        "Permissions Position PositionEvent Recovered VenueEvent",
        ".enums": "InstrumentKind InstrumentStatus Interval Liquidity MarginMode OptionRight OrderStatus OrderType "
        "PositionSide QuantityUnit Side TimeInForce known",
        ".funds": "Deposit FundsStatus Transfer Wallet Withdrawal funds_status",
        ".instruments": "Instrument PriceRule SignificantDigits TickSize",
        ".market_data": "BestBidOffer BookUpdate Candle FundingRate Level Liquidation MarkPrice OpenInterest OrderBook "
        "Ticker Trade",
        ".numbers": "added decimal_from_user decimal_from_wire exact multiplied negated plain quotient shifted "
        "subtracted",
        ".orders": "Accepted Fill OrderState Outcome Rejected Unknown",
        ".requests": "AmendRequest OrderRequest",
        ".symbol": "Symbol",
    },
)
