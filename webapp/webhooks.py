"""Webhooks: addresses that are told of events, and the outbox of what they are told.

An event becomes a row for each webhook that wants it, in the request where it happened (in its
very transaction, where what happened is a record); the courier (`webapp/courier.py`) takes the
rows from there, so that no death of a process loses one.
"""

import hashlib
import json
import secrets
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import outbound
from webapp.config import Network
from webapp.events import Event, Happened
from webapp.formatting import exact
from webapp.records import Records
from webapp.records.asking import Question
from webapp.records.webhook_models import Delivery, Webhook

OFFERED = {
    Event.PROMPT_CHANGED: "A prompt was set, removed or restored in an environment.",
    Event.CHANGE_OPENED: "Somebody proposed a change.",
    Event.CHANGE_REVIEWED: "Somebody approved a change or asked for more.",
    Event.CHANGE_MERGED: "A change was merged.",
    Event.PROMOTED: "Prompts went to production.",
    Event.ROLLED_BACK: "Production got earlier prompts back.",
}
"""The events a webhook may ask for, each in a sentence."""
PING = "ping"
"""A delivery somebody sent to try an address."""
PAGE = 50
SECOND = timedelta(seconds=1)  # the log of moves knows no parts of one
WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"


class _Listening(NamedTuple):
    """A webhook that is to be told of some events."""

    id: int
    events: list[str]
    created_at: datetime


_LISTENING = select(Webhook.id, Webhook.events, Webhook.created_at).where(Webhook.enabled)
_ENABLED = Question(_LISTENING, _Listening)


class WebhookError(Exception):
    """A webhook can't be made or changed so; says why."""


def create(
    records: Records,
    url: str,
    events: Collection[str],
    allowed: Sequence[Network] = (),
    made_by: int | None = None,
) -> Webhook:
    """A new webhook; raises WebhookError."""
    url = url.strip()
    try:
        outbound.check(url, allowed)
    except outbound.Unreachable as error:
        raise WebhookError(str(error)) from error
    made = Webhook(
        url=url,
        events=_known(events),
        nonce=secrets.token_bytes(24),
        enabled=True,
        made_by=made_by,
        created_at=datetime.now(UTC),
    )
    with records.writing() as session:
        session.add(made)
    return made


def change(records: Records, number: int, events: Collection[str], enabled: bool) -> Webhook:
    """Sets what a webhook is told, and whether at all; raises WebhookError."""
    wanted = _known(events)
    with records.writing() as session:
        webhook = session.get(Webhook, number)
        if webhook is None:
            raise WebhookError(f"there is no webhook {number}")
        webhook.events, webhook.enabled = wanted, enabled
    return webhook


def listed(records: Records) -> Sequence[Webhook]:
    """All of them, oldest first."""
    with records.reading() as session:
        return session.scalars(select(Webhook).order_by(Webhook.id)).all()


def found(records: Records, number: int) -> Webhook:
    """One by its number; raises WebhookError."""
    with records.reading() as session:
        webhook = session.get(Webhook, number)
    if webhook is None:
        raise WebhookError(f"there is no webhook {number}")
    return webhook


def deliveries(
    records: Records, number: int, before: int | None = None
) -> tuple[Sequence[Delivery], int | None]:
    """A page of what was sent to a webhook, newest first, and where the next one begins."""
    asked = select(Delivery).where(Delivery.webhook_id == number)
    if before is not None:
        asked = asked.where(Delivery.id < before)
    with records.reading() as session:
        rows = session.scalars(asked.order_by(Delivery.id.desc()).limit(PAGE + 1)).all()
    return rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None


def take_note(records: Records, happened: Happened, late: datetime | None = None) -> int:
    """Puts an event into the outbox for all who want it; gives how many those are.

    What is told `late` goes to those alone who wanted it at that time and don't have it yet.
    """
    if not _wanting(happened, records.answers(_ENABLED)):  # most often, and then nobody waits
        return 0
    with records.writing() as session:
        return note_within(session, happened, late)


def note_within(session: Session, happened: Happened, late: datetime | None = None) -> int:
    """The same, in a transaction that enters what happened: both are there, or neither."""
    listening = [_Listening(*each) for each in session.execute(_LISTENING)]
    wanting = _wanting(happened, listening)
    message = _name(happened) if wanting else ""
    if wanting and late is not None:
        told = select(Delivery.webhook_id).where(Delivery.message == message)
        have = set(session.scalars(told))
        then = late + SECOND
        wanting = [each for each in wanting if each.created_at < then and each.id not in have]
    if wanting:
        now = datetime.now(UTC)
        body = _body(happened.event.value, now, {"actor": happened.actor, **happened.facts})
        session.add_all(_row(each.id, happened.event.value, message, body, now) for each in wanting)
    return len(wanting)


def _wanting(happened: Happened, known: Sequence[_Listening]) -> list[_Listening]:
    return [each for each in known if happened.event.value in each.events]


def ping(records: Records, number: int, actor: str) -> None:
    """Puts an event of no meaning into the outbox; raises WebhookError."""
    webhook, now = found(records, number), datetime.now(UTC)
    row = _row(webhook.id, PING, _message(), _body(PING, now, {"actor": actor}), now)
    with records.writing() as session:
        session.add(row)


def send_again(records: Records, number: int, delivery: int) -> None:
    """Puts a delivery into the outbox once more, under its own id; raises WebhookError."""
    with records.writing() as session:
        known = session.get(Delivery, delivery)
        if known is None or known.webhook_id != number:
            raise WebhookError(f"webhook {number} has no delivery {delivery}")
        now = datetime.now(UTC)
        session.add(_row(number, known.event, known.message, known.body, now))


def _known(events: Collection[str]) -> list[str]:
    wanted = [event.value for event in OFFERED if event.value in events]
    if not wanted or len(wanted) != len(set(events)):
        raise WebhookError("choose at least one event of the list")
    return wanted


def _row(webhook: int, event: str, message: str, body: str, now: datetime) -> Delivery:
    return Delivery(
        webhook_id=webhook,
        message=message,
        event=event,
        body=body,
        created_at=now,
        state=WAITING,
        due_at=now,
        attempts=0,
        answer="",
    )


def _name(happened: Happened) -> str:
    """An event's id; of what a commit did always the same, so that it is known when told twice."""
    commit = happened.facts.get("commit")
    if commit is None:
        return _message()
    what = f"{happened.event.value} {happened.facts.get('environment', '')} {commit}"
    return f"msg_{hashlib.blake2b(what.encode(), digest_size=16).hexdigest()}"


def _message() -> str:
    return f"msg_{secrets.token_hex(16)}"


def _body(event: str, now: datetime, facts: object) -> str:
    return json.dumps({"type": event, "timestamp": exact(now), "data": facts}, ensure_ascii=False)
