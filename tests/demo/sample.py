"""The sample books of the demo, with a contract line for each kind of fault.

``python -m tests.demo.sample`` writes them to duecourse/sample; a test compares.
"""

import csv
import io
from itertools import pairwise

from duecourse.sample_books import SAMPLE
from tests.demo.books import Books, Row, make_id, midnight, periods

#: The months up to the horizon as of 2026-09-15; the first two have been billed in advance.
MONTHS = periods()
AUGUST, SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER = MONTHS[:5]


def sample() -> Books:
    """Return the books."""
    books = Books()
    plant_coverage(books, books.client("Bramble Bakery"))
    plant_edits(books, books.client("Cinder Clinic"))
    plant_changed_rules(books)
    plant_ended(books, books.client("Heron Motors"))
    plant_wrong_rows(books, books.client("Ivy Court Hotel"))
    plant_billing(books, books.client("Juniper Dental"))
    plant_sources(books)
    plant_cycles(books)
    plant_orphan(books, books.client("Quince Tailors"))
    return books


def standard(
    books: Books, line: Row, *, billed: int = 2, missing: tuple[int, ...] = ()
) -> list[Row]:
    """Add the rows that a monthly line ought to have, but for the missing ones."""
    rows = [books.row(line, period) for n, period in enumerate(MONTHS) if n not in missing]
    for row in rows[:billed]:
        books.bill(row)
    return rows


def plant_coverage(books: Books, client: str) -> None:
    standard(books, books.line(client, "Help desk (healthy)"))
    books.line(client, "Backups (never materialized)")
    standard(books, books.line(client, "Mail filter (short horizon)"), missing=(6, 7))
    standard(books, books.line(client, "Printers (gap in the future)"), missing=(4,))
    line = books.line(client, "Repairs (gap in the past)", start="2026-06-01", kind="Hourly")
    for period in [*periods("2026-06-01", "2026-07-01"), *MONTHS]:
        books.row(line, period)
    line = books.line(client, "Telephones (overlap)")
    standard(books, line)
    books.row(line, ("2026-12-15", "2027-01-15"))


def plant_edits(books: Books, client: str) -> None:
    rows = standard(books, books.line(client, "Workstations (edited override)"))
    books.revise(rows[3], (NOVEMBER[0], "2026-11-25"), "edited", "boundary_adjustment")
    books.revise(rows[4], ("2026-11-25", DECEMBER[1]), "edited", "boundary_adjustment")
    rows = standard(books, books.line(client, "Web hosting (deferred override)"))
    window = {"invoice_window_start": DECEMBER[0], "invoice_window_end": DECEMBER[1]}
    books.revise(rows[3], NOVEMBER, "edited", "defer", **window)
    rows = standard(books, books.line(client, "Licences (skipped override)"))
    books.revise(rows[3], NOVEMBER, "skipped", "skip")
    rows = standard(books, books.line(client, "Antivirus (skipped without an edit)"))
    rows[3]["lifecycle_state"] = "skipped"
    rows = standard(books, books.line(client, "Firewall (locked in the future)"))
    rows[3]["lifecycle_state"] = "locked"
    rows = standard(books, books.line(client, "Intranet (locked after invoice deletion)"), billed=1)
    rows[1]["lifecycle_state"] = "locked"
    rows = standard(books, books.line(client, "Wiki (superseded revision)"))
    regenerated = {"reason": "source_rule_changed", "provenance_kind": "regenerated"}
    books.revise(rows[3], NOVEMBER, "generated", **regenerated)
    rows = standard(books, books.line(client, "Archive (archived revision)"))
    books.revise(rows[3], NOVEMBER, "generated", **regenerated)
    rows[3]["lifecycle_state"] = "archived"


def plant_changed_rules(books: Books) -> None:
    client = books.client("Dune Logistics")
    line = books.line(client, "Monitoring (stale after timing change)", timing="arrears")
    rows = [books.row(line, period, due_position="advance") for period in MONTHS]
    for row in rows[:2]:
        books.bill(row)
    line = books.line(client, "Patching (stale after cadence owner change)", start="2026-08-10")
    rows = [
        books.row(line, period, cadence_owner="contract")
        for period in periods("2026-08-10", "2027-03-14")
    ]
    for row in rows[:2]:
        books.bill(row)
    line = books.line(
        client,
        "Audits (stale after frequency change)",
        start="2026-06-01",
        frequency="quarterly",
        owner="contract",
    )
    rows = [books.row(line, period) for period in periods("2026-06-01")]
    for row in rows[:4]:
        books.bill(row)
    client = books.client("Elm Street Press", "quarterly", month=1)
    standard(books, books.line(client, "Layout desk (stale after client cycle change)"), billed=1)
    client = books.client("Fathom Surveying", day=15)
    standard(books, books.line(client, "Map server (stale after anchor change)"))


def plant_ended(books: Books, client: str) -> None:
    standard(books, books.line(client, "Fax line (inactive line)", line_active="f"))
    standard(books, books.line(client, "Pagers (inactive assignment)", assignment_active="f"))
    standard(books, books.line(client, "Kiosk (rows after its end)", end="2026-12-15"))


def plant_wrong_rows(books: Books, client: str) -> None:
    line = books.line(client, "Door locks (wrong activity window)", start="2026-10-10")
    for period in periods(OCTOBER[0]):
        books.row(line, period)
    rows = standard(books, books.line(client, "Room phones (wrong invoice window)"))
    rows[3] |= {"invoice_window_start": DECEMBER[0], "invoice_window_end": DECEMBER[1]}
    line = books.line(client, "Guest wifi (wrong charge family)")
    for row in standard(books, line):
        row["charge_family"] = "usage"


def plant_billing(books: Books, client: str) -> None:
    [_, row, *_] = standard(books, books.line(client, "Imaging (dangling link)"), billed=1)
    row |= {"lifecycle_state": "billed", "invoice_linked_at": "2026-09-01 08:00:00+00"}
    row |= {
        "invoice_id": make_id("invoice", 9001),
        "invoice_charge_id": make_id("charge", 9001),
        "invoice_charge_detail_id": make_id("detail", 9001),
    }
    [_, row, *_] = standard(books, books.line(client, "Booking (billed, unlinked)"), billed=1)
    row["lifecycle_state"] = "billed"
    line = books.line(client, "Recall letters (invoiced without ledger)")
    books.invoice(line, AUGUST, AUGUST[0])
    standard(books, line, billed=1, missing=(0,))
    line = books.line(client, "Card terminal (billed twice)")
    standard(books, line)
    books.invoice(line, AUGUST, "2026-08-20")
    line = books.line(client, "Phone line (detail with another period)")
    rows = standard(books, line, billed=1)
    rows[1] |= books.invoice(line, ("2026-09-04", "2026-10-04"), SEPTEMBER[0])
    line = books.line(client, "Alarm (detail with an exclusive end)")
    rows = standard(books, line, billed=0)
    books.bill(rows[0], last_day=AUGUST[1])


def plant_sources(books: Books) -> None:
    client = books.client(
        "Kestrel Couriers", "bi-weekly", day=None, reference="2026-01-05 05:00:00+00"
    )
    line = books.line(
        client, "Handhelds (anchor not at midnight, no future rows)", start="2026-08-03"
    )
    for period in pairwise(("2026-08-03", "2026-08-17", "2026-08-31", "2026-09-14")):
        books.bill(books.row(line, period))
    client = books.client("Larch Academy", "quarterly", month=11)
    books.line(client, "Classrooms (anchor month November)", timing="arrears")
    books.line(client, "Projectors (month end)", start="2026-07-31", owner="contract")
    books.line(client, "Default (system-managed)", system_managed="t")
    books.line(client, "Cleaning (unsupported frequency)", frequency="weekly", owner="contract")
    standard(books, books.line(client, "Library (two assignments)", assignments=2), billed=0)


def plant_cycles(books: Books) -> None:
    for name, spans in {
        "Maple Foods (cycle gap)": (AUGUST, OCTOBER),
        "Nettle Films (cycle overlap)": (AUGUST, ("2026-08-20", "2026-10-01")),
        "Oak Trading (open cycle)": (AUGUST, (SEPTEMBER[0], None)),
    }.items():
        client = books.client(name)
        books.cycles(client, [(f"{start} 00:00:00+00", midnight(end)) for start, end in spans])
    client = books.client("Pine Optics (cycle not at midnight)")
    books.cycles(client, [(f"{AUGUST[0]} 02:00:00+00", f"{AUGUST[1]} 02:00:00+00")])


def plant_orphan(books: Books, client: str) -> None:
    """Add rows of a line that then vanishes; the last line, as ids are numbers of lines."""
    standard(books, books.line(client, "Telex (orphan schedule)"), billed=0)
    for table in ("contract_lines", "contract_line_service_configuration"):
        books.tables[table].pop()


def files(books: Books) -> dict[str, str]:
    """Return the name and the text of each file."""
    texts = {}
    for number, (table, rows) in enumerate(books.tables.items(), 1):
        target = io.StringIO()
        writer = csv.DictWriter(target, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        texts[f"{number:02d}_{table}.csv"] = target.getvalue()
    return texts


if __name__ == "__main__":
    for name, text in files(sample()).items():
        (SAMPLE / name).write_text(text, encoding="utf-8")
