"""``python -m duecourse`` is the ``duecourse`` command."""

from duecourse.cli import start

if __name__ == "__main__":
    start()
