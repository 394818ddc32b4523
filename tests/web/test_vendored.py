"""What is not ours among the assets is what it says it is."""

import hashlib
import tomllib
from importlib.resources import files

VENDOR = files("racing_coach_server.web").joinpath("assets", "vendor")


def test_vendored_files_are_those_that_are_listed() -> None:
    """Every file has its hash, version and licence in VENDORED.toml, and none is there that is not listed."""
    packages = tomllib.loads(VENDOR.joinpath("VENDORED.toml").read_text(encoding="utf-8"))["package"]
    listed: dict[str, str] = {}
    for package in packages:
        listed |= package["files"]
        assert package["integrity"].startswith("sha512-")
        assert "MIT" in VENDOR.joinpath(package["licence_file"]).read_text(encoding="utf-8").upper()
        assert f"v{package['version']}" in "".join(
            VENDOR.joinpath(name).read_text(encoding="utf-8")[:200] for name in package["files"] if name.endswith(".js")
        )
    there = {
        f"{folder.name}/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest()
        for folder in VENDOR.iterdir()
        if folder.is_dir()
        for file in folder.iterdir()
    }
    assert there == listed
