"""The rules of a sync in the records: every version that was saved, and a draft to begin with."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from sync import plan, rules
from sync.check import check, check_conditions
from sync.errors import InvalidRules
from sync.preparing import SAMPLE
from sync.rules import Rules
from sync.tables import Source
from webapp import clock
from webapp.records import Records
from webapp.records.staging_models import SyncRules

Why = Mapping[str, Mapping[str, str]]
BY_A_PERSON = "chosen by hand"


class RulesMoved(Exception):
    """Somebody saved other rules since these were read; nothing was saved."""


class NoRules(Exception):
    """There are no rules yet, or not this version of them."""


def latest(records: Records) -> SyncRules | None:
    """The version that stands."""
    with records.reading() as session:
        return session.scalars(select(SyncRules).order_by(SyncRules.version.desc())).first()


def version(records: Records, number: int) -> SyncRules:
    """One version; raises NoRules."""
    with records.reading() as session:
        found = session.get(SyncRules, number)
    if found is None:
        raise NoRules(f"there is no version {number} of the rules")
    return found


def versions(records: Records, most: int = 50) -> list[SyncRules]:
    """The latest versions, newest first."""
    with records.reading() as session:
        query = select(SyncRules).order_by(SyncRules.version.desc()).limit(most)
        return list(session.scalars(query))


def draft(source: Source) -> tuple[str, dict[str, dict[str, str]]]:
    """Rules for production as it is, as YAML, and why each."""
    found, why = plan.draft(source.schema(), lambda table: source.sample(table, SAMPLE))
    return rules.dump(found), nested(why)


def nested(why: Mapping[tuple[str, str], str]) -> dict[str, dict[str, str]]:
    """Reasons by table, then by column."""
    found: dict[str, dict[str, str]] = {}
    for (table, column), said in why.items():
        found.setdefault(table, {})[column] = said
    return found


def checked(text: str, source: Source) -> Rules:
    """Rules that can work on production as it is; raises InvalidRules, Uncovered."""
    found = rules.parse(text, "rules.yaml")
    schema = source.schema()
    check(found, schema, lambda table: source.sample(table, SAMPLE))
    check_conditions(found, schema, source.refusal)
    return found


def readable(found: SyncRules | None) -> Rules:
    """What a version says; nothing where it is none, or is refused since it was saved."""
    try:
        return rules.parse(found.text) if found else Rules()
    except InvalidRules:
        return Rules()


def reasons(before: SyncRules | None, after: Rules, drafted: Why) -> dict[str, dict[str, str]]:
    """Why each rule is what it is: as before where it stayed, as drafted where it is the draft's.

    What a person chose otherwise says so.
    """
    standing = readable(before)
    told = before.why if before else {}
    why: dict[str, dict[str, str]] = {}
    for name, table in after.tables.items():
        earlier = standing.tables.get(name)
        for column, rule in table.columns.items():
            same = earlier is not None and earlier.columns.get(column) == rule
            kept = told.get(name, {}).get(column, "") if same else ""
            why.setdefault(name, {})[column] = kept or drafted.get(name, {}).get(
                column, BY_A_PERSON
            )
    return why


def save(
    records: Records, text: str, why: Why, who: str, reason: str, seen: int | None
) -> SyncRules:
    """A new version after the one that was `seen`; raises RulesMoved where another one is newest.

    Rules that are the same to the letter make no new version.
    """
    moved = RulesMoved("somebody saved other rules meanwhile; look at those, then save again")
    try:
        with records.writing() as session:
            newest: Any = session.scalar(select(func.max(SyncRules.version)))
            if newest != seen:
                raise moved
            standing = session.get(SyncRules, newest) if newest else None
            if standing is not None and standing.text == text:
                return standing
            made = SyncRules(
                version=(newest or 0) + 1,
                text=text,
                why={table: dict(columns) for table, columns in why.items()},
                reason=reason.strip()[:500],
                saved_by=who[:80],
                saved_at=clock.now(),
            )
            session.add(made)
    except IntegrityError as error:
        raise moved from error
    return made
