"""The way that the backfill replaces: a client program with one INSERT an obligation."""

import time
from collections.abc import Iterator
from itertools import groupby, islice
from typing import Any

import psycopg

_TABLE = """
CREATE TABLE public.existing_way (LIKE billing.recurring_service_periods INCLUDING DEFAULTS);
ALTER TABLE public.existing_way
    ADD PRIMARY KEY (tenant, record_id),
    ADD UNIQUE (tenant, schedule_key, period_key, revision),
    ADD UNIQUE (tenant, invoice_charge_detail_id);
CREATE INDEX ON public.existing_way (tenant, schedule_key, service_period_start);
CREATE INDEX ON public.existing_way (tenant, obligation_id, lifecycle_state);
CREATE INDEX ON public.existing_way
    (tenant, lifecycle_state, invoice_window_start, invoice_window_end);
CREATE INDEX ON public.existing_way (tenant, invoice_id);
"""

_COLUMNS = (
    "tenant", "record_id", "client_id", "obligation_id", "obligation_type", "schedule_key",
    "period_key", "revision", "charge_family", "cadence_owner", "due_position", "lifecycle_state",
    "service_period_start", "service_period_end", "invoice_window_start", "invoice_window_end",
    "activity_window_start", "activity_window_end", "provenance_kind", "reason_code",
    "source_rule_version", "source_run_key", "created_at", "updated_at",
)  # fmt: skip


def _chunks(rows: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while some := list(islice(rows, size)):
        yield some


def write(dsn: str, tenant: str) -> float:
    """Write a tenant's rows of public.kept in that way; give the seconds, reading apart."""
    took = 0.0
    with psycopg.connect(dsn) as writer, psycopg.connect(dsn) as reader:
        writer.execute(_TABLE)
        writer.commit()
        with reader.cursor(name="kept") as kept:
            kept.itersize = 20_000
            kept.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM public.kept WHERE tenant = %s"
                " ORDER BY obligation_id, service_period_start",
                (tenant,),
            )
            obligations = (list(rows) for _, rows in groupby(kept, key=lambda row: row[3]))
            for some in _chunks(obligations, 1000):
                started = time.perf_counter()
                for rows in some:
                    row = f"({', '.join(['%s'] * len(_COLUMNS))})"
                    writer.execute(
                        f"INSERT INTO public.existing_way ({', '.join(_COLUMNS)})"
                        f" VALUES {', '.join([row] * len(rows))}",
                        [value for row_ in rows for value in row_],
                        prepare=False,  # a query builder sends each statement as a new one
                    )
                took += time.perf_counter() - started
        started = time.perf_counter()
        writer.commit()
        took += time.perf_counter() - started
        same = writer.execute(
            "SELECT (SELECT count(*) FROM public.existing_way)"
            " = (SELECT count(*) FROM public.kept WHERE tenant = %s)",
            (tenant,),
        ).fetchone()
        assert same == (True,)
        writer.execute("DROP TABLE public.existing_way")
    return took
