"""What happens to a change request is in the outbox by the transaction that enters it."""

import ipaddress
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.factories import make_repository
from tests.web import make_app, person, services
from webapp import change_requests, events, webhooks
from webapp.access import Role
from webapp.change_records import Kind
from webapp.events import Event, Happened
from webapp.records import Records
from webapp.records.change_models import ChangeEntry, ChangeRequest
from webapp.records.webhook_models import Delivery

NETWORKS = [ipaddress.ip_network("192.0.2.0/24")]
WANTED = [Event.CHANGE_OPENED.value, Event.CHANGE_REVIEWED.value]


def count(records: Records, table: type[ChangeRequest | ChangeEntry | Delivery]) -> int:
    with records.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def told(records: Records) -> list[str]:
    with records.reading() as session:
        return list(session.scalars(select(Delivery.event).order_by(Delivery.id)))


class Dies(BaseException):
    """The process ends here."""


def test_a_process_that_dies_after_the_record_told_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row of the outbox stands with the proposal and with the review, before anybody hears."""
    repository = make_repository(tmp_path, ("aria",))
    app = make_app(tmp_path)
    records = services(app).records
    webhooks.create(records, "https://192.0.2.1/", WANTED, NETWORKS)
    kim, ada = person(app, Role.REVIEWER, "kim"), person(app, Role.ADMIN, "ada")

    def dies(happened: Happened) -> None:
        raise Dies

    form = {"action": "open", "base": repository.head("staging"), "text": "Soft.", "title": "T"}
    with monkeypatch.context() as patch:
        patch.setattr(events, "tell", dies)
        with pytest.raises(Dies):
            kim.post("/environments/staging/characters/aria/angry/propose", **form)
    head = repository.head("changes/t")
    with monkeypatch.context() as patch:
        patch.setattr(events, "tell", dies)
        with pytest.raises(Dies):
            ada.post("/changes/1/say", action="approve", head=head)

    assert told(records) == WANTED
    assert count(records, ChangeRequest) == 1


def test_each_is_told_of_once(tmp_path: Path) -> None:
    """Those who listen find it noted already."""
    repository = make_repository(tmp_path, ("aria",))
    app = make_app(tmp_path)
    records = services(app).records
    webhooks.create(records, "https://192.0.2.1/", WANTED, NETWORKS)
    kim, ada = person(app, Role.REVIEWER, "kim"), person(app, Role.ADMIN, "ada")

    form = {"action": "open", "base": repository.head("staging"), "text": "Soft.", "title": "T"}
    kim.post("/environments/staging/characters/aria/angry/propose", **form)
    ada.post("/changes/1/say", action="approve", head=repository.head("changes/t"))

    assert told(records) == WANTED


def test_an_outbox_that_fails_enters_no_review(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are there, or neither: the review can be given again."""
    repository = make_repository(tmp_path, ("aria",))
    app = make_app(tmp_path)
    records = services(app).records
    kim, ada = person(app, Role.REVIEWER, "kim"), person(app, Role.ADMIN, "ada")
    form = {"action": "open", "base": repository.head("staging"), "text": "Soft.", "title": "T"}
    kim.post("/environments/staging/characters/aria/angry/propose", **form)
    before = count(records, ChangeEntry)

    def dies(session: object, happened: Happened) -> int:
        raise Dies

    with monkeypatch.context() as patch:
        patch.setattr(change_requests, "note_within", dies)
        with pytest.raises(Dies):
            ada.post("/changes/1/say", action="approve", head=repository.head("changes/t"))
    assert count(records, ChangeEntry) == before
    ada.post("/changes/1/say", action="approve", head=repository.head("changes/t"))

    with records.reading() as session:
        last = session.scalars(select(ChangeEntry).order_by(ChangeEntry.id.desc())).first()
    assert last is not None
    assert last.kind == Kind.APPROVED
