"""The kit as a plugin uses it: derive a class from `Conformance` and state what the exchange documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import pytest

from lotusx.kernel.facts import Capability, ExchangeFacts
from lotusx.model import Instrument
from lotusx_testing.arena import Dialect, Simulated
from lotusx_testing.cases import Case, cases_for, without_case
from lotusx_testing.conversations import Conversation
from lotusx_testing.fakes import FakeInstruments
from lotusx_testing.payloads import NewValue, Payload
from lotusx_testing.requests import MessageVector, RequestExample, SigningVector
from lotusx_testing.round_trips import RoundTrip
from lotusx_testing.tables import ErrorTable, Refusal, check_doubt

CASE_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Subject:
    """A connector under test, and the evidence to test it with.

    Attributes:
        symbol: Something liquid that the simulation lists.
        symbols: Capability → the symbols it is proven with, where that is not `symbol` alone: a plugin that serves spot
            and perpetuals proves orders with one of each, and a quantity in quote where there is such a thing.
        credentials: Of the signing vectors and request examples.
        instruments: What the request examples speak of.
        dialect: The venue's simulation, where this kit does not have it.
        cases: Cases of the plugin's own, for capabilities that the kit has none for.
        error_tables, refusals, round_trips, conversations: More evidence, checked where it is stated.
    """

    facts: ExchangeFacts
    symbol: str = "BTC/USDT"
    credentials: Mapping[str, Any] = field(default_factory=dict)
    payloads: Sequence[Payload] = ()
    new_values: Sequence[NewValue] = ()
    requests: Sequence[RequestExample] = ()
    vectors: Sequence[SigningVector | MessageVector] = ()
    instruments: Sequence[Instrument] = ()
    dialect: Dialect | None = None
    cases: Sequence[Case] = ()
    error_tables: Sequence[ErrorTable] = ()
    refusals: Sequence[Refusal] = ()
    round_trips: Sequence[RoundTrip[Any, Any]] = ()
    conversations: Sequence[Conversation] = ()
    symbols: Mapping[Capability, Sequence[str]] = field(default_factory=dict)

    def chosen_cases(self) -> list[Case]:
        """Return the cases to pass, each with the symbol it runs with where that is not `symbol`.

        Raises:
            ValueError: `symbols` names none for a capability.
        """
        chosen = []
        for item in cases_for(self.facts, self.cases):
            symbols = self.symbols.get(item.capability, (self.symbol,))
            if not symbols:
                raise ValueError(f"with which symbol is {item.capability.value} proven? symbols names none")
            chosen += [item if symbol == self.symbol else replace(item, symbol=symbol) for symbol in symbols]
        return chosen


class Conformance:
    """Tests of one plugin. Derive ``class TestMine(Conformance)`` and set ``subject``."""

    subject: Subject

    def test_declared_capability_has_a_case(self) -> None:
        """What is declared is proven, or it is not declared."""
        missing = without_case(self.subject.facts, self.subject.cases)
        assert not missing, f"declared, but no conformance case proves it: {', '.join(missing)}"

    def test_evidence_is_given(self) -> None:
        """No kind of evidence may be left out, or its tests would pass by not being there."""
        kinds = ("payloads", "new_values", "requests", "vectors")
        missing = [kind for kind in kinds if not getattr(self.subject, kind)]
        assert not missing, f"the subject states no {', no '.join(missing)}"

    def test_payload_is_read(self, conformance_payload: Payload) -> None:
        """Each wire field is read or listed as ignored."""
        conformance_payload.check()

    def test_new_value_stays_visible(self, conformance_new_value: NewValue) -> None:
        """A value the exchange adds tomorrow does not raise."""
        conformance_new_value.check()

    def test_signature_is_the_published_one(self, conformance_vector: SigningVector | MessageVector) -> None:
        """Through the plugin's own hook."""
        from lotusx.plugin.manager import PluginManager

        facts = self.subject.facts
        environment = facts.environments[conformance_vector.environment]
        signer = PluginManager(facts.name).signer(environment, self.subject.credentials)
        assert signer is not None, "the subject's credentials only suffice to read"
        conformance_vector.check(signer)

    def test_broken_server_leaves_a_command_in_doubt(self) -> None:
        """A 5xx proves nothing, whatever its body."""
        from lotusx.plugin.manager import PluginManager

        check_doubt(PluginManager(self.subject.facts.name).rest_dialect())

    def test_codes_mean_what_is_documented(self, conformance_error_table: ErrorTable) -> None:
        """None is missing, none is invented."""
        conformance_error_table.check()

    def test_refusal_is_read_as_documented(self, conformance_refusal: Refusal) -> None:
        """Kind, code, and whether there is doubt."""
        from lotusx.plugin.manager import PluginManager

        conformance_refusal.check(PluginManager(self.subject.facts.name).rest_dialect())

    def test_what_is_written_is_read_back(self, conformance_round_trip: RoundTrip[Any, Any]) -> None:
        """Exactly, and no two values alike."""
        conformance_round_trip.check()

    def test_conversation_is_the_documented_one(self, conformance_conversation: Conversation) -> None:
        """What is said, whose the messages are, and what becomes of one that is cut off."""
        instruments = FakeInstruments(self.subject.instruments)
        conformance_conversation.check(
            self.subject.facts, credentials=self.subject.credentials or None, instruments=instruments
        )

    @pytest.mark.anyio
    async def test_request_is_the_documented_one(self, conformance_request: RequestExample) -> None:
        """Method, path, query, body."""
        subject = self.subject
        instruments = FakeInstruments(subject.instruments)
        await conformance_request.check(subject.facts, credentials=subject.credentials, instruments=instruments)

    @pytest.mark.anyio
    async def test_case(self, conformance_case: Case, simulated: Simulated) -> None:
        """On the simulated exchange, over real sockets."""
        quiet = {"actions_per_s": 0} if conformance_case.quiet else {}
        opened = simulated(
            self.subject.facts.name,
            symbol=conformance_case.symbol or self.subject.symbol,
            dialect=self.subject.dialect,
            connect=conformance_case.connect,
            **quiet,
        )
        with anyio.fail_after(CASE_TIMEOUT_S):
            async with opened as arena:
                await conformance_case.run(arena)
