"""Broken clocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lotusx.kernel.clock import Clock
from lotusx.kernel.context import Kernel
from rig.tamper import Broken, OtherParts, Passing


class _WallSigner(Passing):
    """A signer that reads the wall clock for each call."""

    clock: Clock | None = None

    def sign_request(self, request: Any, context: Any) -> Any:
        if self.clock is not None:
            now_ms = self.clock.now_ns() // 1_000_000
            context = replace(context, now_ms=now_ms, nonce=now_ms)
        return self._inner.sign_request(request, context)


class _ByTheWall(OtherParts):
    def connector(self, kernel: Kernel) -> Any:
        self._signer.clock = kernel.clock
        return self._inner.connector(kernel)

    def other_signer(self, signer: Any, credentials: Mapping[str, Any]) -> Any:
        del credentials
        self._signer = _WallSigner(signer)
        return self._signer


BROKEN = (
    Broken(
        "stamps from the wall clock",
        "I22",
        "the time of the machine is taken for the exchange's, and for a nonce",
        ("clock steps",),
        manager=_ByTheWall,
    ),
)
