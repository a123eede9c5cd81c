"""Whose a message is must not depend on the rest of it."""

from __future__ import annotations

import pytest

from lotusx_hyperliquid.codec import HyperliquidCodec


@pytest.mark.parametrize(
    ("message", "key"),
    [
        (b'{"channel":"trades","data":[{"coin":"BTC","side":"A","px":"839', "trades BTC"),
        (b'{"channel":"l2Book","data":{"coin":"xyz:TSLA","time":17', "l2Book xyz:TSLA"),
        (b'{"channel":"bbo","data":{"coin":"@107","ti', "bbo @107"),
        (b'{"channel":"activeSpotAssetCtx","data":{"coin":"PURR/USDC","ctx', "activeAssetCtx PURR/USDC"),
        (b'{"channel":"orderUpdates","data":[{"order":{"co', "orderUpdates"),
        (b'{"channel":"userFills","data":{"isSna', "userFills"),
        (b'{"channel":"user","data":{"fi', "userEvents"),
    ],
)
def test_a_message_that_is_cut_still_says_whose_it_is(message: bytes, key: str) -> None:
    assert HyperliquidCodec().route(message) == key


def test_what_is_remembered_of_a_message_answers_for_no_other() -> None:
    codec = HyperliquidCodec()
    said = {
        b'{"channel":"trades","data":[{"coin":"BTC","side":"A"}]}': "trades BTC",
        b'{"channel":"trades","data":[{"coin":"BTCD","side":"A"}]}': "trades BTCD",
        b'{"channel":"trades","data":[{"coin":"B","side":"A"}]}': "trades B",
        b'{"channel":"bbo","data":{"coin":"BTC","time":1}}': "bbo BTC",
        b'{"channel":"l2Book","data":{"coin":"BTC","time":1}}': "l2Book BTC",
        b'{"channel":"l2Book","data":{"coin":"BTC"}}': "l2Book BTC",
        b'{"channel":"activeAssetCtx","data":{"coin":"BTC","ctx":{}}}': "activeAssetCtx BTC",
        b'{"channel":"activeSpotAssetCtx","data":{"coin":"@1","ctx":{}}}': "activeAssetCtx @1",
    }
    for message, key in [*said.items(), *said.items()]:
        assert codec.route(message) == key
