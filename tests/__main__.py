"""Every check and every test: ``python -m tests``; what follows goes to pytest.

The benchmarks go first and alone, because their ratios want the machine for themselves.
"""

import subprocess
import sys

_STEPS = (
    ("ruff", "check", "--quiet"),
    ("ruff", "format", "--check", "--quiet"),
    ("mypy", "--no-error-summary"),
    ("pytest", "--quiet", "tests/bench"),
    ("pytest", "--quiet", "--numprocesses", "auto", "--ignore", "tests/bench"),
)


def main() -> int:
    """Run the steps one after the other; give the status of the first that fails."""
    for name, *arguments in _STEPS:
        more = sys.argv[1:] if name == "pytest" else []
        print(f"== {name} {' '.join([*arguments, *more])}", flush=True)
        done = subprocess.run([sys.executable, "-m", name, *arguments, *more], check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
