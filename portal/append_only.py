"""The database itself refuses to change, delete or empty the lines of audit (OWASP ASVS 5.0, 16.4)."""

TABLE = "portal_auditevent"

SQLITE = [
    f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON {TABLE} "
    "BEGIN SELECT RAISE(ABORT, 'audit lines are append-only'); END"
    for verb in ("UPDATE", "DELETE")
]
POSTGRESQL = [
    "CREATE OR REPLACE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'audit lines are append-only'; END $$",
    f"CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON {TABLE} "
    "FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()",
    f"CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON {TABLE} "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
]


def install(connection) -> None:
    _run(connection, SQLITE if connection.vendor == "sqlite" else POSTGRESQL)


def remove(connection) -> None:
    """For the reversal of the migration, and for tests, which empty their database."""
    if connection.vendor == "sqlite":
        _run(connection, [f"DROP TRIGGER IF EXISTS audit_no_{verb}" for verb in ("update", "delete")])
    else:
        names = ("audit_append_only", "audit_no_truncate")
        _run(connection, [f"DROP TRIGGER IF EXISTS {name} ON {TABLE}" for name in names])


def _run(connection, statements) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
