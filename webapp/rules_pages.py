"""The pages of a sync's rules: seen and chosen by column, edited as a file, their versions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import (
    Blueprint,
    Response,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from sync import pools, rules
from sync.errors import InvalidRules, SyncError, Uncovered
from sync.rules import Rules, TableRules
from sync.tables import Source, open_source
from webapp import audit, rules_view, staging_config, sync_rules
from webapp.access import Scope, access, caller
from webapp.config import InvalidSetting
from webapp.formatting import capitalize_first
from webapp.kept_form import keeps_forms
from webapp.records.staging_models import SyncRules
from webapp.services import records, settings
from webapp.staging_config import NotSetUp
from webapp.staging_secrets import key_of
from webapp.sync_rules import RulesMoved

blueprint = Blueprint("rules", __name__, url_prefix="/staging/rules")
keeps_forms(blueprint)
YAML = "application/yaml"
AWAY = (NotSetUp, SyncError, InvalidSetting)
LARGEST = 1_000_000


@blueprint.get("")
@access(Scope.ADMIN)
def index() -> str | tuple[str, int]:
    """Every column with its rule, uncovered ones first; the file where that can't be read."""
    standing = sync_rules.latest(records())
    try:
        wanted = rules.parse(standing.text) if standing else Rules()
    except InvalidRules as error:
        text = standing.text if standing else ""
        return _file(standing, text, [str(each) for each in error.problems]), 422
    return _page(standing, wanted, standing.why if standing else {})


@blueprint.post("")
@access(Scope.ADMIN)
def choose() -> AnyResponse | str | tuple[str, int]:
    """Saves what was chosen for each column as the next version."""
    standing = sync_rules.latest(records())
    before = rules.parse(standing.text) if standing else Rules()
    with _production() as source:
        wanted, problems = _chosen(source, before)
    why = sync_rules.reasons(standing, wanted, {})
    if problems:
        return _page(standing, wanted, why, problems), 422
    text = rules.dump(wanted)
    return _save(text, lambda told: _page(standing, wanted, why, told), as_file=False)


@blueprint.post("/draft")
@access(Scope.ADMIN)
def draft() -> AnyResponse | str | tuple[str, int]:
    """Drafts rules for every column anew, and saves them as the next version."""
    standing = sync_rules.latest(records())
    with _production() as source:
        text, why = sync_rules.draft(source)
    seen = standing.version if standing else None
    made = sync_rules.save(records(), text, why, caller().actor, "Drafted anew", seen)
    return _saved(made, standing)


@blueprint.get("/file")
@access(Scope.ADMIN)
def edit() -> str:
    """The file itself."""
    standing = sync_rules.latest(records())
    return _file(standing, text_of(standing) if standing else "")


@blueprint.post("/file")
@access(Scope.ADMIN)
def write() -> AnyResponse | str | tuple[str, int]:
    """Saves a file that was typed or uploaded as the next version, once it can work."""
    standing = sync_rules.latest(records())
    text = request.form.get("text", "").replace("\r\n", "\n")
    upload = request.files.get("file")
    if upload is not None and upload.filename:
        raw = upload.read(LARGEST + 1)
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            said = [f"the file is not UTF-8: {error.reason} at byte {error.start + 1}"]
            return _file(standing, text_of(standing) if standing else "", said), 422
    return _save(text, lambda told: _file(standing, text, told))


@blueprint.get("/versions")
@access(Scope.ADMIN)
def versions() -> str:
    """The versions that were saved, newest first."""
    return render_template("staging/rules_versions.html", found=sync_rules.versions(records()))


@blueprint.get("/versions/<int:number>")
@access(Scope.ADMIN)
def version(number: int) -> str:
    """One version, as the file it is."""
    found = sync_rules.version(records(), min(number, 2**62))
    latest = sync_rules.latest(records())
    return render_template(
        "staging/rules_version.html", found=found, text=text_of(found), latest=latest
    )


@blueprint.get("/versions/<int:number>/rules.yaml")
@access(Scope.ADMIN)
def export(number: int) -> Response:
    """One version as a file to take away."""
    found = sync_rules.version(records(), min(number, 2**62))
    name = f"rules-{found.version}.yaml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text_of(found), content_type=f"{YAML}; charset=utf-8", headers=headers)


@blueprint.post("/versions/<int:number>/restore")
@access(Scope.ADMIN)
def restore(number: int) -> AnyResponse | str | tuple[str, int]:
    """Saves an earlier version once more, as the newest."""
    found = sync_rules.version(records(), min(number, 2**62))
    standing = sync_rules.latest(records())
    return _save(
        found.text, lambda told: _file(standing, found.text, told), f"As version {number} was"
    )


def text_of(found: SyncRules) -> str:
    """The file of a version; one that was chosen on the page says why behind each rule."""
    wanted = sync_rules.readable(found)
    if rules.dump(wanted) != found.text:
        return found.text  # somebody wrote it with remarks of their own
    flat = {(table, name): said for table, each in found.why.items() for name, said in each.items()}
    return rules.dump(wanted, flat)


@contextmanager
def _production() -> Iterator[Source]:
    source = open_source(staging_config.production_url(settings()))
    try:
        yield source
    finally:
        source.close()


def _save(
    text: str, again: Any, reason: str = "", as_file: bool = True
) -> AnyResponse | str | tuple[str, int]:
    """Saves a version that can work; `again` draws the page with what is wrong with another.

    Lines are told only to who sees the text `as_file`.
    """
    seen = request.form.get("seen", type=int)
    standing = sync_rules.latest(records())
    try:
        with _production() as source:
            wanted = sync_rules.checked(text, source)
            why = sync_rules.reasons(standing, wanted, rules_view.drafted(source, wanted))
        if seen is None and standing is not None:
            seen = standing.version if reason else -1
        reason = reason or request.form.get("reason", "")
        made = sync_rules.save(records(), text, why, caller().actor, reason, seen)
    except InvalidRules as error:
        return again([str(each) if as_file else each.message for each in error.problems]), 422
    except (Uncovered, RulesMoved, *AWAY) as error:
        return again(str(error).split("\n")), 422
    return _saved(made, standing)


def _saved(made: SyncRules, before: SyncRules | None) -> AnyResponse:
    audit.describe(
        f"rules {made.version}", reason=made.reason, after=made.version,
        before=before.version if before else None,
    )  # fmt: skip
    if before is not None and before.version == made.version:
        flash(f"Nothing changed: version {made.version} says the same.")
    else:
        flash(f"Saved as version {made.version}. The next sync goes by it.", "good")
    return redirect(url_for("rules.index"), 303)


def _chosen(source: Source, before: Rules) -> tuple[Rules, list[str]]:
    """The rules that the form of the page holds, and what is wrong with it."""
    form, tables, problems = request.form, {}, []
    for table in source.schema().tables.values():
        standing = before.tables.get(table.name, TableRules(table.name))
        columns = {}
        for column in table.columns:
            text = form.get(f"rule:{table.name}:{column.name}")
            if text is None:
                if column.name in standing.columns:
                    columns[column.name] = standing.columns[column.name]
                continue
            try:
                columns[column.name] = rules_view.read(text)
            except InvalidRules as error:
                problems += [f"{table.name}.{column.name}: {p.message}" for p in error.problems]
        skip = form.get(f"what:{table.name}") == "skip"
        where = form.get(f"where:{table.name}", standing.where).strip()
        tables[table.name] = TableRules(
            table.name, {} if skip else columns, skip, where, watermark=standing.watermark
        )
    locale = form.get("locale", before.locale)
    return Rules(tables, locale if locale in pools.load().locales else before.locale), problems


def _page(
    standing: SyncRules | None, wanted: Rules, why: Any, problems: list[str] | None = None
) -> str:
    try:
        key = key_of(settings())
    except (SyncError, InvalidSetting):
        key = None
    try:
        with _production() as source:
            view, away = rules_view.made(source, wanted, why, key), ""
    except AWAY as error:
        view, away = None, f"{capitalize_first(str(error)).rstrip('.')}."
    return render_template(
        "staging/rules.html",
        view=view,
        away=away,
        standing=standing,
        problems=problems or [],
        locales=sorted(pools.load().locales),
    )


def _file(standing: SyncRules | None, text: str, problems: list[str] | None = None) -> str:
    return render_template(
        "staging/rules_file.html", standing=standing, text=text, problems=problems or []
    )
