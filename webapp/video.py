"""What makes a clip of a prompt: one protocol, and the services that follow it.

A new service is a module with a class like `Local` and a line in SERVICES; docs/video-services.md
shows one whole.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from prompt_repo.layout import ENVIRONMENTS
from webapp.config import Network, Settings

SERVICES = {
    "local": "webapp.video_local:Local",
    "openai-compatible": "webapp.video_openai:OpenAICompatible",
}
"""Every service by the name that the settings know it by."""
SIZE = re.compile(r"([1-9][0-9]{1,3})x([1-9][0-9]{1,3})")


class VideoFailed(Exception):
    """The service did not make the clip, and would not if asked again; says why in its words."""


class VideoAway(Exception):
    """The service can't make the clip now; `seconds` is when it may be asked again, if known."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        self.seconds = seconds
        super().__init__(message)


class Misconfigured(Exception):
    """The settings of the video service can't be used; says which and why."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What a clip is made of: the resolved prompt, whose it is, and the emotion's look."""

    text: str
    character: str
    emotion: str
    label: str
    colour: str

    def as_json(self) -> dict[str, str]:
        """The same as JSON has it."""
        return {
            "text": self.text,
            "character": self.character,
            "emotion": self.emotion,
            "label": self.label,
            "colour": self.colour,
        }


class Told(Protocol):
    """What a service tells while it works."""

    def at(self, fraction: float, doing: str = "") -> None:
        """How far it is, from 0 to 1."""

    def say(self, line: str) -> None:
        """A line for the job's log."""

    def named(self, remote_id: str) -> None:
        """What the service calls this clip on its side, kept so that it can be given up."""


class VideoService(Protocol):
    """One way to make clips."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What shapes its clips besides the brief; shown to people, so without keys."""

    def make(self, brief: Brief, target: Path, told: Told) -> Mapping[str, Any]:
        """Writes the MP4 to a path, and gives what there is to know of it.

        Raises VideoFailed and VideoAway.
        """

    def give_up(self, remote_id: str) -> None:
        """Asks the service to drop a clip that nobody wants any more; best effort, never raises."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What one environment's settings say of its video service."""

    name: str
    url: str
    key: str
    model: str
    width: int
    height: int
    seconds: float
    patience: float = 600.0  # seconds that making one clip may take
    networks: tuple[Network, ...] = ()  # private ones that a service may send us on to

    @classmethod
    def of(cls, settings: Settings, environment: str) -> "Chosen":
        """Raises Misconfigured."""

        def told(name: str) -> str:
            return settings.of_environment(f"video_{name}", environment).strip()

        width, height = _size(told("size"))
        return cls(
            told("service"), told("url"), told("key"), told("model"), width, height,
            _seconds(told("seconds")), 0.95 * settings.preview_time_limit,
            tuple(settings.webhook_networks),
        )  # fmt: skip


def service(settings: Settings, environment: str) -> VideoService:
    """The service that an environment's previews are made by; raises Misconfigured."""
    chosen = Chosen.of(settings, environment)
    if chosen.name not in SERVICES:
        known = ", ".join(sorted(SERVICES))
        raise Misconfigured(f"there is no video service {chosen.name[:80]!r}; choose of {known}")
    module, _, kind = SERVICES[chosen.name].partition(":")
    made: Callable[[Chosen], VideoService] = getattr(import_module(module), kind)
    return made(chosen)


def get_ready(settings: Settings) -> None:
    """Has services load what each clip needs, once for all jobs of a worker.

    That is for those that have a method `get_ready`. Raises Misconfigured.
    """
    for environment in ENVIRONMENTS:
        get_it_ready = getattr(service(settings, environment), "get_ready", None)
        if get_it_ready is not None:
            get_it_ready()


def _size(text: str) -> tuple[int, int]:
    found = SIZE.fullmatch(text)
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    if not (320 <= width <= 3840 and 180 <= height <= 2160) or width % 2 or height % 2:
        raise Misconfigured(f"PROMPT_REPO_VIDEO_SIZE={text[:40]!r}: write even numbers: 1280x720")
    return width, height


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 60:
        raise Misconfigured(f"PROMPT_REPO_VIDEO_SECONDS={text[:40]!r}: write 1 to 60")
    return seconds
