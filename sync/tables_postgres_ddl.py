"""Production's structure made anew in an empty PostgreSQL database, out of the catalogue."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg

from sync.errors import UnusableDatabase
from sync.tables_postgres_schema import USUAL

Ask = Callable[[str], list[tuple[Any, ...]]]

SCHEMAS = """
SELECT format('CREATE SCHEMA IF NOT EXISTS %I', nspname) FROM pg_namespace n
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'prompt_repo_sync')"""

EXTENSIONS = """
SELECT format('CREATE EXTENSION IF NOT EXISTS %I WITH SCHEMA %I', e.extname, n.nspname)
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql'"""

OF_EXTENSION = (
    "NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_type'::regclass "
    "AND d.objid = t.oid AND d.deptype = 'e')"
)

ENUMS = f"""
SELECT format('CREATE TYPE %I.%I AS ENUM (%s)', n.nspname, t.typname,
  (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
   FROM pg_enum e WHERE e.enumtypid = t.oid))
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'e' AND {OF_EXTENSION} ORDER BY t.oid"""

DOMAINS = f"""
SELECT format('CREATE DOMAIN %I.%I AS %s%s%s', n.nspname, t.typname,
  format_type(t.typbasetype, t.typtypmod), coalesce(' DEFAULT ' || t.typdefault, ''),
  coalesce((SELECT string_agg(' ' || CASE WHEN k.contype = 'n' THEN 'NOT NULL'
    ELSE 'CONSTRAINT ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid) END, '')
    FROM pg_constraint k WHERE k.contypid = t.oid),
    CASE WHEN t.typnotnull THEN ' NOT NULL' END, ''))
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'd' AND n.nspname NOT IN ('information_schema', 'pg_catalog') AND {OF_EXTENSION}
ORDER BY t.oid"""

FUNCTIONS = """
SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND p.prokind = 'f' AND NOT EXISTS
(SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
  AND d.deptype = 'e') ORDER BY p.oid"""

SEQUENCES = f"""
SELECT format('CREATE SEQUENCE %I.%I AS %s INCREMENT %s MINVALUE %s MAXVALUE %s START %s',
  n.nspname, c.relname, format_type(s.seqtypid, NULL), s.seqincrement, s.seqmin, s.seqmax,
  s.seqstart)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_sequence s ON s.seqrelid = c.oid
WHERE c.relkind = 'S' AND {USUAL} AND NOT EXISTS (SELECT 1 FROM pg_depend d
  WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'i')
ORDER BY c.oid"""

COLUMNS = """(SELECT string_agg(format('%%I %%s%%s%%s%%s', a.attname,
    format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attcollation <> 0 AND a.attcollation <> y.typcollation
      THEN (SELECT ' COLLATE ' || o.oid::regcollation::text FROM pg_collation o
        WHERE o.oid = a.attcollation) ELSE '' END,
    CASE WHEN a.attidentity <> '' THEN ' GENERATED ' ||
        CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END || ' AS IDENTITY'
      WHEN a.attgenerated <> '' THEN ' GENERATED ALWAYS AS (' || pg_get_expr(f.adbin, f.adrelid)
        || ') ' || CASE a.attgenerated WHEN 'v' THEN 'VIRTUAL' ELSE 'STORED' END
      WHEN f.adbin IS NOT NULL THEN ' DEFAULT ' || pg_get_expr(f.adbin, f.adrelid) ELSE '' END,
    CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END), ', ' ORDER BY a.attnum)
  FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
  LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)"""

TABLES = f"""
SELECT CASE WHEN c.relispartition THEN format('CREATE TABLE %I.%I PARTITION OF %s %s%s',
    n.nspname, c.relname,
    (SELECT i.inhparent::regclass FROM pg_inherits i WHERE i.inhrelid = c.oid),
    pg_get_expr(c.relpartbound, c.oid),
    CASE WHEN c.relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(c.oid) ELSE '' END)
  ELSE format('CREATE TABLE %I.%I (%s)%s', n.nspname, c.relname,
    {COLUMNS.replace("%%", "%")},
    CASE WHEN c.relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(c.oid) ELSE '' END) END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND {USUAL}
ORDER BY c.relispartition, c.oid"""

INHERITED = f"""
SELECT format('ALTER TABLE %s INHERIT %s', i.inhrelid::regclass, i.inhparent::regclass)
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relpersistence <> 't' AND {USUAL}
ORDER BY i.inhrelid, i.inhseqno"""

OWNED = f"""
SELECT format('ALTER SEQUENCE %s OWNED BY %s.%I', d.objid::regclass, d.refobjid::regclass,
  a.attname)
FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.deptype = 'a' AND d.classid = 'pg_class'::regclass AND {USUAL}"""

CONSTRAINTS = f"""
SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname,
  pg_get_constraintdef(k.oid))
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype IN ('p', 'u', 'c', 'x', 'f') AND k.conparentid = 0 AND k.coninhcount = 0 AND {USUAL}
ORDER BY position(k.contype::text IN 'puxcf'), k.oid"""

INDEXES = f"""
SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {USUAL} AND c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT 1 FROM pg_constraint k
  WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
AND NOT EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)
ORDER BY i.indexrelid"""

TRIGGERS = f"""
SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND {USUAL} ORDER BY t.oid"""

STEPS = (
    (SCHEMAS, EXTENSIONS, ENUMS, DOMAINS, SEQUENCES),
    (TABLES, INHERITED, OWNED, FUNCTIONS, CONSTRAINTS, INDEXES, TRIGGERS),
)


def create_like(ask: Ask, target: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Carries out on `target` what makes the structure that `ask` tells of; views are left out."""
    target.execute("SET LOCAL check_function_bodies = off")
    _carry_out(ask, target, STEPS[0])
    for (statement,) in ask(FUNCTIONS):  # tables may need them; those that need tables come later
        with suppress(psycopg.Error), target.transaction():
            target.execute(statement)
    _carry_out(ask, target, STEPS[1])


def _carry_out(
    ask: Ask, target: psycopg.Connection[tuple[Any, ...]], steps: tuple[str, ...]
) -> None:
    for step in steps:
        for (statement,) in ask(step):
            try:
                target.execute(statement)
            except psycopg.Error as error:
                target.rollback()
                said = str(error).strip().split("\n")[0]
                raise UnusableDatabase(
                    f"staging's tables can't be made ({said}) by: {statement[:200]}; make them "
                    "with `pg_dump --schema-only`, and run again"
                ) from error
