"""What is listed, under our names and the exchange's, and the numbers that actions name it by.

Pure: from ``meta`` of each dex, ``perpDexs`` and ``spotMeta`` to instruments. Source: hyperliquid-docs, "Asset IDs",
"Tick and lot size" and "HIP-3: Builder-deployed perpetuals".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any

import msgspec

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, SignificantDigits, Symbol
from lotusx_hyperliquid.meta_types import Meta, PerpAsset, PerpDex, SpotMeta, SpotPair, SpotToken

FIRST_DEX = ""
"""The exchange's own perpetuals, as `dex` parameters name them."""

_PRICE_DIGITS = 5
_PERP_DECIMALS = 6
_SPOT_DECIMALS = 8
_MOST_DECIMALS = 18  # more would be no quantity but a mistake
_MIN_NOTIONAL = Decimal(10)  # USDC on perpetuals, units of the quote token on spot

_FIRST_BUILDER_ASSET = 100_000  # plus 10000 per dex; dex 0 is the exchange's own, so the first one is at 110000
_PER_DEX = 10_000
_FIRST_SPOT_ASSET = 10_000

_perp = msgspec.json.Decoder(PerpAsset).decode
_pair = msgspec.json.Decoder(SpotPair).decode
_document = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class Token:
    """A spot token, or what perpetuals are margined in.

    Attributes:
        name: Ours, unique: of several tokens with one name, the canonical or oldest has it, the others ``NAME.index``.
        wire: How transfers name it, ``NAME:0x…``.
        step: Smallest step of amounts of it.
    """

    name: str
    index: int
    wire: str
    step: Decimal


@dataclass(frozen=True, slots=True)
class Dex:
    """A perpetuals dex: its name ("" for the first), its place in ``perpDexs`` and what it lists."""

    name: str
    index: int
    meta: Meta


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A listing that no instrument was made of, and why."""

    coin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is listed at one time. A later listing is in a later catalogue only; numbers never change.

    Attributes:
        instruments: Perpetuals dex by dex, then spot, each in the exchange's order. Delisted ones are there as closed:
            fills and orders of them exist.
        assets: The exchange's name (``BTC``, ``xyz:TSLA``, ``@107``) → the number in actions.
        tokens: By index.
    """

    instruments: tuple[Instrument, ...]
    assets: Mapping[str, int]
    tokens: Mapping[int, Token]
    left_out: tuple[LeftOut, ...]

    def asset(self, coin: str) -> int:
        """Return the number that actions name *coin* by.

        Raises:
            ItemRejected: It is not listed here: ask for the lists again.
        """
        try:
            return self.assets[coin]
        except KeyError:
            raise ItemRejected(f"hyperliquid does not list {coin!r}", field="coin", value=coin) from None


def dexes_of(listed: Sequence[PerpDex | None], metas: Sequence[Meta]) -> list[Dex]:
    """Match dexes with what they list, by the names of the assets: that both lists have one order is not documented.

    A dex without assets is left out; so is a ``meta`` whose dex is not in *listed* (it is newer: ask again).
    """
    places = {FIRST_DEX if dex is None else dex.name: place for place, dex in enumerate(listed)}
    found = []
    for meta in metas:
        name = _dex_name(meta)
        if name is not None and name in places:
            found.append(Dex(name, places[name], meta))
    return found


def _dex_name(meta: Meta) -> str | None:
    """The dex that a ``meta`` belongs to; ``None``: it lists nothing, or nothing that can be read."""
    for item in meta.universe:
        try:
            prefix, colon, _ = _perp(item).name.partition(":")
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        return prefix if colon else FIRST_DEX
    return None


def catalogue(spot: SpotMeta, dexes: Sequence[Dex]) -> Catalogue:
    """Make instruments of everything that is listed.

    Outcome markets are not part of it. Of two listings that would have one symbol, the second is left out.
    """
    listings = _Listings()
    tokens = _tokens(spot.tokens, listings.left_out)
    for dex in dexes:
        for place, item in enumerate(dex.meta.universe):
            listings.add(_name(item), partial(_perpetual, item, dex, place, tokens))
    for item in spot.universe:
        listings.add(_name(item), partial(_spot, item, tokens))
    return Catalogue(
        tuple(listings.by_symbol.values()),
        MappingProxyType(listings.assets),
        MappingProxyType(tokens),
        tuple(listings.left_out),
    )


class _Listings:
    def __init__(self) -> None:
        self.by_symbol: dict[Symbol, Instrument] = {}
        self.assets: dict[str, int] = {}
        self.left_out: list[LeftOut] = []

    def add(self, coin: str, make: Callable[[], tuple[Instrument, int]]) -> None:
        try:
            instrument, asset = make()
        except (ItemRejected, msgspec.DecodeError, UnicodeDecodeError) as error:
            self.left_out.append(LeftOut(coin, str(error)))
            return
        other = self.by_symbol.get(instrument.symbol)
        if other is not None:
            self.left_out.append(LeftOut(coin, f"{other.venue_symbol} is {instrument.symbol} already"))
            return
        self.by_symbol[instrument.symbol] = instrument
        self.assets[coin] = asset


def _tokens(listed: Sequence[SpotToken], left_out: list[LeftOut]) -> dict[int, Token]:
    named: dict[str, int] = {}
    found = {}
    for token in sorted(listed, key=lambda token: (not token.isCanonical, token.index)):
        try:
            step = _step(token.szDecimals)
        except ItemRejected as error:
            left_out.append(LeftOut(token.name, str(error)))
            continue
        first = named.setdefault(token.name, token.index) == token.index
        name = token.name if first else f"{token.name}.{token.index}"
        found[token.index] = Token(name, token.index, f"{token.name}:{token.tokenId}", step)
    return found


def _perpetual(item: msgspec.Raw, dex: Dex, place: int, tokens: Mapping[int, Token]) -> tuple[Instrument, int]:
    info = _perp(item)
    if dex.name == FIRST_DEX:
        base, asset = info.name, place
    else:
        prefix, _, coin = info.name.partition(":")
        if prefix != dex.name:
            raise ItemRejected(f"{info.name!r} is listed by the dex {dex.name!r}", field="name", value=info.name)
        base, asset = f"{prefix.upper()}-{coin}", _FIRST_BUILDER_ASSET + dex.index * _PER_DEX + place
    collateral = _token(tokens, dex.meta.collateralToken).name
    instrument = Instrument(
        symbol=_symbol(base, collateral, collateral),
        venue_symbol=info.name,
        kind=InstrumentKind.LINEAR,
        status=InstrumentStatus.CLOSED if info.isDelisted else InstrumentStatus.TRADING,
        price_rule=SignificantDigits(_PRICE_DIGITS, max(_PERP_DECIMALS - info.szDecimals, 0)),
        step_size=_step(info.szDecimals),
        min_notional=_MIN_NOTIONAL,
        raw_status="isDelisted" if info.isDelisted else "",
        _raw=partial(_document, item),
    )
    return instrument, asset


def _spot(item: msgspec.Raw, tokens: Mapping[int, Token]) -> tuple[Instrument, int]:
    info = _pair(item)
    base, quote = (_token(tokens, index) for index in info.tokens)
    decimals = -int(base.step.as_tuple().exponent)
    instrument = Instrument(
        symbol=_symbol(base.name, quote.name, None),
        venue_symbol=info.name,
        kind=InstrumentKind.SPOT,
        status=InstrumentStatus.TRADING,
        price_rule=SignificantDigits(_PRICE_DIGITS, max(_SPOT_DECIMALS - decimals, 0)),
        step_size=base.step,
        min_notional=_MIN_NOTIONAL,
        _raw=partial(_document, item),
    )
    return instrument, _FIRST_SPOT_ASSET + info.index


def _name(item: msgspec.Raw) -> str:
    try:
        return str(_document(item).get("name", "?"))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "?"


def _token(tokens: Mapping[int, Token], index: int) -> Token:
    try:
        return tokens[index]
    except KeyError:
        raise ItemRejected(f"there is no token {index}", field="token", value=str(index)) from None


def _step(decimals: int) -> Decimal:
    if not 0 <= decimals <= _MOST_DECIMALS:
        raise ItemRejected(f"szDecimals is {decimals}", field="szDecimals", value=str(decimals))
    return Decimal((0, (1,), -decimals))


def _symbol(base: str, quote: str, settle: str | None) -> Symbol:
    """A symbol that its own text leads back to."""
    symbol = Symbol(base, quote, settle)
    try:
        if Symbol.parse(str(symbol)) == symbol:
            return symbol
    except InvalidArgument:
        pass
    raise ItemRejected(f"{base!r} and {quote!r} make no symbol", field="name", value=base)


def dex_of(coin: str) -> str:
    """Return the dex that a perpetual's name belongs to; "" for the first one."""
    return coin.partition(":")[0] if ":" in coin else FIRST_DEX


def is_spot(asset: int) -> bool:
    """Tell spot from perpetuals by number: builder dexes are above spot."""
    return _FIRST_SPOT_ASSET <= asset < _FIRST_BUILDER_ASSET
