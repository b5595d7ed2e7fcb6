"""The house rules that a reader cannot check at a glance: sizes, layers, what is tracked, what is pinned, what is
documented.
"""

from __future__ import annotations

import ast
import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.settings import load, schema
from monitor.sources.catalog import BUILTIN

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def tracked() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this needs a git checkout: it looks at tracked files only")
    names = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **environment}
    )


def test_every_module_says_why_it_exists():
    modules = [path for path in (ROOT / "monitor").rglob("*.py") if path.stat().st_size]
    assert [str(path) for path in modules if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_the_layers_hold():
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.skip("import-linter is not installed beside this interpreter: run `make test`")
    result = run(str(linter), "--no-cache")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture
def house(monkeypatch):
    """Provide the means by which `bench/house.py` measures the package."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "bench"), *sys.path])
    return importlib.import_module("house")


@pytest.fixture
def trees(house):
    """Provide the syntax of every module."""
    return [ast.parse(path.read_text(encoding="utf-8")) for path in house.modules(ROOT)]


def test_a_class_name_means_one_thing(house, trees):
    assert len(trees) > 100
    assert house.class_names(trees) == []


def test_local_names_say_what_they_are(house, trees):
    names = Counter(house.local_names(trees))
    assert sum(names[name] for name in house.BARE) < names.total() / 100


def test_no_registry_and_no_path_of_a_machine_is_tracked():
    # Put together here, or this file would be the first to be found.
    hosts = ["py" + "pi.org", "python" + "hosted", "registry.npm" + "js", "deb.deb" + "ian"]
    machine = r"(?:^|[^A-Za-z0-9_.])/(?:" + "|".join(["wo" + "rk", "fa" + "rm", "ro" + "ot"]) + ")/"
    pattern = re.compile("|".join([*map(re.escape, hosts), machine]), re.MULTILINE)
    found = [
        f"{path.relative_to(ROOT)}: {match[0].strip()}"
        for path in tracked()
        if path.suffix not in {".svg", ".png", ".zst", ".gz"}
        and (match := pattern.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert found == []


def test_nothing_unfinished_is_tracked_in_the_package():
    words = re.compile("TO" + "DO|FIX" + "ME|NotImplemented" + "Error")
    sources = [path for path in tracked() if path.suffix == ".py"]
    assert [str(path.relative_to(ROOT)) for path in sources if words.search(path.read_text())] == []


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements() -> Iterator[str]:
    extras = PROJECT["project"].get("optional-dependencies", {})
    for line in (
        *PROJECT["project"]["dependencies"],
        *(line for lines in extras.values() for line in lines),
        *(line for lines in PROJECT["dependency-groups"].values() for line in lines),
        *PROJECT["build-system"]["requires"],
    ):
        yield normal(re.match(r"[A-Za-z0-9._-]+", line)[0])


def test_every_dependency_is_pinned_exactly():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line)] == []
    pinned = {normal(line.partition("==")[0]) for line in lines}
    assert set(requirements()) - pinned == set()
    assert len(pinned) == len(lines)


def test_a_range_that_shuts_out_a_version_says_why():
    lines = [line for line in (ROOT / "pyproject.toml").read_text().splitlines() if re.match(r' +"[\w.\[\]-]+>=', line)]
    closed = [line for line in lines if "<" in line.partition(";")[0].partition("#")[0]]
    # httpx2 goes with httpcore2, whose reason stands in the line above it.
    assert {line.split('"')[1] for line in closed if "#" not in line} == {"httpx2>=2.12,<3"}
    assert len(lines) > 20


def test_what_the_pinned_dependencies_need_is_pinned_as_well():
    from importlib.metadata import PackageNotFoundError, requires

    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {normal(line.partition("==")[0]) for line in lines if not line.startswith("#")}
    missing = set()
    for name in sorted(pinned):
        try:
            needs = requires(name) or []
        except PackageNotFoundError:  # build tools stand in the constraints and need not stand in this environment
            continue
        # A requirement with a marker may be for an extra or for another system.
        missing |= {normal(re.match(r"[A-Za-z0-9._-]+", need)[0]) for need in needs if ";" not in need} - pinned
    assert missing == set()


def test_the_shipped_configuration_loads_and_watches_what_replay_names():
    configuration = load(ROOT / "config/monitor.toml", {}).configuration
    assert {"openai-models", "openai-pricing", "llm-prices"} <= configuration.sources.keys()
    assert configuration.sources["openai-pricing"].trust == "official"
    assert configuration.sources["llm-prices"].trust == "third_party"
    assert {"gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna"} <= configuration.entries.keys()
    for key, entry in configuration.entries.items():
        assert entry.key == entry.model_id == key


def test_what_the_shipped_configuration_gives_as_defaults_are_the_defaults(tmp_path):
    (tmp_path / "empty.toml").write_text("")
    shipped, bare = load(ROOT / "config/monitor.toml", {}), load(tmp_path / "empty.toml", {})
    lists = {"surface", "source", "owner", "entry"}
    shipped.document["run"].pop("state_dir")  # the checkout's own: where its files are is no default
    assert {k: v for k, v in shipped.document.items() if k not in lists} == {
        k: v for k, v in bare.document.items() if k not in lists
    }


def settings() -> Iterator[tuple[str, str]]:
    definitions = schema()["$defs"]
    for section, field in schema()["properties"].items():
        reference = field.get("$ref") or field["items"]["$ref"]
        for key in definitions[reference.rpartition("/")[2]]["properties"]:
            yield section, key


@pytest.mark.parametrize(("section", "key"), list(settings()))
def test_every_setting_stands_in_the_shipped_configuration_if_only_as_a_comment(section, key):
    text = (ROOT / "config/monitor.toml").read_text()
    blocks = re.split(r"^(?:# )?(?=\[)", text, flags=re.MULTILINE)
    own = [block for block in blocks if re.match(rf"\[\[?{section}\]", block)]
    assert any(re.search(rf"^(?:# )*{key} = ", block, re.MULTILINE) for block in own)


def test_every_example_that_is_commented_out_is_one_that_loads(tmp_path):
    text = (ROOT / "config/monitor.toml").read_text()
    # A commented line `key = …` within a table is an alternative; a commented table is one to switch on.
    spare = re.findall(r"^# (\[\[(?:source|surface)\]\](?: .*)?\n(?:# [a-z_]+ = .*\n)+)", text, re.MULTILINE)
    assert len(spare) == 8
    # A source of kind admin needs both, and "proj_…" is no id.
    text = text.replace("# admin_key", "admin_key").replace('# project = "proj_…"', 'project = "proj_1"')
    (tmp_path / "all.toml").write_text(text + "".join(block.replace("\n# ", "\n") for block in spare))
    loaded = load(tmp_path / "all.toml", {}).configuration.sources
    assert {"openai-calls/gpt-5.6-sol/responses", "openai-admin/costs", "openai-system-card"} <= loaded.keys()
    assert {spec.kind for spec in loaded.values()} == set(BUILTIN)
    luna = text.index('key = "gpt-5.6-luna"')
    other = re.sub(
        r"^# (grace|freshness|price_freshness)",
        r"\1",
        text[luna:],
        flags=re.MULTILINE,
    )
    (tmp_path / "grace.toml").write_text(text[:luna] + other)
    entry = load(tmp_path / "grace.toml", {}).configuration.entries["gpt-5.6-luna"]
    assert (entry.on_pause, entry.callers) == ("deny_new", ("support-agent",))


def test_the_makefile_names_its_targets_and_runs_nothing_to_say_so():
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    for target in (
        "run",
        "test",
        "test-fast",
        "proof",
        "faults",
        "golden",
        "docs",
        "pictures",
        "test-peers",
        "bench",
        "lint",
        "clean",
    ):
        result = run(make, "--dry-run", target)
        assert result.returncode == 0, result.stderr


def test_an_interpreter_that_is_too_old_is_refused_in_one_sentence():
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    result = run(make, "PYTHON=", "VENV=none-here", "none-here/.installed")
    assert result.returncode != 0
    assert "needs Python 3.11 or newer" in result.stderr
    assert not (ROOT / "none-here").exists()
