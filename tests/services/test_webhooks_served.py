"""The program itself delivers webhooks: started as people start it, asked over HTTP."""

import re
from html import unescape
from pathlib import Path

import httpx
import pytest

from tests.browser.studio import PASSWORD, running
from tests.receiver import LOOPBACK, receiving
from webapp.access import Role

CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
SECRET = re.compile(r'value="(whsec_[^"]+)"')


@pytest.mark.slow
def test_the_program_delivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two web processes, one delivery of a ping, signed with the secret that was shown."""
    monkeypatch.setenv("PROMPT_REPO_WEBHOOK_NETWORKS", LOOPBACK)
    with (
        receiving() as receiver,
        running(tmp_path / "data") as studio,
        httpx.Client(base_url=studio.address) as client,
    ):

        def send(address: str, form: str, **fields: str) -> httpx.Response:
            found = CSRF.search(client.get(form).text)
            assert found is not None
            return client.post(address, data={"csrf_token": found[1], **fields})

        send("/login", "/login", name=studio.person(Role.ADMIN), password=PASSWORD)
        made = send("/webhooks/new", "/webhooks/new", url=receiver.url, event="prompt.changed")
        secret = SECRET.search(made.text)
        assert secret is not None
        send("/webhooks/1/ping", "/webhooks/1")
        (call,) = receiver.wait(1)

    assert call.told["type"] == "ping"
    assert call.is_signed_with(unescape(secret[1]))
    assert len(receiver.calls) == 1
