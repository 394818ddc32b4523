"""A command of `racing-coach`, and how much memory it took: measured_command.py WORDS.

The database is the one of its environment. What it says goes to stdout and stderr as it is; the last line on stdout is
its high-water mark in bytes.
"""

import sys

from benchmarks.servers.followers_alone import peak_rss
from racing_coach_server.main import main


def measured(*words: str) -> int:
    """Run it. Returns what it exits with."""
    sys.argv = ["racing-coach", *words]
    code: object = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    print(peak_rss(), flush=True)
    return code if isinstance(code, int) else int(code is not None)


if __name__ == "__main__":
    sys.exit(measured(*sys.argv[1:]))
