"""The staging environment over the API: how it is, how it is set up, its syncs.

Like its pages it is for admins alone, at its own host and from the VPN where that is set; see
`webapp.staging_access`, which looks before anything else does.
"""

from typing import Any
from uuid import UUID

from flask import Response, jsonify, url_for

from webapp import (
    audit,
    staging_config,
    staging_health,
    staging_pages,
    sync_asking,
    sync_conflicts,
    sync_progress,
    syncs,
)
from webapp.access import Scope, caller
from webapp.api import asking, blueprint, staging_bodies
from webapp.api.routing import Operation, route
from webapp.api.staging_bodies import (
    ConfigurationChange,
    ConflictList,
    Decided,
    Listing,
    ListingConflicts,
    Resolution,
    StagingConfiguration,
    StagingStatus,
    SyncOrder,
    SyncRun,
    SyncRunDetail,
    SyncRunList,
)
from webapp.records.staging_models import Sync
from webapp.services import records, services, settings
from webapp.syncs import Wanted

BASE = "/v1/staging"
ONE = f"{BASE}/syncs/<uuid:sync>"


@route(
    blueprint,
    "GET",
    f"{BASE}/status",
    Scope.ADMIN,
    "staging_status",
    Operation(
        "How staging is: each part, isolation, the last sync, drift",
        {200: StagingStatus},
        of_prompts=False,
    ),
)
def status() -> Response:
    """Every part is asked just now; one that does not answer is given up after some seconds."""
    config = staging_config.current(records(), settings())
    found = staging_health.status(staging_pages.around(config))
    running, runs = syncs.under_way(records()), staging_pages.next_runs(config)
    return jsonify(staging_bodies.status(found, config, running, runs))


@route(
    blueprint,
    "GET",
    f"{BASE}/config",
    Scope.ADMIN,
    "staging_config",
    Operation("The configuration of staging", {200: StagingConfiguration}, of_prompts=False),
)
def configuration() -> Response:
    """Passwords are covered."""
    found = staging_config.current(records(), settings())
    return jsonify(staging_bodies.configuration(found))


@route(
    blueprint,
    "PATCH",
    f"{BASE}/config",
    Scope.ADMIN,
    "change_staging_config",
    Operation(
        "Change the configuration of staging",
        {200: StagingConfiguration},
        body=ConfigurationChange,
        writes=True,
        of_prompts=False,
    ),
)
def configure() -> Response:
    """Nothing is saved where a field is wrong, or where it would shut out whoever saves it."""
    given = asking.body(ConfigurationChange).model_dump(exclude_unset=True)
    told = {name: value for name, value in given.items() if value is not None}
    return jsonify(staging_bodies.configuration(staging_pages.save(told)))


@route(
    blueprint,
    "GET",
    f"{BASE}/syncs",
    Scope.ADMIN,
    "syncs",
    Operation("Syncs, newest first", {200: SyncRunList}, query=Listing, of_prompts=False),
)
def index() -> Response:
    """Also those of the schedule that never began, with `missed`."""
    asked = asking.query(Listing)
    found = syncs.listed(records(), asked.limit + 1, asked.cursor or "")
    more = found[asked.limit - 1].id if len(found) > asked.limit else None
    return jsonify(items=[_run(each) for each in found[: asked.limit]], next_cursor=more)


@route(
    blueprint,
    "POST",
    f"{BASE}/syncs",
    Scope.ADMIN,
    "start_sync",
    Operation(
        "Start a sync, or try one",
        {202: SyncRun},
        body=SyncOrder,
        body_optional=True,
        writes=True,
        of_prompts=False,
        also={409: "A sync is under way, or something it needs is not set up."},
    ),
)
def start() -> Response:
    """Copies production's rows to staging as fakes. Follow it by its `Location`."""
    order = asking.body(SyncOrder, optional=True)
    how = order.model_dump(exclude={"tables"})
    return _began(sync_asking.start(Wanted(tuple(order.tables), **how)))


@route(
    blueprint,
    "GET",
    ONE,
    Scope.ADMIN,
    "sync",
    Operation("A sync and how far it is", {200: SyncRunDetail}, of_prompts=False),
)
def show(sync: UUID) -> Response:
    """Its status, its progress table by table while it runs, its counts once it is over."""
    found = syncs.find(records(), str(sync))
    return jsonify({**_run(found), "samples": found.samples})


@route(
    blueprint,
    "POST",
    f"{ONE}/cancel",
    Scope.ADMIN,
    "cancel_sync",
    Operation("Cancel a sync", {200: SyncRun}, writes=True, also={409: "It is over."}),
)
def cancel(sync: UUID) -> Response:
    """At once where it waits, after its batch where it runs; what is finished stays."""
    return jsonify(_run(sync_asking.cancel(str(sync))))


@route(
    blueprint,
    "POST",
    f"{ONE}/resume",
    Scope.ADMIN,
    "resume_sync",
    Operation(
        "Resume a sync that is paused, failed or cancelled",
        {202: SyncRun},
        writes=True,
        of_prompts=False,
        also={409: "It can't go on: it is not the newest, or another is under way."},
    ),
)
def resume(sync: UUID) -> Response:
    """Goes on from where it stopped, and carries out what was decided about conflicts."""
    return _began(sync_asking.resume(str(sync)))


@route(
    blueprint,
    "GET",
    f"{ONE}/conflicts",
    Scope.ADMIN,
    "sync_conflicts",
    Operation(
        "Rows that moved on both sides",
        {200: ConflictList},
        query=ListingConflicts,
        of_prompts=False,
    ),
)
def conflicts(sync: UUID) -> Response:
    """The open ones, by table and key; production's side as its fake."""
    asked = asking.query(ListingConflicts)
    found = syncs.find(records(), str(sync))
    rows = sync_conflicts.conflicts(
        records(), found.id, asked.limit + 1, asked.cursor, asked.table or ""
    )
    more = rows[asked.limit - 1].id if len(rows) > asked.limit else None
    return jsonify(
        items=[staging_bodies.conflict(row) for row in rows[: asked.limit]],
        next_cursor=more,
        sums=staging_bodies.conflict_sums(sync_conflicts.standing(records(), found.id)),
    )


@route(
    blueprint,
    "POST",
    f"{ONE}/resolve",
    Scope.ADMIN,
    "resolve_conflicts",
    Operation(
        "Decide about conflicts",
        {200: Decided},
        body=Resolution,
        writes=True,
        of_prompts=False,
        also={409: "The sync is not paused, none of them is open, or a merge says too little."},
    ),
)
def resolve(sync: UUID) -> Response:
    """Overwrite, skip, or merge by column: some, those of a table, or all of them."""
    given, found = asking.body(Resolution), syncs.find(records(), str(sync))
    number = sync_conflicts.decide(
        records(), found.id, given.action, caller().actor,
        numbers=given.conflicts, table=given.table or "", take=given.take,
        undecided=given.undecided,
    )  # fmt: skip
    audit.describe(
        f"sync {found.sync_id}", decided=number, action=given.action, numbers=given.conflicts,
        table=given.table or "", take=given.take, undecided=given.undecided,
    )  # fmt: skip
    sums = sync_conflicts.standing(records(), found.id)
    if given.resume and sums.open == sums.decided:
        sync_asking.resume(found.id)
    body: dict[str, Any] = {
        "decided": number,
        "sums": staging_bodies.conflict_sums(sums),
        "sync": _run(syncs.find(records(), found.id)),
    }
    return jsonify(body)


def _began(made: Sync) -> Response:
    response = jsonify(_run(made))
    response.status_code = 202
    response.headers["Location"] = url_for("api.sync", sync=made.id)
    return response


def _run(found: Sync) -> dict[str, Any]:
    sums = sync_conflicts.standing(records(), found.id)
    standing = sync_progress.read(services().redis, found.id) if found.under_way else None
    newest = syncs.latest(records()) if found.resumable else None
    return staging_bodies.sync_run(
        found, sums, standing, newest is not None and newest.id == found.id
    )
