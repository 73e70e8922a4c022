"""What is rendered without a profile: ``python -m tests.expected.native_renders`` writes the list.

A line a template, as ``sha256sum`` has it: of its text with the default names.
"""

from hashlib import sha256
from pathlib import Path

from duecourse.config import Config
from duecourse.migrate import migration_paths
from duecourse.objects import object_paths
from duecourse.render import render

EXPECTED = Path(__file__).parent / "native_renders"


def native_renders() -> list[str]:
    """Return the lines of the list, of this version."""
    return [
        f"{sha256(render(path, Config()).encode()).hexdigest()}  {path}"
        for path in [*migration_paths(), *object_paths()]
    ]


if __name__ == "__main__":
    EXPECTED.write_text("\n".join([*native_renders(), ""]), encoding="utf-8")
