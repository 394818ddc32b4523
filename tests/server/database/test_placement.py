"""Where tables lie once a database is distributed: every one has its place, and Citus can keep what they promise."""

import pytest
from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Integer, MetaData, Table, UniqueConstraint

from racing_coach_server.database.distribute import Step, steps
from racing_coach_server.database.exceptions import CannotDistributeError
from racing_coach_server.database.placement import ON_EVERY_NODE, Place, distributed_by, place_of
from racing_coach_server.tables import metadata

EVERYWHERE = Place(None)
TABLES = metadata.sorted_tables
DISTRIBUTED = [table for table in TABLES if place_of(table).column is not None]


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_every_table_has_its_place(table: Table) -> None:
    """Also that of a new feature: `info` says where its rows lie."""
    column = place_of(table).column
    assert column is None or column in table.columns


def test_a_table_without_a_place_is_named() -> None:
    """Who forgets it is told what to write."""
    table = Table("notes", MetaData(), Column("id", Integer))
    with pytest.raises(LookupError, match=r"'notes' has no place: give it info=ON_EVERY_NODE"):
        place_of(table)


def test_frames_are_what_is_distributed() -> None:
    """All else that grows is small beside them, and is joined and asked for in every way there is."""
    assert {table.name: place_of(table).column for table in DISTRIBUTED} == {
        "frame_blocks": "lap_id",
        "lock_slots": "slot",
    }


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_a_table_refers_to_what_every_node_has(table: Table) -> None:
    """Citus checks a foreign key where the row lies."""
    for key in (each for each in table.constraints if isinstance(each, ForeignKeyConstraint)):
        assert place_of(key.referred_table) == EVERYWHERE, key.name


@pytest.mark.parametrize("table", DISTRIBUTED, ids=str)
def test_what_is_unique_is_so_on_one_node(table: Table) -> None:
    """A unique key of a distributed table contains the column by which it is distributed."""
    column = place_of(table).column
    keys = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    uniques = [[c.name for c in each.columns] for each in keys]
    uniques += [[c.name for c in index.columns] for index in table.indexes if index.unique]
    uniques += [[c.name for c in table.primary_key.columns]] if table.primary_key.columns else []
    assert all(column in names for names in uniques)


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_what_is_numbered_has_room_for_the_numbers_of_every_node(table: Table) -> None:
    """Each node numbers from its own range, which begins beyond 32 bits."""
    for column in table.columns:
        if column.identity is not None:
            assert isinstance(column.type, BigInteger), column


def test_what_is_on_every_node_comes_first() -> None:
    """The steps, with what Citus is told; the migrations' own table is among them."""
    tables = MetaData()
    Table("frames", tables, Column("lap", Integer), info=distributed_by("lap"))
    Table("laps", tables, Column("id", Integer), info=ON_EVERY_NODE)

    assert [step.statement for step in steps(tables, {})] == [
        "select create_reference_table('alembic_version')",
        "select create_reference_table('laps')",
        "select create_distributed_table('frames', 'lap')",
    ]


def test_what_is_placed_is_left_alone() -> None:
    """Only what is missing is done."""
    placed = {table.name: place_of(table) for table in TABLES} | {"alembic_version": EVERYWHERE}
    assert steps(metadata, placed) == []
    del placed["coaching"]
    assert steps(metadata, placed) == [Step("coaching", EVERYWHERE)]


def test_a_table_that_lies_elsewhere_is_in_the_way() -> None:
    """By another column, or on every node: it is said which, and nothing is done."""
    with pytest.raises(CannotDistributeError, match=r"the table frame_blocks lies by first_frame.*Moving"):
        steps(metadata, {"frame_blocks": Place("first_frame")})
