"""Dataclasses made quickly are what dataclass makes of them."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict, astuple, dataclass, field, replace
from decimal import Decimal

import pytest

from lotusx.model import Fill, OrderState, OrderStatus, OrderType, Side, Symbol
from lotusx.model.frozen import quick


@dataclass(frozen=True, slots=True)
class Plain:
    """As dataclass makes it."""

    name: str
    number: int = 7
    unseen: str = field(default="", compare=False, repr=False)


@quick
@dataclass(frozen=True, slots=True)
class Quick:
    """As dataclass makes it."""

    name: str
    number: int = 7
    unseen: str = field(default="", compare=False, repr=False)


def order() -> OrderState:
    return OrderState(Symbol("BTC", "USDT"), "1", "a", Side.BUY, OrderType.LIMIT, OrderStatus.OPEN, None, Decimal(0))


def test_its_fields_are_what_it_was_given_and_the_defaults() -> None:
    assert astuple(Quick("a")) == astuple(Plain("a")) == ("a", 7, "")
    assert astuple(Quick("a", unseen="b", number=8)) == ("a", 8, "b")


def test_nothing_can_be_assigned_or_deleted_once_it_is_made() -> None:
    made = Quick("a")

    with pytest.raises(FrozenInstanceError):
        made.name = "b"  # type: ignore[misc] # that is the point
    with pytest.raises(FrozenInstanceError):
        del made.name
    assert made.name == "a"


def test_it_is_an_instance_of_its_class_and_of_no_other() -> None:
    assert type(Quick("a")) is Quick
    assert type(order()) is OrderState


def test_a_class_that_is_derived_makes_instances_of_its_own() -> None:
    class Slotted(Quick):
        __slots__ = ()

    class Loose(Quick):
        pass

    for kind in (Slotted, Loose):
        made = kind("a", 8)
        assert (type(made), made.name, made.number, made.unseen) == (kind, "a", 8, "")
        with pytest.raises(FrozenInstanceError):
            made.name = "b"  # type: ignore[misc] # that is the point


def test_it_compares_hashes_and_reads_as_dataclass_says() -> None:
    assert Quick("a", unseen="b") == Quick("a", unseen="c")
    assert hash(Quick("a", unseen="b")) == hash(Quick("a"))
    assert Quick("a") != Quick("b")
    assert repr(Quick("a")) == repr(Plain("a")).replace("Plain", "Quick")


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_it_survives_pickling(protocol: int) -> None:
    assert pickle.loads(pickle.dumps(Quick("a", 8), protocol)) == Quick("a", 8)
    assert pickle.loads(pickle.dumps(order(), protocol)) == order()


def test_it_can_be_copied_replaced_and_matched() -> None:
    made = Quick("a", 8)

    assert copy.copy(made) == copy.deepcopy(made) == made
    assert replace(made, number=9) == Quick("a", 9)
    assert asdict(made) == {"name": "a", "number": 8, "unseen": ""}
    match made:
        case Quick(name, number):
            assert (name, number) == ("a", 8)


@pytest.mark.parametrize("arguments", [(), ("a", 1, "b", 2)])
def test_it_refuses_the_arguments_that_dataclass_refuses(arguments: tuple[str, ...]) -> None:
    with pytest.raises(TypeError) as plain:
        Plain(*arguments)  # type: ignore[arg-type] # that is the point
    with pytest.raises(TypeError) as caught:
        Quick(*arguments)  # type: ignore[arg-type] # that is the point

    assert str(caught.value) == str(plain.value).replace("Plain", "Quick")


def test_its_signature_is_the_one_of_the_dataclass() -> None:
    assert str(inspect.signature(Quick)) == str(inspect.signature(Plain))
    assert inspect.signature(Fill).parameters["liquidity"].default is None


def test_a_class_whose_init_does_more_is_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Made:
        found: list[str] = field(default_factory=list)

    @dataclass(frozen=True)
    class Loose:
        name: str

    @dataclass(frozen=True, slots=True)
    class Checked:
        name: str

        def __post_init__(self) -> None:
            raise ValueError(self.name)

    for kind in (Made, Loose, Checked):
        with pytest.raises(TypeError, match="needs the __init__ that dataclass writes"):
            quick(kind)
