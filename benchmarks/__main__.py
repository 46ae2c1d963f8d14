"""`python -m benchmarks [--quick] [NAME…]`: measures, and prints a table of ratios."""

import tempfile
from importlib import import_module
from pathlib import Path

import click

from benchmarks.children import ended_with_us
from benchmarks.measuring import Scale, show
from benchmarks.repositories import Repositories

NAMES = (
    "cold_start",
    "index",
    "history_pages",
    "edits",
    "reads",
    "promotions",
    "change_requests",
    "finding",
    "pages",
    "previews",
    "git_over_http",
    "syncs",
    "transfers",
)


@click.command()
@click.option("--quick", "scale", flag_value="QUICK", help="A tenth of the sizes; a minute.")
@click.option("--tiny", "scale", flag_value="TINY", help="Just enough to see that it runs.")
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
def main(scale: str | None, names: tuple[str, ...]) -> None:
    """Measures each budget beside its peer, in one run, and prints ratios.

    Example: python -m benchmarks --quick edits
    """
    wanted = Scale[scale or "FULL"]
    with (
        tempfile.TemporaryDirectory(prefix="prompt-repo-benchmarks-") as folder,
        ended_with_us(),
    ):
        repositories = Repositories(Path(folder))
        for name in names or NAMES:
            script = import_module(f"benchmarks.{name}")
            show(script.TITLE, script.run(repositories, wanted))


if __name__ == "__main__":
    main()
