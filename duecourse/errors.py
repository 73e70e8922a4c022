"""The one exception of the package, and how errors of the database become it."""

import re
from enum import IntEnum

import psycopg

from duecourse.commands import as_commands, as_options


class ExitStatus(IntEnum):
    """What a command tells its caller."""

    DONE = 0
    ERROR = 1
    CHANGES_PENDING = 2
    VERIFICATION_FAILED = 3
    LOCK_BUSY = 4
    PLAN_STALE = 5
    REFUSED = 6
    INTERRUPTED = 130


class DuecourseError(Exception):
    """What is wrong, what to do about it, and the exit status that tells so."""

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        sqlstate: str | None = None,
        exit_status: ExitStatus = ExitStatus.ERROR,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.sqlstate = sqlstate
        self.exit_status = exit_status

    def __str__(self) -> str:
        """Return one line: what is wrong — what to do."""
        return " ".join(" — ".join(filter(None, (self.message, self.hint))).split())


#: What the database says of arguments to whoever types SQL.
_OF_ARGUMENTS = re.compile(r"\\df\+? shows every argument|ops\.help\([^)]*\) shows[^.]*")
_APPLY = "run: duecourse apply"
_MISSING_PERMISSION = "42501"
_NO_FUNCTION = "42883"
_ARGUMENTS = re.compile(r"\([^()]*\)")
_READ_ONLY = "25006"
_AGAIN = "what is committed is kept; run the same command again"
_HINTS = {
    "3D000": "name an existing database in --dsn, DATABASE_URL or PGDATABASE",
    "3F000": f"{_APPLY}; or name the schemas of this database in duecourse.toml",
    "40001": _AGAIN,
    "40P01": _AGAIN,
    _NO_FUNCTION: _APPLY,
    "42P01": _APPLY,
    "42703": _APPLY,
    "2BP01": "drop what depends on it, then run: duecourse apply",
    "53300": "close other sessions, or wait",
    "55P03": "another session holds the lock; run again when it is done",
    "57014": _AGAIN,
    "57P01": _AGAIN,
    "57P02": _AGAIN,
    "57P03": "wait until the server has started",
}
_STATUSES = {
    "55P": ExitStatus.LOCK_BUSY,
    "DC1": ExitStatus.REFUSED,
    "DC502": ExitStatus.LOCK_BUSY,
    "DC503": ExitStatus.REFUSED,
}


def from_database_error(
    error: psycopg.Error, info: psycopg.ConnectionInfo | None = None
) -> DuecourseError:
    """Translate an error of the server or of the connection into one line that says what to do.

    ``info`` is of the connection on which it was raised, if it is known.
    """
    state = error.sqlstate
    if state is None:
        return DuecourseError(_first_sentence(str(error)), _AGAIN)
    message = ": ".join(
        [*getattr(error, "__notes__", ()), error.diag.message_primary or str(error)]
    )
    if error.diag.message_detail:
        message = f"{message} ({error.diag.message_detail})"
    if state.startswith("DC"):
        message = as_options(message)
    elif state == _NO_FUNCTION:
        message = f"{_ARGUMENTS.sub('', message)}: partly applied, or of another version"
    return DuecourseError(
        message, _hint(error, state, info), sqlstate=state, exit_status=exit_status(state)
    )


def _hint(error: psycopg.Error, state: str, info: psycopg.ConnectionInfo | None) -> str:
    """Return what to do, in the words of the command line."""
    if state == _READ_ONLY:
        return _of_read_only(info)
    if state in _HINTS:
        return _HINTS[state]
    if told := error.diag.message_hint:
        return _OF_ARGUMENTS.sub("--help shows every option", as_options(as_commands(told)))
    if state == _MISSING_PERMISSION:
        login = "ROLE" if info is None else info.user
        return f"let the owner run: duecourse grant {login} view --tenant NAME (or all)"
    return f"SQLSTATE {state}"


def _of_read_only(info: psycopg.ConnectionInfo | None) -> str:
    """Return what to do where nothing can be written: it is a standby, or a setting is on."""
    setting = (
        "default_transaction_read_only is on for the database or the role: RESET it there, or set "
        "PGOPTIONS to '-c default_transaction_read_only=off'"
    )
    if info is None:
        return f"connect to the primary; if this is it, {setting}"
    if info.parameter_status("in_hot_standby") == "on":
        return f"{info.host}:{info.port} is a standby: connect to the primary"
    return setting


def exit_status(sqlstate: str) -> ExitStatus:
    """Return what a command exits with for an SQLSTATE; for our own, as ops.error_codes() says."""
    found = (status for start, status in _STATUSES.items() if sqlstate.startswith(start))
    return next(found, ExitStatus.ERROR)


def _first_sentence(text: str) -> str:
    """Return libpq's message without the advice that it prints on indented lines of its own."""
    text = text.removeprefix("connection failed: ").removeprefix("connection is bad: ")
    lines = [line for line in text.splitlines() if line and not line[0].isspace()]
    return "; ".join(lines) or "the connection to the server was lost"
