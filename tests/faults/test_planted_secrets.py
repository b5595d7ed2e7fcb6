"""Secrets planted wherever a configuration may have one, and sent back by everybody who gets one: after a full run they
stand in no log, database, evidence, metric, page or answer.
"""

from __future__ import annotations

import json
import sqlite3
import urllib.error
import urllib.request

from story_world import Answer, Daemon, Request, Story, until

from monitor.core import zstd

PLANTED = {
    "PROVIDER_KEY": "sk-proj-plantedAAAABBBBCCCCDDDD0001",
    "ADMIN_KEY": "sk-admin-plantedAAAABBBBCCCCDDDD0002",
    "GATE_TOKEN": "planted-gate-token-0123456789abcdef0003",
    "HOOK_SECRET": "planted-hook-path-0123456789abcdef0004",
    "BEAT_SECRET": "planted-beat-path-0123456789abcdef0005",
}


def read(daemon: Daemon, path: str, token: str = "") -> str:
    """Return status, headers and body of a GET, as one text."""
    request = urllib.request.Request(daemon.url + path, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return f"{answer.status}\n{answer.headers}\n{answer.read().decode()}"
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.code}\n{error.headers}\n{error.read().decode()}"


def unpacked(story: Story) -> list[bytes]:
    """Return every value of every row of the database, and what is packed in it."""
    found = []
    with sqlite3.connect(story.folder / "monitor.db") as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    content = value if isinstance(value, bytes) else str(value).encode()
                    found.append(zstd.decompress(content) if content.startswith(zstd.MAGIC) else content)
    database.close()
    assert len(found) > 100
    return found


def test_planted_secrets_stand_nowhere_after_a_full_run(story: Story) -> None:
    secrets = PLANTED | {"HOOK": ""}
    secrets["HOOK"] = f"json://127.0.0.1:{story.provider.port}/{PLANTED['HOOK_SECRET']}"
    secrets["BEAT"] = f"{story.provider.url}/{PLANTED['BEAT_SECRET']}"
    story.environ |= secrets
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}

    def sends_back(request: Request) -> Answer:
        """Quote what was asked with, as errors of providers and services do."""
        quoted = json.dumps({"error": {"message": f"refused: {dict(request.headers)} {request.path}", "code": "no"}})
        return Answer(500, quoted, {"X-Quoted": request.headers.get("Authorization", "")})

    refusing = {"is": False}

    def models(request: Request) -> Answer:
        if refusing["is"]:
            return sends_back(request)
        items = [{"id": model, "object": "model"} for model in story.provider.models]
        return Answer(200, {"object": "list", "data": items, "asked_with": request.headers.get("Authorization", "")})

    story.provider.answers = {
        ("GET", "/v1/models"): models,
        ("POST", f"/{PLANTED['HOOK_SECRET']}"): sends_back,
        ("GET", f"/{PLANTED['BEAT_SECRET']}"): sends_back,
    }
    parts = '\n[heartbeat]\nurl = "env:BEAT"\nfailure_url = "env:BEAT"\n'
    story.configure(
        parts,
        story.entry(),
        surface='admin_key = "env:ADMIN_KEY"\n',
        **{
            story.provider.hook(): "env:HOOK",
            'listen = "127.0.0.1:0"': 'listen = "127.0.0.1:0"\ntokens = ["env:GATE_TOKEN"]',
        },
    )
    story.poll()
    story.activate()
    with story.daemon() as daemon:
        story.provider.prices = {"orion-2": ("2.00", "6.00")}
        until(lambda: story.gate() == 1, "the price pauses")
        until(lambda: story.provider.count(f"/{PLANTED['HOOK_SECRET']}") > 0, "the destination refuses")
        refusing["is"] = True
        until(lambda: story.events("--type", "source.failed"), "the list is refused")
        paths = (
            "/",
            "/metrics",
            "/v1/gate/orion",
            "/v1/entries",
            "/v1/events",
            "/v1/sources",
            "/openapi.json",
            "/readyz",
        )
        answers = [
            read(daemon, path, token) for path in paths for token in ("", PLANTED["GATE_TOKEN"], "wrong-token-0006")
        ]
        said = daemon.said()
    words = (
        ("status",),
        ("sources",),
        ("outbox",),
        ("alerts",),
        ("config", "show"),
        ("doctor",),
        ("notices",),
        ("events",),
    )
    printed = [story.run(*command, *flag) for command in words for flag in ((), ("--json",))]
    kept = [
        ("its log", said.encode()),
        *(("an answer", text.encode()) for text in answers),
        *(("a command", (done.out + done.err).encode()) for done in printed),
        *(("the database", content) for content in unpacked(story)),
        *(
            (path.name, path.read_bytes())
            for path in story.folder.rglob("*")
            if path.is_file() and path.name != "monitor.toml"
        ),
    ]
    assert any(b"[redacted]" in content for _, content in kept), "some were sent back and masked"
    for name, secret in PLANTED.items():
        for where, content in kept:
            assert secret.encode() not in content, (name, where)
