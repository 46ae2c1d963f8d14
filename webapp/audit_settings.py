"""A change of the settings, entered when the server starts with other ones than before."""

import hmac
from dataclasses import fields
from typing import Any

from sqlalchemy import select

from webapp import audit, folder
from webapp.config import Settings, variable
from webapp.records import Records
from webapp.records.models import AuditEntry

ACTION, ACTOR = "settings", "server"
SECRETS = ("secret", "key", "url", "endpoint")  # a URL may hold a password
LEFT_OUT = ("metrics_folder", "log", "data")  # of this process, not of the installation


def enter(records: Records, settings: Settings) -> None:
    """Enters what differs from the settings of the last start, by the names of the variables."""
    now = _plain(settings)
    before = _last(records)
    changed = sorted(name for name in {*now, *before} if now.get(name) != before.get(name))
    if not changed:
        return
    audit.from_background(
        records,
        ACTOR,
        ACTION,
        ", ".join(changed),
        "done",
        before={name: before[name] for name in changed if name in before},
        after={name: now[name] for name in changed if name in now},
        all=now,
    )


def _plain(settings: Settings) -> dict[str, str]:
    """What is not as it is without being told; a secret by a digest that tells it from others."""
    usual = Settings()
    found = {}
    for each in fields(Settings):
        value = getattr(settings, each.name)
        if each.name not in LEFT_OUT and value != getattr(usual, each.name):
            hidden = any(part in each.name for part in SECRETS)
            found[variable(each)] = _masked(value, settings) if hidden else str(value)
    return found


def _masked(value: Any, settings: Settings) -> str:
    key = settings.secret_key or folder.secret_key(settings.data)
    told = hmac.new(str(key).encode(), str(value).encode(), "sha256").hexdigest()
    return f"(secret {told[:8]})"


def _last(records: Records) -> dict[str, str]:
    query = (
        select(AuditEntry.detail)
        .where(AuditEntry.action == ACTION, AuditEntry.actor == ACTOR)
        .order_by(AuditEntry.id.desc())
        .limit(1)
    )
    rows = records.rows(query)
    found: dict[str, str] = rows[0][0].get("all", {}) if rows else {}
    return found
