"""Trails: the part of the audit log that is about one prompt, or about what one person did."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import islice

from flask import Blueprint, render_template, request

from prompt_repo.deployments import deployments
from prompt_repo.errors import RevisionNotFound
from prompt_repo.layout import ENVIRONMENTS, place_of
from webapp import audit_reading, tokens
from webapp.access import Scope, access
from webapp.audit_reading import Page, Wanted
from webapp.prompt_routes import ENVIRONMENT, on_prompts, subject_of
from webapp.records.models import Account
from webapp.services import records, repository

blueprint = Blueprint("trail", __name__, url_prefix=ENVIRONMENT)
PAGE, FEW = 50, 10
COMMITS = 400  # versions, newest first, whose entries a prompt's trail looks for


@on_prompts(blueprint, "/trail")
@access(Scope.ADMIN)
def of_prompt(environment: str, character: str | None, emotion: str) -> str:
    """What happened to a prompt: edits, refusals, previews, promotions, with who and from where."""
    subject = subject_of(environment, character, emotion)
    path = subject.key.path
    wanted = Wanted(path=path, commits=commits_of(path))
    found = audit_reading.page(records(), wanted, before(), PAGE)
    return render_template("audit/of_prompt.html", subject=subject, found=found)


def did(account: Account, limit: int = FEW, older_than: int | None = None) -> Page:
    """The newest entries of what a person did."""
    made = [(each.id, each.name) for each in tokens.listed(records(), account.id)]
    wanted = audit_reading.of_person(Wanted(), account.name, made)
    return audit_reading.page(records(), wanted, older_than, limit)


def asked(given: Mapping[str, str]) -> Wanted:
    """What a query string asks for: of a file all that is about it, as its trail shows it."""
    wanted = Wanted.asked(given)
    if place_of(wanted.path) is None:
        return wanted
    return replace(wanted, commits=commits_of(wanted.path))


def commits_of(path: str) -> frozenset[str]:
    """The commits that entries are found by: that wrote a document, or took it to production."""
    found = _in_a_row(path) | {each.began.oid for each in deployments(repository(), path)}
    for environment in ENVIRONMENTS:
        head = repository().head(environment)
        repository().history.ensure(head)
        cursor = None
        while len(found) < COMMITS:
            page = repository().history.page(head, path, cursor)
            found |= {each.commit for each in page.versions}
            cursor = page.next_cursor
            if cursor is None:
                break
    return frozenset(islice(found, COMMITS))


def _in_a_row(path: str) -> set[str]:
    """The last commits of imports that wrote many, one of this document's among them."""
    history, found = repository().history, set()
    for since, last in audit_reading.rows_of_commits(records()):
        with suppress(RevisionNotFound):  # the entry is of another repository
            history.ensure(last)
            first, then = (history.held(each, path) for each in (since, last))
            if (first and first.row) != (then and then.row):
                found.add(last)
    return found


def before() -> int | None:
    """The entry that a page goes on from, towards older ones."""
    given = request.args.get("before", "")
    return int(given[:18]) if given.isascii() and given.isdecimal() else None
