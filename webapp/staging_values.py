"""Hosts, buckets, databases and schedules as people write them: checked, and in one spelling.

Each function gives the one spelling, or raises ValueError with a sentence about what is wrong.
"""

import ipaddress
import re
from datetime import datetime
from urllib.parse import unquote

from croniter import CroniterError, croniter
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from sync.errors import UnusableDatabase
from sync.tables import dialect_of
from webapp.config import FROM_ENVIRONMENT

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
AMAZON = r"s3[.-](?:dualstack\.)?(?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?"
BUCKET_FORMS = (
    re.compile(r"s3://([^/]+)/?"),
    re.compile(r"arn:aws[a-z-]*:s3:::([^/]+)/?"),
    re.compile(rf"https?://([^/]+)\.{AMAZON}/?"),
    re.compile(rf"https?://{AMAZON}/([^/]+)/?"),
)
PASSWORD = re.compile(
    r"(?<=://)([^/@:\s]*):(?:[^?\s]*|[^/@\s]*)(?=@)|(?<=password=)[^&\s]*", re.IGNORECASE
)
COVER = "•••"
FIELDS = 5
LONGEST_SCHEDULE = 120


def environment_name(text: str) -> str:
    """What staging is called, such as `qa`."""
    name = text.strip()
    if not NAME.fullmatch(name):
        raise ValueError(
            "write a name such as staging or qa: small letters, digits and -, 63 at most"
        )
    if name == "production":
        raise ValueError("production is the other environment; give staging a name of its own")
    return name


def host(text: str) -> str:
    """A host name in small letters, without a port or the dot at its end."""
    name = text.strip().rstrip(".").lower()
    if "://" in name or "/" in name or re.search(r":\d+$", name):
        raise ValueError(
            "write the host name alone, such as admin-staging.example.com; no scheme, port or path"
        )
    try:
        plain = name.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError(
            "this is no host name; write one such as admin-staging.example.com"
        ) from None
    labels = plain.split(".")
    if (
        len(labels) < 2
        or len(plain) > 253
        or not all(LABEL.fullmatch(each) for each in labels)
        or _is_address(plain)
    ):
        raise ValueError("this is no domain; write one such as admin-staging.example.com")
    return plain


def asked_host(text: str) -> str:
    """The host that a request was sent to, comparable with `host`; empty where it is none."""
    name = text.strip().lower()
    name = re.sub(r":\d{0,5}$", "", name) if not name.startswith("[") else name
    try:
        return name.rstrip(".").encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def host_in(text: str) -> str:
    """The host in a setting, which may be written as an address; comparable with `host`."""
    return asked_host(re.sub(r"^[a-z+.-]+://", "", text.strip(), flags=re.I).partition("/")[0])


def bucket_in(text: str) -> str:
    """The bucket in a setting, which may name a place within it; empty where there is none."""
    told = re.sub(r":\d+(?=/|$)", "", text.strip()).rstrip("/")
    if not re.match("arn:|[^/]*://", told) and "." in told.partition("/")[0] and "/" in told:
        return ""  # a server and a bucket, or a bucket and a place in it
    while told.rpartition("://")[2]:
        try:
            return bucket(told)
        except ValueError:
            told = told.rpartition("/")[0]
    return ""


def bucket(text: str) -> str:
    """The name of a bucket, however it was written: s3://name, an ARN, an address of Amazon's."""
    told = text.strip().lower()
    name = next((found[1] for form in BUCKET_FORMS if (found := form.fullmatch(told))), told)
    if not BUCKET.fullmatch(name) or ".." in name or _is_address(name):
        raise ValueError(
            "this is no name of a bucket; write 3 to 63 small letters, digits, - and ., such as "
            "studio-staging"
        )
    return name


def database(text: str) -> str:
    """An address of a database, or `env:NAME` for one that stands in the environment."""
    told = text.strip()
    if COVER in told:
        raise ValueError(f"the password is covered here as {COVER}; write it anew")
    if told.startswith("env:"):
        if not FROM_ENVIRONMENT.fullmatch(told):
            raise ValueError("write env: and the name of a variable, such as env:STAGING_DATABASE")
        return told
    database_parts(told)
    return told


def database_parts(text: str) -> tuple[str, ...]:
    """What an address means, so that two spellings of one are equal; the person is left out."""
    try:
        dialect, url = dialect_of(text), make_url(text)
    except (UnusableDatabase, ArgumentError, ValueError):
        raise ValueError(
            "this is no address of a database; write one such as "
            "postgresql://owner@host/name or sqlite:////path/to/file"
        ) from None
    if dialect == "sqlite":
        if not url.database or not url.database.startswith("/"):
            raise ValueError("name the SQLite file by its whole path: sqlite:////path/to/file")
        return "sqlite", url.database
    _refuse_two_meanings(text)
    told = dict(url.query)
    where = str(told.get("host") or url.host or "").rstrip(".").lower()
    if not url.database and not told.get("dbname"):
        raise ValueError("this address names no database; end it with /name")
    port = str(told.get("port") or url.port or 5432)
    return (
        "postgresql",
        "localhost" if not where or _is_this_machine(where) else where,
        port,
        unquote(str(told.get("dbname") or url.database)),
    )


def _refuse_two_meanings(text: str) -> None:
    """Refuses an address that PostgreSQL takes apart otherwise than we do, and shows in errors."""
    head, _, query = text.partition("?")
    who, at, _ = head.partition("://")[2].rpartition("@")
    names = [part.partition("=")[0] for part in query.split("&")]
    if set(who) & set("/@") or (not at and "@" in names[0]) or any("%" in each for each in names):
        raise ValueError(
            "this address can be read in two ways; write @ / ? and # of a password as %40 %2F %3F "
            "and %23"
        )


def schedule(text: str, now: datetime) -> str:
    """A cron expression of five fields that comes to pass some day; empty for none."""
    told = " ".join(text.split())
    if not told:
        return ""
    if (
        len(told) > LONGEST_SCHEDULE
        or len(told.split(" ")) != FIELDS
        or not croniter.is_valid(told)
    ):
        raise ValueError(
            "this is no schedule; write five fields: minute, hour, day, month, weekday, such as "
            "30 2 * * * for 02:30 every night"
        )
    try:
        croniter(told, now).get_next(datetime)
    except CroniterError:
        raise ValueError("this schedule never comes; no month has such a day") from None
    return told


def next_runs(told: str, now: datetime, count: int = 3) -> list[datetime]:
    """When a schedule comes next; never where there is none."""
    if not told:
        return []
    coming = croniter(told, now)
    return [coming.get_next(datetime) for _ in range(count)]


def masked(text: str) -> str:
    """An address without its password."""
    return PASSWORD.sub(lambda found: COVER if found[1] is None else f"{found[1]}:{COVER}", text)


def _is_this_machine(host: str) -> bool:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return False
    return found.is_loopback or found.is_unspecified


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
