"""Pictures of every page of the demo: `python -m tests.browser.screenshots FOLDER`."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

import click
from playwright.sync_api import Browser, Page, sync_playwright

from prompt_repo.repository import STAGING, Repository
from tests.browser.chromium import launch_settings
from tests.browser.pages import Place, Scene, outside, places, set_scene, settle
from tests.browser.studio import Studio, served
from tests.browser.watching import watched
from tests.web import make_app
from webapp.cli import main as prompt_repo
from webapp.config import Settings
from webapp.records import Records

SIZES = {1440: 900, 768: 1024, 390: 844}
THEMES = ("light", "dark")
LONGEST = 2600  # pixels of a page's height that are worth looking at
SHOWN = {"width": 1280, "height": 760}
QUALITY = 50
README: tuple[tuple[str, str, Literal["light", "dark"]], ...] = (
    ("editor", "/environments/staging/characters/{}/sad", "light"),
    ("matrix", "/environments/staging/matrix", "dark"),
    ("history", "/environments/staging/characters/{}/angry/history", "light"),
)


def shoot(browser: Browser, scene: Scene, inside: list[Place], folder: Path) -> Iterator[Path]:
    """One picture for each page, width and theme; gives each as it is taken."""
    for width, height in SIZES.items():
        with watched(scene.studio, browser, viewport={"width": width, "height": height}) as there:
            stranger = there.page()
            for place in outside():
                yield from _pictures(stranger, scene, place, folder, width)
            member = there.log_in()
            for place in inside:
                yield from _pictures(member, scene, place, folder, width)


def _pictures(page: Page, scene: Scene, place: Place, folder: Path, width: int) -> Iterator[Path]:
    page.set_viewport_size({"width": width, "height": SIZES[width]})
    if not place.open(page, scene):
        return
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        path = folder / f"{place.name}-{width}-{theme}.png"
        page.screenshot(
            path=path, full_page=page.evaluate(f"document.body.scrollHeight < {LONGEST}")
        )
        yield path


@contextmanager
def demo_studio(folder: Path) -> Iterator[Studio]:
    """The program over a demo of its own."""
    prompt_repo(["--data", str(folder), "demo"], standalone_mode=False)
    with served(folder) as address:
        records = Records(Settings(data=folder).records_address)
        yield Studio(folder, address, Repository.open(folder / "prompts.git"), records)
        records.close()


def shown(browser: Browser, studio: Studio, character: str, folder: Path) -> Iterator[Path]:
    """The three pictures of the README, small enough to keep in Git; of the demo as it comes."""
    with watched(studio, browser, viewport=SHOWN, device_scale_factor=0.8) as there:
        page = there.log_in()
        for name, address, theme in README:
            page.emulate_media(color_scheme=theme)
            page.goto(studio.address + address.format(character))
            settle(page)
            path = folder / f"{name}.jpg"
            page.screenshot(path=path, type="jpeg", quality=QUALITY)
            yield path


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--only", default="", help="Only pages whose name holds this.")
@click.option("--readme", is_flag=True, help="The pictures of the README instead.")
def main(folder: Path, only: str, readme: bool) -> None:
    """Takes every page of the demo at 1440, 768 and 390 pixels in both themes."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        studio = stack.enter_context(demo_studio(temporary / "data"))
        playwright = stack.enter_context(sync_playwright())
        browser = stack.enter_context(playwright.chromium.launch(**launch_settings()))
        lively, archived = _cast(studio.repository)
        if readme:
            click.echo(f"{len(list(shown(browser, studio, lively, folder)))} pictures in {folder}")
            return
        scene = set_scene(studio, lively, archived)
        inside = places(make_app(temporary / "routes"), scene)
        wanted = [place for place in inside if only in place.name]
        taken = list(shoot(browser, scene, wanted, folder))
    click.echo(f"{len(taken)} pictures in {folder}")


def _cast(repository: Repository) -> tuple[str, str]:
    """A character with a lively angry prompt, and one that is archived."""
    catalogue = repository.current(STAGING)
    everyone = catalogue.character_ids()
    lively = [each for each in everyone if "angry" in catalogue.overrides(each)]
    archived = [each for each in everyone if catalogue.character(each).archived]
    return lively[0], archived[0]


if __name__ == "__main__":
    sys.exit(main())
