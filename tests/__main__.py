"""Every check and every test: ``python -m tests``; what follows goes to pytest.

The benchmarks go first and alone, because their ratios want the machine and its disk.
The tests keep their servers in memory where there is room; it takes two thirds of the time. What
they start finds its modules and templates compiled, in a folder that is gone afterwards where the
environment says that Python leaves none.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ROOM = 1 << 30  # bytes, thrice of what was seen


def _in_memory() -> dict[str, str]:
    """Return the setting by which temporary folders are made in memory; none without room."""
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK | os.X_OK):
        return {}
    return {"TMPDIR": str(_MEMORY)} if shutil.disk_usage(_MEMORY).free >= _ROOM else {}


#: More than cores: a worker waits for clocks, locks and starts a quarter of its time.
_WORKERS = str(-(-len(os.sched_getaffinity(0)) * 3 // 2))
_PARALLEL = ("--numprocesses", _WORKERS, "--dist", "worksteal")

_STEPS: tuple[tuple[Mapping[str, str], str, *tuple[str, ...]], ...] = (
    ({}, "ruff", "check", "--quiet"),
    ({}, "ruff", "format", "--check", "--quiet"),
    ({}, "mypy", "--no-error-summary"),
    ({}, "pytest", "--quiet", "tests/bench"),
    (_in_memory(), "pytest", "--quiet", *_PARALLEL, "--ignore", "tests/bench"),
)


def main() -> int:
    """Run the steps one after the other; give the status of the first that fails."""
    for settings, name, *arguments in _STEPS:
        more = sys.argv[1:] if name == "pytest" else []
        print(f"== {name} {' '.join([*arguments, *more])}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", name, *arguments, *more],
            check=False,
            env={**os.environ, **settings},
        )
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
