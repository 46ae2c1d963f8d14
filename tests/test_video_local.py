"""The local renderer: real films, decoded again, that say what the prompt says."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from tests.test_video_openai import Heard
from webapp import video_beats, video_letters, video_moods
from webapp.config import Settings
from webapp.video import Brief, Chosen, Misconfigured, service
from webapp.video_local import Local

TEXT = "Aria clenches her jaw. Slow push-in on her face. Then she looks away."
SIZE = (640, 360)


def make(folder: Path, text: str = TEXT, emotion: str = "angry", **more: str) -> Path:
    """A film of four seconds."""
    brief = Brief(**({"text": text, "character": "Aria", "emotion": emotion,
                      "label": emotion.capitalize(), "colour": "#dc2626"} | more))  # fmt: skip
    target = folder / "clip.mp4"
    Local(Chosen("local", "", "", "", *SIZE, 4.0)).make(brief, target, Heard())
    return target


def frames(path: Path) -> list[Image.Image]:
    """The pictures of a film, as a player shows them."""
    with av.open(str(path)) as film:
        return [frame.to_image() for frame in film.decode(video=0)]


def apart(one: Image.Image, other: Image.Image) -> float:
    """How far two pictures are from each other: 0 where they are the same."""
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean)


def most_apart(one: Sequence[Image.Image], other: Sequence[Image.Image]) -> float:
    return max(apart(*pair) for pair in zip(one, other, strict=True))


def test_it_is_an_h264_film_of_four_seconds(tmp_path: Path) -> None:
    """That any browser plays, and that begins to play before all of it is there."""
    path = make(tmp_path)

    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        told = (
            stream.codec_context.name,
            stream.codec_context.pix_fmt,
            stream.width,
            stream.height,
        )
        assert film.duration is not None
        seconds = film.duration / av.time_base
    assert ("h264", "yuv420p", *SIZE) == told
    assert (4.0, 96) == (seconds, len(frames(path)))
    assert path.read_bytes().index(b"moov") < path.read_bytes().index(b"mdat")


def test_the_same_brief_gives_the_same_bytes(tmp_path: Path) -> None:
    """So that two who made it needn't both keep it."""
    assert make(tmp_path).read_bytes() == make(tmp_path).read_bytes()


def test_another_emotion_or_order_of_beats_changes_the_pictures(tmp_path: Path) -> None:
    """Another text, emotion, colour and character too; never by a speck alone."""
    plain = frames(make(tmp_path))
    first, second, third = TEXT.split(". ")
    turned = f"{third[:-1]}. {second}. {first}."
    others = {
        "order": make_frames(tmp_path, text=turned),
        "emotion": make_frames(tmp_path, emotion="happy"),
        "colour": make_frames(tmp_path, colour="#2563eb"),
        "character": make_frames(tmp_path, character="Bolt"),
    }

    assert {} == {name: 1 for name, film in others.items() if most_apart(plain, film) < 0.5}


def make_frames(folder: Path, **brief: str) -> list[Image.Image]:
    return frames(make(folder, **brief))


def test_it_moves_and_each_beat_looks_its_own_way(tmp_path: Path) -> None:
    """The beat that plays is lit up, in the order of the text."""
    film = frames(make(tmp_path, emotion="idle"))
    beats = video_beats.find(TEXT, 4.0)
    left = (0, 60, SIZE[0] * 58 // 100, SIZE[1] - 60)
    middles = [film[int(24 * (beat.start + beat.end) / 2)].crop(left) for beat in beats]

    assert apart(film[0], film[40]) > 0.3
    assert all(apart(one, two) > 0.3 for one, two in pairwise(middles))


def test_a_beat_too_long_for_the_picture_runs_through_it(tmp_path: Path) -> None:
    """One sees its first words at its beginning and its last ones at its end."""
    film = frames(make(tmp_path, text=" ".join(f"word{number}" for number in range(900))))
    short = frames(make(tmp_path, text="word0 word1 word2"))
    left = (0, 60, SIZE[0] * 58 // 100, SIZE[1] - 60)
    first, middle, last = (film[number].crop(left) for number in (8, 48, 94))

    assert apart(first, middle) > 0.3
    assert apart(middle, last) > 0.3
    assert apart(short[8].crop(left), short[94].crop(left)) < 0.1


def test_letters_stand_in_the_order_that_a_service_reads_them_in(tmp_path: Path) -> None:
    """A text can't have itself shown backwards: the character for that changes nothing here."""
    assert frames(make(tmp_path, text="She waits.")) == frames(
        make(tmp_path, text="She \u202ewaits.")
    )


def test_it_tells_the_beats_with_their_times(tmp_path: Path) -> None:
    """All of the text, in order, from the first second to the last."""
    brief = Brief(TEXT, "Aria", "angry", "Angry", "#dc2626")
    heard = Heard()

    facts = Local(Chosen("local", "", "", "", *SIZE, 4.0)).make(brief, tmp_path / "c.mp4", heard)

    beats = facts["beats"]
    assert TEXT == " ".join(beat["text"] for beat in beats)
    assert (0.0, 4.0) == (beats[0]["start"], beats[-1]["end"])
    assert ["", "push in", ""] == [beat["camera"] for beat in beats]
    assert facts["animatic"]
    assert heard.fractions[-1] > 0.9


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One thing.", 1),
        ("Shot 1: wide.\nShot 2: close.\nShot 3: hands.", 3),
        ("0-2s she waits\n2-4s she leaps", 2),
        ("- smiles\n- turns\n- waves to all", 3),
        ("彼女は静かに座っています。それから立ち上がって歩きます。", 2),
        (" \n\n", 1),
        ("A sentence that goes on. " * 40, video_beats.MOST),
    ],
)
def test_beats_are_found_however_they_are_written(text: str, count: int) -> None:
    """And say the whole text between them."""
    beats = video_beats.find(text, 4.0)

    assert count == len(beats)
    said = "".join("".join(beat.text for beat in beats).split())
    assert ("".join(text.split()) or "…") == said


@pytest.mark.parametrize(
    "text",
    [
        "Ελληνικά",
        "Русский",
        "العربية",
        "עברית",
        "हिन्दी",
        "ไทย",
        "日本語",
        "한국어",
        "ქართული",
        "🙂",
        "አማርኛ",
    ],
)
def test_every_script_is_drawn_or_named(tmp_path: Path, text: str) -> None:
    """What is drawn differs from the boxes that stand for letters nobody has."""
    if video_letters.missing(text):
        assert not video_letters.can_shape()
        return
    film, boxes = frames(make(tmp_path, text=text)), frames(make(tmp_path, text="□" * len(text)))

    assert apart(film[5], boxes[5]) > 0.02


def test_letters_that_no_font_has_are_named(tmp_path: Path) -> None:
    """By their script, in the facts and in the log; the film is made all the same."""
    heard = Heard()
    brief = Brief("Smiles 𒀀𒁀 and ߊ.", "Aria", "happy", "Happy", "#15803d")

    facts = Local(Chosen("local", "", "", "", *SIZE, 1.0)).make(brief, tmp_path / "c.mp4", heard)

    assert ["Cuneiform", "Nko"] == facts["missing"]
    assert any("Cuneiform, Nko" in line for line in heard.lines)


@pytest.mark.parametrize(
    "text", ["x" * 3000, "word " * 3000, "\u202e\u200d\ufe0f\t{}<>", "a\n" * 500]
)
def test_odd_texts_are_drawn_too(tmp_path: Path, text: str) -> None:
    """Long words, long texts, many lines, what is invisible."""
    brief = Brief(text, "N" * 200, "x", "L" * 200, "#15803d")

    Local(Chosen("local", "", "", "", *SIZE, 1.0)).make(brief, tmp_path / "c.mp4", Heard())

    assert 24 == len(frames(tmp_path / "c.mp4"))


def test_an_emotion_that_nobody_knows_has_always_the_same_mood() -> None:
    """By its name; those we know have their own."""
    assert video_moods.mood("gloating") is video_moods.mood("gloating")
    assert (
        len({video_moods.mood(each) for each in ("idle", "sad", "angry", "happy", "excited")}) == 5
    )


@pytest.mark.parametrize(
    "told",
    [{"video_size": "640"}, {"video_size": "641x361"}, {"video_seconds": "900"},
     {"video_service": "nobody"}, {"video_seconds": "soon"}],
)  # fmt: skip
def test_settings_that_cant_be_are_refused(told: dict[str, str]) -> None:
    """With the name of the setting, or of the services there are."""
    with pytest.raises(Misconfigured, match=r"VIDEO_S|local, openai-compatible"):
        service(Settings(**told), "staging")


def test_environments_may_have_services_of_their_own() -> None:
    """One value for all, or one for each."""
    told = Settings.from_environment(
        {"PROMPT_REPO_VIDEO_SIZE": "staging=640x360,production=1280x720"}
    )

    sizes = [service(told, each).settings["size"] for each in ("staging", "production")]

    assert ["640x360", "1280x720"] == sizes
