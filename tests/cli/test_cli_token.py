"""`token`: made, listed, revoked, turned into links; the secret shown once, and who did it in the log."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cli_world import am, data

SECRET = re.compile(r"amt_[A-Za-z0-9_-]{43}")


@pytest.fixture(autouse=True)
def database(config: Path) -> Path:
    """Provide a database, and a server whose address is known."""
    text = config.read_text()
    config.write_text(re.sub(r"\[web\]\n(?:\w.*\n)*", '[web]\nlisten = "127.0.0.1:8787"\n', text))
    am("db", "upgrade")
    return config


def events() -> list[dict[str, Any]]:
    return [json.loads(line) for line in am("events", "--type", "token.*", "--json").stdout.splitlines()]


def test_a_token_is_shown_once_and_listed_and_revoked_with_who_did_it(database: Path) -> None:
    made = am("token", "add", "Ada L.", "--scope", "operate,gate", "--until", "in 30d", "--by", "Bob")
    assert SECRET.fullmatch(made.stdout.strip())
    assert "shown once" in made.stderr
    (row,) = data("token")
    assert (row["name"], row["scopes"], row["used_at"], row["revoked_at"]) == (
        "Ada L.",
        ["gate", "operate"],
        None,
        None,
    )
    assert row["until"] > row["created_at"]
    assert made.stdout.strip() not in json.dumps(data("token", "list", "--all")) + json.dumps(events())
    am("token", "revoke", "Ada L.", "--by", "Bob")
    assert data("token") == []
    assert data("token", "list", "--all")[0]["revoked_at"]
    created, revoked = events()
    assert (created["type"], revoked["type"]) == ("token.created", "token.revoked")
    assert (created["subject"], created["actor"], created["data"]["scopes"]) == ("Ada L.", "Bob", ["gate", "operate"])
    assert {event["data"]["via"]["channel"] for event in (created, revoked)} == {"cli"}
    am("token", "add", "Ada L.", "--scope", "read", "--by", "Bob")


def test_a_link_leads_to_the_server_and_is_in_the_log(database: Path) -> None:
    am("token", "add", "Ada L.", "--scope", "operate", "--by", "Bob")
    linked = am("token", "link", "Ada L.")
    assert re.fullmatch(r"http://127\.0\.0\.1:8787/signin/aml_[A-Za-z0-9_-]{43}", linked.stdout.strip())
    event = events()[-1]
    assert (event["type"], event["subject"]) == ("token.linked", "Ada L.")
    assert event["actor"] == event["data"]["via"]["user"]
    secret = linked.stdout.strip().rpartition("/")[2]
    assert secret not in json.dumps(events())
    text = database.read_text()
    database.write_text(text.replace('listen = "127.0.0.1:8787"', 'listen = "127.0.0.1:0"'))
    assert "set web.listen with a port, or web.public_url" in am("token", "link", "Ada L.", expect=78).stderr
    public = 'listen = "127.0.0.1:0"\npublic_url = "https://monitor.example.com/"'
    database.write_text(text.replace('listen = "127.0.0.1:8787"', public))
    assert data("token", "link", "Ada L.")["url"].startswith("https://monitor.example.com/signin/aml_")


def test_what_makes_no_token_is_refused_in_a_sentence() -> None:
    add = ("token", "add", "Ada L.", "--by", "Bob")
    am(*add, "--scope", "operate")
    for words, expect, sentence in (
        ((*add, "--scope", "operate"), 1, "there is a token 'Ada L.'"),
        ((*add, "--scope", "everything"), 2, "'everything' is no scope; the scopes are gate, read, operate, admin."),
        ((*add, "--scope", ","), 2, "names no scope"),
        (add, 2, "--scope"),
        (("token", "add", "Bob", "--scope", "read", "--by", "B", "--until", "2001-01-01"), 1, "has passed"),
        (("token", "add", "x" * 81, "--scope", "read", "--by", "B"), 1, "at most 80 characters"),
        (("token", "add", "a\nb", "--scope", "read", "--by", "B"), 1, "one line"),
        (("token", "revoke", "Adah L.", "--by", "B"), 1, "there is no token 'Adah L.' (did you mean 'Ada L.'?)"),
        (("token", "link", "Adah L."), 1, "there is no token"),
    ):
        assert sentence in am(*words, expect=expect).stderr, words
