"""The documents hold what the analysis measures, name by name."""

import dataclasses
import types
import typing
from typing import Any

import pytest

from racing_coach_analysis.braking import Braking
from racing_coach_analysis.comparison import SegmentDelta
from racing_coach_analysis.cornering import Cornering
from racing_coach_analysis.measures import CornerMeasures, LapMeasures, SectorMeasures
from racing_coach_analysis.straights import StraightMeasures
from racing_coach_analysis.track_map import Segment
from racing_coach_analysis.traction import Traction
from racing_coach_core import analysis_documents as documents

PAIRS: list[tuple[type[documents.Document], Any]] = [
    (documents.BrakingDocument, Braking),
    (documents.CorneringDocument, Cornering),
    (documents.TractionDocument, Traction),
    (documents.CornerMeasuresDocument, CornerMeasures),
    (documents.StraightMeasuresDocument, StraightMeasures),
    (documents.SectorDocument, SectorMeasures),
    (documents.LapMeasuresDocument, LapMeasures),
    (documents.SegmentDocument, Segment),
    (documents.SegmentDeltaDocument, SegmentDelta),
]


def may_be_none(hint: Any) -> bool:
    """Whether a type allows None, through aliases and annotations."""
    if isinstance(hint, typing.TypeAliasType):
        return may_be_none(hint.__value__)
    if typing.get_origin(hint) is typing.Annotated:
        return may_be_none(typing.get_args(hint)[0])
    return isinstance(hint, types.UnionType) and types.NoneType in typing.get_args(hint)


@pytest.mark.parametrize(("document", "measured"), PAIRS, ids=lambda kind: kind.__name__)
def test_a_document_has_the_fields_of_what_it_is_made_of(document: type[documents.Document], measured: Any) -> None:
    """The same names, and null where the analysis has None."""
    theirs = typing.get_type_hints(measured)
    ours = typing.get_type_hints(document, include_extras=True)

    assert set(document.model_fields) == {field.name for field in dataclasses.fields(measured)}
    assert {name for name in theirs if may_be_none(theirs[name])} == {
        name for name in document.model_fields if may_be_none(ours[name])
    }


def test_every_document_of_a_part_is_held_against_something() -> None:
    """One that is added to the module is added here, or is made by the server of more than one thing."""
    of_the_server = {"LapAnalysisDocument", "LapComparisonDocument", "ChosenReferenceDocument"}
    kinds = documents.Document.__subclasses__()  # other modules' too, where something has imported them
    all_of_them = {kind.__name__ for kind in kinds if kind.__module__ == documents.__name__}

    assert all_of_them == {document.__name__ for document, _ in PAIRS} | of_the_server
