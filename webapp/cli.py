"""The `prompt-repo` command: the repository's verbs, and those of the program around it."""

import copy
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

import click

from prompt_repo.cli import make_group
from prompt_repo.cli_base import Verbs, Where
from webapp.config import InvalidSetting, Settings
from webapp.interrupts import plain_ending

MODULES = {
    "run": "webapp.cli_serving",
    "serve": "webapp.cli_serving",
    "demo": "webapp.cli_serving",
    "audit": "webapp.cli_audit",
    "fsck": "webapp.cli_audit",
    "user": "webapp.cli_accounts",
    "token": "webapp.cli_accounts",
    "worker": "webapp.cli_jobs",
    "preview": "webapp.cli_jobs",
    "sync": "webapp.cli_sync",
}
"""Where the verbs that need more than the repository are; imported when they are called."""
AUDITED = ("export", "import", "promote", "rollback")
"""The repository's own verbs that the audit log of a data folder tells of."""


class Program(Verbs):
    """The repository's verbs, which start at once, those that are audited, and those of MODULES."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all verbs."""
        return sorted({*super().list_commands(ctx), *MODULES})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A verb by its name; None where there is none."""
        if cmd_name not in MODULES:
            found = super().get_command(ctx, cmd_name)
            return found if found is None or cmd_name not in AUDITED else _audited(found)
        with plain_ending():
            module = import_module(MODULES[cmd_name])
        found = getattr(module, cmd_name)
        assert isinstance(found, click.Command)
        return found


def _audited(verb: click.Command) -> click.Command:
    """The same verb, which is entered in the log of a data folder; a clone on a laptop has none."""
    told, callback = copy.copy(verb), verb.callback
    assert callback is not None

    @wraps(callback)
    def carry_out(*given: Any, **params: Any) -> Any:
        where: Where = click.get_current_context().obj
        if where.repository is not None:
            return callback(*given, **params)
        with plain_ending():
            from webapp.cli_audited import entered
        with entered(where, str(verb.name), params):
            return callback(*given, **params)

    told.callback = carry_out
    return told


def _main() -> click.Group:
    group = make_group(kind=Program)
    for option in group.params:
        if isinstance(option, click.Option) and option.name in ("data", "repository"):
            option.default = _from_settings(option.name)
            option.show_default = "var" if option.name == "data" else False
    return group


def _from_settings(name: str) -> Callable[[], Any]:
    def told() -> Any:
        try:
            return getattr(Settings.from_environment(), name)
        except InvalidSetting as error:
            raise click.UsageError(str(error)) from error

    return told


main = _main()

if __name__ == "__main__":
    main(prog_name="prompt-repo")
