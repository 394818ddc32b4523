"""Memory that was freed is kept for the next lap."""

import subprocess
import sys

_PROGRAM = """
import resource, sys
from racing_coach_server.memory import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()

def lap():
    # What a lap takes and gives back, payload, columns and blocks, each of it written to.
    pieces = [bytearray(b"x") * size for size in (800_000, 1_300_000, 1_300_000, 1_000_000)]
    pieces.reverse()

for _ in range(3):
    lap()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    lap()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""


def faults(mode: str) -> float:
    """Pages that a process has to ask the system for anew, with every lap."""
    run = subprocess.run([sys.executable, "-c", _PROGRAM, mode], capture_output=True, text=True, check=True)
    return float(run.stdout)


def test_a_lap_finds_the_memory_of_the_one_before() -> None:
    """Without it, every page of a lap is asked for again."""
    assert faults("kept") < 50 < faults("given back")
