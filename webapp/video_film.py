"""The pictures of an animatic: a prompt and its beats beside the character that it is about.

On the left the prompt, the beat that plays lit up; on the right the character in the emotion's
colour, moving as the emotion moves and seen as the camera words of the beat say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from PIL import Image, ImageColor, ImageDraw

from webapp import video_beats, video_moods, video_type
from webapp.video import Brief
from webapp.video_type import BOLD, Line, Style

RATE = 24  # frames a second
PAPER, INK, SOFT, DIM, RULE = "#15171c", "#f3f2ee", "#a7a9b1", "#83868f", "#2c2f37"
LABEL = "ANIMATIC"
ABOUT = "drawn here from the prompt; not a video service’s clip"
SIZES = (26, 23, 20, 18, 16, 15, 14)  # pixels of the prompt's letters where a frame has 540 lines
FACE = 0.68  # how far down the stage the middle of the face is


@dataclass(frozen=True)
class Block:
    """One beat's lines in the column of text, and where they begin and end there."""

    lines: Sequence[Line]
    top: int
    bottom: int


class Film:
    """All pictures of one clip."""

    def __init__(self, brief: Brief, size: tuple[int, int], seconds: float) -> None:
        self.brief, self.size, self._seconds = brief, size, seconds
        self._unit = size[1] / 540
        self.rate, self.count = RATE, round(seconds * RATE)
        self.beats = video_beats.find(brief.text, seconds)
        self._hue = brief.colour
        self._mood = video_moods.mood(brief.emotion)

    def frames(self) -> Iterator[Image.Image]:
        """The pictures, in order."""
        grounds = [self._ground(number) for number in range(len(self.beats))]
        for number in range(self.count):
            second = number / RATE
            playing = video_beats.at(self.beats, second)
            frame = grounds[playing].copy()
            self._put_text(frame, playing, second)
            self._put_stage(frame, playing, second)
            self._put_playhead(frame, second)
            yield frame

    def _px(self, pixels: float) -> int:
        return round(pixels * self._unit)

    @cached_property
    def _column(self) -> tuple[int, int, int, int]:
        """The box of the text."""
        width, height = self.size
        return self._px(40), self._px(104), round(width * 0.58), height - self._px(76)

    @cached_property
    def _stage_box(self) -> tuple[int, int, int, int]:
        """The box of the figure; its sides are even, as its pictures are made smaller by two."""
        width, height = self.size
        left, top = round(width * 0.62), self._px(32)
        return left, top, width - self._px(32), height - self._px(76)

    def _ground(self, playing: int) -> Image.Image:
        """What stands still while a beat plays."""
        width, height = self.size
        frame = Image.new("RGB", self.size, PAPER)
        canvas = ImageDraw.Draw(frame)
        canvas.rectangle((0, 0, self._px(5), height), fill=self._hue)
        name, mood = Style(self._px(28), BOLD), Style(self._px(17), BOLD)
        room = self._column[2] - self._px(40)
        self._word(canvas, (self._px(40), self._px(56)), self.brief.character, name, INK, room)
        self._word(
            canvas, (self._px(40), self._px(84)), self.brief.label, mood, _light(self._hue), room
        )
        self._put_beats(canvas, playing)
        small, foot = Style(self._px(13), BOLD), height - self._px(18)
        x = self._px(40)
        self._word(canvas, (x, foot), LABEL, small, INK, room)
        x += round(video_type.measure(LABEL, small)) + self._px(10)
        self._word(canvas, (x, foot), ABOUT, Style(self._px(13)), SOFT, width - x)
        return frame

    def _put_beats(self, canvas: ImageDraw.ImageDraw, playing: int) -> None:
        """The strip along the foot: one piece a beat, as long as it lasts."""
        for number, beat in enumerate(self.beats):
            left, right = self._x_of(beat.start), self._x_of(beat.end) - self._px(3)
            y = self.size[1] - self._px(50)
            colour = _light(self._hue) if number == playing else RULE
            canvas.rectangle((left, y, max(left + 1, right), y + self._px(5)), fill=colour)
        beat = self.beats[playing]
        style, right = Style(self._px(13)), self.size[0] - self._px(32)
        words = f"Beat {playing + 1} of {len(self.beats)} · {beat.start:.1f}–{beat.end:.1f} s"
        if beat.camera:
            words += f" · camera: {beat.camera}"
        x = right - video_type.measure(words, style)
        self._word(canvas, (x, self.size[1] - self._px(18)), words, style, SOFT, right - x + 2)

    def _x_of(self, second: float) -> int:
        left, right = self._px(40), self.size[0] - self._px(32)
        return round(left + (right - left) * second / self._seconds)

    def _word(
        self,
        canvas: ImageDraw.ImageDraw,
        at: tuple[float, float],
        text: str,
        style: Style,
        colour: str,
        room: float,
    ) -> None:
        """One line, cut with an ellipsis where there is no room for all of it."""
        while len(text) > 1 and video_type.measure(text, style) > room:
            text = text[:-2] + "…"
        for line in video_type.lines(text, style, room + 1)[:1]:
            video_type.draw(canvas, at, line, style, colour)

    @cached_property
    def _set(self) -> tuple[Style, list[Block], int]:
        """The text in the largest letters with which all of it fits, or in the smallest."""
        left, top, right, bottom = self._column
        style, blocks, height = Style(self._px(SIZES[-1])), list[Block](), 0
        for size in SIZES:
            style, blocks = Style(self._px(size)), []
            height = 0
            for beat in self.beats:
                set_lines = video_type.lines(beat.text, style, right - left - self._px(16))
                end = height + len(set_lines) * style.leading
                blocks.append(Block(set_lines, height, end))
                height = end + style.leading // 3
            if height <= bottom - top:
                break
        return style, blocks, height

    @cached_property
    def _texts(self) -> tuple[Image.Image, Image.Image]:
        """The whole column twice: the text as it waits, and as it plays."""
        style, blocks, height = self._set
        width = self._column[2] - self._column[0]
        made = []
        for colour in (DIM, INK):
            picture = Image.new("RGB", (width, max(1, height)), PAPER)
            canvas = ImageDraw.Draw(picture)
            for block in blocks:
                if colour == INK:
                    bar = (0, block.top + self._px(4), self._px(3), block.bottom - self._px(2))
                    canvas.rectangle(bar, fill=self._hue)
                self._put_block(canvas, block, style, colour, width)
            made.append(picture)
        return made[0], made[1]

    def _put_block(
        self, canvas: ImageDraw.ImageDraw, block: Block, style: Style, colour: str, width: int
    ) -> None:
        x = self._px(16)
        for number, line in enumerate(block.lines):
            y = block.top + number * style.leading + round(style.size * 1.1)
            video_type.draw(canvas, (x, y), line, style, colour, width - x)

    def _put_text(self, frame: Image.Image, playing: int, second: float) -> None:
        left, top, right, bottom = self._column
        _, blocks, height = self._set
        waiting, lit = self._texts
        offset = self._offset(playing, second)
        shown = min(height, bottom - top)
        frame.paste(waiting.crop((0, offset, right - left, offset + shown)), (left, top))
        block = blocks[playing]
        first, last = max(block.top, offset), min(block.bottom, offset + bottom - top)
        if last > first:
            frame.paste(lit.crop((0, first, right - left, last)), (left, top + first - offset))

    def _offset(self, playing: int, second: float) -> int:
        """How far the column is scrolled: the beat that plays comes into its middle."""
        beat = self.beats[playing]
        through = (second - beat.start) / max(0.04, beat.end - beat.start)
        before = self._resting(max(0, playing - 1), 1.0 if playing else 0.0)
        after = self._resting(playing, through)
        share = min(1.0, (second - beat.start) / 0.3)
        return round(before + (after - before) * share * share * (3 - 2 * share))

    def _resting(self, number: int, through: float) -> float:
        """Where a beat stands in its middle; one that is higher than the column runs through it."""
        _, blocks, height = self._set
        room = self._column[3] - self._column[1]
        block = blocks[number]
        spare = block.bottom - block.top - room
        wanted = block.top + spare * (min(1.0, through) if spare > 0 else 0.5)
        return min(max(0.0, wanted), max(0.0, float(height - room)))

    @cached_property
    def _scene(self) -> tuple[Image.Image, Image.Image]:
        """The empty stage and the figure."""
        left, top, right, bottom = self._stage_box
        size = right - left, bottom - top
        stage = _gradient(size, _mixed(self._hue, PAPER, 0.62), _mixed(self._hue, PAPER, 0.86))
        canvas = ImageDraw.Draw(stage)
        horizon = round(size[1] * 0.8)
        canvas.rectangle((0, horizon, *size), fill=_mixed(self._hue, PAPER, 0.78))
        for step in range(1, 6):  # what the camera's moves are seen by
            x = size[0] * step // 6
            canvas.line((x, 0, x, horizon), fill=_mixed(self._hue, PAPER, 0.7))
        side = round(min(size) * 0.72)
        figure = video_moods.face(self.brief.character, self._mood, _light(self._hue), side)
        return stage, figure

    def _put_stage(self, frame: Image.Image, playing: int, second: float) -> None:
        stage, figure = self._scene
        pose = video_moods.pose(self._mood.motion, second, self._seconds)
        scene, side = stage.copy(), figure.width
        wanted = max(8, round(side * pose.scale))
        turned = (
            figure
            if abs(pose.turn) < 0.2
            else figure.rotate(-pose.turn, Image.Resampling.BILINEAR, center=(side / 2, side * 0.9))
        )
        if wanted != side:
            turned = turned.resize((wanted, wanted), Image.Resampling.BILINEAR)
        x = round(scene.width / 2 - wanted / 2 + pose.x * side)
        y = round(scene.height * 1.05 - wanted + pose.y * side)
        scene.paste(turned, (x, y), turned)
        beat = self.beats[playing]
        share = (second - beat.start) / max(0.04, beat.end - beat.start)
        frame.paste(_seen(scene, beat.camera, share, second), self._stage_box[:2])

    def _put_playhead(self, frame: Image.Image, second: float) -> None:
        x, y = self._x_of(second), self.size[1] - self._px(50)
        mark = (x, y - self._px(4), x + self._px(2), y + self._px(9))
        ImageDraw.Draw(frame).rectangle(mark, fill=INK)


def _seen(scene: Image.Image, camera: str, share: float, second: float) -> Image.Image:
    """The stage as the camera sees it, at a share of its beat."""
    width, height = scene.size
    wave = video_moods.pose("shake", second, 4.0)
    zoom, x, y = {
        "push in": (1 + 0.5 * share, 0.0, 0.0),
        "pull back": (1.5 - 0.5 * share, 0.0, 0.0),
        "pan": (1.2, 0.09 * (1 - 2 * share), 0.0),
        "tilt": (1.2, 0.0, 0.09 * (1 - 2 * share)),
        "handheld": (1.1, wave.x, wave.y * 2),
        "orbit": (1.15, 0.07 * (1 - 2 * share), 0.0),
        "close-up": (1.6, 0.0, 0.0),
    }.get(camera, (1.0, 0.0, 0.0))
    if zoom == 1.0:
        return scene
    seen_width, seen_height = width / zoom, height / zoom
    middle = 0.5 + (FACE - 0.5) * min(1.0, 2 * (zoom - 1)) + y
    left = min(max(0.0, (0.5 + x) * width - seen_width / 2), width - seen_width)
    top = min(max(0.0, middle * height - seen_height / 2), height - seen_height)
    box = (left, top, left + seen_width, top + seen_height)
    return scene.resize(scene.size, Image.Resampling.BILINEAR, box=box)


def _gradient(size: tuple[int, int], above: str, below: str) -> Image.Image:
    ramp = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, below), Image.new("RGB", size, above), ramp)


def _mixed(colour: str, other: str, share: float) -> str:
    """A colour with so much of another in it."""
    pairs = zip(ImageColor.getrgb(colour)[:3], ImageColor.getrgb(other)[:3], strict=True)
    return "#" + "".join(f"{round(one * (1 - share) + two * share):02x}" for one, two in pairs)


def _light(colour: str) -> str:
    """An emotion's colour as it reads on a dark ground."""
    return _mixed(colour, "#ffffff", 0.35)
