"""report: one page that tells the books of a tenant, whole or not at all."""

import json
import re
import stat
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from jinja2 import UndefinedError
from pytest_postgresql.executors import NoopExecutor

from duecourse import pages
from duecourse.files import write_whole
from duecourse.pages import timeline
from duecourse.pages.timeline import Timeline
from duecourse.sample_books import AS_OF, SAMPLE, TENANT
from tests.conftest import ROOT, Database, clone
from tests.service_periods.books import Books
from tests.settings.sample import cli

SCOPE = ("--tenant", TENANT, "--as-of", AS_OF)
OWNER = "a1de0000-0000-4000-8000-000000000002"
HOSTILE = "<script>alert('x')</script> \"&amp; \u202eneves\u202c \x07 שלום"
SHOWN = "<script>alert('x')</script> \"&amp; \\u202eneves\\u202c \\x07 שלום"
#: Elements without an end.
VOID = {"meta", "br", "link", "img", "path"}


class Page(HTMLParser):
    """A page as a reader without styles has it: its text, and whether it is well formed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []
        self.text = " ".join("".join(self.pieces).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.pieces.append(" " * (tag in ("th", "td", "dt", "dd")))
        if tag not in VOID:
            assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.pieces.append(data)

    def all(self, *tags: str) -> list[tuple[str, dict[str, str | None]]]:
        """Return the elements of some kinds, with their attributes."""
        return [each for each in self.seen if each[0] in tags]


@pytest.fixture(scope="module")
def sample(applied_server: NoopExecutor) -> Iterator[str]:
    """Return the sample books, which the tests of this module only read."""
    with clone(applied_server, "_reported") as dsn:
        cli("import", "--dsn", dsn, SAMPLE)
        cli("import", "--dsn", dsn, ROOT / "duecourse" / "sample_rent")
        yield dsn


@pytest.fixture(scope="module")
def page(sample: str, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Return the page of the sample books."""
    out = tmp_path_factory.mktemp("report") / "report.html"
    status, said = cli("report", *SCOPE, "--dsn", sample, "--out", out)
    assert (status, said) == (0, f"{out}: 37 schedules, 4 checks failed\n")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    return Page(out.read_text(encoding="utf-8"))


def test_what_it_tells(page: Page, sample: str) -> None:
    for told in (
        f"Alder Row IT Services: the books as of {AS_OF}",
        f"Tenant Alder Row IT Services Id {TENANT} As of {AS_OF} Database ",
        "Bramble Bakery 6 schedules 2 to look at",
        "Bramble Bakery: Help desk (healthy) billed 2: 2026-08..09 generated 6: 2026-10..2027-03",
        "Backups (never materialized) to be made 8: 2026-08..2027-03 8 rows of the plan",
        "gap 1: 2026-12 left for people 7: 2026-08..11, 2027-01..03 continuity_gap: A gap lies",
        "overlap 2: 2026-12-15..2027-01-15",
        "due 3: 2026-06, 2026-08..09 generated 6: 2026-10..2027-03 to be made 1: 2026-07",
        "escalation failed 10",
    ):
        assert told in page.text
    planned = json.loads(cli("plan", "regenerate", *SCOPE, "--dsn", sample, "--format", "json")[1])
    assert f"Plan hash {planned['plan_hash']}" in page.text
    made = planned["summary"]["backfilled"]
    assert f"to be made {made}" in page.text


def test_each_schedule_and_escalation_is_named(page: Page, sample: str) -> None:
    with psycopg.connect(sample) as connection:
        named = connection.execute(
            "SELECT n.client_name || ': ' || n.contract_line_name, e.reason, e.detail"
            " FROM billing.schedule_names(%(tenant)s) AS n"
            " JOIN billing.assess_coverage(%(tenant)s, %(as_of)s) AS c USING (obligation_id)"
            " LEFT JOIN billing.escalations(%(tenant)s, %(as_of)s) AS e USING (obligation_id)",
            {"tenant": TENANT, "as_of": AS_OF},
        ).fetchall()
    assert len(named) == 33
    for name, reason, detail in named:
        assert name in page.text
        assert reason is None or f"{reason}: {detail}" in page.text


def test_it_needs_nothing_else(page: Page) -> None:
    assert page.all("script", "link", "img", "iframe", "object", "form") == []
    addresses = {attrs[name] for _, attrs in page.seen for name in ("href", "src") if name in attrs}
    assert addresses == {f"#{part}" for part in ("main", "totals", "schedules", "plan", "checks")}
    assert not re.search(r"https?:|url\(|@import|@font-face", page.source)
    assert page.all("meta")[1][1]["content"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert len(page.source) < 150_000


def test_its_order_can_be_heard(page: Page) -> None:
    assert [len(page.all(tag)) for tag in ("main", "header", "footer", "h1", "nav")] == [1] * 5
    levels = [int(tag[1]) for tag, _ in page.all("h1", "h2", "h3", "h4")]
    assert all(later <= before + 1 for before, later in pairwise(levels))
    assert len(page.all("caption")) == len(page.all("table")) > 0
    assert all(attrs["scope"] in ("col", "row") for _, attrs in page.all("th"))
    ids = [attrs["id"] for _, attrs in page.seen if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in page.all("section"):
        assert attrs["aria-labelledby"] in ids


def test_a_saved_plan(sample: str, tmp_path: Path) -> None:
    saved, out = tmp_path / "plan.json", tmp_path / "plan.html"
    cli("plan", "regenerate", *SCOPE, "--dsn", sample, "--out", saved)
    assert cli("plan", "show", saved, "--out", out) == (0, "")
    source = out.read_text(encoding="utf-8")
    assert cli("plan", "show", saved, "--format", "html") == (0, source)
    found, plan = Page(source), json.loads(saved.read_text())
    assert len(found.all("h4")) == sum(
        bool(unit["changes"] or unit.get("escalation_reasons")) for unit in plan["rows"]
    )
    for told in (
        f"Alder Row IT Services: plan to regenerate as of {AS_OF}",
        f"plan hash {plan['plan_hash']}",
        "17 of 38 schedules change: + 39 made ~ 31 replaced - 54 superseded = 128 kept",
        "Bramble Bakery: Mail filter (short horizon) kept 6: 2026-08..2027-01"
        " to be made 2: 2027-02..03 2 rows of the plan",
        "kept 7: 2026-08..11, 2027-01..03 left for people 7: 2026-08..11, 2027-01..03",
    ):
        assert told in found.text
    assert not re.search(r"https?:|url\(|<script", source)
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".html"] == ["plan.html"]


def test_the_charge_ledger(sample: str, tmp_path: Path) -> None:
    saved, out = tmp_path / "plan.json", tmp_path / "report.html"
    given = ("--tenant", OWNER, "--as-of", AS_OF, "--dsn", sample, "--out", out)
    assert cli("report", *given)[1] == f"{out}: 0 schedules, 1 check failed\n"
    told = Page(out.read_text(encoding="utf-8"))
    named = [attrs["id"] for _, attrs in told.all("section")]
    assert named == ["totals", "plan", "balances", "checks"]
    assert "Totals accounts 6 accounts that owe 0 checks that failed 1 Plan" in told.text
    assert "ada mill-1 USD 97,500 285,000 0 95,000 -187,500" in told.text
    cli("plan", "charges", "--tenant", OWNER, "--dsn", sample, "--out", saved)
    found = Page(cli("plan", "show", saved, "--format", "html")[1])
    assert found.all("svg") == []
    assert "12 rows from ada Rows from ada renter unit period action cents" in found.text
    assert len([tag for tag, attrs in found.all("th") if attrs["scope"] == "row"]) >= 12


def test_hostile_names(dsn: str, database: Database, tmp_path: Path) -> None:
    books = Books(database, 1)
    books.line()
    for table, column in (
        ("tenants", "tenant"),
        ("clients", "client"),
        ("contract_lines", "contract_line"),
    ):
        database.execute(f"UPDATE billing.{table} SET {column}_name = %s", [HOSTILE])
    out = tmp_path / "x.html"
    cli("report", "--tenant", books.tenant, "--as-of", "2025-01-10", "--dsn", dsn, "--out", out)
    found = Page(out.read_text(encoding="utf-8"))
    assert found.all("script") == []
    assert f"{SHOWN}: {SHOWN}" in found.text
    assert f"{SHOWN}: the books as of 2025-01-10" in found.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", found.source)


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "r.html"
    out.write_text("before")
    with pytest.raises(UndefinedError):
        write_whole({out: pages.lines("report", tenant="Alder Row", as_of=AS_OF)})
    assert [file.read_text() for file in tmp_path.iterdir()] == ["before"]


def test_nothing_is_there(dsn: str, database: Database, tmp_path: Path) -> None:
    books = Books(database, 2)
    out = tmp_path / "r.html"
    given = ("--tenant", books.tenant, "--dsn", dsn, "--out", out, "--format", "json")
    status, said = cli("report", *given)
    assert (status, json.loads(said)) == (0, {"out": str(out), "schedules": 0, "failed": 0})
    found = Page(out.read_text(encoding="utf-8"))
    assert [attrs["id"] for _, attrs in found.all("section")] == ["totals", "checks"]


def test_one_path_a_kind() -> None:
    drawn = Timeline()
    first = date(2025, 1, 1).toordinal()
    for month in range(1, 4):
        drawn.add("billed", date(2025, month, 1), date(2025, month + 1, 1))
    drawn.add("overlap", date(2025, 2, 1), date(2025, 2, 2))
    assert list(drawn.paths()) == [
        ("billed", f"m{first} 10h30m1 0h27m1 0h30"),
        ("overlap", f"m{first + 31} 3h1"),
    ]
    assert list(drawn.told()) == [
        ("billed", "billed", 3, "2025-01..03"),
        ("overlap", "overlap", 1, "2025-02-01..02-02"),
    ]
    axis = timeline.axis([drawn], date(2025, 2, 15))
    assert (axis.start, axis.end) == (date(2025, 1, 1), date(2025, 4, 1))
    assert list(axis.ticks()) == [("2025-02", "34.4%"), ("2025-03", "65.6%"), ("2025-04", "100.0%")]


def test_far_away_is_told_but_not_drawn() -> None:
    far = Timeline()
    far.add("generated", date(1900, 1, 1), date(1900, 2, 1))
    far.add("made", date(2025, 1, 1), date(9999, 1, 1))
    axis = timeline.axis([far], date(2025, 2, 15))
    assert (axis.start, axis.end) == (date(2020, 1, 1), date(2030, 1, 1))
    assert [told[3] for told in far.told()] == ["1900-01", "2025-01..9998-12"]
    assert 1 < len(list(axis.ticks())) < 12


def test_adopted_books(shared_alga_dsn: str, shared_rental_dsn: str, tmp_path: Path) -> None:
    out = tmp_path / "r.html"
    smallest = (
        "SELECT t.tenant FROM billing.tenants AS t ORDER BY (SELECT count(*)"
        " FROM billing.recurring_obligations AS o WHERE o.tenant = t.tenant) LIMIT 1"
    )
    for dsn, parts in ((shared_alga_dsn, "schedules plan"), (shared_rental_dsn, "plan balances")):
        with psycopg.connect(dsn) as connection:
            [(tenant,)] = connection.execute(smallest).fetchall()
        cli("report", "--tenant", tenant, "--as-of", AS_OF, "--dsn", dsn, "--out", out)
        found = Page(out.read_text(encoding="utf-8"))
        named = [attrs["id"] for _, attrs in found.all("section")]
        assert named == ["totals", *parts.split(), "checks"]
        assert bool(found.all("svg")) == ("schedules" in parts)
