"""What commands print for programs: what others have written is text there, and nothing else."""

import csv
import io
import json

import pytest
from pydantic import BaseModel

from racing_coach_server.commands.output import print_csv, print_json

CONTROLS = "Ines\x1b[2J\x9b2J\u202eenI \U000e0001"
"""What clears a terminal, and turns its lines round."""


class Row(BaseModel):
    """What is printed."""

    name: str | None
    delta_s: float
    names: list[str] = []


def printed(capsys: pytest.CaptureFixture[str], *rows: Row) -> list[dict[str, str]]:
    print_csv(Row, rows)
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


@pytest.mark.parametrize(
    "name", ['=HYPERLINK("http://evil.example")', "=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1"]
)
def test_a_spreadsheet_computes_no_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A driver may call himself anything; numbers stay numbers."""
    (row,) = printed(capsys, Row(name=name, delta_s=-0.5, names=[name]))
    assert row["name"].startswith("'")
    assert row["delta_s"] == "-0.5"
    assert json.loads(row["names"]) == [name]


def test_other_names_are_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """In every script; what is not known is empty."""
    rows = printed(capsys, *(Row(name=name, delta_s=0) for name in ("Zoë O'Brien", "佐藤", None)))
    assert [row["name"] for row in rows] == ["Zoë O'Brien", "佐藤", ""]


def test_no_terminal_obeys_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    """In CSV and in JSON, which is the same JSON all the same."""
    row = Row(name=CONTROLS, delta_s=0, names=[CONTROLS])
    print_csv(Row, [row])
    as_csv = capsys.readouterr().out
    print_json([row, row])
    as_json = capsys.readouterr().out

    assert (as_csv + as_json).replace("\n", "").isprintable()
    assert [Row.model_validate(one) for one in json.loads(as_json)] == [row, row]
