"""What a type checker is told of calls on the exchange itself is what is there."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType

import pytest

import lotusx.flat
import lotusx.sync.flat
from lotusx.exchange import COMPONENTS

KINDS = {"market": "MarketData", "trading": "Trading", "account": "Account"}


@pytest.mark.parametrize("module", [lotusx.flat, lotusx.sync.flat], ids=lambda module: module.__name__)
def test_every_call_of_every_component_is_told_flat(module: ModuleType) -> None:
    told = {
        ast.unparse(node.targets[0]): ast.unparse(node.value)
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("Flat(")
    }
    assert told == {
        name: f"Flat({KINDS[component]}.{name})" for component, names in COMPONENTS.items() for name in names
    }
