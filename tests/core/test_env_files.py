"""Files of settings are read as systemd reads them."""

import shlex
import subprocess
from pathlib import Path

import pytest

from racing_coach_core.env_files import parse_env_file

GENERATOR = Path("/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator")
"""systemd's own reader of such files, which prints what it read."""

FILES = {
    "two words": "A=two words",
    "a hash is no comment behind a value": "A=pass#word # and more",
    "comments": "# B=1\n;C=1\n   # D=1\nA=1",
    "blanks": "  A =  x y \t \nB=\nC",
    "quotes": "A=\"two words\"\nB='it is'\nC=it's\nD=\"a\"'b'c",
    "escapes": 'A=a\\ b\\\\c\nB="a\\"b\\\\c\\n"\nC=\'a\\b\'\nD="  kept  "  ',
    "lines that go on": 'A=one\\\ntwo\nB="one\\\ntwo"',
    "no newline at the end": "A=1\nB=2",
    "windows": "A=1\r\nB=two words\r\n",
    "signs of a url": "A=postgresql://u:p%40ss@h:5432/d?sslmode=require&x=1",
    "an apostrophe behind": "A=x'y' z",
    "a quote and more": 'A="x" y"z"',
}


@pytest.mark.skipif(not GENERATOR.exists(), reason="needs systemd")
@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_we_read_what_systemd_reads(text: str, tmp_path: Path) -> None:
    """The same variables with the same values."""
    folder = tmp_path / "environment.d"
    folder.mkdir()
    (folder / "1.conf").write_text(text + "\n")

    done = subprocess.run(
        [GENERATOR],
        env={"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    theirs = dict(word.split("=", 1) for word in shlex.split(done.stdout))
    ours = parse_env_file(text)
    # Of the machine's own files there may be others; an empty one is not printed.
    assert {name: value for name, value in theirs.items() if name in "ABCD"} == {n: v for n, v in ours.items() if v}


def test_a_dollar_is_a_dollar() -> None:
    """Nothing is put in the place of variables, in no kind of quotes."""
    assert parse_env_file("A=$HOME ${HOME}\nB=\"$HOME\"\nC='$HOME'\n") == {
        "A": "$HOME ${HOME}",
        "B": "$HOME",
        "C": "$HOME",
    }
