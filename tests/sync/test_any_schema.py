"""Schemas as people have them: inheritance, shared sequences, functions in tables, odd types."""

import secrets

import pytest

from sync import rules
from sync.errors import Unsupported
from tests import servers
from tests.sync.databases import ask, carry_out, draft, sync


def _synced(postgres: servers.Postgres, *statements: str) -> tuple[str, str]:
    """Production made by SQL, and staging after one sync by the drafted rules."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, *statements)
    assert "completed" == sync(source, target).status
    return source, target


def test_a_table_that_others_inherit_from_keeps_its_own_rows_alone(
    postgres: servers.Postgres,
) -> None:
    """Rows of heirs are theirs, once; staging's tables inherit as production's do."""
    source, target = _synced(
        postgres,
        "CREATE TABLE base (id integer PRIMARY KEY CHECK (id > 0), email text)",
        "CREATE TABLE heir (more text, PRIMARY KEY (id)) INHERITS (base)",
        "INSERT INTO base VALUES (1, 'base@navy.test')",
        "INSERT INTO heir VALUES (2, 'heir@navy.test', 'x')",
    )
    query = "SELECT tableoid::regclass::text, id FROM base ORDER BY 2"
    there = ask(target, query)
    carry_out(source, "UPDATE base SET email = 'new@navy.test' WHERE id = 2")
    moved = sync(source, target).total
    carry_out(source, "DELETE FROM base")

    assert [("base", 1), ("heir", 2)] == there
    assert (1, 0, 0) == (moved.updated, moved.inserted, moved.deleted)
    assert 2 == sync(source, target).total.deleted
    assert [] == ask(target, query)


def test_sequences_that_several_tables_share_are_set(postgres: servers.Postgres) -> None:
    """Also where a table owns none of them: the next row of staging gets a number nobody has."""
    source, target = _synced(
        postgres,
        "CREATE SEQUENCE shared START 1000",
        "CREATE SEQUENCE narrow AS smallint",
        "CREATE TABLE one (id bigint PRIMARY KEY DEFAULT nextval('shared'))",
        "CREATE TABLE two (id bigint PRIMARY KEY DEFAULT nextval('shared'))",
        "CREATE TABLE three (id bigint PRIMARY KEY DEFAULT nextval('narrow'))",
        "CREATE TABLE four (id text PRIMARY KEY DEFAULT 'f' || nextval('shared'))",
        "INSERT INTO one SELECT FROM generate_series(1, 3)",
        "INSERT INTO two SELECT FROM generate_series(1, 2)",
        "INSERT INTO three VALUES (123456789)",
    )

    assert ask(source, "SELECT last_value FROM shared") == ask(
        target, "SELECT last_value FROM shared"
    )
    assert [(1005,)] == ask(target, "INSERT INTO one DEFAULT VALUES RETURNING id")
    assert [(1,)] == ask(target, "SELECT last_value FROM narrow")


def test_tables_that_need_functions_are_made(postgres: servers.Postgres) -> None:
    """In generated columns, checks, defaults and indexes; and functions that need the tables."""
    _, target = _synced(
        postgres,
        "CREATE FUNCTION plain(t text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT lower(t)'",
        "CREATE TABLE users (id integer PRIMARY KEY, email text DEFAULT plain('X'), "
        "low text GENERATED ALWAYS AS (plain(email)) STORED, CHECK (plain(email) <> ''))",
        "CREATE UNIQUE INDEX ON users (plain(email))",
        "CREATE FUNCTION everybody() RETURNS SETOF users LANGUAGE sql AS 'SELECT * FROM users'",
        "INSERT INTO users VALUES (1, 'Grace@navy.test')",
    )

    assert [(True,)] == ask(target, "SELECT low = plain(email) FROM everybody()")


def test_two_tables_of_one_name_in_the_rules_are_refused(postgres: servers.Postgres) -> None:
    """A dot in a name can make it another's; neither is left out in silence."""
    source = postgres.create()
    carry_out(source, "CREATE SCHEMA a", "CREATE TABLE a.b (id integer PRIMARY KEY)",
              'CREATE TABLE "a.b" (id integer PRIMARY KEY)')  # fmt: skip

    with pytest.raises(Unsupported, match=r"two tables would both be called a\.b"):
        draft(source)


def test_references_to_tables_with_dots_are_looked_after(postgres: servers.Postgres) -> None:
    """A row whose target was left out is told of, whatever the names are."""
    source, target = postgres.create(), postgres.create()
    carry_out(
        source, 'CREATE SCHEMA "x.y"', 'CREATE TABLE "x.y"."p.q" (id integer PRIMARY KEY)',
        'CREATE TABLE "k.z" (id integer PRIMARY KEY, p integer REFERENCES "x.y"."p.q")',
        'INSERT INTO "x.y"."p.q" VALUES (1), (2)', 'INSERT INTO "k.z" VALUES (1, 1), (2, 2)',
    )  # fmt: skip

    chosen = draft(source).replace("  x.y.p.q:\n", '  x.y.p.q:\n    where: "t.id = 1"\n')

    assert "completed" == sync(source, target, chosen).status
    assert [(1, 1)] == ask(target, 'SELECT * FROM "k.z"')


ODD = (
    "mac macaddr", "bits bit(3)", "more bit varying", "span tsrange", "spans int4multirange",
    "at point", "area box", "lsn pg_lsn", "words tsvector", "path jsonpath", "macs macaddr[]",
    "photo bytea", "photos bytea[]", "round circle", "docs jsonb[]", "lat double precision",
)  # fmt: skip


def test_a_draft_works_for_columns_of_any_type_that_must_be_filled(
    postgres: servers.Postgres,
) -> None:
    """Of what can't be told nothing is kept, and what stands instead is a value of the type."""
    columns = ", ".join(f"{each} NOT NULL" for each in ODD)
    source, target = _synced(
        postgres,
        "CREATE TYPE mood AS ENUM ('idle', 'sad')",
        f"CREATE TABLE odd (id integer PRIMARY KEY, {columns}, moods mood[], pause interval, "
        "numbers integer[])",
        "INSERT INTO odd VALUES (1, '08:00:2b:01:02:03', '101', '1', '[2020-01-01,2021-01-01)', "
        "'{[1,3)}', '(1,2)', '((0,0),(1,1))', '16/B374D848', 'grace', '$.a', "
        """'{08:00:2b:01:02:03}', '\\x01', '{"\\\\x01"}', '<(1,2),3>', """
        """'{"{\\"name\\": \\"Grace\\"}"}', 52.5, '{idle,sad}', '1 day', '{1,2,3,4,5}')""",
    )

    kept = "SELECT moods::text, pause, numbers FROM odd"
    assert ask(source, kept) == ask(target, kept)
    assert ("000", "empty", "(0,0)", 0.0) == ask(
        target, "SELECT bits::text, span::text, at::text, lat FROM odd"
    )[0]
    assert [(False,)] == ask(target, "SELECT docs::text LIKE '%Grace%' FROM odd")
    assert 0 == sync(source, target).total.written


def test_a_database_without_tables_has_rules_that_can_be_read(postgres: servers.Postgres) -> None:
    """An empty draft is a file like any other."""
    assert {} == rules.parse(draft(postgres.create())).tables


def test_triggers_rest_beside_checks_that_are_put_off(postgres: servers.Postgres) -> None:
    """Also for a role that owns staging and nothing more, and may not quiet triggers otherwise."""
    source, target = postgres.create(), postgres.create()
    role = f"r_{secrets.token_hex(4)}"
    database = target.split("/")[3].partition("?")[0]
    carry_out(
        target, f"CREATE ROLE {role} LOGIN", f"ALTER SCHEMA public OWNER TO {role}",
        f"GRANT CREATE ON DATABASE {database} TO {role}",
    )  # fmt: skip
    carry_out(
        source,
        "CREATE TABLE people (id integer PRIMARY KEY, email text, "
        "friend integer REFERENCES people DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE pets (id integer PRIMARY KEY, "
        "whose integer REFERENCES people DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE told (n serial PRIMARY KEY)",
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO told DEFAULT VALUES; RETURN NULL; END $$",
        *(f"CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
          "EXECUTE FUNCTION tell()" for table in ("people", "pets")),
        "INSERT INTO people VALUES (1, 'a@navy.test', 2), (2, 'b@navy.test', 1)",
        "INSERT INTO pets VALUES (1, 1), (2, 2)",
        "TRUNCATE told",
    )  # fmt: skip
    rules = draft(source).replace("  told:\n    columns:\n", "  told: skip\n")
    rules = "\n".join(line for line in rules.split("\n") if not line.startswith("      n:"))
    owner = target.replace("postgres@", f"{role}@")

    first = sync(source, owner, rules).total
    assert (4, 4, 0) == (first.seen, first.inserted, first.updated)
    assert [(1, 2), (2, 1)] == ask(target, "SELECT id, friend FROM people ORDER BY 1")
    carry_out(source, "DELETE FROM pets WHERE id = 2", "UPDATE people SET friend = NULL",
              "DELETE FROM people WHERE id = 2")  # fmt: skip
    moved = sync(source, owner, rules).total
    assert (1, 2) == (moved.updated, moved.deleted)
    assert [(0,)] == ask(target, "SELECT count(*) FROM told")
    assert [("O",), ("O",)] == ask(
        target, "SELECT tgenabled::text FROM pg_trigger WHERE NOT tgisinternal"
    )
