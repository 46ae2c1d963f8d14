"""Promotions over the API: the plan, promoting, the record, rolling back."""

from dataclasses import asdict
from typing import Any

from flask import Response, jsonify, url_for

from prompt_repo.dependencies import check_planned
from prompt_repo.drift import Drift, Plan, State, compare
from prompt_repo.errors import InvalidDocument, PlanMoved, Problem
from prompt_repo.model import Held
from prompt_repo.promotion import Decision, Order, Pinned, Side
from prompt_repo.releases import Release, notes_of, release, releases
from prompt_repo.repository import PRODUCTION, STAGING
from prompt_repo.rolling_back import find
from prompt_repo.tagging import Promotion
from webapp import promoting
from webapp.access import Scope, require_environment
from webapp.api import answering, asking, blueprint
from webapp.api.promotion_bodies import (
    ListingPromotions,
    NewText,
    Planning,
    PromotionDetail,
    PromotionList,
    PromotionOrder,
    PromotionPlan,
    RollbackOrder,
)
from webapp.api.routing import Operation, route
from webapp.errors import problem
from webapp.services import repository

BASE = "/v1/promotions"


@route(
    blueprint,
    "GET",
    f"{BASE}/plan",
    Scope.READ,
    "promotion_plan",
    Operation(
        "How production differs from staging: the plan of a promotion",
        {200: PromotionPlan},
        query=Planning,
        headers=("If-None-Match",),
    ),
)
def plan() -> Response:
    """Every document that differs, with its state; what is the same is left out."""
    asking.query(Planning)
    _require_both()
    found = compare(repository())
    return _answer(plan_body(found), found.production)


@route(
    blueprint,
    "POST",
    BASE,
    Scope.PROMOTE,
    "promote",
    Operation(
        "Promote everything that is ahead, or some documents",
        {201: PromotionDetail},
        body=PromotionOrder,
        writes=True,
    ),
)
def create() -> Response:
    """One commit on production; 409 with a fresh plan where the one named is out of date."""
    _require_both()
    given = asking.body(PromotionOrder)
    decisions: dict[str, Decision] = {
        path: each.prompt_text if isinstance(each, NewText) else Side(each)
        for path, each in given.decisions.items()
    }
    order = Order(given.only, given.held_back, decisions)
    pinned = Pinned(given.plan.staging, given.plan.production)
    try:
        done = promoting.carry_out(order, given.reason, pinned)
    except PlanMoved as moved:
        return _moved(moved)
    return _done(done)


@route(
    blueprint,
    "GET",
    BASE,
    Scope.READ,
    "promotions",
    Operation(
        "What went live when, newest first",
        {200: PromotionList},
        query=ListingPromotions,
        headers=("If-None-Match",),
    ),
)
def index() -> Response:
    """Production's own commits: promotions, roll-backs, and what plain git brought."""
    require_environment(PRODUCTION)
    asked = asking.query(ListingPromotions)
    page = releases(repository(), asked.cursor, asked.limit)
    commit = repository().head(PRODUCTION)
    items = [_body(each) for each in page.items]
    return _answer({"items": items, "next_cursor": page.next_cursor, "commit": commit}, commit)


@route(
    blueprint,
    "GET",
    f"{BASE}/<promotion>",
    Scope.READ,
    "promotion",
    Operation(
        "One promotion, with its release notes", {200: PromotionDetail}, headers=("If-None-Match",)
    ),
)
def show(promotion: str) -> Response:
    """By its commit; 404 where production's own line doesn't have it."""
    require_environment(PRODUCTION)
    found = find(repository(), promotion).oid
    return _answer(_detail(found), found)


@route(
    blueprint,
    "POST",
    f"{BASE}/<promotion>/rollback",
    Scope.PROMOTE,
    "roll_back",
    Operation(
        "Put back what a promotion replaced; it is held back from then on",
        {201: PromotionDetail},
        body=RollbackOrder,
        body_optional=True,
        writes=True,
    ),
)
def rollback(promotion: str) -> Response:
    """One commit on production with the earlier texts."""
    _require_both()
    given = asking.body(RollbackOrder, optional=True)
    try:
        done = promoting.put_back(
            promotion, given.reason, given.only, given.anyway, given.production
        )
    except PlanMoved as moved:
        return _moved(moved)
    return _done(done)


def _require_both() -> None:
    for environment in (STAGING, PRODUCTION):
        require_environment(environment)


def _answer(body: dict[str, Any], commit: str) -> Response:
    """Production at `commit`; the ETag is of the body, for tags are set after their commits."""
    response = jsonify(body)
    response.headers[answering.COMMIT] = commit
    response.headers["Cache-Control"] = answering.ASK_AGAIN
    response.add_etag()
    return asking.conditional(response)


def _moved(moved: PlanMoved) -> Response:
    fresh = plan_body(compare(repository()))
    return problem(409, "Conflict", str(moved), kind="urn:prompt-repo:plan-moved", plan=fresh)


def _done(done: Promotion) -> Response:
    response = jsonify(_detail(done.commit.oid))
    response.status_code = 201
    response.headers[answering.COMMIT] = done.commit.oid
    response.headers["Location"] = url_for("api.promotion", promotion=done.commit.oid)
    return response


def plan_body(found: Plan) -> dict[str, Any]:
    """A plan as the API gives it."""
    return {
        "from": {"environment": STAGING, "commit": found.staging},
        "to": {"environment": PRODUCTION, "commit": found.production},
        "items": [_item(each) for each in found.items],
        "counts": {state: len(found.paths(state)) for state in State},
        "problems": [asdict(each) for each in _problems(found)],
    }


def _problems(found: Plan) -> tuple[Problem, ...]:
    """What would break a rule in production if all that is ahead went."""
    try:
        check_planned(repository(), found, found.paths(State.AHEAD))
    except InvalidDocument as invalid:
        return invalid.problems
    return ()


def _item(item: Drift) -> dict[str, Any]:
    return {
        "path": item.path,
        "kind": item.place.kind.value,
        "character": item.place.character,
        "emotion": item.place.emotion,
        "state": item.state,
        "staging": _standing(item.staging),
        "production": _standing(item.production),
    }


def _standing(held: Held | None) -> dict[str, Any] | None:
    if held is None:
        return None
    return {"version": held.number, "commit": held.commit, "removed": held.blob is None}


def _detail(commit: str) -> dict[str, Any]:
    found = release(repository(), commit)
    before = found.commit.parents[0]
    return {**_body(found), "notes": notes_of(repository(), before, found.commit)}


def _body(found: Release) -> dict[str, Any]:
    commit = found.commit
    return {
        "id": commit.oid,
        "tag": found.tag,
        "did": found.did,
        "source": found.source,
        "paths": [change.path for change in commit.changes],
        "reason": commit.reason,
        "created_by": answering.person(commit.author),
        "created_at": answering.time(commit.authored_at),
    }
