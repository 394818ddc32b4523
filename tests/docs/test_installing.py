"""The rig's program is installed as the README says, and is a rig's alone."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.docs.pages import ROOT, block


@pytest.mark.long
def test_a_rig_is_installed_as_a_tool(tmp_path: Path) -> None:
    """From a checkout, with what PyPI has; commands of other extras say what they need in one line."""
    uv = shutil.which("uv") or str(ROOT / ".uv/bin/uv")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/uv").symlink_to(uv)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("RACING_COACH_", "VIRTUAL_ENV"))},
        "UV_TOOL_DIR": str(tmp_path / "tools"),
        "UV_TOOL_BIN_DIR": str(tmp_path / "installed"),
        "PATH": f"{tmp_path}/installed:{tmp_path}/bin:{os.environ['PATH']}",
        "SHELL": "/bin/bash",
        "HOME": str(tmp_path),
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache/uv")),
        "UV_PYTHON": str(ROOT / ".venv/bin/python"),
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)

    installed = run("bash", "-euc", block("README.md: uv tool install '.[rig]'").text)
    assert installed.returncode == 0, installed.stderr

    assert run("racing-coach-rig", "status").returncode == 0
    for command, extra in ((["laps", "list"], "server"), (["demo"], "demo")):
        done = run("racing-coach", *command)
        (line,) = done.stderr.splitlines()
        assert f"needs what racing-coach[{extra}] installs" in line
