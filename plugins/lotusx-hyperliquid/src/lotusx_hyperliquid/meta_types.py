"""What the exchange lists, in its own spelling: ``meta``, ``perpDexs`` and ``spotMeta`` of ``POST /info``.

Source: hyperliquid-docs, "Info endpoint" (perpetuals, spot), and recordings of 2025 and 2026.
"""

from __future__ import annotations

import msgspec


class PerpAsset(msgspec.Struct):
    """One of ``meta.universe``; its place there is its number. ``name`` has the dex in front, but for the first dex."""

    name: str
    szDecimals: int
    maxLeverage: int
    isDelisted: bool = False
    onlyIsolated: bool = False
    marginMode: str | None = None  # strictIsolated, noCross


class Meta(msgspec.Struct):
    """A dex; delisted assets stay, because places are numbers. ``collateralToken``: index of a spot token."""

    universe: list[msgspec.Raw]
    collateralToken: int = 0


class PerpDex(msgspec.Struct):
    """One of ``perpDexs``; ``null`` in its first place stands for the first dex."""

    name: str
    fullName: str = ""


class SpotToken(msgspec.Struct):
    """One of ``spotMeta.tokens``."""

    name: str
    index: int
    szDecimals: int
    weiDecimals: int
    tokenId: str
    isCanonical: bool = False
    fullName: str | None = None


class SpotPair(msgspec.Struct):
    """One of ``spotMeta.universe``; ``tokens``: indexes of base and quote. ``index`` is not its place in the list."""

    name: str
    index: int
    tokens: tuple[int, int]
    isCanonical: bool = False


class SpotMeta(msgspec.Struct):
    """All of spot."""

    tokens: list[SpotToken]
    universe: list[msgspec.Raw]
