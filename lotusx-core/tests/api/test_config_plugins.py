"""Which document may say what about the plugins that guard orders."""

from __future__ import annotations

from typing import Any

import pytest

from lotusx.config import Document, Sources
from lotusx.config_plugins import options_of
from lotusx.errors import ConfigurationError


@pytest.mark.parametrize("table", [{"enabled": False}, {"max_notional": "1000000"}, {"unpriced": "allow"}])
def test_a_found_document_cannot_loosen_the_users_limits(table: dict[str, Any]) -> None:
    own = Document({"risk": {"max_notional": "100"}}, "user")
    found = Sources({}, {}, {"risk": table}, user=own, trusted=False)
    with pytest.raises(ConfigurationError, match="may not change what your own"):
        options_of(found)
    named = Sources({}, {}, {"risk": table}, user=own, trusted=True)
    assert options_of(named) == ({} if "enabled" in table else {"risk": {"max_notional": "100", **table}})


def test_a_found_document_may_have_limits_where_the_user_has_none() -> None:
    table = {"max_notional": "100"}
    assert options_of(Sources({}, {}, {"risk": table}, trusted=False)) == {"risk": table}
    same = Sources({}, {}, {"risk": table}, user=Document({"risk": table}, "user"), trusted=False)
    assert options_of(same) == {"risk": table}
