"""Fuzzes every target for a while, guided by coverage.

    python -m tests.fuzz.fuzz_all --seconds 60
    python -m tests.fuzz.fuzz_all --landing

A landing tries the same inputs each time, on a machine of any speed, so that none fails by chance.

What brings a target down is printed, and kept in build/fuzz: mend it, then move the file to the target's seeds.
The corpus there grows from run to run.
"""

import argparse
import os
import subprocess
import sys
import warnings
from pathlib import Path

BUILD = Path("build/fuzz")
_MEMORY_MB = 2_048
_ONE_INPUT_S = 20
_LANDING_SEED = 1
_LANDING_RUNS = {
    "json": 6_000,
    "arrow": 20_000,
    "compression": 200_000,
    "publish_packet": 200_000,
    "topics": 200_000,
    "recording": 2_500,
    "export": 25_000,
    "lap_file": 12_000,
    "web_request": 50_000,
}
"""Some seven seconds each."""
_OF_THE_SERVER = ("racing_coach_server.telemetry.search.cursors", "racing_coach_server.web.security")


def main() -> int:
    """Run each target in a process of its own."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=60, help="for all targets together")
    arguments.add_argument(
        "--seed", type=int, default=0, help="the same inputs in the same order; 0 for others each time"
    )
    arguments.add_argument("--landing", action="store_true", help="a fixed number of inputs, the same each time")
    arguments.add_argument("--target", help="only this one")
    options = arguments.parse_args()

    from tests.fuzz.targets import TARGETS

    names = [options.target] if options.target else list(TARGETS)
    each = max(1, options.seconds / len(names))
    bound = {
        name: f"-runs={_LANDING_RUNS[name]}" if options.landing else f"-max_total_time={each:.0f}" for name in names
    }
    seed = _LANDING_SEED if options.landing else options.seed
    failed = [name for name in names if _in_a_process(name, bound[name], seed)]
    how = "the inputs of a landing" if options.landing else f"{each:.0f} s each"
    print(f"fuzzed {', '.join(names)} with {how}; failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def _in_a_process(name: str, bound: str, seed: int) -> int:
    """One that crashes takes its process with it."""
    command = [sys.executable, "-c", f"from tests.fuzz.fuzz_all import fuzz; fuzz({name!r}, {bound!r}, {seed})"]
    return subprocess.run(command, check=False, env={**os.environ, "PYTHONHASHSEED": "0"}).returncode


def fuzz(name: str, bound: str, seed: int) -> None:
    """Fuzz one target in this process, which ends with it.

    Args:
        name: the target.
        bound: when to stop, as an option of libFuzzer.
        seed: of its choices; 0 for others each time.
    """
    import atheris

    with atheris.instrument_imports(include=["racing_coach_core", "racing_coach_rig", *_OF_THE_SERVER]):
        from tests.fuzz.targets import TARGETS, examples

    # numpy only warns of what it cannot compute, on the terminal of whoever reads a broken file.
    warnings.simplefilter("error", RuntimeWarning)
    corpus = BUILD / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, example in enumerate(examples(name)):
        (corpus / f"example-{number}").write_bytes(example)
    options = [
        bound,
        f"-artifact_prefix={BUILD}/{name}-",
        f"-rss_limit_mb={_MEMORY_MB}",
        f"-timeout={_ONE_INPUT_S}",
        f"-seed={seed}",
        "-max_len=65536",
        "-print_final_stats=0",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
