"""What the catalog holds of a table, without the names of its partitions: for comparison."""

from tests.conftest import Database

#: By name, a query of what hangs on a table: ``{table}`` is its name.
_PARTS = {
    "columns": """
        SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated,
            a.attidentity, a.attcollation::regcollation::text, a.attstorage, a.attcompression,
            a.attstattarget, a.attoptions, a.attacl::text,
            pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)
        FROM pg_attribute AS a
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = '{table}'::regclass AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attnum""",
    "constraints": """
        SELECT k.conrelid::regclass::text, k.conname, k.contype, k.convalidated,
            pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint')
        FROM pg_constraint AS k
        WHERE '{table}'::regclass IN (k.conrelid, k.confrelid) AND k.conparentid = 0
        ORDER BY 1, 2""",
    "indexes": """
        SELECT c.relname, replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON '), i.indisvalid,
            i.indisprimary, obj_description(c.oid, 'pg_class')
        FROM pg_index AS i
        JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE i.indrelid = '{table}'::regclass
        ORDER BY 1""",
    # But for parentheses: a restored dump has fewer of them, too.
    "triggers": """
        SELECT t.tgname, t.tgenabled, translate(pg_get_triggerdef(t.oid), '()', ''),
            obj_description(t.oid, 'pg_trigger')
        FROM pg_trigger AS t
        WHERE t.tgrelid = '{table}'::regclass AND NOT t.tgisinternal
        ORDER BY 1""",
    "table": """
        SELECT c.relowner::regrole::text, c.relacl::text, c.relrowsecurity, c.relforcerowsecurity,
            obj_description(c.oid, 'pg_class')
        FROM pg_class AS c
        WHERE c.oid = '{table}'::regclass""",
    "policies": """
        SELECT y.polname, y.polpermissive, y.polcmd, y.polroles::regrole[]::text,
            pg_get_expr(y.polqual, y.polrelid), pg_get_expr(y.polwithcheck, y.polrelid)
        FROM pg_policy AS y
        WHERE y.polrelid = '{table}'::regclass
        ORDER BY 1""",
    # Who takes or gives a row of it.
    "routines": """
        SELECT p.oid::regprocedure::text, p.proowner::regrole::text,
            ARRAY(SELECT a::text FROM unnest(p.proacl) AS a ORDER BY 1),
            pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc')
        FROM pg_proc AS p
        JOIN pg_type AS y ON y.typrelid = '{table}'::regclass
        WHERE y.oid = ANY (p.proargtypes::oid[] || p.proallargtypes || p.prorettype)
            OR y.typarray = ANY (p.proargtypes::oid[] || p.proallargtypes || p.prorettype)
        ORDER BY 1""",
}


def structure_of(database: Database, table: str) -> dict[str, list[tuple[object, ...]]]:
    """Return all that hangs on a table, by kind."""
    with database.transaction():
        database.execute("SET LOCAL search_path = pg_catalog")
        return {
            kind: database.execute(query.format(table=table).encode()).fetchall()
            for kind, query in _PARTS.items()
        }
