"""Where the recorded data stands, and documents from it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from lotusx_hyperliquid.assets import FIRST_DEX, Catalogue, Dex, catalogue, dexes_of
from lotusx_hyperliquid.meta_types import Meta, PerpDex, SpotMeta

ROOT = Path(__file__).resolve().parents[4]
CORPUS = Path(os.environ.get("LOTUSX_CORPUS") or ROOT.parent / "shared" / "corpus")

needs_corpus = pytest.mark.skipif(not (CORPUS / "INDEX.md").exists(), reason=f"no corpus at {CORPUS} ($LOTUSX_CORPUS)")


class Recorded(msgspec.Struct):
    """A record of a ``rest/`` file."""

    response: msgspec.Raw


def replies(name: str) -> list[msgspec.Raw]:
    """Return the replies recorded in ``rest/<name>.json``."""
    file = CORPUS / "hyperliquid" / "rest" / f"{name}.json"
    return [record.response for record in msgspec.json.decode(file.read_bytes(), type=list[Recorded])]


def meta(name: str) -> Meta:
    """Return the first ``meta`` of a file, also where contexts follow it."""
    (raw, *_) = replies(name)
    if bytes(raw)[:1] == b"[":
        raw = msgspec.json.decode(raw, type=list[msgspec.Raw])[0]
    return msgspec.json.decode(raw, type=Meta)


def spot_meta(name: str = "gohl_info_spotMeta_MetaAndAssetCtxs") -> SpotMeta:
    """Return a ``spotMeta``."""
    return msgspec.json.decode(replies(name)[0], type=SpotMeta)


def perp_dexs() -> list[PerpDex | None]:
    """Return a ``perpDexs``."""
    return msgspec.json.decode(replies("gohl_info_perpDexs_PerpDexs")[0], type=list[PerpDex | None])


def recorded_catalogue() -> Catalogue:
    """Return all that the recordings list on the main network: perpetuals, one builder dex, spot."""
    metas = [meta("gohl_info_metaAndAssetCtxs_MetaAndAssetCtxs_2"), meta("gohl_info_metaAndAssetCtxs_MetaAndAssetCtxs")]
    return catalogue(spot_meta(), dexes_of(perp_dexs(), metas))


def recorded_catalogues() -> list[Catalogue]:
    """Return that one, an older one, and those of the test network."""
    spot = spot_meta()
    others = ("gohl_info_meta_Meta", "gohl_info_meta_QueryOrderByOid")
    tests = [msgspec.json.decode(raw, type=Meta) for raw in replies("hbt_meta_dex")]
    return [
        recorded_catalogue(),
        *(catalogue(spot, [Dex(FIRST_DEX, 0, meta(name))]) for name in others),
        catalogue(spot, dexes_of([None, PerpDex("test"), PerpDex("unit")], tests)),
    ]
