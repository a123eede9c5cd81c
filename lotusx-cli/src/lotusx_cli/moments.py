"""Points in time as people write them."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

_AGO = re.compile(r"(\d+)([smhdw])")
_UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


if TYPE_CHECKING:
    _Type = click.ParamType[int]
else:
    _Type = click.ParamType  # subscripted from click 8.5 on only


class Moment(_Type):
    """``2026-01-31``, ``2026-01-31T12:00``, with or without a zone (UTC), or ``7d``: so long ago. Nanoseconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return nanoseconds since the epoch."""
        if isinstance(value, int):
            return value
        text = str(value)
        ago = _AGO.fullmatch(text)
        if ago is not None:
            return (int(time.time()) - int(ago[1]) * _UNIT_S[ago[2]]) * 1_000_000_000
        try:
            if text.isdigit() and len(text) > 8:  # 1710100500000, milliseconds, would be midnight of 1710-10-05
                raise ValueError
            at = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is not a time; write 2026-01-31, 2026-01-31T12:00+01:00, or 7d for a week ago")
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        return int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1_000


MOMENT = Moment()
