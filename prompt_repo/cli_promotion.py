"""The verbs between the environments: promote, rollback."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import click

from prompt_repo import cli_output
from prompt_repo.cli_base import FOUND_WRONG, Refused, Where, author_named, json_option
from prompt_repo.dependencies import check_planned
from prompt_repo.drift import Drift, Plan, State
from prompt_repo.errors import (
    InvalidDocument,
    InvalidEdit,
    NothingToPromote,
    NotInPlan,
    Undecided,
)
from prompt_repo.layout import place_of
from prompt_repo.model import Held
from prompt_repo.promotion import Decision, Order, Pinned, Side, choose, planned, promote
from prompt_repo.releases import Did, what_did
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.rolling_back import roll_back
from prompt_repo.tagging import Promotion

KEEP, TAKE, EXCEPT = "--keep-production", "--take-staging", "--except"
SHOWN = 10  # documents that one message names
author_option = click.option(
    "--author",
    metavar="'NAME <EMAIL>'",
    default="prompt-repo <prompt-repo@localhost>",
    show_default=True,
    help="Whom the commit names.",
)
reason_option = click.option("--reason", default="", help="Why: the commit's message.")


class DocumentPath(click.ParamType[str]):
    """The path of a document, `aria/angry`, or `defaults/angry`."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The path that a name means."""
        names = (value, f"{value}.yaml", f"characters/{value}.yaml")
        found = next((path for path in names if place_of(path) is not None), None)
        if found is None:
            self.fail("name it as aria/angry, defaults/angry or the file's path", param, ctx)
        return str(found)


DOCUMENT = DocumentPath()


@click.command("promote", short_help="Bring staging's prompts to production.")
@click.option("--from", "source", type=click.Choice([STAGING]), default=STAGING)
@click.option("--to", "target", type=click.Choice([PRODUCTION]), default=PRODUCTION)
@click.option(
    "--only", multiple=True, type=DOCUMENT, metavar="PATH", help="Only this one (may be repeated)."
)
@click.option(
    EXCEPT, "left", multiple=True, type=DOCUMENT, metavar="PATH", help="All that is ahead but this."
)
@click.option(
    "--held-back",
    multiple=True,
    type=DOCUMENT,
    metavar="PATH",
    help="This held-back one too (may be repeated).",
)
@click.option(
    TAKE, multiple=True, type=DOCUMENT, metavar="PATH", help="It diverged: staging's goes."
)
@click.option(
    KEEP, multiple=True, type=DOCUMENT, metavar="PATH", help="It diverged: production's stays."
)
@click.option(
    "--plan", "pinned", metavar="STAGING..PRODUCTION", help="Only if both are still there."
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@author_option
@reason_option
@json_option
@click.pass_obj
def promote_verb(
    where: Where,
    source: str,
    target: str,
    only: tuple[str, ...],
    left: tuple[str, ...],
    held_back: tuple[str, ...],
    take_staging: tuple[str, ...],
    keep_production: tuple[str, ...],
    pinned: str | None,
    dry_run: bool,
    author: str,
    reason: str,
    as_json: bool,
) -> None:
    """Bring staging's prompts to production: all that is ahead, or --only some.

    What was rolled back stays held back until it is named; what diverged must be decided. Exits
    1 where nothing would change, or where something is still to be decided.

    \b
    Example:
      prompt-repo promote --from staging --to production --dry-run
      prompt-repo promote --only aria/angry --reason "Softer voice"
      prompt-repo promote --except bolt/idle
    """
    repository = where.open()
    decisions: dict[str, Decision] = dict.fromkeys(take_staging, Side.STAGING)
    if twice := decisions.keys() & set(keep_production):
        raise InvalidEdit(f"{min(twice)} can't be both {TAKE} and {KEEP}")
    decisions |= dict.fromkeys(keep_production, Side.PRODUCTION)
    pin = _pinned(pinned)
    if left:
        plan = planned(repository, pin)
        pin = Pinned(plan.staging, plan.production)
        only = tuple(_but(plan, only, left))
    order = Order(only if only or left else None, held_back, decisions)
    try:
        if dry_run:
            _show_plan(planned(repository, pin), repository, order, as_json)
        else:
            done = promote(repository, order, author_named(author), reason, pin)
            _show_done("Promoted", done, as_json)
    except InvalidDocument as invalid:
        raise Unfit(invalid) from invalid


def _but(plan: Plan, only: Sequence[str], left: Collection[str]) -> Iterator[str]:
    """All that is ahead or diverged, or what was named alone, without what is left."""
    for path in left:
        if path not in plan.by_path:
            raise NotInPlan(path, "differs between staging and production")
    return (path for path in only or plan.paths(State.AHEAD, State.DIVERGED) if path not in left)


class Unfit(Refused):
    """What would break a rule in production: each place, and what to do about it."""

    def __init__(self, invalid: InvalidDocument) -> None:
        paths = dict.fromkeys(problem.path for problem in invalid.problems)
        rest = " ".join(f"{EXCEPT} {path}" for path in list(paths)[:SHOWN])
        super().__init__(
            invalid,
            "Nothing was promoted, for production would break by that. Mend it in staging (edit "
            f"it, revert it, or push a correction), or let the rest go without it: {rest}",
        )


def _pinned(text: str | None) -> Pinned | None:
    if text is None:
        return None
    staging, dots, production = text.partition("..")
    if not dots:
        raise click.BadParameter("give two commits: STAGING..PRODUCTION", param_hint="--plan")
    return Pinned(staging, production)


def _show_plan(plan: Plan, repository: Repository, order: Order, as_json: bool) -> None:
    going: Sequence[str] = ()
    undecided: Sequence[str] = ()
    try:
        going = choose(repository, plan, order)
    except Undecided as asked:
        undecided = asked.paths
    except NothingToPromote:
        pass  # what differs is still shown, and the exit code says so
    invalid = _unfit(repository, plan, order, going) if going else None
    if as_json:
        cli_output.echo_json(plan_json(plan, going))
    else:
        named = order.paths is not None
        cli_output.echo_rows(_rows(plan, going, undecided, only_those=named))
        click.echo(_sum(plan, going, undecided))
    if invalid is not None:
        raise invalid
    if not going:
        raise click.exceptions.Exit(FOUND_WRONG)


def _unfit(
    repository: Repository, plan: Plan, order: Order, going: Sequence[str]
) -> InvalidDocument | None:
    """What would keep it from going; a text that was decided on is checked when it goes."""
    stays = [path for path, side in order.decisions.items() if side is Side.PRODUCTION]
    try:
        check_planned(repository, plan, [path for path in going if path not in stays])
    except InvalidDocument as invalid:
        return invalid
    return None


def _sum(plan: Plan, going: Sequence[str], undecided: Sequence[str]) -> str:
    if not plan.items:
        return "Staging and production hold the same."
    if undecided:
        said = f"{len(undecided):,} to decide first, with {TAKE}, {KEEP} or --held-back"
    else:
        said = f"{len(going):,} of {len(plan.items):,} would be promoted"
    return f"{said}.\nThis plan: --plan {plan.staging}..{plan.production}"


def _rows(
    plan: Plan, going: Sequence[str], undecided: Sequence[str], *, only_those: bool
) -> Iterator[dict[str, str]]:
    """What differs; with `only_those` no more than what goes or is to be decided."""
    goes, asked = set(going), set(undecided)
    for item in plan.items:
        if only_those and item.path not in goes and item.path not in asked:
            continue
        yield {
            "": "→" if item.path in goes else "?" if item.path in asked else " ",
            "document": item.path,
            "state": str(item.state),
            "production": _said(item.production),
            "staging": _said(item.staging),
        }


def _said(held: Held | None) -> str:
    if held is None:
        return "none"
    return str(held.number) if held.blob is not None else f"{held.number} (removed)"


def plan_json(plan: Plan, going: Sequence[str]) -> dict[str, Any]:
    """A plan as the value a program reads."""
    chosen = set(going)
    return {
        "from": {"environment": STAGING, "commit": plan.staging},
        "to": {"environment": PRODUCTION, "commit": plan.production},
        "items": [{**_item_json(item), "promoted": item.path in chosen} for item in plan.items],
        "counts": {str(state): len(plan.paths(state)) for state in State},
    }


def _item_json(item: Drift) -> dict[str, Any]:
    return {
        "path": item.path,
        "state": str(item.state),
        "staging": _held_json(item.staging),
        "production": _held_json(item.production),
    }


def _held_json(held: Held | None) -> dict[str, Any] | None:
    if held is None:
        return None
    return {"version": held.number, "commit": held.commit, "removed": held.blob is None}


@click.command("rollback", short_help="Put back what a promotion replaced.")
@click.argument("promotion")
@click.option(
    "--only", multiple=True, type=DOCUMENT, metavar="PATH", help="Only this one (may be repeated)."
)
@click.option(
    "--anyway",
    multiple=True,
    type=DOCUMENT,
    metavar="PATH",
    help="This one too, though it moved since (may be repeated).",
)
@author_option
@reason_option
@json_option
@click.pass_obj
def rollback_verb(
    where: Where,
    promotion: str,
    only: tuple[str, ...],
    anyway: tuple[str, ...],
    author: str,
    reason: str,
    as_json: bool,
) -> None:
    """Put back what PROMOTION (its tag, or its commit on production) replaced.

    What is rolled back is held back: `promote` skips it until it is named. To put back what a
    roll-back replaced is to promote it again.

    \b
    Example:
      prompt-repo rollback production/2026-11-23.1 --reason "Too loud"
      prompt-repo rollback production/2026-11-23.1 --only aria/angry
    """
    who = author_named(author)
    done = roll_back(where.open(), promotion, who, reason, only=only or None, anyway=anyway)
    back = what_did(done.commit)[0] is Did.ROLLED_BACK
    _show_done("Rolled back" if back else "Promoted again", done, as_json)


def _show_done(what: str, done: Promotion, as_json: bool) -> None:
    if as_json:
        told = cli_output.commit_json(done.commit)
        cli_output.echo_json({"promotion": done.tag, **told})
        return
    count = len(done.paths)
    click.echo(f"{what} {count:,} document{'s' if count != 1 else ''}: {done.tag}")
    for path in done.paths:
        click.echo(f"  {cli_output.printable(path)}")
