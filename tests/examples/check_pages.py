"""A page a check in docs/reference/checks: what it finds, how, and an example from its proof."""

import re
import textwrap

from duecourse import proof
from duecourse.config import Config
from duecourse.database import connect
from duecourse.objects import Check, declared
from duecourse.proof import Proof
from duecourse.render import render
from tests.conftest import ROOT

FOLDER = "docs/reference/checks"
_FINDING = ("severity", "object_key", "detail", "expected", "actual", "repair_call")


def check_pages(dsn: str) -> dict[str, str]:
    """Return the pages by their path; the examples are planted and taken back."""
    config = Config()
    with connect(dsn) as connection:
        user = connection.info.user
        comments: dict[str, str] = dict(
            connection.execute(
                "SELECT p.proname::text, obj_description(p.oid, 'pg_proc') FROM pg_proc AS p"
                " WHERE starts_with(p.proname, 'check_')"
            ).fetchall()
        )
        proofs = proof.prove(connection, config, declared())
        return {
            f"{FOLDER}/{each.check.name}.md": _shortened(
                _page(each.check, comments[f"check_{each.check.name}"], each), user
            )
            for each in proofs
        }


def _shortened(text: str, user: str) -> str:
    """Return a page without what differs from database to database, and with short ids."""
    text = re.sub(r"d0e00000-0000-4000-8000-0{10}(\d\d)", r"…\1", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=')[0-9a-f]{32}(?=')", "…", text)
    text = re.sub(r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d[.\d]*\+00", "…", text)
    return re.sub(rf"\b{re.escape(user)}\b", "<owner>", text)


def _page(check: Check, comment: str, proved: Proof) -> str:
    _severity, _, details = comment.partition(" Needs: ")[0].partition(". ")
    whose = "the database itself" if check.of_database else "a tenant"
    tenant = "null" if check.of_database else "…"
    planted = render(f"verify/faults/{check.name}.sql.j2").partition("\n")[2].strip()
    [finding] = proved.findings
    example = "\n".join(
        textwrap.fill(
            str(finding[name]), 99, initial_indent=f"{name:<13}", subsequent_indent=" " * 13,
            break_long_words=False, break_on_hyphens=False,
        )
        for name in _FINDING
        if finding[name] is not None
    )  # fmt: skip
    scope = "" if check.of_database else " --tenant NAME"
    waived = f"{check.name}{scope} --object KEY --reason TEXT --until DATE"
    parts = [
        "<!-- Generated: python -m tests.examples -->",
        f"# {check.name}",
        f"{check.what} Severity: {check.severity}. A check of {whose}.",
        details,
        f"```text\n$ duecourse verify{scope} --check {check.name}\n"
        f"=# SELECT * FROM {check.schema}.check_{check.name}(p_tenant => {tenant}, p_as_of => …)\n"
        "```",
        "## An example",
        f"{proved.fault} So `duecourse verify --prove --check {check.name}` plants it:",
        f"```text\n{re.sub(r' +$', '', planted, flags=re.MULTILINE)}\n```",
        "What is found:",
        f"```text\n{example}\n```",
        "## What to do",
        "`repair_call` repairs it, or is what to read where a person has to decide. "
        if finding["repair_call"]
        else "No call repairs it: a person has to decide. ",
        "What has to wait is waived, with a reason and an end:",
        f"```text\n$ duecourse waive {waived}\n```",
    ]
    return "\n\n".join(_filled(part) for part in parts) + "\n"


def _filled(text: str) -> str:
    if "\n" in text or text.startswith("#"):
        return text
    return textwrap.fill(text.strip(), 100, break_long_words=False, break_on_hyphens=False)


def write(dsn: str) -> None:
    """Write the pages as they are now, and no others."""
    folder = ROOT / FOLDER
    folder.mkdir(exist_ok=True)
    pages = check_pages(dsn)
    for file in folder.iterdir():
        if f"{FOLDER}/{file.name}" not in pages:
            file.unlink()
    for name, text in pages.items():
        (ROOT / name).write_text(text, encoding="utf-8")
