"""Books of any size, healthy and unbilled: every line needs its ten periods made."""

import os
from collections.abc import Sequence

import psycopg

#: Schedules of the largest run; DUECOURSE_FULL_SIZE=1 measures at full size.
SCHEDULES = 100_000 if os.environ.get("DUECOURSE_FULL_SIZE") == "1" else 10_000

AS_OF = "2026-11-20"
PERIODS = 10  # months from the assignments' start in August 2026 to the horizon

_SOURCES = (
    """INSERT INTO billing.tenants (tenant, tenant_name)
       SELECT t, 'Bench' FROM unnest(%(tenants)s::uuid[]) AS t""",
    """INSERT INTO billing.clients (tenant, client_id, client_name, billing_cycle)
       SELECT t, md5(t || 'client' || n)::uuid, 'Client ' || n, 'monthly'
       FROM unnest(%(tenants)s::uuid[]) AS t, generate_series(0, %(clients)s - 1) AS n""",
    """INSERT INTO billing.client_billing_settings
           (tenant, client_id, billing_cycle_anchor_day_of_month)
       SELECT tenant, client_id, 1 FROM billing.clients WHERE tenant = ANY (%(tenants)s)""",
    """INSERT INTO billing.contracts (tenant, contract_id, contract_name, owner_client_id, status)
       SELECT t, md5(t || 'contract' || n)::uuid, 'Contract ' || n, md5(t || 'client' || n)::uuid,
           'active'
       FROM unnest(%(tenants)s::uuid[]) AS t, generate_series(0, %(clients)s - 1) AS n""",
    """INSERT INTO billing.client_contracts
           (tenant, client_contract_id, client_id, contract_id, start_date)
       SELECT t, md5(t || 'assignment' || n)::uuid, md5(t || 'client' || n)::uuid,
           md5(t || 'contract' || n)::uuid, '2026-08-01'
       FROM unnest(%(tenants)s::uuid[]) AS t, generate_series(0, %(clients)s - 1) AS n""",
    """INSERT INTO billing.contract_lines
           (tenant, contract_line_id, contract_line_name, contract_id, contract_line_type,
            billing_timing, cadence_owner)
       SELECT t, md5(t || 'line' || n)::uuid, 'Line ' || n,
           md5(t || 'contract' || n / %(lines_a_client)s)::uuid, 'Fixed',
           CASE n %% 2 WHEN 0 THEN 'arrears' ELSE 'advance' END,
           CASE WHEN n %% 20 < %(contract_lines_of_20)s THEN 'contract' ELSE 'client' END
       FROM unnest(%(tenants)s::uuid[]) AS t, generate_series(0, %(lines)s - 1) AS n""",
)


def tenant(number: int) -> str:
    """Return the id of a tenant."""
    return f"00000000-0000-4000-8000-{number:012d}"


def make(
    connection: psycopg.Connection[tuple[object, ...]],
    tenants: Sequence[str],
    lines: int,
    *,
    lines_a_client: int = 20,
    contract_lines_of_20: int = 2,
) -> None:
    """Write the sources of ``lines`` lines for each tenant, most in client cadence."""
    for statement in _SOURCES:
        connection.execute(
            statement,
            {
                "tenants": list(tenants),
                "lines": lines,
                "clients": max(1, lines // lines_a_client),
                "lines_a_client": min(lines, lines_a_client),
                "contract_lines_of_20": contract_lines_of_20,
            },
        )
    connection.execute("ANALYZE")
