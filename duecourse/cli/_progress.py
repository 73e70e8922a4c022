"""Live progress of a run, from the notices that its procedure raises with every batch."""

import json
from types import TracebackType
from typing import Any, Self

from psycopg.errors import Diagnostic
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from duecourse import output
from duecourse.database import Connection


class Progress:
    """A bar a tenant in a terminal, a line a batch when piped; both on standard error."""

    def __init__(self, connection: Connection, title: str) -> None:
        self._connection = connection
        self._title = title
        self._console = output.console(stderr=True)
        self._tasks: dict[str, Any] = {}
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("schedules, {task.fields[rows]:,} rows"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._connection.add_notice_handler(self._notice)
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()
        self._connection.remove_notice_handler(self._notice)

    def _notice(self, notice: Diagnostic) -> None:
        try:
            news = json.loads(notice.message_detail or "")
            done, total, rows = news["schedules_done"], news["schedules_total"], news["rows_total"]
        except (ValueError, TypeError, KeyError):
            self._console.print(notice.message_primary, markup=False)
            return
        if self._bar.disable:
            self._console.print(
                f"{self._title} {news['tenant']}: batch {news['batch']}, "
                f"{done:,} of {total:,} schedules, {rows:,} rows",
                markup=False,
            )
            return
        task = self._tasks.get(news["tenant"])
        if task is None:
            task = self._bar.add_task(f"{self._title} {news['tenant'][:8]}…", rows=0)
            self._tasks[news["tenant"]] = task
        self._bar.update(task, completed=done, total=total, rows=rows)
