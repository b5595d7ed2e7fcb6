"""The documentation is held against the program: every command, setting and event, no other ones, and examples that
run.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_type_hints
from urllib.parse import unquote

import click
import docs_story
import pytest
from docs_pages import PAGES, READ, ROOT, blocks, page, prose, quoted, rows, sections
from event_shapes import wrong

from monitor.cli import PROGRAM, cli
from monitor.cli.framework import DefaultGroup, SharedOption
from monitor.core.check_names import CHECKS
from monitor.core.entry import Status
from monitor.core.event_types import EVENT_TYPES, Stream
from monitor.core.events import record
from monitor.core.facts import FailureReason
from monitor.gate.client import ask, clock
from monitor.notify.headlines import STATES
from monitor.settings import load, schema, show
from monitor.sources import catalog
from monitor.sources.catalog import BUILTIN
from monitor.sources.feed import FORMATS
from monitor.sources.kind import SourceKind

NAMES = {
    "operating",
    "owners",
    "gate",
    "events",
    "commands",
    "configuration",
    "sources",
    "reliability",
    "decisions",
    "readiness",
}

TYPES = set(EVENT_TYPES)


def test_every_page_that_the_readme_promises_is_there_and_says_whom_it_is_for():
    assert {path.stem for path in PAGES} == NAMES
    for path in PAGES:
        first = path.read_text(encoding="utf-8").split("\n\n")[1]
        assert first.startswith("For "), path.name


# -- commands ------------------------------------------------------------


def commands(group: click.Group = cli, above: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command that can be typed, by its words."""
    ctx = click.Context(group)
    if isinstance(group, DefaultGroup):
        yield above.strip(), group.commands[group.default]
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{above} {name}")
        else:
            yield f"{above} {name}".strip(), command


COMMANDS = dict(commands())


def described() -> dict[str, str]:
    return {head.strip("`"): text for head, text in sections(page("commands"), 2).items() if head.startswith("`")}


def options(name: str, command: click.Command) -> set[str]:
    if name == "gate":  # it parses its own words
        return set(re.findall(r"^  (--[a-z-]+)", ask.HELP, re.MULTILINE)) - {"--help"} | {"--database"}
    return {
        param.opts[0]
        for param in command.params
        if isinstance(param, click.Option) and (not isinstance(param, SharedOption) or param.opts[0] == "--json")
    }


def test_the_commands_described_are_the_commands_that_there_are():
    assert set(described()) == set(COMMANDS)
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_options_described_are_the_options_of_the_command(name):
    text = described()[name]
    assert {quoted(row[0])[0].split()[0] for row in rows(text)} == options(name, COMMANDS[name])


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_usage_line_is_the_one_of_the_help(name):
    (usage,) = blocks(described()[name], "text")
    if name == "gate":
        assert usage.strip() == ask.USAGE
        return
    ctx = click.Context(COMMANDS[name], info_name=f"{PROGRAM} {name}")
    assert usage.strip() == f"{PROGRAM} {name} {' '.join(COMMANDS[name].collect_usage_pieces(ctx))}"


def test_the_global_options_are_described():
    said = {quoted(row[0])[0].split()[0] for row in rows(sections(page("commands"), 2)["Global options"])}
    assert said == {option for param in cli.get_params(click.Context(cli)) for option in param.opts if option != "-h"}


class Typed(NamedTuple):
    where: str
    words: tuple[str, ...]


def typed() -> Iterator[Typed]:
    """Yield every `access-monitor …` that a page lets its reader type."""
    for path in READ:
        text = path.read_text(encoding="utf-8")
        for block in blocks(text, "(?:sh|console)"):
            for line in block.splitlines():
                found = re.match(r"(?:\$ )?(access-monitor .*)", line)
                if found and "…" not in line:
                    lexer = shlex.shlex(found[1], posix=True, punctuation_chars="|&;<>")
                    lexer.whitespace_split = True
                    words = list(lexer)[1:]
                    end = next((index for index, word in enumerate(words) if re.fullmatch(r"[|&;<>]+", word)), None)
                    yield Typed(path.name, tuple(words[:end]))


def parse(group: click.Group, words: list[str], ctx: click.Context) -> None:
    with ctx:
        name, command, rest = group.resolve_command(ctx, [*ctx._protected_args, *ctx.args])
    assert name is not None
    assert command is not None
    if name == "gate":
        assert ask.run(rest, {}, clock.now) != 2
        return
    below = command.make_context(name, rest, parent=ctx)
    if isinstance(command, click.Group):
        parse(command, rest, below)


@pytest.mark.parametrize("line", sorted(set(typed())), ids=lambda line: f"{line.where}: {' '.join(line.words)}"[:80])
def test_a_command_line_of_the_docs_is_one_that_parses(line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in (
        "pricing.md",
        "models.json",
        "error.json",
        "page.md",
        "historical-v1.json",
        "review.pdf",
        "output.json",
        "requests.jsonl",
        "history.jsonl.zst",
    ):
        (tmp_path / name).write_text("{}")
    words = list(line.words)
    parse(cli, words, cli.make_context(PROGRAM, words))


def test_commands_named_within_a_sentence_are_commands():
    known = {name.split()[0] for name in COMMANDS}
    named = {
        span.split()[1].strip("`")
        for path in READ
        for span in quoted(prose(path.read_text(encoding="utf-8")))
        if span.startswith("access-monitor ") and span.split()[1][0].isalpha() and span.split()[1].islower()
    }
    assert named - known == set()
    assert len(named) > 5


# -- settings ------------------------------------------------------------


class Setting(NamedTuple):
    default: Any
    required: bool


def settings() -> dict[str, dict[str, Setting]]:
    """Section → key (`absence.polls` where a table lies within) → what the schema says."""
    whole = schema()
    definitions = whole["$defs"]

    def below(reference: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = definitions[reference.rpartition("/")[2]]
        return found

    def keys(table: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[tuple[str, Setting]]:
        for key, field in table["properties"].items():
            default = defaults.get(key, field.get("default"))
            if "$ref" in field:
                for name, setting in keys(below(field["$ref"]), default or {}):
                    yield f"{key}.{name}", setting
            else:
                yield key, Setting(default, key in table.get("required", ()))

    return {
        section: dict(keys(below(field.get("$ref") or field["items"]["$ref"]), {}))
        for section, field in whole["properties"].items()
    }


def tabled(section: str, *, plain: bool) -> dict[str, list[str]]:
    head = f"`[{section}]`" if plain else f"`[[{section}]]`"
    return {quoted(row[0])[0]: row[1:] for row in rows(sections(page("configuration"), 2)[head])}


PLAIN = [name for name, field in schema()["properties"].items() if "$ref" in field]
LISTS = [name for name in schema()["properties"] if name not in PLAIN]


def test_the_sections_described_are_those_that_there_are():
    heads = {head.strip("`[]") for head in sections(page("configuration"), 2) if head.startswith("`[")}
    assert heads == set(settings())


@pytest.mark.parametrize("section", sorted(settings()))
def test_the_keys_described_are_those_that_there_are(section):
    assert set(tabled(section, plain=section in PLAIN)) == set(settings()[section])


@pytest.mark.parametrize("section", sorted(PLAIN))
def test_the_described_variable_sets_the_setting_to_the_described_default_which_is_the_default(section, tmp_path):
    empty = tmp_path / "monitor.toml"
    empty.write_text("")
    bare = {row.key: row.value for row in show(load(empty, {}))}
    described = tabled(section, plain=True)
    # All of them at once: of a table within a section, either all values are given or none.
    written = {quoted(cells[2])[0]: quoted(cells[1])[0] for cells in described.values() if cells[1] != "none"}
    changed = {row.key: row for row in show(load(empty, written))}
    for key, (_, default, variable, _) in described.items():
        (name,) = quoted(variable)
        assert name == f"ACCESS_MONITOR__{section}__{key}".upper().replace(".", "__")
        if default == "none":
            assert not bare.get(f"{section}.{key}"), key
        else:
            assert name in changed[f"{section}.{key}"].origin
            assert changed[f"{section}.{key}"].value == bare[f"{section}.{key}"], key


@pytest.mark.parametrize("section", sorted(LISTS))
def test_the_described_default_of_a_listed_table_is_the_default(section):
    for key, (_, default, _) in tabled(section, plain=False).items():
        said = settings()[section][key]
        assert (default == "required") == (said.required), key
        if said.default not in (None, [], "", {}):
            stated = said.default[0] if isinstance(said.default, list) else said.default
            assert quoted(default) == [str(stated)], key
        else:
            assert (
                default == "none"
                or said.required
                or re.search("by kind|the |that of|required, unless|retrieve|all", default)
            ), key


def test_the_intervals_of_the_kinds_are_as_described():
    from monitor.settings.durations import spoken

    _, _, meaning = tabled("source", plain=False)["every"]
    said = re.search(
        (
            r"`models_list` and `status_page` (\w+), `pricing_page` (\w+), `behaviour` and `deprecations_page` "
            r"(\w+), all others (\w+)"
        ),
        meaning,
    )
    assert said
    lists, pages, behaviour, others = said.groups()
    expected = {"models_list": lists, "status_page": lists, "pricing_page": pages}
    expected |= {"behaviour": behaviour, "deprecations_page": behaviour}
    for name in BUILTIN:
        assert spoken(catalog.kind(name).every) == expected.get(name, others), name
    assert spoken(SourceKind.__dataclass_fields__["every"].default) == others


def test_every_kind_and_every_format_that_is_named_can_be_built():
    kinds = tabled("source", plain=False)["kind"][2]
    assert set(quoted(kinds)) == set(BUILTIN)
    formats = tabled("source", plain=False)["format"][2]
    named = schema()["$defs"]["SourceTable"]["properties"]["format"]["anyOf"][0]["enum"]
    assert set(quoted(formats)) - {"price_feed"} == set(FORMATS) == set(named)


def test_every_toml_example_is_toml():
    found = [block for path in READ for block in blocks(path.read_text(encoding="utf-8"), "toml")]
    assert len(found) > 4
    for block in found:
        tomllib.loads(block)


# -- events --------------------------------------------------------------


def documented() -> dict[str, str]:
    return {head.strip("`"): text for head, text in sections(page("events"), 3).items()}


def data_keys(text: str) -> set[str]:
    line = re.search(r"^Data: (.*)$", text, re.MULTILINE)
    return set(quoted(line[1])) if line else set()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    with docs_story.told(tmp_path_factory.mktemp("story")) as story, story.store.read() as reader:
        return [record(one) for one in reader.events()]


def test_the_event_types_described_are_those_that_there_are():
    assert set(documented()) == TYPES


def test_the_story_tells_every_type_but_those_that_are_called_reserved(log):
    reserved = {type for type, text in documented().items() if text.strip().startswith("Reserved")}
    assert {one["type"] for one in log} == TYPES - reserved


def test_every_recorded_event_is_as_its_type_says_and_every_documented_key_has_a_type(log):
    assert [text for one in log for text in wrong(one["type"], one["stream"], one["data"])] == []
    for type, text in documented().items():
        assert data_keys(text) <= get_type_hints(EVENT_TYPES[type].data).keys(), type


def test_every_recorded_event_has_the_documented_keys_and_no_other(log):
    seen: dict[str, set[str]] = {}
    for one in log:
        seen.setdefault(one["type"], set()).update(one["data"])
        assert one["data"].keys() - data_keys(documented()[one["type"]]) == set(), one["type"]
    rare = {
        "source.baseline_recorded": {"reason"},
        "source.failed": {"incident"},
        "source.anomaly": {
            "incident",
            "meters",
            "new",
            "new_count",
            "facts",
            "facts_count",
            "limit",
            "detail",
            "moved_count",
        },
        "entry.declared": {"carried"},
        "entry.amended": {"carried"},
        "entry.activated": {"requested_by", "request"},
        "entry.pause_extended": {"worse"},
        "notice.delivered": {"link"},
        "lifecycle.announced": {"provider", "replacement", "status", "notice_date"},
        "lifecycle.moved": {"provider"},
        "lifecycle.withdrawn": {"provider"},
        "document.changed": {"markers"},
        "incident.changed": {"surface"},
        "model.changed": {"provider"},
        "access.gained": {"note"},
        "access.lost": {"note"},
        "entry.reminded": {"since", "looks", "owners"},
        "config.changed": {"denies"},
        "price.changed": {"by", "reason", "via", "note", "correction", "alias_from", "alias_to"},
        "price.listed": {"renamed_from", "note"},
        "price.removed": {"renamed_to"},
        "price.reported": {"note", "correction", "alias_from", "alias_to", "corroborates"},
    }
    for type, keys in seen.items():
        assert data_keys(documented()[type]) - keys == rare.get(type, set()), type


@pytest.mark.parametrize("type", sorted(TYPES))
def test_the_example_of_an_event_is_one_of_its_type(type):
    examples = blocks(documented()[type], "json")
    if documented()[type].strip().startswith("Reserved"):
        assert examples == []
        return
    (example,) = map(json.loads, examples)
    assert example["type"] == type
    assert example["data"].keys() <= data_keys(documented()[type])
    top = {key for row in rows(sections(page("events"), 2)["The shape of an event"]) for key in quoted(row[0])}
    assert example.keys() == top


def test_the_subject_and_stream_that_a_section_names_are_those_of_its_events(log):
    prefix = {
        "Sources": Stream.SOURCE,
        "Models and access": Stream.SOURCE,
        "Prices": Stream.SOURCE,
        "The account, texts and incidents": Stream.SOURCE,
        "Entries": Stream.ENTRY,
        "Checks": Stream.ENTRY,
        "Notices": Stream.NOTICE,
        "Configuration": Stream.CONFIG,
        "The clock": Stream.CLOCK,
        "Gate": Stream.GATE,
    }
    of = {type: head for head, text in sections(page("events"), 2).items() for type in sections(text, 3)}
    for one in log:
        assert one["stream"].partition("/")[0] == prefix[of[f"`{one['type']}`"]]


# -- what else is listed ---------------------------------------------------


def test_every_status_check_headline_and_failure_is_explained():
    owners = {cell for row in rows(page("owners")) for cell in (row[0], *quoted(row[0]))}
    assert {str(status) for status in Status} <= owners
    assert set(CHECKS) <= owners
    assert set(STATES.values()) <= owners
    sources = {cell for row in rows(page("sources")) for cell in quoted(row[0])}
    assert {str(reason) for reason in FailureReason} <= sources


def anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", READ, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        place = (path.parent / name).resolve() if name else path
        assert place.exists(), target
        if anchor:
            assert anchor in anchors(place.read_text(encoding="utf-8")), target


# -- the architecture ------------------------------------------------------


def architecture() -> str:
    return (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_the_layers_drawn_are_those_that_are_held():
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (layers,) = (one["layers"] for one in linter["contracts"] if one["type"] == "layers")
    (drawn,) = (line for line in architecture().splitlines() if "→ registry →" in line)
    assert [re.split(r" │ ", layer.strip()) for layer in drawn.split("→")] == [layer.split(" | ") for layer in layers]


def sentences(text: str) -> list[str]:
    """Return the sentences of a page, without code blocks; a table cell, a point of a list and a
    heading end one, too.
    """
    parts = re.split(r"\n\n+|\n(?=[*#|]|\d+\. )|(?<=\|) | (?=\|)", prose(text))
    return [one for part in parts for one in re.split(r"(?<=[.?!])\s+", " ".join(part.split())) if one.strip("|- ")]


def test_no_sentence_of_the_architecture_is_longer_than_forty_words_and_the_page_stays_one():
    assert [one for one in sentences(architecture()) if len(one.split()) > 40] == []
    assert len(architecture().splitlines()) < 130


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "docs/decisions.md"])
def test_every_room_is_described_and_the_modules_that_are_named_are_in_it(page):
    # The rooms are the last thing before what is kept; other tables stand behind it.
    text = (ROOT / page).read_text(encoding="utf-8").partition("\n## What is kept")[0]
    described = {quoted(cells[0])[0].strip("/"): cells[1] for cells in rows(text)}
    rooms = {path.parent.name: path.parent for path in (ROOT / "monitor").glob("*/__init__.py")}
    assert set(described) == set(rooms)
    for room, text in described.items():
        modules = {path.stem for path in rooms[room].rglob("*")}
        named = {span for span in quoted(text) if re.fullmatch(r"[a-z_]+", span)}
        assert named - modules == set(), room
    assert sum(len(quoted(text)) for text in described.values()) > 20


def test_the_tests_that_the_reliability_table_names_are_there():
    named = set(re.findall(r"`(test_story_\w+\.py)`", page("reliability")))
    assert len(named) > 10
    assert {name for name in named if not (ROOT / "tests/stories" / name).is_file()} == set()
