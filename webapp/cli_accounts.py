"""The verbs `user` and `token`: who may log in, and which programs may ask."""

import json
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import click

from prompt_repo.cli_base import Where
from prompt_repo.layout import ENVIRONMENTS
from webapp import audit_entries, people, tokens
from webapp.access import Role, Scope
from webapp.cli_records import records_of, settings_of
from webapp.cli_support import Verb
from webapp.records import Records
from webapp.records.models import Account, Token

LARGEST = 2**31 - 1  # a number that every database holds
LASTS = re.compile(r"(\d{1,5})([dh])")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of the input."
)
role = click.option(
    "--role", type=click.Choice([each.value for each in Role]), default=Role.VIEWER.value,
    show_default=True, help="Viewers and reviewers read, admins edit.",
)  # fmt: skip


@click.group()
def user() -> None:
    """Accounts of people.

    \b
    Example:
      prompt-repo --data var user add sam --role admin
    """


@user.command(cls=Verb, short_help="Make an account.")
@click.argument("name")
@role
@password_stdin
@click.option("--display-name", default="", help="What commits call them; else NAME.")
@click.option("--email", default="", help="Their address in commits.")
@click.pass_obj
def add(
    where: Where, name: str, role: str, password_stdin: bool, display_name: str, email: str
) -> None:
    """Make an account; asks for the password, or reads it from the input.

    \b
    Example:
      prompt-repo user add sam --role admin --password-stdin < password.txt
    """
    password = _password(password_stdin)
    with records_of(where) as records:
        account = people.add(
            records, name, password, Role(role), display_name=display_name, email=email
        )
        audit_entries.from_command_line(records, "user add", account.name, after={"role": role})
    click.echo(f"Made the account {account.name} ({role})")


@user.command("list", cls=Verb)
@as_json
@click.pass_obj
def list_users(where: Where, as_json: bool) -> None:
    """List the accounts.

    \b
    Example:
      prompt-repo user list --json
    """
    with records_of(where) as records:
        accounts = people.listed(records)
    if as_json:
        click.echo(json.dumps([_account_json(each) for each in accounts], indent=2))
        return
    for each in accounts:
        state = " (disabled)" if each.disabled else ""
        click.echo(f"{each.name:24} {each.role:10} {each.display_name} <{each.email}>{state}")


@user.command(cls=Verb, short_help="Change a password.")
@click.argument("name")
@password_stdin
@click.pass_obj
def passwd(where: Where, name: str, password_stdin: bool) -> None:
    """Change a password; every browser of that account is logged out.

    \b
    Example:
      prompt-repo user passwd sam
    """
    password = _password(password_stdin)
    with records_of(where) as records:
        people.set_password(records, name, password)
        audit_entries.from_command_line(records, "user passwd", people.normal(name))


@user.command("role", cls=Verb)
@click.argument("name")
@click.argument("role", type=click.Choice([each.value for each in Role]))
@click.pass_obj
def change_role(where: Where, name: str, role: str) -> None:
    """Change a role; every browser of that account is logged out.

    Tokens it made that may do more than the new role end.

    \b
    Example:
      prompt-repo user role sam reviewer
    """
    with records_of(where) as records:
        _enter(records, where, "user role", people.set_role(records, name, Role(role)))


@user.command(cls=Verb)
@click.argument("name")
@click.pass_obj
def disable(where: Where, name: str) -> None:
    """Shut an account out at once, and end its tokens; what it did stays on record.

    \b
    Example:
      prompt-repo user disable sam
    """
    with records_of(where) as records:
        _enter(records, where, "user disable", people.set_disabled(records, name))


@user.command(cls=Verb)
@click.argument("name")
@click.pass_obj
def enable(where: Where, name: str) -> None:
    """Let a disabled account in again.

    \b
    Example:
      prompt-repo user enable sam
    """
    with records_of(where) as records:
        change = people.set_disabled(records, name, disabled=False)
        _enter(records, where, "user enable", change)


@click.group()
def token() -> None:
    """Keys for programs that use the API.

    \b
    Example:
      prompt-repo --data var token create --name ci --scope write
    """


@token.command(cls=Verb)
@click.option("--name", required=True, help="What it is for.")
@click.option(
    "--scope", "scopes", multiple=True, required=True,
    type=click.Choice([each.value for each in Scope]), help="What it may do; repeat for more.",
)  # fmt: skip
@click.option(
    "--environment", "environments", multiple=True, type=click.Choice(sorted(ENVIRONMENTS)),
    help="Where; repeat for more. Without it: production for reading alone, else everywhere.",
)  # fmt: skip
@click.option("--expires", help="After so long (90d, 12h), or on a date (2027-01-31).")
@click.pass_obj
def create(
    where: Where,
    name: str,
    scopes: Sequence[str],
    environments: Sequence[str],
    expires: str | None,
) -> None:
    """Make a token and print it, this once; nothing else is printed.

    \b
    Example:
      prompt-repo token create --name ci --scope write --expires 90d
    """
    lasts = _lasts(expires) if expires is not None else None
    with records_of(where) as records:
        secret, made = tokens.create(
            records, name, {Scope(each) for each in scopes}, environments, lasts=lasts
        )
        after = tokens.facts_of(made)
        audit_entries.from_command_line(
            records, "token create", made.name, token=made.id, after=after
        )
    click.echo(secret)


@token.command("list", cls=Verb)
@as_json
@click.pass_obj
def list_tokens(where: Where, as_json: bool) -> None:
    """List the tokens, without their secrets.

    \b
    Example:
      prompt-repo token list
    """
    with records_of(where) as records:
        found = tokens.listed(records)
    if as_json:
        click.echo(json.dumps([_token_json(each) for each in found], indent=2))
        return
    for each in found:
        where_good = ", ".join(each.environments or ["everywhere"])
        click.echo(
            f"{each.id:<5} {each.name:24} {', '.join(each.scopes):16} {where_good:22} {_life(each)}"
        )


@token.command(cls=Verb, short_help="End a token.")
@click.argument("number", type=click.IntRange(1, LARGEST))
@click.pass_obj
def revoke(where: Where, number: int) -> None:
    """End a token by its number in `token list`; it stops working at once.

    \b
    Example:
      prompt-repo token revoke 3
    """
    with records_of(where) as records:
        ended = tokens.revoke(records, number)
        before = tokens.facts_of(ended)
        tokens.Endings(settings_of(where).data).tell()
        audit_entries.from_command_line(
            records, "token revoke", ended.name, token=number, before=before, after="revoked"
        )
    click.echo(f"Revoked {ended.name}")


def _enter(records: Records, where: Where, action: str, change: people.Change) -> None:
    if change.tokens_ended:
        tokens.Endings(settings_of(where).data).tell()
    audit_entries.from_command_line(
        records, action, change.name, before=change.before, after=change.after,
        tokens_ended=change.tokens_ended,
    )  # fmt: skip


def _password(from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask on; use --password-stdin")
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed


def _lasts(expires: str) -> timedelta:
    short = LASTS.fullmatch(expires)
    if short:
        number = int(short[1])
        lasts = timedelta(days=number) if short[2] == "d" else timedelta(hours=number)
    else:
        try:
            end = datetime.fromisoformat(expires)
        except ValueError:
            message = "write 90d, 12h or a date such as 2027-01-31"
            raise click.BadParameter(message, param_hint="--expires") from None
        lasts = (end if end.tzinfo else end.replace(tzinfo=UTC)) - datetime.now(UTC)
    if lasts <= timedelta():
        raise click.BadParameter("that is over already", param_hint="--expires")
    return lasts


def _life(each: Token) -> str:
    if each.revoked_at:
        return f"revoked {each.revoked_at:%Y-%m-%d}"
    if each.expires_at:
        over = each.expires_at <= datetime.now(UTC)
        return f"{'expired' if over else 'until'} {each.expires_at:%Y-%m-%d %H:%M} UTC"
    return "until revoked"


def _account_json(each: Account) -> dict[str, object]:
    return {
        "name": each.name,
        "display_name": each.display_name,
        "email": each.email,
        "role": each.role,
        "disabled": each.disabled,
        "created_at": each.created_at.isoformat(),
    }


def _token_json(each: Token) -> dict[str, object]:
    moments = {
        name: moment.isoformat() if moment else None
        for name in ("created_at", "expires_at", "revoked_at", "used_at")
        for moment in [getattr(each, name)]
    }
    return {
        "id": each.id,
        "name": each.name,
        "scopes": each.scopes,
        "environments": each.environments,
        **moments,
    }
