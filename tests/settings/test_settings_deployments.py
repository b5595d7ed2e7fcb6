"""What GitHub asks and how leases are signed, as configured: references only, and deployments that the
gate can answer.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from configurations import MINIMAL, loaded

from monitor.core.configuration import Deployment
from monitor.settings import InvalidConfiguration

GITHUB = """
[github]
webhook_secret = "env:GITHUB_WEBHOOK_SECRET"
token = "file:token"
"""
DEPLOYMENT = """
[[deployment]]
key = "shop"
repository = "example/shop"
github_environment = "Production EU"
entries = ["luna"]
"""


def test_a_deployment_names_the_entries_that_it_needs(tmp_path: Path) -> None:
    github = loaded(tmp_path, MINIMAL + GITHUB + DEPLOYMENT).github
    assert (github.api, github.webhook_secret, github.token) == (
        "https://api.github.com",
        "env:GITHUB_WEBHOOK_SECRET",
        "file:token",
    )
    assert github.deployments == (
        Deployment(
            repository="example/shop",
            github_environment="Production EU",
            environment="production",
            entries=("luna",),
        ),
    )


def test_a_deployment_is_a_part_of_what_was_declared(tmp_path: Path) -> None:
    bare = loaded(tmp_path, MINIMAL).configuration.version
    assert loaded(tmp_path, MINIMAL + GITHUB + DEPLOYMENT).configuration.version != bare


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DEPLOYMENT, "has no effect without webhook_secret and token"),
        (GITHUB.replace("token = ", "# ") + DEPLOYMENT, r'token is missing: .*add token = "env:NAME"'),
        (GITHUB.replace("webhook_secret = ", "# "), "webhook_secret is missing"),
        (GITHUB.replace("env:GITHUB_WEBHOOK_SECRET", "hunter2"), "never the secret itself"),
        (GITHUB + DEPLOYMENT.replace("luna", "lnua"), r"names the entry 'lnua'.* did you mean 'luna'\?"),
        (GITHUB + DEPLOYMENT.replace('["luna"]', "[]"), "is empty"),
        (GITHUB + DEPLOYMENT.replace("example/shop", "shop"), "is not a repository of GitHub"),
        (GITHUB + DEPLOYMENT + 'environment = "prod"\n', "names the environment 'prod'"),
        (GITHUB + DEPLOYMENT + DEPLOYMENT, "is used already at"),
        (GITHUB + DEPLOYMENT + DEPLOYMENT.replace('"shop"', '"again"'), r"is asked about like deployment\[0\]"),
        ('[gate]\nsigning_key = "AAAA"\n', "never the secret itself"),
    ],
)
def test_what_cannot_be_answered_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidConfiguration, match=said):
        loaded(tmp_path, MINIMAL + text)
