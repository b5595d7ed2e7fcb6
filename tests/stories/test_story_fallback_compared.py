"""A fallback beside the entry that it stands in for: what is compared, and what fails the check."""

from __future__ import annotations

from typing import Any

from story_world import Answer, Request, Story, behaviour, no_such_model, response

BIG: dict[str, Any] = {"id": "orion-2", "context_length": 400000, "supported_parameters": ["tools", "stop"]}
SMALL: dict[str, Any] = {"id": "orion-1", "context_length": 128000, "supported_parameters": ["stop"]}


def watch(story: Story, *routes: str, more: str = "", of_fallback: str = "", small: dict[str, Any] = SMALL) -> None:
    story.provider.models = [BIG, small]
    story.provider.prices = {"orion-2": ("1.00", "6.00"), "orion-1": ("1.40", "6.00")}
    needs = f'fallback = "old"\nchecks = ["fallback"]\n{more}'
    story.configure(
        behaviour("retrieve", *routes),
        story.entry(more=needs),
        story.entry("old", "orion-1", name="Old", more=of_fallback),
    )
    story.poll()


def fallback(story: Story) -> dict[str, Any]:
    return next(row for row in story.json("checklist", "orion") if row["check"] == "fallback")


def test_the_comparison_stands_in_checklist_report_and_json_and_blocks_nothing(story: Story):
    watch(story)
    row = fallback(story)
    assert row["state"] == "failed", "nobody activated it"
    story.activate("old")
    story.activate()
    row = fallback(story)
    assert (row["state"], row["note"]) == ("verified", "old is allowed")
    assert row["comparison"]["fallback"] == "old"
    assert [line["words"] for line in row["comparison"]["differences"]] == [
        "context 400k → 128k",
        "tools lost",
        "input +40 %",
    ]
    assert row["comparison"]["differences"][0] == {
        "what": "context",
        "before": 400000,
        "after": 128000,
        "words": "context 400k → 128k",
    }
    text = story.must("checklist", "orion").out
    assert "Its fallback old: context 400k → 128k; tools lost; input +40 %." in text
    report = story.must("report", "orion").out
    assert "context 400k → 128k" in report
    assert story.gate() == 0


def test_a_figure_that_nobody_states_is_said_and_blocks_nothing(story: Story):
    watch(story, small={"id": "orion-1"})
    story.activate("old")
    story.activate()
    words = [line["words"] for line in fallback(story)["comparison"]["differences"]]
    assert words == ["context 400k → not stated", "tools not stated", "input +40 %"]


def test_a_fallback_that_does_not_serve_what_the_entry_uses_fails_the_check(story: Story):
    watch(story, more='uses = ["v1/responses"]', small={**SMALL, "supported_endpoints": ["/v1/chat/completions"]})
    story.activate("old")
    row = fallback(story)
    assert (row["state"], row["note"]) == ("failed", "old lacks what orion uses: endpoint v1/responses")
    refusal = story.run("activate", "orion", "--by", "Ada L.", "--reason", "a story")
    assert refusal.code == 1
    assert "fallback is failed" in refusal.err
    assert "endpoint v1/responses" in story.must("report", "orion").out
    story.provider.models = [BIG, {**SMALL, "supported_endpoints": ["/v1/responses"]}]
    story.poll(2)
    story.activate()


def test_a_call_that_the_fallback_refuses_fails_the_check_and_denies_nobody(story: Story):
    chat = 'uses = ["v1/chat/completions"]'
    watch(story, "responses", "chat", more='uses = ["v1/responses"]', of_fallback=chat)
    story.activate("old")
    story.activate()

    def refusing(request: Request) -> Answer:
        model = request.body["model"]
        return no_such_model(model) if model == "orion-1" else Answer(200, response(model))

    story.provider.answers["POST", "/v1/responses"] = refusing
    story.poll(3)
    assert story.status("old")["status"] == "active", "it makes no such calls itself"
    assert fallback(story)["note"] == "old lacks what orion uses: endpoint v1/responses"
    assert story.gate() == 0
