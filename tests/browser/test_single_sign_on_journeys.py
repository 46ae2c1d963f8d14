"""Logging in by an identity provider, in a real browser."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.studio import running
from tests.identity_provider import CLIENT, SECRET, provider


def test_somebody_logs_in_by_their_provider_and_out_again(browser: Browser, tmp_path: Path) -> None:
    """They come to the page they wanted, under their own name, with the role of their group.

    Pages that send people to another host and back meet every rule a browser has for that:
    the policy on forms and redirects, and cookies that other sites don't carry along.
    """
    with provider() as there:
        there.claims = {
            "sub": "7",
            "preferred_username": "ines",
            "name": "Inês Duarte",
            "email": "ines@studio.example",
            "groups": ["artists"],
        }
        settings = {
            "PROMPT_REPO_OIDC_ISSUER": there.issuer,
            "PROMPT_REPO_OIDC_CLIENT_ID": CLIENT,
            "PROMPT_REPO_OIDC_CLIENT_SECRET": SECRET,
            "PROMPT_REPO_OIDC_ROLES": "leads=admin, artists=reviewer",
        }
        with running(tmp_path / "data", **settings) as studio, browser.new_context() as context:
            wanted = f"{studio.address}/environments/staging/defaults"
            page = context.new_page()
            page.goto(wanted)
            page.get_by_role("link", name="Log in with your studio account").click()
            expect(page.get_by_role("heading", name="Defaults", level=1)).to_be_visible()
            assert wanted == page.url

            page.get_by_label("Your account: Inês Duarte").click()
            expect(page.locator(".top .menu-sheet")).to_contain_text("reviewer")
            page.get_by_role("button", name="Log out").click()
            expect(page.get_by_role("heading", name="Log in")).to_be_visible()

            page.goto(wanted)
            expect(page.get_by_role("heading", name="Log in")).to_be_visible()
