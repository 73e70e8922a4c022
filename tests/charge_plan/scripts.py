"""What may befall the tables of the rental application between a plan and its script."""

from collections import Counter

from tests.conftest import Database
from tests.profiles.comparison import answer
from tests.rent import OWNER
from tests.scripts import refused

#: What both ledgers have of a charge, but for its id and its times.
CHARGES = """
    SELECT tenant_user_id, unit_id::text, type, description, amount_cents::bigint, billing_period,
        created_by
    FROM {}.charges
"""

#: Of payments. {renter}, {unit}, {period}: a key that is to be charged; {other}: another unit.
PAYMENTS = {
    "a payment comes": "INSERT INTO payments (tenant_user_id, unit_id, amount_cents,"
    " payment_method, status, billing_period) VALUES ({renter}, {unit}, 5, 'cash', 'pending',"
    " {period})",
    "a payment comes of nobody": "INSERT INTO payments (tenant_user_id, unit_id, amount_cents,"
    " payment_method, status, billing_period) VALUES ('nobody', {unit}, 5, 'cash', 'succeeded',"
    " '2031-01')",
    "a payment fails": "UPDATE payments SET status = 'failed' WHERE {key}"
    " AND status IN ('succeeded', 'pending')",
    "a payment is of more": "UPDATE payments SET amount_cents = amount_cents + 1 WHERE {key}"
    " AND status IN ('succeeded', 'pending')",
    "a payment is for another month": "UPDATE payments SET billing_period = '2031-01' WHERE {key}",
    "a payment is for another unit": "UPDATE payments SET unit_id = {other} WHERE {key}",
    "a payment is another's": "UPDATE payments SET tenant_user_id = 'nobody' WHERE {key}",
    "a payment goes": "DELETE FROM payments WHERE {key}",
}

#: Of what else decides. {rent}: a rent that is there; {let}: a tenancy.
CHANGES = {
    "the admin charges it": "INSERT INTO charges (tenant_user_id, unit_id, type, description,"
    " amount_cents, billing_period) VALUES ({renter}, {unit}, 'rent', 'Rent', 5, {period})",
    "a rent is taken back": "INSERT INTO charges (tenant_user_id, unit_id, type, description,"
    " amount_cents, billing_period) SELECT tenant_user_id, unit_id, type, 'back', -amount_cents,"
    " billing_period FROM charges WHERE {rent}",
    "a rent is of more": "UPDATE charges SET amount_cents = amount_cents + 1 WHERE {rent}",
    "a rent is for another month": "UPDATE charges SET billing_period = '2031-01' WHERE {rent}",
    "a rent is none": "UPDATE charges SET type = 'credit' WHERE {rent}",
    "a rent is another's": "UPDATE charges SET tenant_user_id = 'nobody' WHERE {rent}",
    "a rent goes": "DELETE FROM charges WHERE {rent}",
    "a tenancy comes": "INSERT INTO tenant_units (user_id, unit_id, start_date)"
    " VALUES ('nobody', {unit}, '2026-01-15')",
    "a tenancy ends": "UPDATE tenant_units SET end_date = '2026-12-05' WHERE {let}",
    "a tenancy began later": "UPDATE tenant_units SET start_date = start_date + interval '1 day'"
    " WHERE {let}",
    "a tenancy is of another unit": "UPDATE tenant_units SET unit_id = {other} WHERE {let}",
    "a tenancy is over": "UPDATE tenant_units SET is_active = false WHERE {let}",
    "a tenancy goes": "DELETE FROM tenant_units WHERE {let}",
    "a unit costs more": "UPDATE units SET rent_amount_cents = rent_amount_cents + 100"
    " WHERE id = {unit}",
    "a unit is of another house": "UPDATE units SET property_id = (SELECT p.id FROM properties AS p"
    " WHERE p.id <> property_id ORDER BY p.id LIMIT 1) WHERE id = {unit}",
    "a unit comes": "INSERT INTO units (property_id, unit_number) SELECT property_id, 'new'"
    " FROM units WHERE id = {unit}",
    "a house is in another zone": "UPDATE properties SET timezone = 'Asia/Tokyo'"
    " WHERE id = (SELECT property_id FROM units WHERE id = {unit})",
    "a house comes": "INSERT INTO properties (name, address) VALUES ('new', 'there')",
    "a unit goes": "DELETE FROM units WHERE id = (SELECT u.id FROM units AS u"
    " WHERE NOT EXISTS (SELECT FROM charges AS c WHERE c.unit_id = u.id) LIMIT 1)",
}

#: What changes nothing that a plan looks at.
HARMLESS = (
    "UPDATE payments SET payment_method = 'cash', note = 'seen', paid_at = now()",
    "INSERT INTO charges (tenant_user_id, unit_id, type, description, amount_cents)"
    " VALUES ({renter}, {unit}, 'late_fee', 'Late', 500)",
    "INSERT INTO payments (tenant_user_id, unit_id, amount_cents, payment_method, status,"
    " billing_period) VALUES ({renter}, {unit}, 5, 'cash', 'failed', {period})",
    "UPDATE charges SET description = description || '!'",
    "UPDATE properties SET name = name || '!'",
    "UPDATE units SET unit_number = unit_number || '!'",
    "UPDATE tenant_units SET start_date = start_date + interval '1 minute'",
)


def script(database: Database, call: str) -> str:
    """Return the script that a function of schema ledger gives; {}: the tenant."""
    rows = database.execute(f"SELECT * FROM ledger.{call}".format(f"'{OWNER}'").encode())
    return "\n".join(line for (line,) in rows)


def scene(database: Database, call: str) -> dict[str, str]:
    """Return conditions for what a plan, a call, is about: a key that it creates, and others."""
    [(renter, unit, period, let, rent, other)] = database.execute(
        f"""
        SELECT quote_literal(p.tenant_user_id), quote_literal(p.unit_id),
            quote_literal(p.billing_period), quote_literal(min(t.id::text)),
            quote_literal(min(c.id::text)),
            (SELECT quote_literal(max(u.id::text)) FROM public.units AS u)
        FROM ledger.{call} AS p
        JOIN public.tenant_units AS t
            ON t.user_id = p.tenant_user_id AND t.unit_id::text = p.unit_id
        JOIN public.units AS u ON u.id = t.unit_id
        JOIN public.charges AS c ON c.type = 'rent'
        WHERE p.action = 'create' AND t.end_date IS NULL AND u.rent_amount_cents > 0
        GROUP BY p.tenant_user_id, p.unit_id, p.billing_period
        ORDER BY p.billing_period DESC, p.tenant_user_id
        LIMIT 1
        """.format(f"'{OWNER}'").encode()
    )
    return {
        "renter": renter,
        "unit": unit,
        "period": period,
        "other": other,
        "key": f"tenant_user_id = {renter} AND unit_id = {unit} AND billing_period = {period}",
        "rent": f"id = {rent}",
        "let": f"id = {let}",
    }


def befall(database: Database, change: str, given: dict[str, str]) -> None:
    """Let the application do something."""
    assert database.execute(change.format(**given).encode()).rowcount > 0, change


def assert_refused_after(
    database: Database, text: str, changes: dict[str, str], given: dict[str, str]
) -> None:
    """Assert that a script writes nothing after each of these, one at a time."""
    for change in changes.values():
        with database.transaction(force_rollback=True):
            befall(database, change, given)
            charges = "SELECT count(*), max(xmin::text::bigint) FROM public.charges"
            before = answer(database, charges)
            refused(database, text)
            assert answer(database, charges) == before, change


def ends(database: Database) -> list[Counter[str]]:
    """Return the charges of the copy, and those of the tables."""
    return [answer(database, CHARGES.format(schema)) for schema in ("ledger", "public")]
