"""Sources that hang take nothing from those that answer: neither threads nor connections."""

from __future__ import annotations

import threading

from story_world import Answer, Provider, Request, Story, serving, until

SLOW = 98
HEALTHY = 6
ROUNDS = 10

PAGE = """
[[source]]
key = "{key}"
kind = "pricing_page"
url = "{url}"
provider = "{key}"
every = "2s"
trust = "third_party"
"""


def test_ninety_eight_that_hang_beside_six_that_answer(story: Story):
    released = threading.Event()

    def hang(request: Request) -> Answer:
        released.wait(600)
        return Answer(500, "too late")

    with serving(Provider()) as hostile:
        healthy = {f"/healthy-{number}.md": f"healthy-{number}" for number in range(HEALTHY)}
        slow = {f"/slow-{number}.md": f"slow-{number}" for number in range(SLOW)}
        story.provider.models = ["orion-2"]
        story.provider.prices = {"orion-2": ("1.00", "6.00")}
        page = story.provider.answer(Request("GET", "/pricing.md", {}, {}))
        story.provider.answers |= {("GET", path): page for path in healthy}
        hostile.answers |= {("GET", path): hang for path in slow}
        story.configure(
            *(PAGE.format(key=key, url=hostile.url + path) for path, key in slow.items()),
            *(PAGE.format(key=key, url=story.provider.url + path) for path, key in healthy.items()),
            story.entry(),
        )
        try:
            with story.daemon():
                # The list, at every second, is the measure of time: it needs a share as well.
                until(lambda: story.provider.count("/v1/models") >= 2 * ROUNDS, "the list goes on being polled")
                polls = {path: story.provider.count(path) for path in healthy}
        finally:
            released.set()
    assert min(polls.values()) >= 0.9 * (ROUNDS - 1), polls
