"""Files of settings as systemd reads them (`EnvironmentFile=`), so that a command reads what a service is given."""

from enum import Enum, auto
from typing import Final

_ESCAPED_IN_DOUBLE_QUOTES: Final = frozenset('"\\`$')


class _In(Enum):
    LINE = auto()
    COMMENT = auto()
    NAME = auto()
    BEFORE_VALUE = auto()
    VALUE = auto()
    SINGLE = auto()
    DOUBLE = auto()


def parse_env_file(text: str) -> dict[str, str]:
    r"""The variables of a file.

    Nothing is put in place of `$`, and `#` begins a comment at the beginning of a line only: passwords need no quotes.

    >>> parse_env_file('A=two words # kept\nB="x \\"y\\""\nC=\'$HOME\'\n# D=1\n ; E=1\n')
    {'A': 'two words # kept', 'B': 'x "y"', 'C': '$HOME'}

    Source: parse_env_file_internal() of systemd's src/basic/env-file.c, v257.
    """
    reader = _Reader()
    for one in text.replace("\r\n", "\n") + "\n":
        reader.take(one)
    return reader.found


class _Reader:
    """Takes a file sign by sign."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._in = _In.LINE
        self._escaped = False
        self._name = ""
        self._value = ""
        self._kept = 0  # of the value, though it be blank: it was in quotes

    def take(self, one: str) -> None:
        if self._escaped:
            self._escaped = False
            self._take_escaped(one)
        elif one == "\\" and self._in not in {_In.LINE, _In.NAME, _In.SINGLE, _In.COMMENT}:
            self._in = _In.VALUE if self._in is _In.BEFORE_VALUE else self._in
            self._escaped = True
        elif one == "\n" and self._in not in {_In.SINGLE, _In.DOUBLE}:
            self._end_line()
        elif self._in is _In.LINE:
            self._begin_line(one)
        elif self._in is _In.NAME:
            self._take_name(one)
        elif self._in in {_In.SINGLE, _In.DOUBLE}:
            self._take_quoted(one)
        elif self._in is not _In.COMMENT:
            self._take_value(one)

    def _take_escaped(self, one: str) -> None:
        if one == "\n":
            return
        if self._in is _In.DOUBLE and one not in _ESCAPED_IN_DOUBLE_QUOTES:
            self._value += "\\"
        self._value += one
        self._kept = len(self._value)

    def _begin_line(self, one: str) -> None:
        if one in "#;":
            self._in = _In.COMMENT
        elif not one.isspace():
            self._in, self._name, self._value, self._kept = _In.NAME, one, "", 0

    def _take_name(self, one: str) -> None:
        if one == "=":
            self._in = _In.BEFORE_VALUE
        else:
            self._name += one

    def _take_value(self, one: str) -> None:
        if self._in is _In.BEFORE_VALUE and one in "'\"":
            self._in = _In.SINGLE if one == "'" else _In.DOUBLE
        elif self._in is _In.VALUE or not one.isspace():
            self._in = _In.VALUE
            self._value += one

    def _take_quoted(self, one: str) -> None:
        if one == ("'" if self._in is _In.SINGLE else '"'):
            self._in, self._kept = _In.BEFORE_VALUE, len(self._value)
        else:
            self._value += one

    def _end_line(self) -> None:
        if self._in in {_In.BEFORE_VALUE, _In.VALUE}:
            kept, rest = self._value[: self._kept], self._value[self._kept :]
            self.found[self._name.strip()] = kept + rest.rstrip()
        self._in = _In.LINE
