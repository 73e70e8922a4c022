"""Objects that stand in for PostgreSQL's own wherever a name is resolved by the search path."""

from tests.conftest import Database

#: What everything planted fails with, whoever calls it.
HIT = "cannot accept a value of type any"

#: A search path on which whatever is planted comes before PostgreSQL's own.
PATH = "evil, pg_catalog"

_FUNCTIONS = r"""
DO $do$
DECLARE
    v_statement text;
BEGIN
    FOR v_statement IN
        SELECT format(
            'CREATE FUNCTION {schema}.%I(%s) RETURNS %s LANGUAGE internal AS $$any_in$$',
            p.proname, pg_get_function_identity_arguments(p.oid),
            CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END || format_type(p.prorettype, NULL))
        FROM pg_proc AS p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace
            AND pg_get_function_identity_arguments(p.oid) !~ 'ORDER BY'
            AND p.proname IN (
                SELECT w.word[1]
                FROM pg_proc AS r
                CROSS JOIN LATERAL regexp_matches(r.prosrc, '([a-z_0-9]+)\s*\(', 'g') AS w (word)
                WHERE r.pronamespace::regnamespace::text IN ('billing', 'ledger', 'ops'))
    LOOP
        EXECUTE v_statement;
    END LOOP;
END
$do$
"""

_OPERATORS = """
DO $do$
DECLARE
    v_operator record;
BEGIN
    FOR v_operator IN
        SELECT o.oid, o.oprname, o.oprresult::regtype AS result,
            nullif(o.oprleft, 0)::regtype AS left_type, o.oprright::regtype AS right_type
        FROM pg_operator AS o
        WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprcode <> 0
    LOOP
        EXECUTE format(
            'CREATE FUNCTION {schema}.operator_%s(%s) RETURNS %s LANGUAGE internal AS $$any_in$$',
            v_operator.oid, concat_ws(', ', v_operator.left_type, v_operator.right_type),
            v_operator.result);
        EXECUTE format('CREATE OPERATOR {schema}.%s (FUNCTION = {schema}.operator_%s, %s)',
            v_operator.oprname, v_operator.oid,
            concat_ws(', ', 'LEFTARG = ' || v_operator.left_type,
                'RIGHTARG = ' || v_operator.right_type));
    END LOOP;
END
$do$
"""

_TYPES = """
DO $do$
DECLARE
    v_statement text;
BEGIN
    CREATE FUNCTION {schema}.hit() RETURNS boolean LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'cannot accept a value of type any'; END $$;
    FOR v_statement IN
        SELECT format(
            'CREATE DOMAIN {schema}.%I AS pg_catalog.text CHECK ({schema}.hit())', t.typname)
        FROM pg_type AS t
        WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'p')
            AND t.typelem = 0
    LOOP
        EXECUTE v_statement;
    END LOOP;
END
$do$
"""


def plant(database: Database) -> None:
    """Plant a namesake of everything of PostgreSQL that the bodies of the package may name.

    In a schema of the search path, in the one where many databases let everybody create, and in
    that of the session's temporary objects, whose types come before PostgreSQL's own.
    """
    database.execute("CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC")
    for schema in ("evil", "public", "pg_temp"):
        for statement in (_FUNCTIONS, _OPERATORS, _TYPES):
            database.execute(statement.replace("{schema}", schema).encode())
