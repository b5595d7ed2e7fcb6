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
import command_tables
import docs_story
import pytest
from docs_pages import PAGES, READ, ROOT, blocks, page, prose, quoted, rows, sections
from event_shapes import wrong

from monitor.cli import PROGRAM, cli
from monitor.core.check_names import CHECKS
from monitor.core.entry import Status
from monitor.core.event_types import EVENT_TYPES, Stream
from monitor.core.events import record
from monitor.core.facts import FailureReason
from monitor.gate.client import ask, clock
from monitor.notify.headlines import STATES
from monitor.settings import load, schema, show
from monitor.sources import catalog, lifecycle_feed
from monitor.sources.catalog import BUILTIN
from monitor.sources.feed import FORMATS
from monitor.sources.kind import SourceKind

NAMES = {
    "README",
    "why",
    "glossary",
    "operating",
    "security",
    "owners",
    "gate",
    "events",
    "commands",
    "configuration",
    "sources",
    "reliability",
    "decisions",
    "readiness",
    "desk",
    "scale",
}

TYPES = set(EVENT_TYPES)


def test_every_page_that_the_readme_promises_is_there_and_says_whom_it_is_for():
    assert {path.stem for path in PAGES} == NAMES
    for path in PAGES:
        first = path.read_text(encoding="utf-8").split("\n\n")[1]
        assert first.startswith("For "), path.name


def test_the_pages_stay_short_enough_to_be_read():
    words = [word for path in PAGES for word in path.read_text(encoding="utf-8").split()]
    assert len([word for word in words if any(map(str.isalnum, word))]) <= 20_000  # the border of a table is no word
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 1_000


def test_every_page_is_found_from_the_first_one():
    assert {f"{name}.md" for name in NAMES - {"README"}} <= set(re.findall(r"\]\(([a-z]+\.md)\)", page("README")))


# -- commands ------------------------------------------------------------


COMMANDS = dict(command_tables.commands())


def test_the_tables_of_commands_are_those_of_the_program():
    assert page("commands") == command_tables.written(page("commands")), "run `make docs`"
    assert len(COMMANDS) > 20


def test_every_command_has_its_place_in_the_tables_with_the_first_sentence_of_its_help():
    described = {quoted(row[0])[0]: row[1] for row in rows(command_tables.table())}
    assert len(described) == len(COMMANDS)
    assert described["poll [SOURCE]..."] == COMMANDS["poll"].help.partition("\n")[0]
    assert described["gate KEY"] == ask.SUMMARY


def test_the_output_that_is_explained_is_that_of_commands():
    explained = {
        name
        for head in ("What the output means", "What `--json` prints")
        for row in rows(sections(page("commands"), 2)[head])
        for name in quoted(row[0])
        if not name.startswith("-")
    }
    assert explained - set(COMMANDS) == set()


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
def test_the_variable_of_a_setting_sets_it_to_the_described_default_which_is_the_default(section, tmp_path):
    empty = tmp_path / "monitor.toml"
    empty.write_text("")
    bare = {row.key: row.value for row in show(load(empty, {}))}
    described = tabled(section, plain=True)
    # All of them at once: of a table within a section, either all values are given or none.
    names = {key: f"ACCESS_MONITOR__{section}__{key}".upper().replace(".", "__") for key in described}
    written = {names[key]: quoted(default)[0] for key, (default, _) in described.items() if default != "none"}
    changed = {row.key: row for row in show(load(empty, written))}
    for key, (default, _) in described.items():
        name = names[key]
        if default == "none":
            assert not bare.get(f"{section}.{key}"), key
        else:
            assert name in changed[f"{section}.{key}"].origin
            assert changed[f"{section}.{key}"].value == bare[f"{section}.{key}"], key


@pytest.mark.parametrize("section", sorted(LISTS))
def test_the_described_default_of_a_listed_table_is_the_default(section):
    for key, (default, _) in tabled(section, plain=False).items():
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

    _, meaning = tabled("source", plain=False)["every"]
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
    kinds = tabled("source", plain=False)["kind"][1]
    assert set(quoted(kinds)) == set(BUILTIN)
    formats = tabled("source", plain=False)["format"][1]
    named = schema()["$defs"]["SourceTable"]["properties"]["format"]["anyOf"][0]["enum"]
    assert set(quoted(formats)) - {"price_feed", "lifecycle_feed"} == {*FORMATS, *lifecycle_feed.FORMATS} == set(named)


def test_every_toml_example_is_toml():
    found = [block for path in READ for block in blocks(path.read_text(encoding="utf-8"), "toml")]
    assert len(found) > 4
    for block in found:
        tomllib.loads(block)


# -- events --------------------------------------------------------------


def documented() -> dict[str, list[str]]:
    """Event type → the cells of its row: when, and its data."""
    return {
        quoted(row[0])[0]: row[1:]
        for section in sections(page("events"), 2).values()
        for row in rows(section)
        if re.fullmatch(r"`[a-z]+\.[a-z_]+`", row[0])
    }


def data_keys(type: str) -> set[str]:
    """Return the keys of an event's data; a word in italics stands for the keys of its group."""
    groups = {row[0].strip("*"): quoted(row[1]) for row in rows(page("events")) if row[0].startswith("*")}
    _, data = documented()[type]
    return {*quoted(data), *(key for name in re.findall(r"\*(\w+)\*", data) for key in groups[name])}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    with docs_story.told(tmp_path_factory.mktemp("story")) as story, story.store.read() as reader:
        return [record(one) for one in reader.events()]


def test_the_event_types_described_are_those_that_there_are():
    assert set(documented()) == TYPES


def test_the_story_brings_about_every_type(log):
    assert {event["type"] for event in log} == TYPES


def test_every_recorded_event_is_as_its_type_says_and_every_documented_key_has_a_type(log):
    assert [text for event in log for text in wrong(event["type"], event["stream"], event["data"])] == []
    for type in documented():
        assert data_keys(type) <= get_type_hints(EVENT_TYPES[type].data).keys(), type


def test_every_recorded_event_has_the_documented_keys_and_no_other(log):
    seen: dict[str, set[str]] = {}
    for one in log:
        seen.setdefault(one["type"], set()).update(one["data"])
        assert one["data"].keys() - data_keys(one["type"]) == set(), one["type"]
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
        "source.refused": {"concerns"},
        "lifecycle.announced": {
            "provider",
            "precision",
            "old_precision",
            "kind",
            "replacement",
            "replacement_kind",
            "status",
            "notice_date",
            "trust",
            "note",
            "corroborates",
        },
        "lifecycle.moved": {"provider", "precision", "old_precision", "trust", "note", "corroborates"},
        "lifecycle.withdrawn": {"provider", "old_precision", "trust"},
        "document.changed": {"markers"},
        "incident.changed": {"surface"},
        "model.changed": {"provider"},
        "access.gained": {"note"},
        "access.lost": {"note"},
        "entry.reminded": {"since", "looks", "owners", "escalated"},
        "config.changed": {"denies"},
        "price.changed": {"by", "reason", "via", "note", "correction", "alias_from", "alias_to"},
        "price.listed": {"renamed_from", "note"},
        "price.removed": {"renamed_to"},
        "price.reported": {"note", "correction", "alias_from", "alias_to", "corroborates"},
    }
    for type, keys in seen.items():
        # A condition is recorded only where a page states one, which that of the story does not.
        assert data_keys(type) - keys - {"condition"} == rare.get(type, set()), type


def test_the_example_of_an_event_is_one_of_its_type():
    (example,) = map(json.loads, blocks(page("events"), "json"))
    assert example["data"].keys() <= data_keys(example["type"])
    assert wrong(example["type"], example["stream"], example["data"]) == []
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
        "The daemon": Stream.DAEMON,
        "Tokens": Stream.TOKEN,
        "Gate": Stream.GATE,
    }
    of = {quoted(row[0])[0]: head for head in prefix for row in rows(sections(page("events"), 2)[head])}
    for event in log:
        assert event["stream"].partition("/")[0] == prefix[of[event["type"]]]


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


def test_every_room_is_described_and_the_modules_that_are_named_are_in_it():
    described = {quoted(cells[0])[0].strip("/"): cells[1] for cells in rows(architecture())}
    rooms = {path.parent.name: path.parent for path in (ROOT / "monitor").glob("*/__init__.py")}
    assert set(described) == set(rooms)
    for room, text in described.items():
        modules = {path.stem for path in rooms[room].rglob("*")}
        named = {span for span in quoted(text) if re.fullmatch(r"[a-z_]+", span)}
        assert named - modules == set(), room
    assert sum(len(quoted(text)) for text in described.values()) > 20


@pytest.mark.parametrize("name", ["reliability", "security"])
def test_the_tests_that_a_page_names_are_there(name: str):
    named = set(re.findall(r"`(test_\w+\.py)`", page(name)))
    assert len(named) > 10
    assert named - {path.name for path in (ROOT / "tests").rglob("test_*.py")} == set()


def test_the_page_on_security_is_one_page():
    assert len(page("security").split()) <= 450


# -- the glossary ----------------------------------------------------------


def test_a_term_is_explained_in_one_sentence_and_used_on_the_other_pages():
    terms = dict(rows(page("glossary")))
    assert 20 <= len(terms) <= 30
    assert list(terms) == sorted(terms)
    others = " ".join(path.read_text(encoding="utf-8") for path in READ if path.name != "glossary.md").lower()
    for term, meaning in terms.items():
        assert re.fullmatch(r"[^.?!]+[?]?[^.?!]*\.?\"?", meaning), term
        assert re.search(rf"\b{term}", others), term
