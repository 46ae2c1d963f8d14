"""Webhooks: what is put into the outbox, how it is delivered, and where it must never go."""

import ipaddress
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.receiver import LOOPBACK, Receiver, receiving
from webapp import outbound, webhooks
from webapp.courier import Courier
from webapp.events import Event, Happened
from webapp.outbound import Forbidden, Unreachable
from webapp.records import Records
from webapp.records.webhook_models import Delivery, Webhook
from webapp.signing import secret_of
from webapp.webhooks import WebhookError

KEY = "key"
NETWORKS = [ipaddress.ip_network(LOOPBACK)]
PROMOTED = Happened(Event.PROMOTED, "person:sam", {"tag": "production/2026-11-25.1", "é": "ü"})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def hook(records: Records, receiver: Receiver, *events: Event) -> Webhook:
    """A webhook of the receiver; for promotions where nothing is said."""
    wanted = [event.value for event in events or (Event.PROMOTED,)]
    return webhooks.create(records, receiver.url, wanted, NETWORKS)


def courier(records: Records, **more: Any) -> Courier:
    return Courier(records, KEY, NETWORKS, **more)


def only(records: Records) -> Delivery:
    """The one delivery there is."""
    with records.reading() as session:
        return session.scalars(select(Delivery)).one()


def make_due(records: Records) -> None:
    """As if the time to try again had come."""
    with records.writing() as session:
        session.execute(update(Delivery).values(due_at=datetime.now(UTC) - timedelta(seconds=1)))


def test_an_event_arrives_signed(records: Records, receiver: Receiver) -> None:
    """Type, time and facts; signed as Standard Webhooks says, with this secret alone."""
    webhook = hook(records, receiver)
    webhooks.take_note(records, PROMOTED)

    courier(records).deliver_due()

    (call,) = receiver.calls
    assert call.told["type"] == "promotion.done"
    assert call.told["data"] == {"actor": "person:sam", **PROMOTED.facts}
    assert call.headers["content-type"] == "application/json"
    assert call.is_signed_with(secret_of(KEY, webhook.nonce))
    assert not call.is_signed_with(secret_of("other", webhook.nonce))
    assert (only(records).state, only(records).status) == ("delivered", 204)


def test_only_what_was_asked_for_arrives(records: Records, receiver: Receiver) -> None:
    """Another event and a webhook that is off leave nothing in the outbox."""
    webhook = hook(records, receiver, Event.ROLLED_BACK)
    webhooks.take_note(records, PROMOTED)
    webhooks.change(records, webhook.id, ["promotion.done"], enabled=False)
    webhooks.take_note(records, PROMOTED)

    assert courier(records).deliver_due() == 0
    assert receiver.calls == []


def test_what_waits_for_a_webhook_that_is_off_goes_when_it_is_on(
    records: Records, receiver: Receiver
) -> None:
    """Turning it off loses nothing that was noted before."""
    webhook = hook(records, receiver)
    webhooks.take_note(records, PROMOTED)
    webhooks.change(records, webhook.id, webhook.events, enabled=False)

    assert courier(records).deliver_due() == 0
    webhooks.change(records, webhook.id, webhook.events, enabled=True)
    assert courier(records).deliver_due() == 1


def test_a_refusal_is_tried_again_later_under_the_same_id(
    records: Records, receiver: Receiver
) -> None:
    """Not at once; the log keeps status and answer; the receiver can tell a repetition."""
    hook(records, receiver)
    webhooks.take_note(records, PROMOTED)
    receiver.answers, receiver.body = [500], b"overloaded"
    at_work = courier(records)

    assert at_work.deliver_due() == 1
    row = only(records)
    assert (row.state, row.status, row.answer, row.attempts) == ("waiting", 500, "overloaded", 1)
    assert row.due_at is not None
    assert row.due_at > datetime.now(UTC)
    make_due(records)
    assert at_work.deliver_due() == 1

    first, second = receiver.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert (only(records).state, only(records).attempts) == ("delivered", 2)


def test_after_the_last_attempt_it_has_failed(records: Records, receiver: Receiver) -> None:
    """Nobody tries for ever; sending it again is one more delivery."""
    webhook = hook(records, receiver)
    webhooks.take_note(records, PROMOTED)
    receiver.answers = [503, 503, 503]
    at_work = courier(records, back_off=[timedelta(0), timedelta(0)])

    assert at_work.deliver_due() == 3
    assert only(records).state == "failed"
    webhooks.send_again(records, webhook.id, only(records).id)
    assert at_work.deliver_due() == 1

    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1
    rows, _ = webhooks.deliveries(records, webhook.id)
    assert [each.state for each in rows] == ["delivered", "failed"]


def test_a_redirect_is_an_answer(records: Records, receiver: Receiver) -> None:
    """It is not followed, wherever it leads."""
    hook(records, receiver)
    webhooks.take_note(records, PROMOTED)
    receiver.answers, receiver.headers = [302], {"Location": receiver.url + "/elsewhere"}

    courier(records).deliver_due()

    assert [call.path for call in receiver.calls] == ["/hook"]
    assert (only(records).state, only(records).status) == ("waiting", 302)


def test_many_couriers_deliver_each_once(records: Records, receiver: Receiver) -> None:
    """Several processes look at one outbox, and none doubles what another does."""
    hook(records, receiver)
    for number in range(30):
        webhooks.take_note(records, Happened(Event.PROMOTED, "x", {"number": number}))
    threads = [threading.Thread(target=courier(records).deliver_due) for _ in range(4)]

    for each in threads:
        each.start()
    for each in threads:
        each.join()

    told = sorted(call.told["data"]["number"] for call in receiver.calls)
    assert told == list(range(30))


def test_a_courier_that_is_killed_loses_nothing(
    records: Records, receiver: Receiver, records_url: str
) -> None:
    """Killed between sending and noting: when its lease is over, another delivers again."""
    hook(records, receiver)
    webhooks.take_note(records, PROMOTED)
    receiver.hold.clear()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.services.dying_courier", records_url]
    ) as dying:
        receiver.wait(1)
        dying.send_signal(signal.SIGKILL)
    receiver.hold.set()

    assert (only(records).state, only(records).attempts) == ("waiting", 1)
    another = courier(records)
    while not another.deliver_due():
        threading.Event().wait(0.1)

    first, second = receiver.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert (only(records).state, only(records).attempts) == ("delivered", 2)


def test_a_courier_that_is_late_does_not_undo_what_another_did(
    records: Records, receiver: Receiver
) -> None:
    """An attempt whose lease another took over enters nothing."""
    hook(records, receiver)
    webhooks.take_note(records, PROMOTED)
    receiver.hold.clear()
    receiver.answers = [500]
    late = threading.Thread(target=courier(records).deliver_due)
    late.start()
    receiver.wait(1)
    with records.writing() as session:
        session.execute(update(Delivery).values(state="delivered", attempts=2, status=200))
    receiver.hold.set()
    late.join()

    assert (only(records).state, only(records).status) == ("delivered", 200)


def test_the_background_delivers_by_itself(records: Records, receiver: Receiver) -> None:
    """Woken, it goes; stopped, it ends."""
    hook(records, receiver)
    at_work = courier(records)
    at_work.start()
    try:
        webhooks.take_note(records, PROMOTED)
        at_work.wake()
        receiver.wait(1)
    finally:
        at_work.stop()

    assert only(records).state == "delivered"


def test_old_deliveries_leave_the_log(records: Records, receiver: Receiver) -> None:
    """What is over for a month goes; what still waits stays however old."""
    hook(records, receiver)
    webhooks.take_note(records, PROMOTED)
    long_ago = datetime.now(UTC) - timedelta(days=31)
    with records.writing() as session:
        session.execute(update(Delivery).values(created_at=long_ago))

    courier(records).forget_old()
    assert only(records).state == "waiting"
    courier(records).deliver_due()
    courier(records).forget_old()

    with records.reading() as session:
        assert session.scalars(select(Delivery)).all() == []


@pytest.mark.parametrize(
    "url_of",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://0.0.0.0/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[64:ff9b:1::7f00:1]/",
        "https://[::127.0.0.1]/",
        "https://[::ffff:0:127.0.0.1]/",
        "https://[fec0::1]/",
        "https://[2002:7f00:1::]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://127.1/",
    ],
)
def test_private_addresses_are_not_asked(url_of: str) -> None:
    """However they are written."""
    with pytest.raises(Forbidden, match="no public address"):
        outbound.check(url_of)


@pytest.mark.parametrize(
    "url_of",
    [
        "ftp://example.com/",
        "https:///path",
        "https://user:word@8.8.8.8/",
        "https://8.8.8.8/#part",
        "https://8.8.8.8/a b",
        "https://8.8.8.8:99999/",
        "https://8.8.8.8/\r\nHost: x",
        "https://é.example/",
        "file:///etc/passwd",
        "https://8.8.8.8/" + "x" * 2000,
        "http://8.8.8.8/",
        "",
    ],
)
def test_odd_addresses_are_refused(url_of: str) -> None:
    """No other schemes, no credentials, nothing that splits a header, nothing in the clear."""
    with pytest.raises(Forbidden):
        outbound.check(url_of)


def test_public_addresses_are_fine() -> None:
    """IPv4 and IPv6, by https; also where an IPv4 address stands inside one of IPv6."""
    inside = ("https://[::ffff:8.8.8.8]/", "https://[64:ff9b::808:808]/")
    for address in ("https://8.8.8.8/hook?a=1", "https://[2606:4700::1111]:8443/", *inside):
        assert outbound.check(address).scheme == "https"


def test_the_address_that_was_checked_is_the_one_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name is looked up once, so that it can't lead elsewhere the second time."""
    looked_up = []
    real = outbound.socket.getaddrinfo

    def look_up(host: str, *more: Any, **named: Any) -> Any:
        looked_up.append(host)
        return real("127.0.0.1" if host == "hooks.example" else host, *more, **named)

    monkeypatch.setattr(outbound.socket, "getaddrinfo", look_up)
    url = f"http://hooks.example:{receiver.port}/hook"

    outbound.post(url, b"{}", {}, NETWORKS)

    assert looked_up.count("hooks.example") == 1
    assert receiver.calls[0].headers["host"] == f"hooks.example:{receiver.port}"


def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that a name leads to must be public."""

    def both(host: str, port: int, **_: Any) -> Any:
        return [(2, 1, 6, "", (each, port)) for each in ("8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(outbound.socket, "getaddrinfo", both)

    with pytest.raises(Forbidden, match=r"10\.0\.0\.1"):
        outbound.check("https://hooks.example/")


def test_an_answer_that_does_not_end_is_cut_off(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver can't hold a courier for ever."""
    monkeypatch.setattr(outbound, "WHOLE", 0.2)
    receiver.hold.clear()

    with pytest.raises(Unreachable):
        outbound.post(receiver.url, b"{}", {}, NETWORKS)


def test_a_long_answer_is_only_begun(receiver: Receiver) -> None:
    """Of the body an excerpt is kept."""
    receiver.answers, receiver.body = [200], b"x" * 1_000_000

    answer = outbound.post(receiver.url, b"{}", {}, NETWORKS)

    assert (answer.status, len(answer.excerpt)) == (200, outbound.EXCERPT)


def test_nobody_there_is_told() -> None:
    """Why, in words."""
    with pytest.raises(Unreachable, match="refused"):
        outbound.post("http://127.0.0.1:9/", b"{}", {}, NETWORKS)


def test_a_webhook_needs_events_that_exist(records: Records, receiver: Receiver) -> None:
    """None, or one that nobody knows, is refused."""
    for wanted in ([], ["promotion.done", "nonsense"]):
        with pytest.raises(WebhookError, match="at least one"):
            webhooks.create(records, receiver.url, wanted, NETWORKS)
