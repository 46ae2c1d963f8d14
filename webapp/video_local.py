"""Clips drawn on this machine: an animatic of the prompt, and honest about being one."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webapp import video_beats
from webapp.video import Brief, Chosen, Told

if TYPE_CHECKING:
    from PIL.Image import Image

    from webapp.video_film import Film

DESIGN = 5
"""Counted up when clips come to look different, so that none drawn before is reused."""


EXAMPLE = Brief("She goes very still; angry. Slow push-in.", "Aria", "angry", "Angry", "#dc2626")


class Local:
    """The service that needs nothing and nobody."""

    def __init__(self, chosen: Chosen) -> None:
        self._size, self._seconds = (chosen.width, chosen.height), chosen.seconds

    @property
    def settings(self) -> Mapping[str, Any]:
        """What shapes its clips."""
        width, height = self._size
        return {"size": f"{width}x{height}", "seconds": self._seconds, "design": DESIGN}

    def make(self, brief: Brief, target: Path, told: Told) -> Mapping[str, Any]:
        """Draws the clip; the same brief gives the same bytes."""
        # Drawing needs libraries that a web process, which only asks for settings, does without.
        from webapp import video_letters, video_mp4
        from webapp.video_film import RATE, Film

        film = Film(brief, self._size, self._seconds)
        told.say(f"{len(film.beats)} beats, {film.count} frames of {self._size[0]}×{self._size[1]}")
        missing = video_letters.missing(f"{brief.text}{brief.character}{brief.label}")
        if missing:
            told.say(f"No font here can show {', '.join(missing)}")
        video_mp4.write(target, _told(film, told), self._size, RATE)
        return {
            "width": self._size[0],
            "height": self._size[1],
            "seconds": self._seconds,
            "animatic": True,
            "beats": [asdict(beat) for beat in film.beats],
            "missing": missing,
        }

    def get_ready(self) -> None:
        """Loads libraries and the fonts of most texts, by drawing one picture."""
        from webapp import video_mp4
        from webapp.video_film import RATE, Film

        film = Film(EXAMPLE, self._size, self._seconds)
        with tempfile.TemporaryDirectory(prefix="ready-") as folder:
            pictures = islice(film.frames(), 1)
            video_mp4.write(Path(folder) / "one.mp4", pictures, self._size, RATE)

    def give_up(self, remote_id: str) -> None:
        """Nothing is anywhere else."""


def _told(film: "Film", told: Told) -> Iterator["Image"]:
    for number, frame in enumerate(film.frames()):
        beat = video_beats.at(film.beats, number / film.rate)
        told.at(number / film.count, f"Drawing beat {beat + 1} of {len(film.beats)}")
        yield frame
