"""Trails: the part of the audit log that is about one prompt, or about what one person did."""

from itertools import islice

from flask import Blueprint, render_template, request

from prompt_repo.deployments import deployments
from prompt_repo.layout import ENVIRONMENTS
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
    wanted = Wanted(path=path, commits=_commits(path))
    found = audit_reading.page(records(), wanted, before(), PAGE)
    return render_template("audit/of_prompt.html", subject=subject, found=found)


def did(account: Account, limit: int = FEW, older_than: int | None = None) -> Page:
    """The newest entries of what a person did."""
    made = [(each.id, each.name) for each in tokens.listed(records(), account.id)]
    wanted = audit_reading.of_person(Wanted(), account.name, made)
    return audit_reading.page(records(), wanted, older_than, limit)


def _commits(path: str) -> frozenset[str]:
    """The commits that wrote a prompt, and those that took it to production and away."""
    found = {each.began.oid for each in deployments(repository(), path)}
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


def before() -> int | None:
    """The entry that a page goes on from, towards older ones."""
    given = request.args.get("before", "")
    return int(given[:18]) if given.isascii() and given.isdecimal() else None
