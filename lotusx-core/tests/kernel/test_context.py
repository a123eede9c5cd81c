from __future__ import annotations

from dataclasses import fields
from typing import Any

from lotusx.kernel.context import Kernel


def test_a_kernel_does_not_show_its_credentials() -> None:
    parts: dict[str, Any] = {each.name: None for each in fields(Kernel)}
    kernel = Kernel(**{**parts, "credentials": {"api_key": "canary"}})
    assert "canary" not in repr(kernel)
    assert kernel.credentials == {"api_key": "canary"}
