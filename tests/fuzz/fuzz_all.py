"""Fuzzes every target for a while, guided by coverage.

    python -m tests.fuzz.fuzz_all --seconds 60

What brings a target down is printed, and kept in build/fuzz: mend it, then move the file to the target's seeds.
The corpus there grows from run to run.
"""

import argparse
import subprocess
import sys
from pathlib import Path

BUILD = Path("build/fuzz")
_MEMORY_MB = 2_048
_ONE_INPUT_S = 20


def main() -> int:
    """Run each target in a process of its own, since one that crashes takes its process with it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=60, help="for all targets together")
    arguments.add_argument(
        "--seed", type=int, default=0, help="the same inputs in the same order; 0 for others each time"
    )
    arguments.add_argument("--target", help="only this one, in this process")
    options = arguments.parse_args()
    if options.target:
        return _fuzz(options.target, options.seconds, options.seed)

    from tests.fuzz.targets import TARGETS

    each = max(1, options.seconds / len(TARGETS))
    failed = [name for name in TARGETS if _in_a_process(name, each, options.seed)]
    print(f"fuzzed {', '.join(TARGETS)} for {each:.0f} s each; failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def _in_a_process(name: str, seconds: float, seed: int) -> int:
    program = [sys.executable, "-m", "tests.fuzz.fuzz_all"]
    command = [*program, "--target", name, "--seconds", f"{seconds:.0f}", "--seed", str(seed)]
    return subprocess.run(command, check=False).returncode


def _fuzz(name: str, seconds: float, seed: int) -> int:
    import atheris

    with atheris.instrument_imports(include=["racing_coach_core"]):
        from tests.fuzz.targets import TARGETS, examples

    corpus = BUILD / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, example in enumerate(examples(name)):
        (corpus / f"example-{number}").write_bytes(example)
    options = [
        f"-max_total_time={seconds:.0f}",
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
