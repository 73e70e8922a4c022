"""The books of the demo: an invented company with a fault of every kind."""

import csv
from pathlib import Path

SAMPLE = Path(__file__).resolve().parent / "sample"
#: What is shipped: books of contracts, and rent books.
SAMPLES = {"books": SAMPLE, "rent": SAMPLE.with_name("sample_rent")}
TENANT = "a1de0000-0000-4000-8000-000000000001"
AS_OF = "2026-09-15"


def line_names() -> dict[str, str]:
    """Return the client and the name of each contract line, by the line's id."""
    clients = {row["client_id"]: row["client_name"] for row in _read("04_clients.csv")}
    owners = {row["contract_id"]: row["owner_client_id"] for row in _read("08_contracts.csv")}
    names = {}
    for line in _read("10_contract_lines.csv"):
        client = clients[owners[line["contract_id"]]]
        names[line["contract_line_id"]] = f"{client}: {line['contract_line_name']}"
    return names


def _read(name: str) -> list[dict[str, str]]:
    with (SAMPLE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
