"""Makes a database of an earlier version: plays the story of its sandbox against its command line, and packs what it
left.

    python tests/store/databases/make.py CHECKOUT OUT.db.zst [surfaces]

With `surfaces` it plays the story of entries that stand on an API and on Codex. CHECKOUT is a checkout of that version
with its environment in `.venv`. `README.md` says which commits the stored ones were made from.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from monitor.core import zstd

CONFIGURATION = """\
[database]
url = "monitor.db"

[[surface]]
key = "openai"
base_url = "{url}/v1"
provider = "openai"
api_key = "file:api-key"

[[source]]
key = "openai-models"
kind = "models_list"
surface = "openai"

[[source]]
key = "openai-pricing"
kind = "pricing_page"
url = "{url}/docs/pricing.md"
provider = "openai"
trust = "official"
{more}
[belief]
absence = {{polls = 3, span = "0s"}}
change = {{polls = 2, span = "0s"}}
gap = "0s"

[network]
allow = ["127.0.0.1"]

[web]
listen = ""

[gate]
lease_dir = "lease"

[[owner]]
key = "platform"
destinations = ["{hook}"]

[[owner]]
key = "night"
destinations = ["json://127.0.0.1:9/night"]
{entries}"""

BEHAVIOUR = """
[[source]]
key = "openai-behaviour"
kind = "behaviour"
surface = "openai"
routes = ["retrieve", "chat"]
"""

ENTRY = """
[[entry]]
key = "{key}"
surface = "openai"
owners = {owners}
"""

BY = ("--by", "Ada L.", "--reason", "accepted")


class Story:
    """One folder with a configuration, the sandbox of the version, and its command line."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.folder = folder
        self.command = [str(checkout / ".venv/bin/access-monitor"), "--config", "monitor.toml"]
        python = str(checkout / ".venv/bin/python")
        self.sandbox = subprocess.Popen(
            [python, "-m", "monitor.sandbox"], cwd=checkout, stdout=subprocess.PIPE, text=True
        )
        assert self.sandbox.stdout is not None
        self.url = self.sandbox.stdout.readline().strip()
        (folder / "api-key").write_text("sk-sandbox\n")

    def configure(self, keys: list[str], *, behaviour: bool) -> None:
        entries = "".join(
            ENTRY.format(key=key, owners='["platform", "night"]' if key == "gpt-5.6-luna" else '["platform"]')
            + ("" if key == "gpt-6" else f'model_id = "{key}"\n')
            for key in keys
        )
        text = CONFIGURATION.format(
            url=self.url,
            hook=f"{self.url}/services/T000/B000/XXX",
            more=BEHAVIOUR if behaviour else "",
            entries=entries,
        )
        (self.folder / "monitor.toml").write_text(text)

    def run(self, *words: str) -> str:
        result = subprocess.run([*self.command, *words], cwd=self.folder, capture_output=True, text=True, check=False)
        print("$", *words, "→", result.returncode, result.stderr.strip()[-200:])
        return result.stdout

    def poll(self, times: int = 2) -> None:
        for _ in range(times):
            self.run("poll")

    def advance(self, times: int = 1) -> None:
        for _ in range(times):
            urllib.request.urlopen(urllib.request.Request(f"{self.url}/sandbox/advance", method="POST"), timeout=10)

    def deliver(self) -> None:
        """Let the daemon run until it has delivered to the destination that there is."""
        process = subprocess.Popen([*self.command, "run"], cwd=self.folder, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 180
        while not self.count("notice.delivered") and time.monotonic() < until:
            time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        process.wait(60)

    def count(self, kind: str) -> int:
        """Return how many events of a type the log holds."""
        with closing(sqlite3.connect(self.folder / "monitor.db")) as database:
            (number,) = database.execute("SELECT count(*) FROM events WHERE type = ?", (kind,)).fetchone()
        return int(number)


def play(story: Story) -> None:
    """Activate five entries before the prices drop; then accept one, end one, keep two paused, withdraw one, and leave
    two unfinished.
    """
    keys = ["gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna", "gpt-5.4-mini", "gpt-5.5", "gpt-4.1", "gpt-5", "gpt-6"]
    version = story.run("--version").split()[-1]
    later = version != "0.1.0"
    story.configure(keys, behaviour=later)
    story.advance(2)  # GPT-5.6 is generally available
    story.poll(3)
    story.run("verify", "gpt-5.4-mini", "rate_limits", "--by", "Ada L.", "--url", "https://example.com/limits")
    story.run("verify", "gpt-5.5", "safety_review", "--by", "Bob K.", "--note", "seen with the security team")
    for key in ["gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna", "gpt-5.4-mini", "gpt-4.1", "gpt-5"]:
        story.run("activate", key, *BY)
    if later:
        window = ("--until", "in 30d", "--change", "openai/gpt-5.6-terra/price.*")
        story.run("expect", "gpt-5.6-terra", *window, *BY)
        story.run("silence", "gpt-5", "--for", "30d", *BY)
    story.advance(3)  # the models list fails, then answers again; then prices drop
    story.poll(3)
    story.deliver()
    if later:
        story.run("ack", "gpt-5.6-luna", "--by", "Ada L.", "--note", "on it")
    story.advance()  # another price drops
    story.poll(3)
    story.run("resume", "gpt-5.6-luna", *BY)
    story.run("pause", "gpt-5", "--by", "Bob K.", "--reason", "a regression in production")
    story.run("retire", "gpt-4.1", "--by", "Bob K.", "--reason", "replaced")
    keys.remove("gpt-5.4-mini")
    story.configure(keys, behaviour=later)
    story.poll(1)
    print(story.run("status"))
    print(story.run("outbox"))


CODEX = """
[[surface]]
key = "codex"
base_url = "{url}/codex"
provider = "{provider}"

[[source]]
key = "codex-catalogue"
kind = "codex"
surface = "codex"
catalogue = "catalogue.json"
"""


def play_surfaces(story: Story) -> None:
    """Leave entries on both surfaces active, paused, retired, evaluating and withdrawn, each as one row."""
    keys = ["gpt-5.6-sol", "gpt-5.6-luna", "gpt-5.5", "gpt-5", "gpt-4.1", "gpt-5.4-mini"]

    def configure(provider: str = "openai") -> None:
        entries = "".join(
            f'\n[[entry]]\nkey = "{key}"\nsurfaces = {{openai = "{key}", codex = "{key}"}}\nowners = ["platform"]\n'
            for key in keys
        )
        text = CONFIGURATION.format(
            url=story.url,
            hook=f"{story.url}/hook",
            more=CODEX.format(url=story.url, provider=provider),
            entries=entries,
        )
        (story.folder / "monitor.toml").write_text(text.replace("polls = ", "looks = "))

    offered = [{"slug": key, "visibility": "list", "minimal_client_version": "0.40.0"} for key in keys]
    (story.folder / "catalogue.json").write_text(json.dumps({"models": offered}))
    configure()
    story.advance(2)  # GPT-5.6 is generally available
    story.poll(3)
    story.run("verify", "gpt-5.6-luna", "evals", "--by", "Ada L.", "--url", "https://example.com/evals")
    for key in ["gpt-5.6-sol", "gpt-5.6-luna", "gpt-5", "gpt-4.1", "gpt-5.4-mini"]:
        story.run("activate", key, *BY)
    (story.folder / "catalogue.json").write_text(json.dumps({"models": offered[1:]}))
    story.poll(3)  # Codex offers gpt-5.6-sol no more
    story.run("pause", "gpt-5", "--by", "Bob K.", "--reason", "a regression in production")
    story.run("retire", "gpt-4.1", "--by", "Bob K.", "--reason", "replaced")
    keys.remove("gpt-5.4-mini")
    configure()
    story.poll(1)
    print(story.run("status"))


def main(checkout: Path, out: Path, play: Callable[[Story], None] = play) -> None:
    with tempfile.TemporaryDirectory() as name:
        story = Story(checkout.resolve(), Path(name))
        try:
            play(story)
        finally:
            story.sandbox.terminate()
        whole = Path(name) / "whole.db"
        with sqlite3.connect(Path(name) / "monitor.db") as database:
            database.execute("VACUUM INTO ?", (str(whole),))
            counts = database.execute("SELECT type, count(*) FROM events GROUP BY type").fetchall()
        out.write_bytes(zstd.compress(whole.read_bytes(), 19))
        out.with_name(out.name.replace(".db.zst", ".toml")).write_text((Path(name) / "monitor.toml").read_text())
    print(json.dumps(dict(counts), indent=1), out.stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), play_surfaces if "surfaces" in sys.argv[3:] else play)
