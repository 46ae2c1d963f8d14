"""What every page that proposes asks for: which change request, its title, and why."""

from dataclasses import dataclass

from flask import flash, request

from prompt_repo.editing import AnyEdit
from webapp import audit, change_lists, change_requests
from webapp.access import caller
from webapp.change_lists import Shown, Wanted
from webapp.change_records import Who
from webapp.records.change_models import ChangeRequest
from webapp.services import records

MINE = 20  # open change requests offered to be added to
NEW = "new"


@dataclass(frozen=True)
class Proposal:
    """The fields as they were typed; `mine` are the open change requests it may go to.

    `about` is what the form calls the description: a character has one of its own.
    """

    environment: str
    title: str
    description: str
    reason: str
    to: str
    mine: tuple[ChangeRequest, ...]
    about: str

    @classmethod
    def typed(cls, environment: str, title: str = "", about: str = "description") -> "Proposal":
        """What the request brought; the title that is given where it brought none."""
        form = request.form
        wanted = Wanted(Shown.MINE, Who.of(caller()), (environment,), limit=MINE)
        return cls(
            environment,
            form.get("title", "") or title,
            form.get(about, ""),
            form.get("reason", ""),
            form.get("to", NEW),
            tuple(change_lists.listed(records(), wanted))[:MINE],
            about,
        )

    def carry_out(self, edit: AnyEdit, what: str) -> ChangeRequest:
        """Opens a change request with the edit, or adds it to the one that was chosen.

        Raises as `change_requests.propose` and `add`.
        """
        if self.to.isascii() and self.to.isdecimal():
            row = change_requests.add(int(self.to[:9]), [edit], self.reason)
            flash(f"Added {what} to change request {row.number}.", "good")
        else:
            draft = change_requests.Draft(self.environment, self.title, self.description)
            row = change_requests.propose(draft, [edit], self.reason)
            flash("Proposed. Others can look at it, comment and approve now.", "good")
        audit.describe(f"changes/{row.slug}", number=row.number, path=edit.path)
        return row
