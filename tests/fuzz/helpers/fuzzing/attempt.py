"""What may come of reading a document."""

from __future__ import annotations

import msgspec

from fuzzing.harvest import Target
from lotusx.errors import LotusXError

TYPED = (LotusXError, msgspec.MsgspecError, ValueError, ArithmeticError, LookupError)
"""What the kernel turns into a typed error and a count; anything else is a mistake of the plugin."""


def attempt(target: Target, document: bytes) -> None:
    """Read *document*; whatever is not an error of its own kind comes out."""
    try:
        target.read(document)
    except TYPED:
        return
