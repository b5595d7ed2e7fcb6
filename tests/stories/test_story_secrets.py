"""Keys that a provider sends back, in whatever spelling, and keys that nobody configured: nothing keeps them, and
nobody else reads the files.
"""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pytest
from story_world import Answer, Story, price_page, until

KEY = "Key/of+the-story_2026=Qx7"
"""Of no provider's shape, with every character that is written otherwise somewhere."""


def jsonic(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda key: key,
    "slashes": lambda key: key.replace("/", "\\/"),
    "some": lambda key: key.replace("+", "\\u002B").replace("-", "\\u002d").replace("=", "\\u003D"),
    "all": jsonic,
    "percent": lambda key: quote(key, safe=""),
    "lower percent": lambda key: quote(key, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
    "nested": lambda key: json.dumps(json.dumps(key).replace("/", "\\/"))[1:-1],
    "entities": lambda key: key.replace("/", "&#x2F;").replace("+", "&#43;"),
    "basic": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
}
TRACES = ("story_2026", "of+the", "Qx7", base64.b64encode(KEY.encode()).decode()[4:20])
"""Parts of the key that nothing may hold."""

SHAPES = {
    "openai": "sk-proj-aB3dE6gH9jK2mN5pQ8sT1vW4",
    "openai admin": "sk-admin-aB3dE6gH9jK2mN5pQ8sT1vW4",
    "anthropic": "sk-ant-api03-aB3dE6gH9jK2mN5pQ8sT1vW4-xyz",
    "google": "AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "aws session": "ASIAIOSFODNN7EXAMPLE",
    "github": "ghp_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF",
    "github oauth": "gho_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF",
    "github app": "ghs_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF",
    "github fine": "github_pat_11ABCDEFG0aB3dE6gH9jK2_mN5pQ8sT1vW4",
    "slack": "xoxb-123456789012-aB3dE6gH9jK2mN5pQ8sT1vW4",
    "slack hook": "https://hooks.slack.com/services/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",
    "groq": "gsk_aB3dE6gH9jK2mN5pQ8sT1vW4aB3dE6gH9jK2",
    "xai": "xai-aB3dE6gH9jK2mN5pQ8sT1vW4aB3dE6gH9jK2",
    "hugging face": "hf_aB3dE6gH9jK2mN5pQ8sT1vW4aB3dE6gH9",
    "stripe": "sk_live_aB3dE6gH9jK2mN5pQ8sT1vW4",
    "azure": "api-key: 0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "basic": f"Authorization: Basic {base64.b64encode(b'user:aB3dE6gH9jK2').decode()}",
    "bearer": "Authorization: Bearer aB3dE6gH9jK2mN5pQ8sT1vW4",
}


@pytest.fixture
def keyed(story: Story) -> Story:
    story.environ["PROVIDER_KEY"] = KEY
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(story.entry())
    return story


def everything_kept(story: Story) -> str:
    """Return all that a person or a program can read: what commands print, evidence, and the files as they are."""
    printed = [
        story.run(*words)
        for words in (
            ("events", "--json"),
            ("config", "show"),
            ("outbox", "list", "--all", "--json"),
            ("status", "--json"),
        )
    ]
    events = [json.loads(line) for line in printed[0].out.splitlines()]
    hashes = {event["evidence"] for event in events if event["evidence"]}
    printed += [story.must("evidence", digest) for digest in sorted(hashes)]
    files = [path for path in story.folder.rglob("*") if path.is_file() and path != story.config]
    return "\n".join(
        [*(done.out + done.err for done in printed), *(file.read_bytes().decode("latin-1") for file in files)]
    )


def test_a_key_that_is_sent_back_is_kept_under_no_spelling(keyed: Story):
    told = {name: spell(KEY) for name, spell in SPELLINGS.items()}
    message = f"Incorrect key {told['some']}, {told['percent']} or {told['basic']}."
    others = ", ".join(f'"{name}": "{text}"' for name, text in told.items())
    header = quote(KEY, safe="")
    headers = {"ETag": f'"{header}"', "X-Request-Id": header, "Last-Modified": header}
    body = f'{{"error": {{"message": "{message}", "code": "invalid_api_key", {others}}}}}'
    keyed.provider.answers["GET", "/v1/models"] = Answer(401, body, headers)
    done = keyed.poll()
    printed = done.out + done.err + everything_kept(keyed)
    assert not [trace for trace in TRACES if trace in printed]
    evidence = next(event["evidence"] for event in keyed.events("--type", "source.failed"))
    # What was JSON is JSON, and says everything else that it said.
    error = json.loads(keyed.must("evidence", evidence).out)["error"]
    assert (error["code"], set(error)) == ("invalid_api_key", {"message", "code", *SPELLINGS})


def test_a_key_in_a_good_answer_its_headers_and_the_log_of_the_daemon_is_kept_nowhere(keyed: Story):
    item = {"id": "orion-2", "owned_by": f"project of {KEY}", "note": jsonic(KEY)}
    keyed.provider.models = ["orion-1", item]
    text = json.dumps({"object": "list", "data": [{"object": "model", "created": 1, "owned_by": "system", **item}]})
    keyed.provider.answers["GET", "/v1/models"] = Answer(
        200, text.replace("/", "\\/"), {"ETag": f'W/"{KEY}"', "Content-Type": f"application/json; x={KEY}"}
    )
    keyed.poll(2)
    with keyed.daemon() as daemon:
        keyed.provider.answers["GET", "/v1/models"] = Answer(500, f"broken for {quote(KEY)} and {KEY}")
        until(
            lambda: [line for line in daemon.lines("polled") if line["verdict"] == "failed"], "a failed poll is logged"
        )
    printed = everything_kept(keyed)
    assert not [trace for trace in TRACES if trace in printed]
    assert "orion-2" in printed


def test_keys_of_other_providers_are_told_by_their_shape_and_the_rest_stays(keyed: Story):
    words = "\n\n".join(f"Example: `{secret}`, as in the manual." for secret in SHAPES.values())
    keyed.provider.page = price_page({"orion-2": ("1.00", "6.00")}, before=words)
    error = json.dumps({"error": {"message": "denied", "code": "denied", "details": SHAPES}}).replace("/", "\\/")
    keyed.provider.answers["GET", "/v1/models"] = Answer(403, error)
    keyed.poll()
    printed = everything_kept(keyed)
    cores = {kind: secret.rpartition(" ")[2].rpartition("services/")[2] for kind, secret in SHAPES.items()}
    assert not [kind for kind, core in cores.items() if core in printed or core.replace("/", "\\/") in printed]
    assert printed.count("as in the manual") == len(SHAPES)
    prices = {row["meter"]: Decimal(row["amount"]) for row in keyed.json("prices", "orion-2")}
    assert prices == {"input": Decimal(1), "output": Decimal(6)}


def test_model_ids_and_prices_are_no_keys(keyed: Story):
    models = {
        "xai-grok-4-fast-reasoning": "2.00",
        "orion-2": "1.00",
        "hf_llama-3.3-70b-instruct": "0.30",
        "gpt-4.1-mini-2025-04-14": "0.40",
    }
    keyed.provider.models = list(models)
    keyed.provider.prices = {model: (amount, "9.00") for model, amount in models.items()}
    keyed.poll()
    for model, amount in models.items():
        prices = {row["meter"]: Decimal(row["amount"]) for row in keyed.json("prices", model)}
        assert prices == {"input": Decimal(amount), "output": Decimal(9)}, model


def test_a_key_in_a_persons_reason_is_not_recorded(keyed: Story):
    keyed.poll()
    keyed.must("activate", "orion", "--by", "Ada L.", "--reason", f"tried with {SHAPES['openai']} and it works")
    assert "tried with [redacted] and it works" in json.dumps(keyed.events("--type", "entry.activated"))


def test_headers_and_addresses_are_masked_where_the_configuration_is_shown(keyed: Story):
    keyed.configure(
        keyed.entry(),
        surface='headers = { "X-Api-Key" = "literal-header-value-1", "X-Team" = "platform" }\n',
    )
    shown = keyed.must("config", "show").out
    assert "literal-header-value-1" not in shown
    assert "platform" in shown


def test_only_the_owner_reads_the_database_its_backup_and_the_leases(keyed: Story):
    keyed.shell(f"umask 000; access-monitor poll; access-monitor db backup {keyed.folder}/copy.db")
    files = [*keyed.folder.glob("monitor.db*"), keyed.folder / "copy.db", *(keyed.folder / "lease").iterdir()]
    assert len(files) >= 4
    assert {path.name: rights(path) for path in files} == {path.name: 0o600 for path in files}
    assert rights(keyed.folder / "lease") == 0o700


def test_what_others_could_read_is_closed_to_them_at_the_next_poll(keyed: Story):
    keyed.poll()
    database, lease = keyed.folder / "monitor.db", keyed.folder / "lease" / "production.json"
    database.chmod(0o644)
    lease.chmod(0o644)
    keyed.poll()
    keyed.activate()
    assert (rights(database), rights(lease)) == (0o600, 0o600)


@pytest.mark.parametrize(("mode", "folder"), [("0640", 0o750), ("0644", 0o755)])
def test_a_setting_lets_others_read_the_leases_and_nothing_else(keyed: Story, mode: str, folder: int):
    keyed.configure(keyed.entry(), **{"[gate]\n": f'[gate]\nlease_mode = "{mode}"\n'})
    keyed.shell("umask 077; access-monitor poll")
    assert rights(keyed.folder / "lease" / "production.json") == int(mode, 8)
    assert rights(keyed.folder / "lease") == folder
    assert rights(keyed.folder / "monitor.db") == 0o600


def test_other_rights_are_refused_in_a_sentence(keyed: Story):
    for mode in ('"0666"', '"0400"', "0o640", '"rw-r-----"'):
        keyed.configure(keyed.entry(), **{"[gate]\n": f"[gate]\nlease_mode = {mode}\n"})
        done = keyed.run("config", "check")
        assert done.code == 78
        assert "gate.lease_mode" in done.err
        assert "06" in done.err.partition("gate.lease_mode")[2]


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
