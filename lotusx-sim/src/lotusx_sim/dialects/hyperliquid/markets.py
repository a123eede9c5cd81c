"""What this venue lists: tokens, perpetual dexes, spot pairs, and the documents that describe them."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lotusx_sim.engine.terms import Contract, MarginMode, Market, MarketKind

FIRST_SPOT_ASSET = 10_000
FIRST_BUILDER_ASSET = 100_000
PERP_DECIMALS, SPOT_DECIMALS = 6, 8
USDC_NAME = "USDC"
_FIRST_LEVERAGE = 20


@dataclass(frozen=True, slots=True)
class Token:
    name: str
    index: int
    size_decimals: int
    wei_decimals: int
    token_id: str
    full_name: str | None = None
    is_canonical: bool = False

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "szDecimals": self.size_decimals,
            "weiDecimals": self.wei_decimals,
            "index": self.index,
            "tokenId": self.token_id,
            "isCanonical": self.is_canonical,
            "evmContract": None,
            "fullName": self.full_name,
            "deployerTradingFeeShare": "0.0",
        }


@dataclass(frozen=True, slots=True)
class Listing:
    """One instrument. ``tick`` is what the background population quotes by; orders keep the venue's price rule."""

    coin: str
    asset: int
    size_decimals: int
    price: Decimal  # where the seeded market starts
    tick: Decimal
    spacing_ticks: int
    size_steps: int
    base: str
    quote: str  # what is paid with: the dex's collateral, or the quote token
    is_open: bool = True
    dex: str = ""
    index: int = 0  # in its universe
    max_leverage: int = 0  # perpetuals only
    margin_mode: str | None = None  # None: cross and isolated; else noCross or strictIsolated
    tokens: tuple[Token, Token] | None = None  # spot only: base and quote

    @property
    def is_spot(self) -> bool:
        return self.tokens is not None

    @property
    def max_decimals(self) -> int:
        return SPOT_DECIMALS if self.is_spot else PERP_DECIMALS

    @property
    def step(self) -> Decimal:
        return Decimal(1).scaleb(-self.size_decimals)

    def market(self) -> Market:
        """Return what the engine must know of it."""
        if self.is_spot:
            return Market(self.coin, self.base, self.quote, self.step, self.is_open)
        top = Decimal(self.max_leverage)
        mode = MarginMode.CROSS if self.margin_mode is None else MarginMode.ISOLATED
        contract = Contract(
            MarketKind.LINEAR, self.quote, top, 1 / (2 * top), leverage=min(top, Decimal(_FIRST_LEVERAGE)), mode=mode,
            modes=frozenset(MarginMode) if self.margin_mode is None else frozenset({mode}),
        )  # fmt: skip
        return Market(self.coin, self.base, self.quote, self.step, self.is_open, contract)

    def document(self) -> dict[str, Any]:
        """Return the entry of ``universe``."""
        if self.tokens is not None:
            return {
                "tokens": [token.index for token in self.tokens],
                "name": self.coin,
                "index": self.index,
                "isCanonical": "/" in self.coin,
            }
        content: dict[str, Any] = {
            "szDecimals": self.size_decimals,
            "name": self.coin,
            "maxLeverage": self.max_leverage,
            "marginTableId": self.max_leverage,
        }
        if not self.is_open:
            content["isDelisted"] = True
        if self.margin_mode is not None:
            content |= {"onlyIsolated": True, "marginMode": self.margin_mode}
        return content


@dataclass(frozen=True, slots=True)
class Dex:
    """A venue of perpetuals inside the exchange; the first one has no name."""

    name: str
    full_name: str
    deployer: str
    collateral: Token
    perps: tuple[Listing, ...] = field(default=())

    def meta(self) -> dict[str, Any]:
        leverages = sorted({perp.max_leverage for perp in self.perps}, reverse=True)
        tables = [
            [top, {"description": "", "marginTiers": [{"lowerBound": "0.0", "maxLeverage": top}]}] for top in leverages
        ]
        return {
            "universe": [perp.document() for perp in self.perps],
            "marginTables": tables,
            "collateralToken": self.collateral.index,
        }

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "fullName": self.full_name,
            "deployer": self.deployer,
            "oracleUpdater": None,
            "feeRecipient": self.deployer,
            "assetToStreamingOiCap": [[perp.coin, "25000000.0"] for perp in self.perps],
            "subDeployers": [],
            "deployerFeeScale": "1.0",
            "lastDeployerFeeScaleChangeTime": "1970-01-01T00:00:00",
            "assetToFundingMultiplier": [],
        }


def _perp(dex: str, index: int, name: str, size: int, leverage: int, price: str, tick: str, spacing: int, lot: int,
          **more: Any) -> Listing:  # fmt: skip
    first = FIRST_BUILDER_ASSET + 10_000 if dex else 0
    return Listing(
        f"{dex}:{name}" if dex else name, first + index, size, Decimal(price), Decimal(tick), spacing, lot,
        base=name, quote=USDC_NAME, dex=dex, index=index, max_leverage=leverage, **more,
    )  # fmt: skip


def _pair(index: int, base: Token, quote: Token, price: str, tick: str, spacing: int, lot: int) -> Listing:
    coin = f"{base.name}/{quote.name}" if index == 0 else f"@{index}"
    return Listing(
        coin, FIRST_SPOT_ASSET + index, base.size_decimals, Decimal(price), Decimal(tick), spacing, lot,
        base=base.name, quote=quote.name, index=index, tokens=(base, quote),
    )  # fmt: skip


USDC = Token(USDC_NAME, 0, 8, 8, "0x6d1e7cde53ba9467b783cb7c530ce054", is_canonical=True)
PURR = Token("PURR", 1, 0, 5, "0xc1fb593aeffbeb02f85e0308e9956a90", is_canonical=True)
# Token indices have no holes, as clients rely on; pair indices have, so that nobody takes one for the other.
HYPE = Token("HYPE", 2, 2, 8, "0x0d01dc56dcaaca66ad901c959b4011ec", "Hyperliquid")
UBTC = Token("UBTC", 3, 5, 10, "0x8f254b963e8468305d409b33aa137c67", "Unit Bitcoin")
TOKENS = (USDC, PURR, HYPE, UBTC)

PERPS = (
    _perp("", 0, "BTC", 5, 40, "84143", "1", 8, 300),
    _perp("", 1, "ETH", 4, 25, "2741.3", "0.1", 8, 400),
    _perp("", 2, "MATIC", 1, 20, "0.37762", "0.00001", 8, 400, is_open=False),
    _perp("", 3, "SOL", 2, 20, "151.27", "0.01", 8, 60),
    _perp("", 4, "kPEPE", 0, 10, "0.012345", "0.000001", 8, 20_000),
    _perp("", 5, "HYPE", 2, 10, "35.123", "0.001", 12, 300),
)
BUILDER_PERPS = (
    _perp("xyz", 0, "TSLA", 3, 10, "402.15", "0.01", 8, 80, margin_mode="strictIsolated"),
    _perp("xyz", 1, "SP500", 3, 20, "7429.1", "0.1", 8, 20),
)
DEXES = (
    Dex("", "", "", USDC, PERPS),
    Dex("xyz", "XYZ", "0x88806a71d74ad0a510b350545c9ae490912f0888", USDC, BUILDER_PERPS),
)
PAIRS = (
    _pair(0, PURR, USDC, "0.14821", "0.00001", 8, 2_000),
    _pair(107, HYPE, USDC, "35.131", "0.001", 12, 300),
    _pair(142, UBTC, USDC, "84150", "1", 8, 300),
)


class Universe:
    """All listings, by coin and by asset id."""

    def __init__(self, dexes: tuple[Dex, ...] = DEXES, pairs: tuple[Listing, ...] = PAIRS) -> None:
        self.dexes = {dex.name: dex for dex in dexes}
        self.pairs = pairs
        self.tokens = {token.name: token for token in TOKENS}
        self.listings = (*(perp for dex in dexes for perp in dex.perps), *pairs)
        self.by_coin = {listing.coin: listing for listing in self.listings}
        self.by_asset = {listing.asset: listing for listing in self.listings}

    def spot_meta(self) -> dict[str, Any]:
        return {
            "universe": [pair.document() for pair in self.pairs],
            "tokens": [token.document() for token in self.tokens.values()],
        }
