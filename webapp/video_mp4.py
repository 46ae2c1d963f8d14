"""Pictures into an H.264 MP4 that browsers play; the only importer of PyAV."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image

OPTIONS = {"preset": "veryfast", "tune": "animation", "crf": "21", "bf": "0"}


def write(target: Path, frames: Iterable[Image.Image], size: tuple[int, int], rate: int) -> None:
    """Writes pictures of one size as a film; the same pictures make the same bytes.

    One thread, for several cut the film differently on different machines.
    """
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as film:
        stream = film.add_stream("libx264", rate=rate, options=OPTIONS)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, rate)
        stream.codec_context.thread_count = 1
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_image(picture)
            frame.pts, frame.time_base = number, Fraction(1, rate)
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
