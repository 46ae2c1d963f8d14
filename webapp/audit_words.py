"""What the actions of the audit log are called, and which kind each is of."""

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """What an action is about."""

    PROMPTS = "prompts"
    CHANGES = "changes"
    PROMOTION = "promotion"
    TRANSFER = "transfer"
    PREVIEWS = "previews"
    STAGING = "staging"
    LOG_IN = "log-in"
    ACCOUNTS = "accounts"
    TOKENS = "tokens"
    CONFIGURATION = "configuration"
    UPKEEP = "upkeep"


KINDS: Mapping[Kind, str] = {
    Kind.PROMPTS: "Prompts and characters",
    Kind.CHANGES: "Change requests and reviews",
    Kind.PROMOTION: "Promotion and roll-back",
    Kind.TRANSFER: "Import, export, Git",
    Kind.PREVIEWS: "Previews",
    Kind.STAGING: "Staging and data sync",
    Kind.LOG_IN: "Log-ins",
    Kind.ACCOUNTS: "People",
    Kind.TOKENS: "Tokens",
    Kind.CONFIGURATION: "Configuration",
    Kind.UPKEEP: "Upkeep and jobs",
}

WORDS: Mapping[Kind, Mapping[str, str]] = {
    Kind.PROMPTS: {
        "prompts.edit": "Save a prompt",
        "prompts.take_away": "Remove a prompt",
        "prompts.restore": "Restore a prompt",
        "history.go_back": "Revert a prompt",
        "api.set_prompt": "Save a prompt",
        "api.remove_prompt": "Remove a prompt",
        "api.restore_prompt": "Restore a prompt",
        "api.revert_prompt": "Revert a prompt",
        "api.default_set_prompt": "Save a default",
        "api.default_remove_prompt": "Remove a default",
        "api.default_restore_prompt": "Restore a default",
        "api.default_revert_prompt": "Revert a default",
        "api.bulk": "Edit in bulk",
        "api.bulk_plan": "Plan an edit in bulk",
        "api.bulk_undo": "Undo a commit",
        "bulk.apply": "Edit in bulk",
        "bulk.undo": "Undo an edit in bulk",
        "api.create_character": "Add a character",
        "api.change_character": "Change a character",
        "api.archive_character": "Archive a character",
        "characters.create": "Add a character",
        "characters.change": "Change a character",
        "characters.archive": "Archive or bring back a character",
    },
    Kind.CHANGES: {
        "change_proposing.propose": "Propose a change",
        "document_proposing.propose_removal": "Propose a removal",
        "document_proposing.propose_settings": "Propose a character’s settings",
        "change_editing.save": "Edit a change request",
        "change_editing.decide": "Decide conflicts",
        "changes.say": "Comment or review",
        "changes.say_on_line": "Comment on a line",
        "changes.settle": "Settle a comment",
        "changes.update": "Update a change request",
        "changes.merge": "Merge a change request",
        "changes.close": "Close a change request",
        "changes.reopen": "Reopen a change request",
        "api.propose": "Propose a change",
        "api.add_to_change": "Edit a change request",
        "api.comment": "Comment",
        "api.settle": "Settle a comment",
        "api.review": "Review",
        "api.update_change": "Update a change request",
        "api.merge_change": "Merge a change request",
        "api.close_change": "Close a change request",
        "api.reopen_change": "Reopen a change request",
    },
    Kind.PROMOTION: {
        "promotion.carry_out": "Promote",
        "releases.roll_back": "Roll back",
        "api.promote": "Promote",
        "promote": "Promote",
        "rollback": "Roll back",
        "api.roll_back": "Roll back",
    },
    Kind.TRANSFER: {
        "api.export": "Export",
        "api.export_prompts": "Export",
        "transfers.export": "Export",
        "export.downloaded": "Download an export",
        "api.import_prompts": "Import",
        "imports.upload": "Preview an import",
        "imports.keep": "Decide about an import",
        "imports.decide": "Import",
        "imports.worker": "Import, by a worker",
        "imports.undo": "Undo an import",
        "imports.cancel": "Cancel an import",
        "transfers.cancel": "Cancel an export",
        "api.cancel_import": "Cancel an import",
        "api.cancel_export": "Cancel an export",
        "export": "Export",
        "import": "Import",
        "git.push": "Push",
        "git.commit": "Commit by Git",
        "git_http.receive_pack": "Push",
        "git_http.upload_pack": "Clone or fetch",
        "git_http.refs": "Clone, fetch or push",
        "mirror.now": "Exchange with the mirror",
        "mirror.webhook": "Called by the mirror",
    },
    Kind.PREVIEWS: {
        "preview_of.test": "Ask for a preview",
        "clips.make_pair": "Ask for two previews",
        "clips.make_wall": "Ask for previews",
        "change_clips.make": "Ask for previews",
        "previews.again": "Ask for a preview again",
        "previews.cancel": "Cancel a preview",
        "api.test_prompt": "Ask for a preview",
        "api.default_test_prompt": "Ask for a preview",
        "api.cancel_preview": "Cancel a preview",
        "preview": "End of a preview",
        "preview cleanup": "Delete clips",
    },
    Kind.STAGING: {
        "sync": "End of a sync",
        "sync run": "Sync",
        "syncs.start": "Start a sync",
        "syncs.cancel": "Cancel a sync",
        "syncs.resume": "Resume a sync",
        "syncs.decide": "Decide conflicts of a sync",
        "api.start_sync": "Start a sync",
        "api.cancel_sync": "Cancel a sync",
        "api.resume_sync": "Resume a sync",
        "api.resolve_conflicts": "Decide conflicts of a sync",
        "api.change_staging_config": "Configure staging",
        "staging.configure": "Configure staging",
        "staging.unlock": "Unlock staging",
        "rules.write": "Write the rules",
        "rules.choose": "Choose rules",
        "rules.draft": "Draft rules",
        "rules.restore": "Restore earlier rules",
        "mapping.look_up": "Look up a mapping",
    },
    Kind.LOG_IN: {
        "log-in": "Log in",
        "log-out": "Log out",
        "password": "Change one’s password",
        "auth.change_password": "Change one’s password",
    },
    Kind.ACCOUNTS: {
        "accounts.create": "Add a person",
        "accounts.describe": "Change a person’s details",
        "accounts.set_role": "Change a role",
        "accounts.set_disabled": "Shut out or let in",
        "accounts.reset_password": "Give a one-time password",
        "user add": "Add a person",
        "user passwd": "Change a password",
        "user role": "Change a role",
        "user disable": "Shut out",
        "user enable": "Let in",
    },
    Kind.TOKENS: {
        "token_pages.create": "Make a token",
        "token_pages.revoke": "Revoke a token",
        "token create": "Make a token",
        "token revoke": "Revoke a token",
    },
    Kind.CONFIGURATION: {
        "settings": "Start with other settings",
        "webhook_pages.create": "Add a webhook",
        "webhook_pages.change": "Change a webhook",
        "webhook_pages.ping": "Try a webhook",
        "webhook_pages.send_again": "Send to a webhook again",
    },
    Kind.UPKEEP: {
        "job_pages.again": "Run a job again",
        "job_pages.forget": "Forget a job",
        "job_pages.stop": "Stop a job",
        "audit.anchor": "Anchor the audit log",
        "audit.seal": "Seal the audit log",
        "audit.catch-up": "Look for commits",
        "audit_pages.export": "Export the audit log",
        "audit_pages.anchor": "Anchor the audit log",
        "api.audit": "Read the audit log",
    },
}
"""By kind: what a request's endpoint, or what happened by itself, is called on the pages."""
_FLAT = {action: words for each in WORDS.values() for action, words in each.items()}
PARTS = {
    "staging": Kind.STAGING,
    "syncs": Kind.STAGING,
    "rules": Kind.STAGING,
    "mapping": Kind.STAGING,
    "transfers": Kind.TRANSFER,
    "auth": Kind.LOG_IN,
    "token_pages": Kind.TOKENS,
    "accounts": Kind.ACCOUNTS,
}
"""The kind of what no table names, by the part of the program it belongs to."""


def words_of(action: str) -> str:
    """What an action is called; its own name where nobody gave it one."""
    return _FLAT.get(action) or action.replace("_", " ").replace(".", ": ")


def actions_of(kind: Kind) -> tuple[str, ...]:
    """The actions of a kind that have a name."""
    return tuple(WORDS[kind])


def parts_of(kind: Kind) -> tuple[str, ...]:
    """The parts of the program all of whose other actions are of a kind."""
    return tuple(part for part, its in PARTS.items() if its is kind)
