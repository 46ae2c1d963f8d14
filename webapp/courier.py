"""Delivers the outbox of webhooks: in threads of the web process, each row by a lease.

Any number of processes may do so at once. Whoever takes a row moves its `due_at` on by a
compare-and-swap; where that process dies, the row is due again when the lease has run out. So
every event is delivered at least once, and a receiver knows a repeated one by its id.
"""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import structlog
from flask import Flask
from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from webapp import outbound
from webapp.config import Network
from webapp.outbound import Answer, Unreachable
from webapp.records import Records
from webapp.records.webhook_models import Delivery, Webhook
from webapp.signing import secret_of, signature
from webapp.webhooks import DELIVERED, FAILED, WAITING

log = structlog.get_logger(__name__)
LEASE = timedelta(seconds=90)  # longer than outbound.WHOLE and a slow look-up of a name
BACK_OFF = tuple(
    timedelta(seconds=each) for each in (5, 30, 120, 600, 3_600, 6 * 3_600, 24 * 3_600)
)
"""How long to wait after each attempt that failed; after the last, a delivery has failed."""
THREADS = 2  # a slow receiver then does not hold up everybody
LOOK = 5.0  # seconds between looks at the outbox while nobody wakes us
KEPT = timedelta(days=30)  # deliveries that are over
SENDER = "prompt-repo"


class Courier:
    """Takes rows from the outbox and delivers them."""

    def __init__(
        self,
        records: Records,
        key: str,
        allowed: Sequence[Network] = (),
        back_off: Sequence[timedelta] = BACK_OFF,
        lease: timedelta = LEASE,
    ) -> None:
        self._records, self._key, self._allowed = records, key, allowed
        self._back_off, self._lease = back_off, lease
        self._awake, self._stopped = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Delivers in the background from now on."""
        for number in range(THREADS):
            thread = threading.Thread(target=self._run, name=f"courier-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Ends when what is on its way has arrived."""
        self._stopped.set()
        self._awake.set()
        for thread in self._threads:
            thread.join()

    def wake(self) -> None:
        """Something is in the outbox."""
        self._awake.set()

    def deliver_due(self) -> int:
        """Delivers all that is due now, here; gives how many were tried."""
        count = 0
        while not self._stopped.is_set() and (taken := self._take()) is not None:
            self._deliver(*taken)
            count += 1
        return count

    def forget_old(self) -> None:
        """Takes deliveries that are long over out of the log."""
        before = datetime.now(UTC) - KEPT
        with self._records.writing() as session:
            session.execute(
                delete(Delivery).where(Delivery.state != WAITING, Delivery.created_at < before)
            )

    def _run(self) -> None:
        self.forget_old_quietly()
        while not self._stopped.is_set():
            try:
                self.deliver_due()
            except SQLAlchemyError:
                log.exception("the outbox of webhooks can't be read")
            self._awake.wait(LOOK)
            self._awake.clear()

    def forget_old_quietly(self) -> None:
        """The same, where a database that is away only means that the log stays long."""
        try:
            self.forget_old()
        except SQLAlchemyError:
            log.exception("old deliveries can't be taken out")

    def _take(self) -> tuple[Delivery, Webhook] | None:
        """A row that is due, leased to us; None where there is none."""
        now = datetime.now(UTC)
        due = (
            select(Delivery, Webhook)
            .join(Webhook, Webhook.id == Delivery.webhook_id)
            .where(Delivery.state == WAITING, Delivery.due_at <= now, Webhook.enabled)
            .order_by(Delivery.due_at, Delivery.id)
            .limit(1)
        )
        while True:
            with self._records.reading() as session:
                found = session.execute(due).first()
            if found is None:
                return None
            row, webhook = found
            mine = (
                update(Delivery)
                .where(
                    Delivery.id == row.id, Delivery.state == WAITING, Delivery.due_at == row.due_at
                )
                .values(due_at=now + self._lease, attempts=row.attempts + 1, tried_at=now)
            )
            if self._changed(mine):
                row.attempts += 1
                return row, webhook

    def _deliver(self, row: Delivery, webhook: Webhook) -> None:
        try:
            answer = self._send(row, webhook)
        except Unreachable as error:
            self._note(row, None, str(error))
        else:
            self._note(row, answer.status, answer.excerpt)

    def _send(self, row: Delivery, webhook: Webhook) -> Answer:
        body, moment = row.body.encode(), int(datetime.now(UTC).timestamp())
        secret = secret_of(self._key, webhook.nonce)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": SENDER,
            "webhook-id": row.message,
            "webhook-timestamp": str(moment),
            "webhook-signature": signature(secret, row.message, moment, body),
        }
        return outbound.post(webhook.url, body, headers, self._allowed)

    def _note(self, row: Delivery, status: int | None, said: str) -> None:
        """Enters what came of an attempt, unless another has taken the row over meanwhile."""
        arrived = status is not None and 200 <= status < 300
        values: dict[str, Any] = {"status": status, "answer": said.replace("\0", "")}
        if arrived:
            values |= {"state": DELIVERED, "due_at": None}
        elif row.attempts > len(self._back_off):
            values |= {"state": FAILED, "due_at": None}
        else:
            wait = self._back_off[row.attempts - 1]
            values["due_at"] = datetime.now(UTC) + wait
        if not arrived:
            log.warning("webhook not delivered", delivery=row.id, status=status, said=said[:200])
        ours = (Delivery.id == row.id, Delivery.attempts == row.attempts)
        self._changed(update(Delivery).where(*ours, Delivery.state == WAITING).values(**values))

    def _changed(self, statement: Any) -> bool:
        with self._records.writing() as session:
            result = cast("CursorResult[Any]", session.execute(statement))
            return result.rowcount == 1


def init_app(app: Flask) -> None:
    """Makes the courier of this process; `start` has it go."""
    services = app.extensions["services"]
    app.extensions["courier"] = Courier(
        services.records, str(app.secret_key), services.settings.webhook_networks
    )


def courier(app: Flask) -> Courier:
    """The courier of an application."""
    found: Courier = app.extensions["courier"]
    return found
