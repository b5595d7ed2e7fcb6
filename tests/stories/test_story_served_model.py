"""The model that answers, from the check to the program that calls."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from story_world import Answer, Request, Story, behaviour, response

APRIL, MAY = "orion-2-2026-04-01", "orion-2-2026-05-01"

PROGRAM = """
import openai
from monitor.gate.client.guard import ModelMismatch, guard

client = guard(openai.OpenAI(api_key="k", base_url={url!r}), lease={lease!r}, on_other_model={choice!r})
try:
    client.responses.create(model="orion-2", input="hello")
    print("answered", client.guard.mismatches)
except ModelMismatch as other:
    print("refused", other.answered, other.pinned)
"""


def answered_by(story: Story, model: str) -> None:
    def answer(request: Request) -> Answer:
        return Answer(200, response(model))

    story.provider.answers["POST", "/v1/responses"] = answer


def checked(story: Story) -> dict[str, Any]:
    return next(row for row in story.json("checklist", "orion") if row["check"] == "served_model")


def watch(story: Story) -> None:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    needs = 'checks = ["served_model"]\nuses = ["v1/responses"]'
    story.configure(behaviour("retrieve", "responses"), story.entry(more=needs))
    story.poll()


def call(story: Story, choice: str) -> str:
    """Run a program of the user's that calls the model through the guard."""
    text = PROGRAM.format(url=story.provider.url + "/v1", lease=str(story.folder / "lease"), choice=choice)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False, cwd=story.folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_model_that_was_accepted_answers_and_another_one_is_reported_or_raised(story: Story):
    answered_by(story, APRIL)
    watch(story)
    assert checked(story)["state"] == "verified"
    story.activate()
    lease = json.loads((story.folder / "lease" / "production.json").read_text())
    assert lease["flags"]["orion"]["metadata"]["served"] == APRIL
    assert call(story, "raise") == "answered {}"
    answered_by(story, MAY)
    assert call(story, "raise") == f"refused {MAY} ('{APRIL}',)"
    assert call(story, "report") == f"answered {{'orion-2': {{'{MAY}': 1}}}}"
    assert story.gate() == 0, "one answer proves nothing to the monitor"
    story.poll(2)
    assert story.status()["status"] == "paused"
    assert f"another model answers: responses is answered by {MAY}, accepted was {APRIL}" in story.status()["reason"]


def test_another_model_from_the_start_fails_the_check_and_is_pinned_where_nobody_asks_for_it(story: Story):
    answered_by(story, "orion-1")
    watch(story)
    row = checked(story)
    assert row["state"] == "failed"
    assert row["note"] == "responses is answered by orion-1, which is no snapshot of orion-2"
    refusal = story.run("activate", "orion", "--by", "Ada L.", "--reason", "a story")
    assert refusal.code == 1
    assert "served_model is failed" in refusal.err
    story.configure(behaviour("retrieve", "responses"), story.entry(more='uses = ["v1/responses"]'))
    story.poll(2)
    story.activate()
    assert story.gate() == 0
    answered_by(story, "orion-2")
    story.poll(2)
    assert story.status()["status"] == "paused", "what was accepted is what is pinned"


def test_an_answer_that_names_no_model_leaves_it_blank(story: Story):
    answered_by(story, "")
    watch(story)
    assert checked(story)["state"] == "blank"
