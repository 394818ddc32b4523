"""docs/analysis.md is a session that runs."""

import doctest
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_session_in_the_documentation_runs():
    found = doctest.testfile(
        str(DOCS / "analysis.md"), module_relative=False, optionflags=doctest.IGNORE_EXCEPTION_DETAIL
    )
    assert found.attempted > 15
    assert found.failed == 0
