"""The pages of syncs: started, watched table by table, cancelled, resumed; conflicts decided."""

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from redis.exceptions import RedisError
from werkzeug.wrappers import Response

from sync import rules
from sync.errors import SyncError
from webapp import (
    audit,
    staging_config,
    staging_health,
    sync_asking,
    sync_conflicts,
    sync_progress,
    sync_rules,
    syncs,
)
from webapp.access import Scope, access, caller
from webapp.formatting import capitalize_first, counted
from webapp.queue import NoQueue
from webapp.records.staging_models import Sync, SyncConflict
from webapp.services import records, services, settings
from webapp.staging_config import BeingMade, NotSetUp
from webapp.staging_pages import next_runs
from webapp.syncs import SyncOver, SyncUnderWay, Wanted

blueprint = Blueprint("syncs", __name__, url_prefix="/staging/syncs")
ONE = "/<uuid:sync>"
REFUSALS = (NotSetUp, SyncUnderWay, SyncOver, SyncError, NoQueue)
SHOWN = 20
"""How many conflicts a page holds."""
MOST_PROCESSES = 64


@blueprint.get("")
@access(Scope.ADMIN)
def index() -> str:
    """Start one, watch it, and what became of earlier ones."""
    return _index()


@blueprint.post("")
@access(Scope.ADMIN)
def start() -> Response | tuple[str, int]:
    """Starts a sync, or tries one."""
    form = request.form
    wanted = Wanted(
        tables=tuple(form.getlist("table")) if form.get("which") == "some" else (),
        dry_run="dry_run" in form,
        reset="reset" in form,
        indexes_last="indexes_last" in form,
        processes=_processes(form.get("processes", "1")) if form.get("share") == "no" else 1,
        share=form.get("share") != "no",
    )
    if not 1 <= wanted.processes <= MOST_PROCESSES:
        return _index(f"One worker may use 1 to {MOST_PROCESSES} processes."), 422
    if form.get("which") == "some" and not wanted.tables:
        return _index("Tick the tables to sync, or choose all of them."), 422
    try:
        made = sync_asking.start(wanted)
    except REFUSALS as error:
        return _index(_told(error)), 503 if isinstance(error, NoQueue) else 422
    return redirect(url_for("syncs.show", sync=made.id), 303)


@blueprint.get(ONE)
@access(Scope.ADMIN)
def show(sync: Any) -> Response:
    """One sync; its part alone where the page asks for news of it, all anew once it is over."""
    found = syncs.find(records(), str(sync))
    watched = "HX-Request" in request.headers
    page = "_sync" if watched else "sync"
    response = make_response(render_template(f"staging/{page}.html", **view(found)))
    if watched and not found.under_way:
        response.headers["HX-Refresh"] = "true"
    return response


@blueprint.post(f"{ONE}/cancel")
@access(Scope.ADMIN)
def cancel(sync: Any) -> Response:
    """Ends it after the batch it is at; one that ended meanwhile is shown as it is."""
    try:
        sync_asking.cancel(str(sync))
    except SyncOver as error:
        audit.failed(str(error))
        flash(_told(error))
    return redirect(url_for("syncs.show", sync=sync), 303)


@blueprint.post(f"{ONE}/resume")
@access(Scope.ADMIN)
def resume(sync: Any) -> Response:
    """Goes on from where it stopped, carrying out what was decided."""
    try:
        sync_asking.resume(str(sync))
    except REFUSALS as error:
        audit.failed(str(error))
        flash(_told(error), "bad")
    return redirect(url_for("syncs.show", sync=sync), 303)


@blueprint.get(f"{ONE}/conflicts")
@access(Scope.ADMIN)
def conflicts(sync: Any) -> str:
    """Rows that moved on both sides, each with what both made of it."""
    return _conflicts(syncs.find(records(), str(sync)))


@blueprint.post(f"{ONE}/conflicts")
@access(Scope.ADMIN)
def decide(sync: Any) -> Response | tuple[str, int]:
    """Decides about one conflict, those that are ticked, those of a table, or all."""
    found = syncs.find(records(), str(sync))
    audit.describe(f"sync {found.sync_id}")
    try:
        choice = _choice()
        scope = "one" if request.form.get("one") else request.form.get("scope", "")
        audit.describe(scope=scope, **choice)
        number = sync_conflicts.decide(records(), found.id, who=caller().actor, **choice)
    except SyncOver as error:
        audit.failed(str(error))
        return _conflicts(found, _told(error)), 422
    audit.describe(decided=number)
    left = sync_conflicts.standing(records(), found.id)
    flash(f"Decided about {counted(number, 'row')}; {left.open - left.decided:,} left.", "good")
    if left.open == left.decided:
        return redirect(url_for("syncs.show", sync=sync), 303)
    return redirect(_back_to(found.id, choice), 303)


def view(sync: Sync) -> dict[str, Any]:
    """What the part of a page about one sync shows."""
    newest, standing = syncs.latest(records()), sync_rules.latest(records())
    return {
        "sync": sync,
        "newer_rules": standing.version
        if standing and standing.version > sync.rules_version
        else 0,
        "standing": sync_progress.read(services().redis, sync.id) if sync.under_way else None,
        "deserted": sync.under_way and _is_deserted(),
        "open": sync_conflicts.standing(records(), sync.id),
        "resumable": sync.resumable and newest is not None and newest.id == sync.id,
    }


def _is_deserted() -> bool:
    """Whether nobody is there to carry a sync out, nor to find that whoever did is gone."""
    client = services().redis
    try:
        return client is not None and not staging_health.takers(client)
    except RedisError:
        return False  # it can't be told


def _index(error: str = "") -> str:
    config = staging_config.current(records(), settings())
    hindrance = _hindrance(config)
    running, newest = syncs.under_way(records()), syncs.latest(records())
    unfinished = newest if newest is not None and newest.resumable else None
    standing = sync_rules.latest(records())
    history = syncs.listed(records(), SHOWN + 1, request.args.get("before", "")[:36])
    return render_template(
        "staging/syncs.html",
        config=config,
        error=error,
        hindrance=hindrance,
        being_made=isinstance(hindrance, BeingMade),
        watched=view(running) if running else None,
        unfinished=view(unfinished) if unfinished and not running else None,
        history=history[:SHOWN],
        more=history[SHOWN - 1].id if len(history) > SHOWN else None,
        rules=standing,
        tables=_tables(standing.text) if standing else [],
        chosen=request.form.getlist("table"),
        how=request.form,
        runs=next_runs(config),
    )


def _hindrance(config: Any) -> NotSetUp | None:
    """What keeps every sync from beginning."""
    try:
        staging_config.allow_sync(config)
        staging_config.addresses(config, settings())
    except NotSetUp as error:
        return error
    return None


def _processes(text: str) -> int:
    text = text.strip() or "1"
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else 0


def _tables(text: str) -> list[str]:
    found = rules.parse(text).tables.values()
    return [table.name for table in found if not table.skip]


def _told(error: Exception) -> str:
    return f"{capitalize_first(str(error)).rstrip('.')}."


# Conflicts


def _choice() -> dict[str, Any]:
    """What was decided, and about which conflicts: one, those ticked, those of a table, or all."""
    form = request.form
    if form.get("one"):
        number, _, action = form["one"].partition(":")
        take = _takes(number) if action == "merge" else {}
        return {"action": action, "numbers": [_number(number)], "take": take}
    action, scope = form.get("action", ""), form.get("scope", "")
    take = {"*": form["prefer"]} if form.get("prefer") and action == "merge" else {}
    rest = {"undecided": True} if scope.startswith("rest") else {}
    if scope in ("all", "rest"):
        return {"action": action, "take": take, **rest}
    if scope in ("table", "rest of table") and form.get("shown"):
        return {"action": action, "table": form["shown"], "take": take, **rest}
    numbers = [_number(each) for each in form.getlist("conflict")]
    if not numbers:
        raise SyncOver("tick the rows that are meant, or choose all")
    return {"action": action, "numbers": numbers, "take": take}


def _back_to(ident: str, choice: dict[str, Any]) -> str:
    """The same part of the list, at the row that was decided about."""
    form, numbers = request.form, choice.get("numbers", [])
    return url_for(
        "syncs.conflicts",
        sync=ident,
        table=form.get("shown") or None,
        after=form.get("after", type=int) or None,
        _anchor=f"conflict-{numbers[-1]}" if numbers else None,
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise SyncOver("there is no such open conflict")
    return int(text)


def _takes(number: str) -> dict[str, str]:
    """Whose value each column of one conflict takes, as it was picked on the page."""
    begin = f"take.{number}."
    return {
        name.removeprefix(begin): value
        for name, value in request.form.items()
        if name.startswith(begin)
    }


def _conflicts(found: Sync, error: str = "") -> str:
    table = request.args.get("table", "") or request.form.get("shown", "")
    after = request.values.get("after", 0, type=int)
    rows = sync_conflicts.conflicts(
        records(), found.id, SHOWN + 1, max(0, min(after, 2**62)), table=table
    )
    return render_template(
        "staging/conflicts.html",
        sync=found,
        error=error,
        table=table,
        after=after,
        acting=sync_conflicts.are_decided_now(records(), found),
        open=sync_conflicts.standing(records(), found.id),
        mergeable=sync_conflicts.mergeable(records(), found.id, table),
        conflicts=[(each, sync_conflicts.name_of(each), _lines(each)) for each in rows[:SHOWN]],
        more=rows[SHOWN - 1].id if len(rows) > SHOWN else None,
    )


def _lines(row: SyncConflict) -> list[dict[str, Any]]:
    """The columns in which the sides differ, each with all three values."""
    width = len(row.columns)
    base, theirs, ours = (
        side or [None] * width for side in (row.base, row.production, row.staging)
    )
    return [
        {"name": name, "base": was, "production": live, "staging": own, "open": name in row.moved}
        for name, was, live, own in zip(row.columns, base, theirs, ours, strict=False)
        if live != own or row.production is None or row.staging is None
    ]
