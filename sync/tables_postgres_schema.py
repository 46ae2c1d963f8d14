"""What PostgreSQL's catalogue says of tables: columns, keys, triggers."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from sync.errors import Unsupported
from sync.model import Column, ForeignKey, Schema, Table, Unique

OWN_SCHEMA = "prompt_repo_sync"
Ask = Callable[[str], list[tuple[Any, ...]]]

USUAL = (
    "n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'prompt_repo_sync') AND NOT "
    "EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid "
    "AND d.deptype = 'e')"
)

TABLES = f"""
SELECT c.oid, n.nspname, c.relname, c.relkind, greatest(c.reltuples, 0)::bigint,
  pg_table_size(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' AND {USUAL}
ORDER BY n.nspname <> 'public', n.nspname, c.relname"""

SPELLED = f"""
SELECT format('%%I.%%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' AND {USUAL}
AND %s = CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname"""
"""A table as SQL writes it, by its name in the rules."""

LEFT_OUT = f"""
SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm', 'f') AND {USUAL} ORDER BY 1, 2"""

COLUMNS = """
SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod),
  format_type(coalesce(nullif(b.typbasetype, 0), b.oid),
    CASE WHEN b.typbasetype <> 0 THEN b.typtypmod ELSE a.atttypmod END),
  a.attnotnull OR b.typnotnull, a.attgenerated <> '', a.attidentity <> '', b.typtype,
  coalesce(l.typtype, e.typtype),
  b.typcategory = 'A' OR e.typcategory = 'A', format_type(e.typelem, a.atttypmod)
FROM pg_attribute a JOIN pg_type b ON b.oid = a.atttypid
JOIN pg_type e ON e.oid = coalesce(nullif(b.typbasetype, 0), b.oid)
LEFT JOIN pg_type l ON l.oid = e.typelem AND e.typcategory = 'A'
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid = ANY (%s::oid[])
ORDER BY a.attrelid, a.attnum"""

INDEXES = """
SELECT i.indrelid, x.relname, i.indisprimary, i.indpred IS NULL AND i.indimmediate,
  ARRAY(SELECT a.attname::text FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY k (n, o)
    LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n AND k.n > 0
    ORDER BY k.o),
  coalesce(pg_get_expr(i.indexprs, i.indrelid), '')
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
WHERE i.indisunique AND i.indrelid = ANY (%s::oid[])
ORDER BY NOT i.indisprimary, x.relname"""

FOREIGN_KEYS = """
SELECT k.conrelid, k.conname, k.confrelid,
  ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u (n, o) JOIN pg_attribute a
    ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.o),
  ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u (n, o) JOIN pg_attribute a
    ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY u.o)
FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = ANY (%s::oid[]) AND k.conparentid = 0
ORDER BY k.conname"""

TRIGGERS = """
SELECT t.tgrelid, t.tgname FROM pg_trigger t
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgrelid = ANY (%s::oid[]) ORDER BY t.tgname"""

SHAPES = (
    (r"smallint|integer|bigint|oid", "integer"),
    (r"numeric.*|real|double precision|money", "decimal"),
    (r"text|character.*|citext|name|\"char\"", "text"),
    (r"date", "date"),
    (r"timestamp.*", "timestamp"),
    (r"time .*|time", "time"),
    (r"uuid", "uuid"),
    (r"jsonb?", "json"),
    (r"inet|cidr", "inet"),
    (r"boolean", "boolean"),
    (r"bytea", "bytes"),
)


def read_schema(ask: Callable[..., list[tuple[Any, ...]]]) -> Schema:
    """The tables that `ask`, which carries out SQL, tells of."""
    heads = ask(TABLES)
    oids = [head[0] for head in heads]
    named = _named(heads)
    columns, generated = _columns(ask(COLUMNS, [oids]))
    keys, uniques = _indexes(ask(INDEXES, [oids]), columns)
    foreign = _foreign(ask(FOREIGN_KEYS, [oids]), named)
    triggers = defaultdict(list)
    for oid, name in ask(TRIGGERS, [oids]):
        triggers[oid].append(name)
    tables = {
        named[oid]: Table(
            named[oid], schema, bare, tuple(columns[oid]), keys.get(oid, ()), tuple(uniques[oid]),
            tuple(foreign[oid]), tuple(triggers[oid]), rows, size, tuple(generated[oid]),
            kind == "p",
        )
        for oid, schema, bare, kind, rows, size in heads
    }  # fmt: skip
    words = {"v": "view", "m": "materialised view", "f": "foreign table"}
    left = tuple(f"{_name(schema, bare)} ({words[kind]})" for schema, bare, kind in ask(LEFT_OUT))
    return Schema(tables, left)


def _named(heads: list[tuple[Any, ...]]) -> dict[int, str]:
    """What the rules call each table."""
    named = {oid: _name(schema, bare) for oid, schema, bare, *_ in heads}
    twice = sorted(name for name, number in Counter(named.values()).items() if number > 1)
    if twice:
        raise Unsupported(
            [f"two tables would both be called {name} in the rules, for one has a dot in its "
             "name, or in its schema's; rename one" for name in twice]
        )  # fmt: skip
    return named


def _name(schema: str, bare: str) -> str:
    return bare if schema == "public" else f"{schema}.{bare}"


def _columns(
    found: list[tuple[Any, ...]],
) -> tuple[dict[int, list[Column]], dict[int, list[str]]]:
    columns: dict[int, list[Column]] = defaultdict(list)
    generated: dict[int, list[str]] = defaultdict(list)
    for oid, name, type_, base, filled, made, identity, _, kind, array, element in found:
        if made:
            generated[oid].append(name)
            continue
        plain = element if array else base
        length = re.search(r"character(?: varying)?\((\d+)\)", plain or "")
        columns[oid].append(
            Column(
                name, type_, "enum" if kind == "e" else _shape(plain or ""), not filled,
                int(length[1]) if length else None, bool(array), identity=identity,
            )
        )  # fmt: skip
    return columns, generated


def _shape(type_: str) -> str:
    return next((shape for pattern, shape in SHAPES if re.fullmatch(pattern, type_)), "other")


def _indexes(
    found: list[tuple[Any, ...]], columns: dict[int, list[Column]]
) -> tuple[dict[int, tuple[str, ...]], dict[int, list[Unique]]]:
    keys: dict[int, tuple[str, ...]] = {}
    uniques: dict[int, list[Unique]] = defaultdict(list)
    for oid, name, _, whole, parts, expression in found:
        bare = tuple(part for part in parts if part is not None)
        uniques[oid].append(Unique(name, bare, expression))
        filled = {column.name for column in columns[oid] if not column.nullable}
        if whole and not expression and oid not in keys and set(bare) <= filled:
            keys[oid] = bare
    return keys, uniques


def _foreign(found: list[tuple[Any, ...]], named: dict[int, str]) -> dict[int, list[ForeignKey]]:
    foreign: dict[int, list[ForeignKey]] = defaultdict(list)
    for oid, name, target, columns, target_columns in found:
        if target in named:
            foreign[oid].append(
                ForeignKey(name, named[oid], tuple(columns), named[target], tuple(target_columns))
            )
    return foreign
