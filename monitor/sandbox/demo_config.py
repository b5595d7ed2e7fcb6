"""The configuration under which the demo watches the sandbox: the real keys of `monitor.toml`, with spans made for a
few seconds.

Only text is made here; reading it is the business of `settings`, as for any other configuration.
"""

from __future__ import annotations

import json
from pathlib import Path

from monitor.sandbox.gpt_5_6 import LUNA, SOL, TERRA
from monitor.sandbox.provider import API_KEY

CONFIGURATION_FILE = "monitor.toml"
API_KEY_FILE = "api-key"
FALLBACK = "gpt-5.4-mini"

CALLER = "support-agent"
CALLS = "openai-calls"
"""The source whose calls cost money."""

ENTRIES = (
    (SOL, "GPT-5.6 Sol", "hard problems where quality decides", FALLBACK, CALLER),
    (TERRA, "GPT-5.6 Terra", "everyday work at a fair price", FALLBACK, ""),
    (LUNA, "GPT-5.6 Luna", "high volume, latency and unit cost matter", FALLBACK, CALLER),
    (FALLBACK, "GPT-5.4 mini", "the model in production before, and the fallback of the others", "", ""),
)
"""Key, name, use, fallback and caller of each; the caller of one goes on after a price shift, the other has none."""


def demo_configuration(
    base_url: str, pricing_url: str, webhook_url: str, folder: str | Path, *, listen: str = "127.0.0.1:0"
) -> str:
    """Return the demo's configuration as TOML.

    Database and lease files go into `folder`, and the API key is read from the file `API_KEY_FILE` there. `listen` is
    host and port of the HTTP server, a free port unless given: a real monitor may run beside the demo.
    """
    place = Path(folder)
    head = f"""\
# Made by the demo for a sandbox on this machine.

[database]
url = {_text(f"sqlite:///{place / 'monitor.db'}")}

[[surface]]
key = "openai"
base_url = {_text(base_url)}
provider = "openai"
api_key = {_text(f"file:{place / API_KEY_FILE}")}

[[source]]
key = "openai-models"
kind = "models_list"
surface = "openai"
every = "300ms"

[[source]]
key = "openai-pricing"
kind = "pricing_page"
url = {_text(pricing_url)}
provider = "openai"
every = "300ms"
trust = "official"

[[source]]
key = "openai-behaviour"
kind = "behaviour"
surface = "openai"
routes = ["retrieve", "tokens"]
every = "1s"

[[source]]
key = {_text(CALLS)}
kind = "behaviour"
surface = "openai"
routes = ["responses"]
every = "6h"

# These spans are for the demo only: here months pass in seconds. Against a real provider they would confirm every flap;
# leave this section out there, the defaults were measured.
[confirmation]
absence = {{polls = 3, span = "1s"}}
change = {{polls = 2, span = "0s"}}
gap = "0s"
recheck = "100ms"
hold = "5s"
correction = "0s"

[network]
allow = ["127.0.0.1"]

[web]
listen = {_text(listen)}

[gate]
lease_dir = {_text(str(place / "lease"))}

[[owner]]
key = "platform"
destinations = [{_text(webhook_url)}]
"""
    return head + "".join(_entry(*entry) for entry in ENTRIES)


def write_demo(base_url: str, pricing_url: str, webhook_url: str, folder: Path, *, listen: str = "127.0.0.1:0") -> Path:
    """Write the configuration and the file with the sandbox's key into `folder`, and return the
    configuration's path.
    """
    key = folder / API_KEY_FILE
    key.touch(mode=0o600)
    key.write_text(API_KEY + "\n", encoding="utf-8")
    path = folder / CONFIGURATION_FILE
    text = demo_configuration(base_url, pricing_url, webhook_url, folder, listen=listen)
    path.write_text(text, encoding="utf-8")
    return path


def _entry(key: str, name: str, use: str, fallback: str, caller: str) -> str:
    lines = [
        "",
        "[[entry]]",
        f"key = {_text(key)}",
        f"name = {_text(name)}",
        'surface = "openai"',
        f"model_id = {_text(key)}",
        f"use = {_text(use)}",
        'owners = ["platform"]',
    ]
    if fallback:
        lines.append(f"fallback = {_text(fallback)}")
    if caller:
        lines.append(f"callers = [{_text(caller)}]")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    # A JSON string is a TOML basic string, but for DEL, which JSON leaves bare.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
