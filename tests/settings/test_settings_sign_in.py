"""What is set of signing in: an identity provider, trusted proxies, and who may what."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.core.credentials import AccessScope
from monitor.core.ports import ConfigurationError
from monitor.settings import Settings, load
from monitor.settings.show import show

OIDC = 'oidc = { issuer = "https://id.example/", client_id = "am", client_secret = "env:S" }\n'
SCOPES = 'scopes = { operate = ["ada@example.com"] }\n'


def web(folder: Path, text: str) -> Settings:
    path = folder / "monitor.toml"
    path.write_text(f"[web]\n{text}")
    return load(path, {})


def test_a_provider_and_its_people_are_read_and_its_secret_is_a_reference(tmp_path: Path) -> None:
    settings = web(tmp_path, OIDC + SCOPES)
    oidc = settings.web.oidc
    assert oidc is not None
    assert (oidc.issuer, oidc.client_secret, oidc.groups_claim) == ("https://id.example/", "env:S", "groups")
    assert settings.web.scopes[AccessScope.OPERATE] == ("ada@example.com",)
    assert settings.web.root == "http://127.0.0.1:8787"
    assert web(tmp_path, "").web.oidc is None
    assert {row.key: row.value for row in show(settings)}["web.oidc.client_secret"] == "env:S"


@pytest.mark.parametrize("proxies", ['"10.0.0.1/8"', '["10.0.0.0/8", "::1"]'])
def test_proxies_are_addresses_or_networks(tmp_path: Path, proxies: str) -> None:
    text = f'user_header = "X-User"\ntrusted_proxy = {proxies}\n{SCOPES}'
    assert web(tmp_path, text).web.proxies[0] == "10.0.0.0/8"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('trusted_proxy = ["10.0.0.1"]\n' + SCOPES, "has no effect without user_header"),
        ('user_header = "X-User"\ntrusted_proxy = ["proxy.local"]\n' + SCOPES, "is no address and no network"),
        ('user_header = "X-User"\ntrusted_proxy = ["10.0.0.1"]\n', "nobody who signs in may anything"),
        ('user_header = "X-User"\n', "set web.public_url or web.trusted_proxy"),
        (OIDC, "nobody who signs in may anything"),
        (SCOPES, "names people whom nobody signs in"),
        ('oidc = { issuer = "https://id.example" }\n' + SCOPES, "add client_id"),
        ('oidc = { client_id = "am" }\n', "add issuer"),
        ('oidc = { client_secret = "env:S" }\n', "has no effect without issuer and client_id"),
        ('oidc = { issuer = "http://id.example", client_id = "am" }\n' + SCOPES, "is reached without TLS"),
        ('listen = "127.0.0.1:0"\n' + OIDC + SCOPES, "set web.public_url"),
        (
            'oidc = { issuer = "https://id.example", client_id = "am", client_secret = "s3cret" }\n' + SCOPES,
            "reference",
        ),
        (OIDC + 'scopes = { operator = ["ada"] }\n', "operator"),
    ],
)
def test_what_lets_nobody_in_or_anybody_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        web(tmp_path, text)
    assert sentence in str(refused.value)
    assert "s3cret" not in str(refused.value)
