"""The exchange ``replay``: plays the part of the exchange a recording is of, through that exchange's own plugin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio

from lotusx.errors import ConfigurationError
from lotusx.plugin import (
    Capability,
    Connector,
    Environment,
    ExchangeFacts,
    Kernel,
    RestDialect,
    Support,
    WsCodec,
    WsFacts,
    hookimpl,
)
from lotusx.plugin.manager import PluginManager
from lotusx_recorder.errors import RecordingError
from lotusx_recorder.reading import Recording
from lotusx_recorder.replay_connector import ReplayConnector
from lotusx_recorder.timeline import Timeline
from lotusx_recorder.transports import ReplayCodec, ReplayHttp, ReplayWs

_KNOWN = ("recording", "exchange", "environment", "speed")
_HOST = "recording.invalid"
_PUBLIC = frozenset(
    {
        Capability.SERVER_TIME, Capability.INSTRUMENTS, Capability.TICKER, Capability.BEST_BID_OFFER,
        Capability.ORDER_BOOK, Capability.RECENT_TRADES, Capability.TRADE_HISTORY, Capability.CANDLES,
        Capability.STREAM_TRADES, Capability.STREAM_TICKER, Capability.STREAM_BEST_BID_OFFER,
        Capability.STREAM_ORDER_BOOK, Capability.STREAM_CANDLES, Capability.LIVE_ORDER_BOOK,
        Capability.FUNDING_RATE, Capability.FUNDING_HISTORY, Capability.MARK_PRICE, Capability.OPEN_INTEREST,
        Capability.STREAM_MARK_PRICE, Capability.STREAM_LIQUIDATIONS,
    }
)  # fmt: skip
_NO_ACCOUNT = Support.not_offered("the simulator: a recording has no account, and takes no orders")


class Replay:
    """One replay. ``lotusx.connect("replay", options={"recording": "FOLDER"})``.

    Args:
        options: ``recording`` (the folder), ``exchange`` and ``environment`` (which, where it is of several), ``speed``
            (recorded seconds per second, 1; ``None``: as fast as possible).
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._recording: Recording | None = None
        self.http: ReplayHttp | None = None
        self.ws: ReplayWs | None = None
        self.clock: Timeline | None = None
        if not options:  # it is only listed
            return
        folder, exchange, environment, speed = _read(options)
        self._recording = recording = Recording(folder, exchange=exchange, environment=environment)
        self._inner = PluginManager(recording.exchange)
        if recording.environment not in self._inner.facts.environments:
            raise RecordingError(
                f"{folder} is of the environment {recording.environment!r} of {recording.exchange}, which the "
                "installed plugin does not have"
            )
        self.ws = ReplayWs(recording.channels())
        self.clock = self.ws.timeline = Timeline(recording.began_ns(), recording.frames, speed, self.ws.wanted)
        self.http = ReplayHttp(recording.answers(), self.clock)

    @hookimpl
    def lotusx_exchanges(self) -> list[ExchangeFacts]:
        """Return the facts of the recorded exchange, without limits and without accounts."""
        if self._recording is None:
            nowhere = Environment("recording", rest={"api": f"https://{_HOST}"}, ws={})
            return [ExchangeFacts("replay", 1, {"live": nowhere}, {}, credentials=(), title="Replay of a recording")]
        return [_facts(self._inner.facts, self._recording.environment)]

    @hookimpl
    def lotusx_rest_dialect(self) -> RestDialect:
        """Read answers as live."""
        return self._inner.rest_dialect()

    @hookimpl
    def lotusx_codecs(self) -> Mapping[str, WsCodec]:
        """Read messages as live."""
        assert self._recording is not None
        codecs = self._inner.codecs(self._inner.facts.environments[self._recording.environment], None, {})
        return {group: ReplayCodec(codec) for group, codec in codecs.items()}

    @hookimpl
    def lotusx_connector(self, kernel: Kernel) -> Connector:
        """Return the exchange's own connector."""
        return ReplayConnector(self._inner.connector(kernel))

    @hookimpl
    def lotusx_lifespan(self) -> AbstractAsyncContextManager[object]:
        """Let recorded time pass."""
        return self._passing()

    @asynccontextmanager
    async def _passing(self) -> AsyncIterator[None]:
        if self.clock is None:
            raise ConfigurationError('a replay needs a recording: connect("replay", options={"recording": "FOLDER"})')
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.clock.run)
            yield
            tasks.cancel_scope.cancel()


def _facts(facts: ExchangeFacts, environment: str) -> ExchangeFacts:
    recorded = facts.environments[environment]
    here = replace(
        recorded,
        rest={name: _filled(url) for name, url in recorded.rest.items()},
        ws={group: f"wss://{_HOST}/{group}" for group in recorded.ws},
        real_money=False,
    )
    public = {name: support for name, support in facts.capabilities.items() if name in _PUBLIC}
    return replace(
        facts,
        environments={"live": here},
        capabilities=dict.fromkeys(Capability, _NO_ACCOUNT) | dict.fromkeys(_PUBLIC, Support.not_offered()) | public,
        credentials=(),
        read_credentials=(),
        limits=(),
        ws={group: _patient(each) for group, each in facts.ws.items()},
        deadline_by_our_clock=False,
        snapshots_per_s=1000.0,
    )


def _filled(url: str) -> str:
    return url.replace("{base}", f"https://{_HOST}").replace("{ws}", f"wss://{_HOST}")


def _patient(facts: WsFacts) -> WsFacts:
    return replace(facts, control_per_s=1e6, connects_per_window=(1_000_000, 1.0), lifetime_s=None, acknowledges=True)


def _read(options: Mapping[str, Any]) -> tuple[Path, str | None, str | None, float | None]:
    for name in options:
        if name not in _KNOWN:
            raise ConfigurationError(f"replay has no option {name!r} (known: {', '.join(_KNOWN)})")
    folder = options.get("recording")
    if not isinstance(folder, str | Path) or not str(folder).strip():
        raise ConfigurationError(f"replay: recording must be the folder of a recording, not {folder!r}")
    speed = options.get("speed", 1.0)
    if speed is not None and (isinstance(speed, bool) or not isinstance(speed, int | float) or not 0 < speed < 1e9):
        raise ConfigurationError(f"replay: speed must be a number above 0, or None: as fast as possible, not {speed!r}")
    return Path(str(folder)).expanduser(), options.get("exchange"), options.get("environment"), speed
