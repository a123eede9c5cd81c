"""All a plugin author imports, besides `lotusx.model`, `lotusx.errors` and `lotusx.rules`.

Names are resolved when first used: a plugin's ``plugin.py`` can import from here and stay light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx.lazy import lazily

if TYPE_CHECKING:
    from lotusx.kernel.book import BookRule as BookRule
    from lotusx.kernel.clock import Clock as Clock
    from lotusx.kernel.codec import (
        Ack as Ack,
        Channel as Channel,
        ChannelKind as ChannelKind,
        Control as Control,
        Notice as Notice,
        NoticeKind as NoticeKind,
        Reply as Reply,
        WsCodec as WsCodec,
        WsFacts as WsFacts,
    )
    from lotusx.kernel.context import (
        InstrumentTable as InstrumentTable,
        Kernel as Kernel,
        RestClient as RestClient,
        WsRequests as WsRequests,
    )
    from lotusx.kernel.dialect import RestDialect as RestDialect, Usage as Usage
    from lotusx.kernel.facts import (
        Capability as Capability,
        CredentialField as CredentialField,
        Environment as Environment,
        ExchangeFacts as ExchangeFacts,
        Limit as Limit,
        Sunset as Sunset,
        Support as Support,
        SupportLevel as SupportLevel,
    )
    from lotusx.kernel.flow import StatusChange as StatusChange, StreamState as StreamState
    from lotusx.kernel.orders.context import OrderContext as OrderContext
    from lotusx.kernel.orders.each import cancel_each as cancel_each, raise_failed as raise_failed
    from lotusx.kernel.ports import (
        AccountPort as AccountPort,
        Acknowledged as Acknowledged,
        Amendment as Amendment,
        Connector as Connector,
        Lease as Lease,
        MarketDataPort as MarketDataPort,
        Native as Native,
        OrderRef as OrderRef,
        Page as Page,
        Span as Span,
        TradingPort as TradingPort,
    )
    from lotusx.kernel.request import (
        Cost as Cost,
        Effect as Effect,
        Lane as Lane,
        Origin as Origin,
        Request as Request,
        Response as Response,
        SigningContext as SigningContext,
        Verb as Verb,
        plain_path as plain_path,
    )
    from lotusx.kernel.secrets import Secret as Secret
    from lotusx.kernel.signer import Signer as Signer
    from lotusx.kernel.telemetry import (
        BookMeasured as BookMeasured,
        BudgetMeasured as BudgetMeasured,
        BudgetWait as BudgetWait,
        CallFinished as CallFinished,
        CallStarted as CallStarted,
        ClockMeasured as ClockMeasured,
        Event as Event,
        EventsDelivered as EventsDelivered,
        FillReported as FillReported,
        FrameSent as FrameSent,
        FramesReceived as FramesReceived,
        ItemDropped as ItemDropped,
        ObserverFailed as ObserverFailed,
        OrderAnswered as OrderAnswered,
        OrderOutcome as OrderOutcome,
        OrderRefused as OrderRefused,
        OrderReported as OrderReported,
        OrderSent as OrderSent,
        RequestFinished as RequestFinished,
        RetryScheduled as RetryScheduled,
        SessionChanged as SessionChanged,
        StreamChanged as StreamChanged,
        StreamMeasured as StreamMeasured,
        Telemetry as Telemetry,
        TrafficMeasured as TrafficMeasured,
    )
    from lotusx.kernel.transport import (
        HttpRequest as HttpRequest,
        HttpResponse as HttpResponse,
        HttpTransport as HttpTransport,
        WsClosed as WsClosed,
        WsConnection as WsConnection,
        WsHandler as WsHandler,
        WsTransport as WsTransport,
    )
    from lotusx.plugin.hookspecs import HookSpecs as HookSpecs, hookimpl as hookimpl

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "lotusx.kernel.book": "BookRule",
        "lotusx.kernel.clock": "Clock",
        "lotusx.kernel.codec": "Ack Channel ChannelKind Control Notice NoticeKind Reply WsCodec WsFacts",
        "lotusx.kernel.context": "InstrumentTable Kernel RestClient WsRequests",
        "lotusx.kernel.dialect": "RestDialect Usage",
        "lotusx.kernel.facts": "Capability CredentialField Environment ExchangeFacts Limit Sunset Support SupportLevel",
        "lotusx.kernel.flow": "StatusChange StreamState",
        "lotusx.kernel.orders.context": "OrderContext",
        "lotusx.kernel.orders.each": "cancel_each raise_failed",
        "lotusx.kernel.ports": "AccountPort Acknowledged Amendment Connector Lease MarketDataPort Native OrderRef Page "
        "Span TradingPort",
        "lotusx.kernel.request": "Cost Effect Lane Origin Request Response SigningContext Verb plain_path",
        "lotusx.kernel.secrets": "Secret",
        "lotusx.kernel.signer": "Signer",
        "lotusx.kernel.telemetry": "BookMeasured BudgetMeasured BudgetWait CallFinished CallStarted ClockMeasured "
        "Event EventsDelivered FillReported FrameSent FramesReceived ItemDropped ObserverFailed OrderAnswered "
        "OrderOutcome OrderRefused OrderReported OrderSent RequestFinished RetryScheduled "
        "SessionChanged StreamChanged StreamMeasured Telemetry TrafficMeasured",
        "lotusx.kernel.transport": "HttpRequest HttpResponse HttpTransport WsClosed WsConnection WsHandler WsTransport",
        "lotusx.plugin.hookspecs": "HookSpecs hookimpl",
    },
)
