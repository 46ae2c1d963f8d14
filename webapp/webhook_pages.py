"""The pages of webhooks: which there are, what they were sent, and what came of it."""

from typing import Any

from flask import (
    Blueprint,
    Flask,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from webapp import audit, courier, events, webhooks
from webapp.access import Scope, access, caller
from webapp.events import Happened
from webapp.formatting import capitalize_first
from webapp.kept_form import keeps_forms
from webapp.records.webhook_models import Webhook
from webapp.services import records, settings
from webapp.signing import secret_of
from webapp.webhooks import OFFERED, WebhookError

blueprint = Blueprint("webhook_pages", __name__, url_prefix="/webhooks")
keeps_forms(blueprint)


def init_app(app: Flask) -> None:
    """Has events put into the outbox, and makes the courier that delivers them."""
    courier.init_app(app)
    for event in OFFERED:
        events.listen(app, event, _note)


def _note(happened: Happened) -> None:
    if happened.noted or webhooks.take_note(records(), happened, late=g.get("announced_late")):
        g.noted = True
        _wake()


@blueprint.get("")
@access(Scope.ADMIN)
def index() -> str:
    """All webhooks."""
    return render_template("webhooks/index.html", webhooks=webhooks.listed(records()))


@blueprint.get("/new")
@access(Scope.ADMIN)
def new() -> str:
    """An empty form, for all events."""
    return _form("", [event.value for event in OFFERED])


@blueprint.post("/new")
@access(Scope.ADMIN)
def create() -> Response:
    """Makes a webhook and shows its secret, this once."""
    url, wanted = request.form.get("url", ""), request.form.getlist("event")
    try:
        made = webhooks.create(
            records(), url, wanted, settings().webhook_networks, caller().account_id
        )
    except WebhookError as error:
        said = f"{capitalize_first(str(error))}."
        return make_response(_form(url, wanted, error=said), 422)
    after = {"events": made.events, "enabled": made.enabled}
    audit.describe(made.url, webhook=made.id, after=after)
    secret = secret_of(str(current_app.secret_key), made.nonce)
    answer = make_response(render_template("webhooks/made.html", webhook=made, secret=secret))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.get("/<int:number>")
@access(Scope.ADMIN)
def show(number: int) -> str:
    """One webhook, and its deliveries newest first."""
    return _page(_webhook(number))


@blueprint.post("/<int:number>")
@access(Scope.ADMIN)
def change(number: int) -> Response:
    """Sets its events, and turns it on or off."""
    webhook = _webhook(number)
    try:
        changed = webhooks.change(
            records(), number, request.form.getlist("event"), "enabled" in request.form
        )
    except WebhookError as error:
        said = f"{capitalize_first(str(error))}."
        return make_response(_page(webhook, error=said), 422)
    before, after = ({"events": w.events, "enabled": w.enabled} for w in (webhook, changed))
    audit.describe(webhook.url, webhook=number, before=before, after=after)
    _wake()
    flash("Saved." if changed.enabled else "Turned off. What waits is kept until it is on.", "good")
    return redirect(url_for("webhook_pages.show", number=number), 303)


@blueprint.post("/<int:number>/ping")
@access(Scope.ADMIN)
def ping(number: int) -> Response:
    """Sends a delivery of no meaning, to try the address."""
    webhook = _webhook(number)
    webhooks.ping(records(), number, caller().actor)
    audit.describe(webhook.url, webhook=number)
    return _sent(number, "A ping is on its way; reload to see what came of it.")


@blueprint.post("/<int:number>/deliveries/<int:delivery>/again")
@access(Scope.ADMIN)
def send_again(number: int, delivery: int) -> Response:
    """Sends a delivery once more."""
    webhook = _webhook(number)
    try:
        webhooks.send_again(records(), number, delivery)
    except WebhookError as error:
        raise NotFound(str(error)) from error
    audit.describe(webhook.url, webhook=number, delivery=delivery)
    return _sent(number, "It is on its way again; reload to see what came of it.")


def _sent(number: int, said: str) -> Response:
    _wake()
    flash(said, "good")
    return redirect(url_for("webhook_pages.show", number=number), 303)


def _wake() -> None:
    courier.courier(current_app).wake()


def _webhook(number: int) -> Webhook:
    try:
        return webhooks.found(records(), number)
    except WebhookError as error:
        raise NotFound(str(error)) from error


def _page(webhook: Webhook, **more: Any) -> str:
    before = request.args.get("before", "")
    rows, next_before = webhooks.deliveries(
        records(), webhook.id, int(before) if before.isdecimal() and len(before) < 19 else None
    )
    return render_template(
        "webhooks/show.html",
        webhook=webhook,
        deliveries=rows,
        next_before=next_before,
        offered=OFFERED,
        **more,
    )


def _form(url: str, wanted: list[str], **more: Any) -> str:
    return render_template("webhooks/new.html", url=url, wanted=wanted, offered=OFFERED, **more)
