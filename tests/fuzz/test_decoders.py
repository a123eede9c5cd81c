"""Whatever a plugin reads, it returns what is there or raises an error of its own kind; it never breaks."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from fuzzing.attempt import attempt
from fuzzing.harvest import harvest
from fuzzing.mutate import mutants
from hypothesis import given, settings, strategies as st
from rig.lab import EXCHANGES

LEAST = 25
exchanges = pytest.mark.parametrize("exchange", EXCHANGES)
SCRAPS = [
    *(b"null", b"[]", b"{}", b'""', b"0", b"1e999", b"NaN", b"-0", b"\xff\xfe", b'{"data":[null]}', b"[[]]"),
    b"[" * 200,
]


@exchanges
def test_the_harvest_reaches_what_a_user_reaches(exchange: str) -> None:
    names = {target.name for target in harvest(exchange)}
    assert len(names) >= LEAST
    for target in harvest(exchange):
        assert target.document


@exchanges
def test_no_scrap_breaks_a_decoder(exchange: str) -> None:
    for target in harvest(exchange):
        for scrap in SCRAPS:
            attempt(target, scrap)
        for cut in range(0, len(target.document), max(1, len(target.document) // 40)):
            attempt(target, target.document[:cut])


@exchanges
def test_no_field_of_another_type_breaks_a_decoder(exchange: str) -> None:
    rng = Random(exchange)
    for target in harvest(exchange):
        for _, _, document in rng.sample(found := list(mutants(target.document)), min(len(found), 60)):
            attempt(target, document)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@exchanges
@settings(max_examples=60)
@given(data=st.data())
def test_nothing_that_can_be_written_breaks_a_decoder(exchange: str, data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(harvest(exchange)))
    raw = data.draw(st.binary(max_size=200) | json_values.map(msgspec.json.encode) | st.just(target.document))
    if raw == target.document:
        at, junk = data.draw(st.integers(0, len(raw))), data.draw(st.binary(max_size=6))
        raw = raw[:at] + junk + raw[at + data.draw(st.integers(0, 6)) :]
    attempt(target, raw)
