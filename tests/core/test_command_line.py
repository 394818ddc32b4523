"""Commands are imported when they are called for; what is not installed is one line."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
import typer

from racing_coach_core.command_line import Command, OnDemand, commands_of_others, program
from racing_coach_rig.main import COMMANDS as OF_THE_RIG
from racing_coach_server.main import COMMANDS as OF_THE_SERVER

ALL = [*OF_THE_SERVER, *OF_THE_RIG, *commands_of_others()]
HEAVY = ("numpy", "pyarrow", "pydantic", "sqlalchemy", "asyncpg", "aiomqtt", "structlog", "matplotlib", "asyncio")
MODULES = {"pyirsdk": "irsdk", "sqlalchemy": "sqlalchemy"}
"""Modules that are named otherwise than what they come in."""

RUN = """
import json, sys
for module in json.loads(sys.argv[2]):
    sys.modules[module] = None
from {package}.main import main
sys.argv = json.loads(sys.argv[1])
try:
    main()
finally:
    print("imported:", *sorted(sys.modules), file=sys.stderr)
"""


def run(
    package: str, *words: str, without: list[str] | None = None, home: Path = Path("/nowhere")
) -> subprocess.CompletedProcess[str]:
    """A program in a new interpreter in which some modules are not installed."""
    name = {"racing_coach_server": "racing-coach", "racing_coach_rig": "racing-coach-rig"}[package]
    arguments = [json.dumps([name, *words]), json.dumps(without or [])]
    return subprocess.run(
        [sys.executable, "-c", RUN.replace("{package}", package), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "NO_COLOR": "1", "COLUMNS": "120", "HOME": str(home)},
        cwd="/",
    )


def brought_by(*extras: str) -> list[str]:
    """The modules that are there only with one of these extras."""
    named = [re.match(r"([\w-]+).*extra == ['\"](\w+)['\"]", line) for line in requires("racing-coach") or []]
    names = [found[1].lower() for found in named if found and found[2] in extras]
    return [MODULES.get(name, name.replace("-", "_")) for name in names if name != "racing-coach"]


@pytest.mark.parametrize("command", ALL, ids=lambda command: command.name)
def test_a_command_says_of_itself_what_the_list_says_of_it(command: Command) -> None:
    """The words of the list, which are there without the command, begin the command's own help."""
    itself = OnDemand(command, ()).load()

    assert (itself.short_help or itself.help).startswith(command.help.removesuffix("."))


@pytest.mark.parametrize("package", ["racing_coach_server", "racing_coach_rig"])
@pytest.mark.parametrize("words", [["--help"], ["--version"], ["rejected"]], ids=" ".join)
def test_what_needs_no_command_imports_none(package: str, words: list[str]) -> None:
    """Help, version and the list of commands import nothing that is slow."""
    done = run(package, *words)

    imported = set(done.stderr.rpartition("imported:")[2].split())
    heavy = HEAVY if words != ["rejected"] else ()
    assert not imported & set(heavy)
    assert done.stdout.strip()


@pytest.mark.parametrize(
    ("package", "words", "without", "extra"),
    [
        ("racing_coach_server", ["laps", "list"], ("server", "demo"), "server"),
        ("racing_coach_server", ["serve"], ("server", "demo"), "server"),
        ("racing_coach_server", ["demo"], ("rig", "demo"), "demo"),
        ("racing_coach_server", ["demo"], ("server", "rig", "demo"), "demo"),
        ("racing_coach_rig", ["status"], ("rig",), "rig"),
        ("racing_coach_rig", ["run"], ("rig",), "rig"),
    ],
)
def test_a_command_whose_extra_is_missing_says_which(
    package: str, words: list[str], without: tuple[str, ...], extra: str
) -> None:
    """One line that says what to install, and no traceback."""
    done = run(package, *words, without=brought_by(*without))

    line = done.stderr.partition("imported:")[0].strip()
    assert done.returncode == 1
    assert "\n" not in line
    assert f"needs what racing-coach[{extra}] installs" in line
    assert words[0] in line


def test_the_list_is_there_without_any_extra() -> None:
    """Whatever is installed, `--help` lists every command."""
    done = run("racing_coach_server", "--help", without=brought_by("server", "rig", "demo"))

    assert done.returncode == 0
    assert {command.name for command in OF_THE_SERVER if " " not in command.name} <= set(done.stdout.split())
    assert "demo" in done.stdout.split()


def test_our_own_mistake_is_not_taken_for_a_missing_extra() -> None:
    """A module of ours that is not there is a bug, and shows its traceback."""
    done = run("racing_coach_server", "laps", "list", without=["racing_coach_server.config"])

    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [("racing-coach ", {"laps", "doctor", "demo"}), ("racing-coach laps ", {"list", "show", "export"})],
)
def test_a_shell_completes_commands(words: str, expected: set[str], tmp_path: Path) -> None:
    """Bash's completion offers the commands, those of a group too."""
    done = subprocess.run(
        [Path(sys.executable).with_name("racing-coach")],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "_RACING_COACH_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split())),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert expected <= set(done.stdout.split())


@pytest.mark.parametrize("words", [["status"], ["rejected", "list"], ["config", "show"]], ids=" ".join)
def test_what_a_rig_asks_often_imports_no_arrow(words: list[str], tmp_path: Path) -> None:
    """To look at what waits, neither Arrow nor numpy nor an MQTT library is imported."""
    done = run("racing_coach_rig", *words, home=tmp_path)

    assert done.returncode == 0, done.stderr
    assert not set(done.stderr.rpartition("imported:")[2].split()) & {"numpy", "pyarrow", "aiomqtt", "watchfiles"}


@pytest.mark.parametrize("words", [["laps", "list"], ["rejected", "list"], ["config", "show"]], ids=" ".join)
def test_what_is_asked_of_a_server_often_imports_no_arrow(words: list[str]) -> None:
    """A list, which here finds no database, needs neither Arrow nor numpy nor an MQTT library."""
    done = run("racing_coach_server", *words)

    imported = set(done.stderr.rpartition("imported:")[2].split())
    assert "pydantic" in imported
    assert not imported & {"numpy", "pyarrow", "aiomqtt", "alembic"}


def test_a_group_may_hold_commands_of_several_modules(capsys: pytest.CaptureFixture[str]) -> None:
    """`laps analyze` is listed beside the commands that the group's own module has."""
    shell = program("racing-coach", "Help.", [command for command in OF_THE_SERVER if command.name.startswith("laps")])

    with pytest.raises((SystemExit, typer.Exit)):
        shell(["laps", "--help"])

    assert {"list", "analyze", "compare"} <= set(capsys.readouterr().out.split())
