"""The pages of the environment itself: how it is, how it is set up, who came to it."""

from typing import Any

from flask import (
    Blueprint,
    Flask,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from sqlalchemy import select
from werkzeug.wrappers import Response

from webapp import (
    audit,
    clock,
    staging_access,
    staging_config,
    staging_health,
    staging_values,
    syncs,
)
from webapp.access import Scope, access, caller
from webapp.formatting import capitalize_first
from webapp.kept_form import keeps_forms, log_in_first
from webapp.records.staging_models import AccessAttempt, StagingConfig
from webapp.services import records, services, settings
from webapp.staging_access import LogInFirst
from webapp.staging_config import EDITABLE, ConfigError
from webapp.staging_health import Around

blueprint = Blueprint("staging", __name__, url_prefix="/staging")
keeps_forms(blueprint)
FLAGS = ("vpn_required", "data_sync_enabled", "anonymization_enabled")
MOST = 100
OUTCOMES = ("allowed", "refused")


def init_app(app: Flask) -> None:
    """Gives templates what they write of databases and bytes, and a stranger a way to log in."""
    app.register_error_handler(LogInFirst, log_in_first)
    app.add_template_filter(staging_values.masked, "masked")
    app.add_template_filter(staging_health.size, "bytes")


@blueprint.get("")
@access(Scope.ADMIN)
def overview() -> str:
    """How each part is, whether both environments are two, the last sync, drift."""
    config = staging_config.current(records(), settings())
    return render_template(
        "staging/overview.html",
        config=config,
        found=staging_health.status(around(config)),
        latest=syncs.latest(records()),
        running=syncs.under_way(records()),
        runs=next_runs(config),
    )


@blueprint.get("/configuration")
@access(Scope.ADMIN)
def configuration() -> str:
    """What can be set, as it is."""
    return _form(_values(staging_config.current(records(), settings())))


@blueprint.post("/configuration")
@access(Scope.ADMIN)
def configure() -> Response:
    """Saves it; who would shut themselves out is told so."""
    form = request.form
    given: dict[str, Any] = {name: name in form for name in FLAGS}
    given |= {name: form.get(name, "") for name in EDITABLE if name not in FLAGS}
    standing = staging_config.current(records(), settings())
    try:
        save(given)
    except ConfigError as error:
        return make_response(_form(given | _untold(given, standing), error.problems), 422)
    flash("Saved.", "good")
    return redirect(url_for("staging.configuration"), 303)


@blueprint.get("/access")
@access(Scope.ADMIN)
def attempts() -> str:
    """Who came, from where, to what, and whether they were let in; newest first."""
    outcome, before = request.args.get("outcome", ""), request.args.get("before", type=int)
    query = select(AccessAttempt).order_by(AccessAttempt.id.desc()).limit(MOST + 1)
    if outcome in OUTCOMES:
        query = query.where(AccessAttempt.outcome == outcome)
    if before is not None and 0 < before < 2**62:
        query = query.where(AccessAttempt.id < before)
    with records().reading() as session:
        found = list(session.scalars(query))
    return render_template(
        "staging/access.html",
        found=found[:MOST],
        more=found[MOST - 1].id if len(found) > MOST else None,
        outcome=outcome,
        most=staging_access.MOST_OF_STRANGERS,
        config=staging_config.current(records(), settings()),
        networks=settings().vpn_networks,
    )


def save(given: dict[str, Any]) -> StagingConfig:
    """Changes the configuration for whoever asks; raises ConfigError."""
    saved, changed = staging_config.change(
        records(), settings(), given, caller().actor, staging_access.shut_out
    )
    audit.describe(f"staging {saved.environment_name}", changed=changed)
    return saved


def around(config: StagingConfig) -> Around:
    """What a look at staging's health needs."""
    return Around(settings(), config, services().repository.get, services().redis)


def next_runs(config: StagingConfig) -> list[Any]:
    """When syncs begin by themselves."""
    if not config.data_sync_enabled:
        return []
    return staging_values.next_runs(config.sync_schedule, clock.now())


def _values(config: StagingConfig) -> dict[str, Any]:
    values = {name: getattr(config, name) for name in EDITABLE}
    return values | {"database_url": staging_values.masked(config.database_url)}


def _untold(given: dict[str, Any], standing: StagingConfig) -> dict[str, Any]:
    typed = given.get("database_url", standing.database_url)
    return {"database_url": staging_values.masked(typed)}


def _form(values: dict[str, Any], problems: dict[str, str] | None = None) -> str:
    config = staging_config.current(records(), settings())
    told = {name: f"{capitalize_first(said)}." for name, said in (problems or {}).items()}
    return render_template(
        "staging/configuration.html",
        values=values,
        problems=told,
        config=config,
        runs=next_runs(config),
        networks=settings().vpn_networks,
    )
