"""ES modules put into one script.

The pages' modules keep to a small part of the language: one `import { ... } from "./name.js";` or
`import "./name.js";` a statement, at the start of a line, and `export` before a function, class or constant. So each
becomes a function that is called once and returns what it exports, those that it imports before it.
"""

import re
from collections.abc import Callable
from typing import Final

_IMPORT: Final = re.compile(r'^import (?:\{(?P<names>[^}]*)\} from )?"\./(?P<module>[\w-]+)\.js";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:function|class|const) (?P<name>\w+))", re.MULTILINE)
_NOTHING: Final = "export {};\n"
_OTHER: Final = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def bundle(entry: str, read: Callable[[str], str]) -> str:
    """One script that does what a module does, with all that it imports.

    Args:
        entry: the module's file name.
        read: the text of a file name.

    Raises:
        ValueError: an import or export of another form, or modules that import one another.
    """
    done: dict[str, str] = {}
    _add(entry.removesuffix(".js"), read, done, ())
    return "".join(done.values())


def _add(module: str, read: Callable[[str], str], done: dict[str, str], above: tuple[str, ...]) -> None:
    if module in above:
        raise ValueError(f"modules import one another: {' -> '.join([*above, module])}")
    if module in done:
        return
    text = read(f"{module}.js")
    for found in _IMPORT.finditer(text):
        _add(found["module"], read, done, (*above, module))
    done[module] = _wrapped(module, text)


def _wrapped(module: str, text: str) -> str:
    names = [found["name"] for found in _EXPORT.finditer(text)]
    text = _EXPORT.sub("", _IMPORT.sub(_taken, text)).replace(_NOTHING, "")
    if other := _OTHER.search(text):
        raise ValueError(f"{module}.js: cannot put this into one script: {other[0]}")
    return f"const {_variable(module)} = (() => {{\n{text}return {{ {', '.join(names)} }};\n}})();\n"


def _taken(found: re.Match[str]) -> str:
    """What stands for an import: constants of what the module returned."""
    if found["names"] is None:
        return ""
    names = " ".join(found["names"].split()).replace(" as ", ": ")
    return f"const {{ {names} }} = {_variable(found['module'])};\n"


def _variable(module: str) -> str:
    return "$" + module.replace("-", "_")
