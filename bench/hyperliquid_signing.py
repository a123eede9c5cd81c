"""CPU of one signed order action of Hyperliquid, in this process: nothing is sent.

    python -m bench.hyperliquid_signing lotusx 2000

``python -m bench`` runs it in each library's own environment. LotusX writes the whole body with the signature in it;
the official client only returns the signature. Both sign the same bytes, and the first signature is compared with the
published one of that order.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from bench.clients.meter import Meter

KEY = "0x0123456789012345678901234567890123456789012345678901234567890123"
FIRST_R = 0xD65369825A9DF5D80099E513CCE430311D7D26DDF477F5B3A33D2806B100D78E  # official test, order at nonce 0


def lotusx() -> tuple[Callable[[int], Any], Callable[[Any], str]]:
    """The kernel's call: a request in, the same with its body out."""
    import json

    from lotusx.plugin import Request, SigningContext, Verb
    from lotusx_hyperliquid.actions import LimitType, OrderItem, OrderType, PlaceOrders
    from lotusx_hyperliquid.signer import signer_from

    # An order that does not expire: the published signature is of one.
    class Place(PlaceOrders, tag="order"):
        expires = False

    signer = signer_from({"private_key": KEY}, mainnet=True)
    assert signer is not None
    order = OrderItem(1, True, "100", "100", False, OrderType(limit=LimitType("Gtc")))
    request = Request(Verb.POST, "https://x", "/exchange", content=Place([order], "na"), signed=True)
    return (
        lambda nonce: signer.sign_request(request, SigningContext(nonce, nonce)),
        lambda signed: str(json.loads(signed.body)["signature"]["r"]),
    )


def hyperliquid_python_sdk() -> tuple[Callable[[int], Any], Callable[[Any], str]]:
    """``sign_l1_action``, which every order of that client goes through."""
    wallet = import_module("eth_account").Account.from_key(KEY)
    sign = import_module("hyperliquid.utils.signing").sign_l1_action
    order = {"a": 1, "b": True, "p": "100", "s": "100", "r": False, "t": {"limit": {"tif": "Gtc"}}}
    action = {"type": "order", "orders": [order], "grouping": "na"}
    return (
        lambda nonce: sign(wallet, action, None, nonce, None, True),
        lambda signed: str(signed["r"]),
    )


LIBRARIES = {"lotusx": lotusx, "hyperliquid-python-sdk": hyperliquid_python_sdk}


def main(library: str, count: int) -> None:
    """Sign *count* times, each with a nonce of its own, after a few that do not count."""
    sign, r = LIBRARIES[library]()
    assert int(r(sign(0)), 16) == FIRST_R
    meter = Meter()
    for nonce in range(count + 20):
        if nonce == 20:
            meter.start()
        sign(1_700_000_000_000 + nonce)
        meter.seen += nonce >= 20
    meter.report()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
