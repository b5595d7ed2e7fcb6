"""A command answers the same from every folder, and one that only reads makes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from story_world import Story

READING = [
    ("status",),
    ("status", "orion", "--json"),
    ("why", "orion"),
    ("checklist", "orion"),
    ("coverage",),
    ("prices", "orion"),
    ("lifecycle",),
    ("measurements",),
    ("budget",),
    ("events",),
    ("evidence", "0" * 64),
    ("report", "orion"),
    ("outbox",),
    ("notify", "test", "platform"),
    ("activate", "orion", "--by", "Ada L.", "--reason", "a story"),
    ("ack", "orion", "--by", "Ada L."),
    ("config", "diff"),
    ("config", "accept", "--by", "Ada L.", "--reason", "a story"),
]


def settle(story: Story, *, state_dir: str = "", url: str = "sqlite:///var/monitor.db", lease_dir: str = "var/lease"):
    """Write the configuration of a checkout: in a folder `config`, every path relative."""
    story.provider.models = ["orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    run = f'[run]\nstate_dir = "{state_dir}"\n' if state_dir else ""
    replaced = {
        f'url = "sqlite:///{story.folder}/monitor.db"': f'url = "{url}"',
        f'lease_dir = "{story.folder}/lease"': f'lease_dir = "{lease_dir}"',
    }
    story.configure(run, story.entry(), **replaced)
    place = story.folder / "checkout/config/monitor.toml"
    place.parent.mkdir(parents=True, exist_ok=True)
    story.config.rename(place)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def places(story: Story) -> list[Path]:
    """Folders to run a command in."""
    found = [story.folder, story.folder / "checkout", story.folder / "checkout/config", story.folder / "a/b"]
    for place in found:
        place.mkdir(parents=True, exist_ok=True)
    return found


def test_every_command_finds_the_same_from_every_folder(story: Story):
    settle(story, state_dir="../")
    config = ("--config", str(story.folder / "checkout/config/monitor.toml"))
    first, *others = places(story)
    story.must(*config, "poll", config=False, cwd=others[-1])
    assert {"checkout/var/monitor.db", "checkout/var/lease/production.json"} <= files(story.folder)
    story.must(*config, "activate", "orion", "--by", "Ada L.", "--reason", "a story", config=False, cwd=others[0])
    before = files(story.folder)
    for place in (first, *others):
        assert story.must(*config, "gate", "orion", config=False, cwd=place).out.startswith("allowed")
        status = story.must(*config, "--json", "status", config=False, cwd=place).json
        assert [row["status"] for row in status] == ["active"]
    relative = ("--config", "../config/monitor.toml")
    assert story.must(*relative, "gate", "orion", config=False, cwd=story.folder / "checkout/config").code == 0
    assert story.must("gate", "orion", config=False, cwd=story.folder / "checkout").code == 0
    assert files(story.folder) == before, "reading left nothing behind"


@pytest.mark.parametrize(
    ("state_dir", "environ", "database", "leases"),
    [
        ("", {}, "checkout/config/var/monitor.db", "checkout/config/var/lease"),
        ("state", {}, "checkout/config/state/var/monitor.db", "checkout/config/state/var/lease"),
        ("../", {"ACCESS_MONITOR__RUN__STATE_DIR": "../other"}, "checkout/other/var/monitor.db",
        "checkout/other/var/lease"),
        (
            "../",
            {"ACCESS_MONITOR__DATABASE__URL": "mine/m.db", "ACCESS_MONITOR__GATE__LEASE_DIR": "out"},
            "checkout/mine/m.db",
            "checkout/out",
        ),
        ("~/state", {"HOME": "{folder}/home"}, "home/state/var/monitor.db", "home/state/var/lease"),
        ("../", {"DATABASE": "by/reference.db", "ACCESS_MONITOR__DATABASE__URL": "env:DATABASE"},
        "checkout/by/reference.db", "checkout/var/lease"),
    ],
)  # fmt: skip
def test_relative_paths_count_from_the_state_folder_and_that_from_the_file(
    story: Story, state_dir: str, environ: dict[str, str], database: str, leases: str
):
    settle(story, state_dir=state_dir)
    story.environ.update({name: value.replace("{folder}", str(story.folder)) for name, value in environ.items()})
    config = ("--config", str(story.folder / "checkout/config/monitor.toml"))
    *_, elsewhere = places(story)
    story.must(*config, "poll", config=False, cwd=elsewhere)
    assert {database, f"{leases}/production.json"} <= files(story.folder)
    assert files(elsewhere) == set()
    denied = story.run(*config, "gate", "orion", config=False, cwd=elsewhere)
    assert denied.code == 1, denied.err


def test_a_secret_in_a_file_is_found_from_everywhere(story: Story):
    settle(story, state_dir="../")
    config = story.folder / "checkout/config/monitor.toml"
    config.write_text(config.read_text().replace("env:PROVIDER_KEY", "file:secrets/key"))
    key = story.folder / "checkout/secrets/key"
    key.parent.mkdir()
    key.write_text("sk-from-a-file-0123456789\n")
    story.must("--config", str(config), "poll", config=False, cwd=places(story)[-1])
    headers = [
        {name.lower(): value for name, value in request.headers.items()}
        for request in story.provider.requests
        if request.path == "/v1/models"
    ]
    sent = [each["authorization"] for each in headers]
    assert sent == ["Bearer sk-from-a-file-0123456789"]
    key.unlink()
    missing = story.run("--config", str(config), "poll", "openai-models", config=False, cwd=places(story)[0])
    assert missing.code == 78
    assert str(key) in missing.err


def test_a_path_on_the_command_line_counts_from_the_working_directory(story: Story):
    settle(story, state_dir="../")
    config = ("--config", "checkout/config/monitor.toml")
    story.must(*config, "--database", "mine/other.db", "poll", config=False, cwd=story.folder)
    assert "mine/other.db" in files(story.folder)
    assert not (story.folder / "checkout/var/monitor.db").exists()


def test_what_only_reads_makes_no_database_and_says_where_it_polled(story: Story):
    settle(story, state_dir="../")
    config = ("--config", str(story.folder / "checkout/config/monitor.toml"))
    before = files(story.folder)
    for command in READING:
        done = story.run(*config, *command, config=False)
        assert done.code == 78, (command, done)
        assert f"no database at {story.folder}/checkout/var/monitor.db" in done.err, (command, done)
        assert len(done.err.splitlines()) == 1
        assert files(story.folder) == before, command
    assert story.must(*config, "config", "check", config=False).out.endswith("1 entry.\n")
    assert story.run(*config, "gate", "orion", config=False).code == 75
    assert files(story.folder) == before


@pytest.mark.parametrize("command", [("poll",), ("run",), ("db", "upgrade"), ("status",)], ids=" ".join)
def test_no_second_database_is_made_beside_the_one_of_0_2_0(story: Story, command: tuple[str, ...]):
    settle(story)
    config = ("--config", str(story.folder / "checkout/config/monitor.toml"))
    old = story.folder / "started-here"
    old.mkdir()
    story.must(
        *config, "--database", "var/monitor.db", "poll", config=False, cwd=old
    )  # as 0.2.0 would, from that folder
    refused = story.run(*config, *command, config=False, cwd=old)
    assert refused.code == 78
    assert f"{story.folder}/checkout/config/var/monitor.db" in refused.err
    assert f"{old}/var/monitor.db" in refused.err
    assert not (story.folder / "checkout/config/var/monitor.db").exists()
    text = (story.folder / "checkout/config/monitor.toml").read_text()
    (story.folder / "checkout/config/monitor.toml").write_text(text + f'[run]\nstate_dir = "{old}"\n')
    assert story.must(*config, "status", config=False).out.count("orion")
