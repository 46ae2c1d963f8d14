"""Previews: how quickly they are taken, drawn and worked off, and what kills cost."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import redis
from rq import Worker
from sqlalchemy import func, select

from benchmarks import asking
from benchmarks.measuring import Row, Scale, Times, ratio
from benchmarks.repositories import Repositories
from prompt_repo import demo
from webapp import create_app, previews, tokens, valkey, video_mp4
from webapp.access import Caller, Scope
from webapp.config import Settings, environment_of
from webapp.previews import Wanted
from webapp.queue import PREVIEWS, Jobs
from webapp.records import Records
from webapp.records.preview_models import AT_WORK, Preview, Status
from webapp.storage import storage
from webapp.video import Brief, Chosen
from webapp.video_film import Film
from webapp.video_local import Local

TITLE = "Test previews"
WHO = Caller(actor="person:bench", name="bench")
TEXT = (
    "Aria goes very still; angry, but holding it in. Slow push-in, 50 mm, warm key light against "
    "a cold wall. She draws the caller's fader all the way down with one finger. Number {number}."
)
SIZE = (960, 540)
ALONE = """
import sys, time
from pathlib import Path
from benchmarks.previews import draw
draw(Path(sys.argv[1]), 1)
print("warm", flush=True)
sys.stdin.readline()
began, used = time.perf_counter(), time.process_time()
draw(Path(sys.argv[1]), int(sys.argv[2]))
print(time.perf_counter() - began, time.process_time() - used, flush=True)
"""


class Quiet:
    """Somebody who isn't told anything."""

    def at(self, fraction: float, doing: str = "") -> None:
        """How far it is."""

    def say(self, line: str) -> None:
        """What is said."""

    def named(self, remote_id: str) -> None:
        """What it is called elsewhere."""


def run(repositories: Repositories, scale: Scale) -> list[Row]:
    """All rows; each pair is timed in turns."""
    rows = [*_drawing(scale)]
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as name, _place(name) as settings:
        rows += asking.rows(settings, scale)
        rows += _throughput(settings, scale)
        rows.append(_cancelling(settings, scale))
    if scale is Scale.TINY:  # a handful of jobs is over before anything can be killed
        return rows
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as name:
        rows += _killing(Path(name), scale)
    return rows


def brief(number: int) -> Brief:
    """A prompt of the usual length."""
    return Brief(TEXT.format(number=number), "Aria Vale", "angry", "Angry", "#dc2626")


def draw(folder: Path, count: int) -> None:
    """The renderer alone."""
    service = Local(Chosen("local", "", "", "", *SIZE, 4.0))
    for number in range(count):
        service.make(brief(number), folder / "alone.mp4", Quiet())


def _drawing(scale: Scale) -> list[Row]:
    """CPU of a clip beside that of encoding its frames, drawn before."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "clip.mp4"
        ready = list(Film(brief(0), SIZE, 4.0).frames())

        def encode() -> None:
            video_mp4.write(target, ready, SIZE, 24)

        def make() -> None:
            draw(Path(folder), 1)

        make()
        times = _cpu({"clip": make, "encoding": encode}, scale.of(9, 5, 1))
    return [ratio("CPU of a clip ÷ encoding its frames", times, "clip", "encoding", at_most=2)]


def _cpu(contestants: dict[str, Callable[[], object]], rounds: int) -> Times:
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run_it in contestants.items():
            began = time.process_time()
            run_it()
            taken[name].append(time.process_time() - began)
    return taken


@contextmanager
def _place(name: str) -> Iterator[Settings]:
    """A demo with its own Valkey."""
    data = Path(name)
    (data / "scratch").mkdir()
    server = valkey.start(data, data / "logs")
    try:
        demo.fill(data / "prompts.git")
        settings = Settings(
            data=data,
            redis_url=valkey.url_of(data),
            log=str(data / "log"),
            preview_limit_per_person=10**6,
            preview_limit_per_environment=10**6,
            preview_queue=10**6,
        )
        Records(settings.records_address).migrate()
        yield settings
    finally:
        server.stop()


_numbers = iter(range(10**9))


def _throughput(settings: Settings, scale: Scale) -> list[Row]:
    """Clips by workers, beside the renderer alone in as many processes: an hour, and of CPU.

    What else the machine does weighs on an hour, so the load stands beside it, and little on CPU.
    """
    rows, count = [], scale.of(24, 8, 2)
    for hands in (1, 2):
        hour: dict[str, list[float]] = {"jobs": [], "alone": []}
        used: dict[str, list[float]] = {"jobs": [], "alone": []}
        with _workers(settings, hands) as crew:
            _work(settings, 2 * hands)  # warm
            for _ in range(scale.of(7, 5, 1)):
                before = _used_by(crew.pid)
                hour["jobs"].append(_work(settings, count))
                time.sleep(0.5)  # until the last job's process is over, and counts
                used["jobs"].append(_used_by(crew.pid) - before)
                wall, cpu = _alone(settings.data, count, hands)
                hour["alone"].append(wall)
                used["alone"].append(cpu)
        by = f"{hands} worker{'s' * (hands > 1)} ÷ the renderer alone"
        load = f"{os.getloadavg()[0]:.0f} programs on {os.cpu_count()} cores"
        rows.append(ratio(f"clips an hour, {by}; {load}", hour, "alone", "jobs", at_least=0.9))
        rows.append(ratio(f"clips an hour of CPU, {by}", used, "alone", "jobs", at_least=0.9))
    return rows


def _used_by(crew: int) -> float:
    """Seconds of CPU that workers and what starts them have used, with jobs that are over."""
    workers = Path(f"/proc/{crew}/task/{crew}/children").read_text().split()
    ticks = 0
    for pid in (str(crew), *workers):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(int(each) for each in fields[11:15])  # its own and its children's
    return ticks / os.sysconf("SC_CLK_TCK")


def _cancelling(settings: Settings, scale: Scale) -> Row:
    """Seconds from DELETE until a running job is killed and nothing it made is there."""
    app = create_app(settings)
    records: Records = app.extensions["services"].records
    jobs = Jobs(redis.Redis.from_url(settings.redis_url))
    key, _ = tokens.create(records, "bench", {Scope.WRITE}, ("staging",))
    taken = []
    with _workers(settings, 1):
        _work(settings, 1)  # warm
        for _ in range(scale.of(15, 7, 1)):
            (asked,) = _queue(records, settings, jobs, 1)
            while not _at_work(settings, jobs, asked):
                time.sleep(0.002)
            began = time.perf_counter()
            headers = {"Authorization": f"Bearer {key}"}
            answer = app.test_client().delete(f"/api/v1/previews/{asked}", headers=headers)
            assert (200, "cancelled") == (answer.status_code, answer.json["status"])
            while _at_work(settings, jobs, asked) or _left(settings):
                time.sleep(0.002)
            taken.append(time.perf_counter() - began)
    what = "cancel of a running job, from DELETE until it is dead and its file gone ÷ a second"
    return ratio(what, {"cancel": taken, "second": [1.0] * len(taken)}, "cancel", "second",
                 at_most=1)  # fmt: skip


def _at_work(settings: Settings, jobs: Jobs, ident: str) -> bool:
    """Whether a job runs and has a file begun."""
    found = jobs.find(previews.job_of(ident, 1))
    return found is not None and found.runs and bool(_left(settings))


def _left(settings: Settings) -> list[Path]:
    """The files that jobs at work have begun."""
    return list((settings.data / "scratch").rglob("*.mp4"))


def _alone(folder: Path, count: int, hands: int) -> tuple[float, float]:
    """Seconds by the clock, and of CPU in all."""
    crew = [
        subprocess.Popen(
            [sys.executable, "-c", ALONE, tempfile.mkdtemp(dir=folder), str(count // hands)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(hands)
    ]  # fmt: skip
    for each in crew:
        assert each.stdout is not None
        assert each.stdout.readline() == "warm\n"
    for each in crew:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    told = [each.communicate()[0].split() for each in crew]
    return max(float(wall) for wall, _ in told), sum(float(cpu) for _, cpu in told)


@contextmanager
def _workers(settings: Settings, count: int) -> Iterator[subprocess.Popen[bytes]]:
    crew = subprocess.Popen(
        [sys.executable, "-m", "webapp.cli", "worker", "--processes", str(count)],
        env=environment_of(settings) | {"TMPDIR": str(settings.data / "scratch")},
        start_new_session=True,
    )
    try:
        yield crew
    finally:
        crew.terminate()
        crew.wait(30)


def _queue(records: Records, settings: Settings, jobs: Jobs, count: int) -> list[str]:
    asked = []
    for _ in range(count):
        shown = brief(next(_numbers))
        wanted = Wanted(
            "staging", "aria", shown, shown.text, "typed", 1, "0" * 40, "local",
            {"size": settings.video_size},
        )  # fmt: skip
        made = previews.ask(records, settings, wanted, WHO)
        ident = previews.job_of(made.id, 1)
        jobs.enqueue(PREVIEWS, "make_preview", made.id, ident=ident, seconds=300)
        asked.append(made.id)
    return asked


def _work(settings: Settings, count: int) -> float:
    """Seconds from the first to the last of some previews."""
    records, jobs = (
        Records(settings.records_address),
        Jobs(redis.Redis.from_url(settings.redis_url)),
    )
    began = time.perf_counter()
    _queue(records, settings, jobs, count)
    _wait(records)
    taken = time.perf_counter() - began
    records.close()
    return taken


def _wait(records: Records, most: float = 900) -> None:
    end = time.monotonic() + most
    while _count(records, *AT_WORK):
        assert time.monotonic() < end, "previews wait for ever"
        time.sleep(0.05)


def _count(records: Records, *states: Status) -> int:
    with records.reading() as session:
        query = select(func.count()).select_from(Preview).where(Preview.status.in_(states))
        return session.scalar(query) or 0


def _killing(data: Path, scale: Scale) -> list[Row]:
    """Previews that wait while worker and Redis are killed: none lost, none made twice."""
    settings = Settings(
        data=data, redis_url=valkey.url_of(data), log=str(data / "log"),
        video_size="320x180", video_seconds="1",
        preview_limit_per_person=10**6, preview_limit_per_environment=10**6,
    )  # fmt: skip
    (data / "scratch").mkdir()
    records = Records(settings.records_address)
    records.migrate()
    count = scale.of(200, 60, 6)
    server = valkey.start(data, data / "logs")
    jobs = Jobs(redis.Redis.from_url(settings.redis_url))
    asked = _queue(records, settings, jobs, count)
    for part in (0.25, 0.5):
        with _workers(settings, 1) as crew:
            while _count(records, Status.COMPLETED) < part * count:
                time.sleep(0.02)
            hands = [each.pid for each in Worker.all(connection=jobs.redis)]
            for pid in (crew.pid, *hands):
                with suppress(ProcessLookupError):  # with the crew its hands go by themselves
                    os.kill(pid, signal.SIGKILL)
            server.stop(signal.SIGKILL)
        server = valkey.start(data, data / "logs")
    with _workers(settings, 1):
        _wait(records)
    server.stop()
    found = [previews.find(records, each) for each in asked]
    records.close()
    told = [each for each in found if each.status == Status.FAILED and each.error]
    done = [each for each in found if each.status == Status.COMPLETED]
    twice = [each for each in done if each.attempts != 1]
    files = set(storage(settings, "staging").names())
    kept = sum(each.file in files for each in done)
    return [
        _share(f"{count} previews, worker and Redis killed twice: made or told why ÷ asked",
               (kept + len(told)) / count, at_least=1),
        _share("of these, those that a kill hit in mid-work, told to their askers ÷ asked",
               len(told) / count),
        _share("of these, made twice ÷ asked", len(twice) / count, at_most=0),
    ]  # fmt: skip


def _share(
    what: str, share: float, at_least: float | None = None, at_most: float | None = None
) -> Row:
    return Row(what, share, share, share, at_most, at_least)
