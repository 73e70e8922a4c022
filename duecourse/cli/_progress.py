"""Live progress: of a run, by the notices of its procedure; of files, by their lines."""

import json
import os
import signal
import stat
import threading
import time
from typing import Any, BinaryIO, Self

from psycopg.errors import Diagnostic
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

from duecourse import output
from duecourse.database import Connection


class _Display:
    """A bar in a terminal, lines when piped; both on standard error."""

    def __init__(self, *columns: ProgressColumn) -> None:
        self._console = output.console(stderr=True)
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            *columns,
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._bar.stop()


class Progress(_Display):
    """A bar a tenant, or a line a batch; before the first, the key that nobody has typed."""

    def __init__(
        self, connection: Connection, title: str, run_key: str | None = None, *, every: bool = False
    ) -> None:
        super().__init__(
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}, {task.fields[rows]:,} rows{task.fields[rate]}"),
        )
        self._connection = connection
        self._title = title
        self._run_key = run_key
        self._every = every
        self._began = time.monotonic()
        self._tasks: dict[str, Any] = {}
        #: By tenant: what is done, of how much, rows, and those of them from before this call.
        self._counts: dict[str, tuple[int, int, int, int]] = {}

    def __enter__(self) -> Self:
        self._connection.add_notice_handler(self._notice)
        self._whole = self._bar.add_task("planning …", total=None, unit="", rows=0, rate="")
        return super().__enter__()

    def __exit__(self, *raised: object) -> None:
        super().__exit__(*raised)
        self._connection.remove_notice_handler(self._notice)

    def _notice(self, notice: Diagnostic) -> None:
        try:
            self._show(notice)
        except KeyboardInterrupt:
            # Out of a callback of the driver it would be lost: it comes again once that is over.
            again = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
            again.daemon = True
            again.start()

    def _show(self, notice: Diagnostic) -> None:
        try:
            news = json.loads(notice.message_detail or "")
            unit, rows = news["unit"], news["rows_total"]
            done, total = news[f"{unit}_done"], news[f"{unit}_total"]
        except (ValueError, TypeError, KeyError):
            self._console.print(notice.message_primary, markup=False)
            return
        if self._run_key is not None:
            self._console.print(f"{self._title}: run key {self._run_key}", markup=False)
            self._run_key = None
        if self._bar.disable:
            self._console.print(
                f"{self._title} {news['tenant']}: batch {news['batch']}, "
                f"{done:,} of {total:,} {unit}, {rows:,} rows",
                markup=False,
            )
            return
        tenant = news["tenant"]
        if tenant not in self._tasks:
            title = f"{self._title} {tenant[:8]}…"
            self._tasks[tenant] = self._bar.add_task(title, rows=0, unit=unit, rate="")
        before = self._counts.get(tenant, (0, 0, 0, rows - news["rows"]))[-1]
        self._counts[tenant] = done, total, rows, before
        shown = {"unit": unit, "rate": self._rate()}
        visible = not self._every or done < total
        self._bar.update(
            self._tasks[tenant], completed=done, total=total, rows=rows, visible=visible, **shown
        )
        sums = [sum(values) for values in zip(*self._counts.values(), strict=True)]
        title = f"all {len(self._counts):,} tenants so far"
        self._bar.update(
            self._whole, description=title, completed=sums[0], rows=sums[2], visible=self._every,
            **shown,
        )  # fmt: skip

    def _rate(self) -> str:
        """Return how many rows a second this call has written."""
        rows = sum(rows - before for _, _, rows, before in self._counts.values())
        return f", {rows / max(time.monotonic() - self._began, 0.001):,.0f} a second"


class LineProgress(_Display):
    """A bar over a file that is read line by line, or a line a thousand."""

    _SPOKEN = 1_000

    def __init__(self, title: str, file: BinaryIO) -> None:
        super().__init__(TextColumn("{task.fields[lines]:,}"))
        status = os.fstat(file.fileno())
        size = status.st_size if stat.S_ISREG(status.st_mode) else None
        self._title = title
        self._lines = 0
        self._task = self._bar.add_task(title, total=size, lines=0)

    def advance(self, size: int) -> None:
        """Count a line of so many bytes."""
        self._lines += 1
        self._bar.update(self._task, advance=size, lines=self._lines)
        if self._bar.disable and self._lines % self._SPOKEN == 0:
            self.tell(f"{self._title}: {self._lines:,}")

    def tell(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(output.visible(text), markup=False)


class RowProgress(_Display):
    """A bar a file that is written row by row; when piped, a line a file."""

    _SHOWN = 1_000

    def __init__(self) -> None:
        super().__init__(TextColumn("{task.completed:,}"))
        self._tasks: dict[str, Any] = {}

    def show(self, file: str, rows: int, about: int | None) -> None:
        """Tell how many rows a file has, of about how many; None: of as many, it is whole."""
        if file not in self._tasks:
            self._tasks[file] = self._bar.add_task(file, total=about or None)
        if about is None or rows % self._SHOWN == 0:
            total = max(rows, about or 0)
            self._bar.update(self._tasks[file], completed=rows, total=total or None)
        if about is None and self._bar.disable:
            self._console.print(f"{file}: {rows:,}", markup=False)
