"""Settings of the web application; the only reader of the environment."""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prompt_repo.layout import ENVIRONMENTS

CHECKOUT = Path(__file__).parent.parent
PREFIX = "PROMPT_REPO_"
FOREIGN = {"metrics_folder": "PROMETHEUS_MULTIPROC_DIR"}
"""Settings whose variable's name is another library's."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
PRIVATE: tuple[Network, ...] = tuple(
    ipaddress.ip_network(each)
    for each in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
        "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip
"""Where a machine's own and its neighbours' addresses are."""

PER_ENVIRONMENT = (
    "video_service", "video_url", "video_key", "video_model", "video_size", "video_seconds",
    "preview_storage",
)  # fmt: skip
"""Settings that may differ between environments: `staging=local,production=openai-compatible`."""
NETWORKS = ("trusted_proxies", "metrics_networks", "webhook_networks", "vpn_networks")
ROLES = ("admin", "reviewer", "viewer")
MAPPINGS = ("off", "tags", "sealed")
FROM_ENVIRONMENT = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]{0,100})")
"""A secret that stands in the environment, and not where it is named."""
ISSUER = re.compile(r"https://[^/?#]|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/|$)")


class InvalidSetting(ValueError):
    """A setting can't be used as it stands; says which and why."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one installation is told; each field is read from `PROMPT_REPO_` and its name."""

    data: Path = CHECKOUT / "var" if (CHECKOUT / "run").exists() else Path("var")
    """The data folder; without it `var` in the checkout, or here where there is none."""
    repository: Path | None = None
    """The bare repository; without it `prompts.git` in the data folder."""
    records_url: str = ""
    """SQLAlchemy's URL of the records; without it `records.sqlite3` in the data folder."""
    redis_url: str = ""
    """Redis for rate limits and jobs; without it limits are counted in memory."""
    secret_key: str = ""
    """Signs sessions; without it a key is made once in the data folder."""
    trusted_proxies: tuple[Network, ...] = ()
    """Proxies, whose X-Forwarded-For and -Proto are believed, such as `10.0.0.2,::1`."""
    hosts: tuple[str, ...] = ()
    """Host names to answer to; without it any."""
    max_body_bytes: int = 4 * 1024 * 1024
    """The largest request body."""
    max_import_bytes: int = 256 * 1024 * 1024
    """The largest file that is imported."""
    transfer_limit: int = 60
    """Exports and imports that one person or token may begin in an hour."""
    session_hours: int = 24 * 7
    """How long a log-in lasts."""
    login_limit: str = "10 per minute; 100 per hour"
    """Log-ins that may fail from one address."""
    login_limit_per_name: str = "10 per 5 minutes"
    """Log-ins to one account that may fail from one address."""
    login_limit_per_account: str = "100 per hour"
    """Log-ins to one account that may fail from all addresses together."""
    max_push_bytes: int = 1024 * 1024 * 1024
    """The largest pack that a push may bring."""
    git_seconds: int = 1800
    """How long a clone, a fetch or a push may take."""
    mirror_url: str = ""
    """Another Git repository that is kept like this one, such as `https://git.studio.example/p.git`."""
    mirror_user: str = ""
    """Who logs in to the mirror over HTTP; many hosts take any name beside a token."""
    mirror_secret: str = ""
    """The mirror's password or token."""
    mirror_webhook_secret: str = ""
    """What the mirror signs its webhooks with; without it none is taken."""
    mirror_seconds: int = 300
    """How often the mirror is asked for news."""
    metrics_networks: tuple[Network, ...] = PRIVATE
    """Networks that may read `/metrics`; without it private ones."""
    webhook_networks: tuple[Network, ...] = ()
    """Private networks that webhooks may reach, such as `10.2.0.0/16`; without it none."""
    oidc_issuer: str = ""
    """The identity provider of single sign-on, such as `https://id.studio.example`."""
    oidc_client_id: str = ""
    """What the identity provider calls this installation."""
    oidc_client_secret: str = ""
    """The secret shared with the identity provider; none for a public client."""
    oidc_scopes: str = "openid profile email"
    """What is asked of the identity provider."""
    oidc_role_claim: str = "groups"
    """The claim that roles come from; dots lead into objects: `realm_access.roles`."""
    oidc_roles: tuple[tuple[str, str], ...] = ()
    """Which value of the claim is which role: `studio-leads=admin,studio=viewer`."""
    oidc_label: str = "single sign-on"
    """What the button on the log-in page calls it."""
    video_service: str = "local"
    """What makes previews: `local`, `openai-compatible`, or a name of your own (docs/)."""
    video_url: str = ""
    """The base URL of the video service, such as `https://litellm.studio.example/v1`."""
    video_key: str = ""
    """The key that the video service wants."""
    video_model: str = ""
    """The model that the video service is asked for."""
    video_size: str = "960x540"
    """How large previews are."""
    video_seconds: str = "4"
    """How long previews are."""
    preview_storage: str = ""
    """Where previews are kept: a folder, or `s3://bucket`; without it `previews` in the data."""
    s3_endpoint: str = ""
    """The address of an S3 server other than Amazon's."""
    s3_region: str = "us-east-1"
    """The region of the buckets."""
    preview_limit_per_person: int = 120
    """Previews that one person or token may ask for in an hour."""
    preview_limit_per_environment: int = 600
    """Previews that may be asked for in an hour in one environment."""
    preview_queue: int = 300
    """Previews that may wait at one time."""
    preview_text_bytes: int = 16 * 1024
    """The longest resolved text that is sent to a video service."""
    preview_time_limit: int = 900
    """Seconds that making one preview may take."""
    job_workers: int = 1
    """Processes that `run` starts for jobs."""
    job_lost_after: int = 15
    """Seconds without a sign of life after which a worker, or the clock, counts as dead."""
    audit_days: int = 0
    """Days that the audit log is kept; older entries are sealed and cut. 0 keeps all."""
    log: str = "stderr"
    """`stderr`, or the file of the program's log."""
    access_log: str = "notable"
    """`all` requests, or those that are `notable`: more than a plain read that went well."""
    approvals_staging: int = 0
    """Approvals that a change request needs to reach staging; with 0 edits are saved directly."""
    approvals_production: int = 1
    """Approvals that a hotfix needs to reach production."""
    anonymization_key: str = field(default="", repr=False)
    """The secret that a sync's fakes are made with; whoever has it can tell whose they are."""
    production_database_url: str = field(default="", repr=False)
    """Production's database, which a sync reads; without it the demo's, where there is one."""
    production_host: str = ""
    """The host names of production, such as `app.studio.example`; staging's has to be another."""
    production_bucket: str = ""
    """The bucket of production, such as `studio-live`; staging's has to be another."""
    vpn_networks: tuple[Network, ...] = ()
    """Networks that staging may be reached from where its configuration says so."""
    sync_mapping: str = "tags"
    """What is kept of a sync's originals for audit: `off`, `tags` (no originals), or `sealed`."""
    sync_mapping_url: str = field(default="", repr=False)
    """Where that is kept, on production's side; without it `mapping.sqlite3` in the data."""
    sync_mapping_days: int = 30
    """Days until it is gone."""
    sync_time_limit: int = 86_400
    """Seconds that one sync may take."""
    workers: int = 2
    """Web processes that `run` and `serve` start."""
    threads: int = 8
    """Threads in each web process."""
    metrics_folder: Path | None = None
    """Where web processes add up their counters."""

    @property
    def repository_path(self) -> Path:
        """The folder of the bare repository."""
        return self.repository or self.data / "prompts.git"

    def of_environment(self, name: str, environment: str) -> str:
        """What one of PER_ENVIRONMENT says of an environment."""
        told: str = getattr(self, name)
        named = _by_environment(told)
        return told if named is None else named.get(environment, getattr(Settings, name))

    @property
    def records_address(self) -> str:
        """The URL of the records, whichever way it was told."""
        return self.records_url or f"sqlite:///{self.data.absolute() / 'records.sqlite3'}"

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str] | None = None, **overrides: Any
    ) -> "Settings":
        """The settings that the environment tells, with `overrides` over them.

        Raises InvalidSetting.
        """
        environ = os.environ if environ is None else environ
        told = {
            each.name: _read(each, environ[variable(each)])
            for each in fields(cls)
            if environ.get(variable(each), "").strip()
        }
        known = {name: value for name, value in overrides.items() if value is not None}
        return cls(**(told | known))


def told_secret(text: str) -> str:
    """A secret as it was written, or as the environment has it where `env:NAME` was.

    Raises InvalidSetting where the environment has nothing of that name.
    """
    found = FROM_ENVIRONMENT.fullmatch(text)
    if found is None:
        return text
    value = os.environ.get(found[1], "").strip()
    if not value:
        raise InvalidSetting(f"the environment of this process has no {found[1]}")
    return value


def variable(each: "Field[Any]") -> str:
    """The environment variable of one field of Settings."""
    return FOREIGN.get(each.name, PREFIX + each.name.upper())


def environment_of(settings: Settings) -> dict[str, str]:
    """This process's environment, changed so that another reads these same settings."""
    usual = Settings()
    return dict(os.environ) | {
        variable(each): _written(getattr(settings, each.name))
        for each in fields(Settings)
        if getattr(settings, each.name) != getattr(usual, each.name)
    }


def export(settings: Settings, **changes: Any) -> None:
    """Has the processes that this one starts read these settings, with `changes` to them."""
    os.environ.update(environment_of(replace(settings, **changes)))


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join("=".join(each) if isinstance(each, tuple) else str(each) for each in value)
    return str(value.absolute() if isinstance(value, Path) else value)


def _read(each: "Field[Any]", text: str) -> Any:
    text = text.strip()
    try:
        if each.name in NETWORKS:
            return tuple(_network(part) for part in _parts(text))
        if each.name in PER_ENVIRONMENT:
            _by_environment(text)
        if each.name in READ_BY:
            return READ_BY[each.name](text)
        if each.type in (Path, Path | None):
            return Path(text).expanduser()
        if each.type is int:
            return _positive(text, 0 if each.name.startswith(("approvals_", "audit_")) else 1)
    except ValueError as error:
        shown = "" if each.name.endswith("_url") else f"={text!r}"  # an address may hold a password
        raise InvalidSetting(f"{variable(each)}{shown}: {error}") from None
    return text


def _by_environment(text: str) -> dict[str, str] | None:
    """A value for each environment; None where one stands for all."""
    if not text.startswith(tuple(f"{each}=" for each in ENVIRONMENTS)):
        return None
    pairs = [part.partition("=") for part in _parts(text)]
    unknown = [name for name, _, _ in pairs if name not in ENVIRONMENTS]
    if unknown:
        raise ValueError(f"{unknown[0][:40]!r} is no environment; write `staging=…,production=…`")
    return {name: value for name, _, value in pairs}


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _network(part: str) -> Network:
    """A network; one of IPv4 that is spelled as IPv6 is one of IPv4, as addresses are."""
    found = ipaddress.ip_network(part)
    mapped = getattr(found.network_address, "ipv4_mapped", None)
    if mapped is None or found.prefixlen < 96:
        return found
    return ipaddress.ip_network(f"{mapped}/{found.prefixlen - 96}")


def _role(part: str) -> tuple[str, str]:
    found, _, role = part.rpartition("=")
    if not found.strip() or role.strip() not in ROLES:
        raise ValueError(f"write pairs such as `leads=admin`; the roles are {', '.join(ROLES)}")
    return found.strip(), role.strip()


def _issuer(text: str) -> str:
    if not ISSUER.match(text):
        raise ValueError("an issuer begins with https:// (http:// on this machine alone)")
    return text


def _redis(text: str) -> str:
    address = urlsplit(text)
    if address.scheme not in ("redis", "rediss", "unix") or address.port == 0:
        raise ValueError("write an address such as redis://host:6379/0, rediss://… or unix:///path")
    return text


def _mapping(text: str) -> str:
    if text not in MAPPINGS:
        raise ValueError(f"write one of {', '.join(MAPPINGS)}")
    return text


READ_BY: Mapping[str, Callable[[str], Any]] = {
    "hosts": lambda text: tuple(_parts(text)),
    "oidc_roles": lambda text: tuple(_role(part) for part in _parts(text)),
    "redis_url": _redis,
    "oidc_issuer": _issuer,
    "sync_mapping": _mapping,
}
"""What reads settings that are no plain text, by their name."""


def _positive(text: str, least: int = 1) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) >= least):
        raise ValueError(f"write a whole number, at least {least}")
    return int(text)
