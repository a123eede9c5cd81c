"""What ``[telemetry.prometheus]`` may say."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from lotusx.errors import ConfigurationError

_WHERE = "telemetry.prometheus"


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the plugin.

    Attributes:
        port: Where ``/metrics`` is served; 0: a free port; ``None``: not at all.
        host: The address it listens on.
        push: Address of a push gateway; ``None``: nothing is pushed.
        push_s: Seconds between two pushes.
        job: Name under which is pushed.
        interval_s: Seconds between two measurements of streams, books, limits and the clock.
        most_values: How many values a label may take; those that come later are counted as ``other``.
    """

    port: int | None = None
    host: str = "127.0.0.1"
    push: str | None = None
    push_s: float = 15.0
    job: str = "lotusx"
    interval_s: float = 1.0
    most_values: int = 200


def read(given: Mapping[str, Any]) -> Options:
    """Check *given*.

    Raises:
        ConfigurationError: A key nobody knows, or a value of the wrong kind.
    """
    known = [field.name for field in fields(Options)]
    for key, value in given.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(f"{_WHERE} has an unknown key {key!r}{hint} (known: {', '.join(known)})")
        if key in ("host", "push", "job"):
            if not isinstance(value, str) or not value.strip():
                raise ConfigurationError(f"{_WHERE}.{key} must be text, not {value!r}")
        elif key in ("port", "most_values"):
            if isinstance(value, bool) or not isinstance(value, int):
                raise ConfigurationError(f"{_WHERE}.{key} must be a whole number, not {value!r}")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigurationError(f"{_WHERE}.{key} must be a number, not {value!r}")
    found = Options(**given)
    if found.port is not None and not 0 <= found.port <= 65_535:
        raise ConfigurationError(f"{_WHERE}.port must be from 0 to 65535, not {found.port!r}")
    if found.push_s < 1 or found.interval_s < 0.1:
        raise ConfigurationError(f"{_WHERE}: push_s must be at least 1 and interval_s at least 0.1")
    if found.most_values < 1:
        raise ConfigurationError(f"{_WHERE}.most_values must be above 0, not {found.most_values!r}")
    return found
