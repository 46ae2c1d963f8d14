"""The blueprints of the application, each named by its module; a noun a line.

A module here has a variable `blueprint`, and may have `init_app(app)` for filters and the like.
"""

ALL: tuple[str, ...] = (
    "webapp.appearance",
    "webapp.characters",
    "webapp.defaults",
    "webapp.matrix",
    "webapp.bulk",
    "webapp.search",
    "webapp.prompts",
    "webapp.history_pages",
    "webapp.changes",
    "webapp.change_proposing",
    "webapp.document_proposing",
    "webapp.change_editing",
    "webapp.change_clips",
    "webapp.preview_pages",
    "webapp.preview_walls",
    "webapp.job_pages",
    "webapp.promotion",
    "webapp.releases",
    "webapp.staging_pages",
    "webapp.sync_pages",
    "webapp.rules_pages",
    "webapp.mapping_pages",
    "webapp.accounts",
    "webapp.token_pages",
    "webapp.webhook_pages",
    "webapp.single_sign_on",
    "webapp.api",
    "webapp.git_http",
    "webapp.mirror_pages",
    "webapp.audit_pages",
    "webapp.audit_trails",
)
