"""I25: secrets never leave."""

from __future__ import annotations

from rig.canary import forms
from rig.invariant import Invariant


class Secrets(Invariant):
    """Judged after the end: planted keys in everything that came out, through every failure of the run."""

    id = "I25"
    title = "Secrets never leave."
    bound = "0 occurrences in any encoding"

    def after_close(self) -> None:
        canaries = self.world.exchange.canaries
        self.exercised = sum(len(forms(secret)) for secret in canaries) if self.world.haystack.parts else 0
        for leak in self.world.haystack.leaks(canaries):
            self.fail(leak)
