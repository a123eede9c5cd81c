"""Every field of every document left out, renamed or of another type: an error, or nothing that was not said.

Documents are those of the simulated exchanges, and those of the corpus (``$LOTUSX_CORPUS``), which real exchanges sent.
"""

from __future__ import annotations

import pytest
from fuzzing.harvest import harvest
from fuzzing.judging import suspects
from fuzzing.recorded import CORPUS, shelf
from rig.lab import EXCHANGES

exchanges = pytest.mark.parametrize("exchange", EXCHANGES)
recorded = pytest.mark.skipif(not (CORPUS / "INDEX.md").exists(), reason=f"no corpus at {CORPUS} ($LOTUSX_CORPUS)")
KINDS = 15
"""Least kinds of replies and messages of each exchange that the corpus has."""


@pytest.mark.slow
@exchanges
def test_a_field_that_is_wrong_is_an_error_or_changes_nothing(exchange: str) -> None:
    found = [line for target in harvest(exchange) for line in suspects(target)]
    assert found == []


@recorded
@exchanges
def test_a_wrong_field_of_each_kind_of_recorded_document_is_an_error_or_changes_nothing(exchange: str) -> None:
    targets = shelf(exchange).first_of_kind
    assert len(targets) >= KINDS
    found = [line for target in targets for line in suspects(target)]
    assert found == []


@pytest.mark.slow
@recorded
@exchanges
def test_a_wrong_field_of_any_recorded_document_is_an_error_or_changes_nothing(
    exchange: str, capsys: pytest.CaptureFixture[str]
) -> None:
    documents = shelf(exchange)
    found = [line for target in documents.targets for line in suspects(target)]
    with capsys.disabled():
        print(f"\ncorpus {exchange}: {documents.read} read, {len(documents.targets)} shapes, {documents.unread} unread")
    assert found == []
