"""Addresses of databases on the command line: as they are, or `env:NAME` for one that is secret."""

from collections.abc import Callable
from typing import Any

import click

from webapp import staging_values
from webapp.config import FROM_ENVIRONMENT, InvalidSetting, told_secret

SHOWN = (
    "Note: the password in {option} stands in the list of processes; put the address into a "
    "variable and write {option} env:NAME."
)


def address_option(name: str, what: str) -> Callable[[Any], Any]:
    """An option that takes an address; the verb is handed what `env:NAME` stands for."""
    return click.option(
        name, required=True, metavar="URL", callback=_address,
        help=f"{what}: its address, or env:NAME where a variable holds it.",
    )  # fmt: skip


def _address(_context: click.Context, option: click.Parameter, text: str) -> str:
    name = option.opts[0]
    if text.startswith("env:") and not FROM_ENVIRONMENT.fullmatch(text):
        raise click.BadParameter(
            "write env: and the name of a variable, such as env:STAGING_DATABASE", param=option
        )
    try:
        found = told_secret(text)
    except InvalidSetting as error:
        raise click.BadParameter(f"{error}; set and export it", param=option) from error
    if staging_values.masked(text) != text:
        click.echo(SHOWN.format(option=name), err=True)
    return found
