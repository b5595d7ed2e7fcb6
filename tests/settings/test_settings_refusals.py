"""Every mistake is one sentence that names file, key and mend, and no mistake makes a secret appear."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from configurations import MINIMAL, loaded, written

from monitor.core.ports import ConfigurationError
from monitor.settings import InvalidConfiguration, load
from monitor.settings.lines import line_of

KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
LUNA = 'key = "luna"\n'


def refusal(folder: Path, text: str, environ: dict[str, str] | None = None) -> InvalidConfiguration:
    with pytest.raises(InvalidConfiguration) as caught:
        loaded(folder, text, environ)
    assert caught.value.exit_code == 78
    for problem in caught.value.problems:
        assert "\n" not in problem
        assert problem.endswith((".", "?"))
    return caught.value


def problem(folder: Path, text: str, environ: dict[str, str] | None = None) -> str:
    """Return the one problem of a configuration that has one."""
    problems = refusal(folder, text, environ).problems
    assert len(problems) == 1, problems
    return problems[0]


def entry(**keys: object) -> str:
    """Return the minimal configuration with these keys in its entry; None takes a key out."""
    head, _, tail = MINIMAL.partition("[[entry]]")
    lines = {line.partition(" = ")[0]: line for line in tail.strip().splitlines()}
    for key, value in keys.items():
        lines.pop(key, None)
        if value is not None:
            lines[key] = (
                f"{key} = {value if isinstance(value, str) and value.startswith(('{', '[')) else json.dumps(value)}"
            )
    return f"{head}[[entry]]\n" + "\n".join(lines.values()) + "\n"


KEYED = '[[surface]]\nkey = "keyed"\nbase_url = "https://api.example/v1"\nadmin_key = "env:ADMIN"'
"""A surface with an admin key and without a project."""


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"owners": None}, r"entry\[0\]\.owners \('luna'\) is missing; add owners = \[\"platform\"\]"),
        ({"owners": "[]"}, r"entry\[0\]\.owners \('luna'\) is empty; name at least one"),
        ({"owners": '["platfrom"]'}, r"names the owner 'platfrom', who is not declared; did you mean 'platform'\?"),
        ({"owners": '["platform", "platform"]'}, "names something twice"),
        ({"owners": "platform"}, r"must be a list; write owners = "),
        ({"surface": "opnai"}, r"names the surface 'opnai', which is not declared; did you mean 'openai'\?"),
        ({"surface": None}, r'entry\[0\]\.surface \(.luna.\) is missing; add surface = "openai"'),
        ({"surfaces": '{openai = "x"}'}, "is given beside surface or model_id"),
        ({"surface": None, "surfaces": '{openai = "x"}'}, "is given beside surface or model_id"),
        ({"surface": None, "model_id": None, "surfaces": '{codex = "x"}'}, "names the surface 'codex'"),
        ({"surface": None, "model_id": None, "surfaces": "{}"}, "is empty"),
        ({"model_id": ""}, "is empty"),
        ({"model_id": " gpt"}, "exactly as the provider lists it"),
        (
            {"checks_in": '{staging = ["eval"]}'},
            r"checks_in\.staging .*names the check 'eval', which there is not; did you mean 'evals'\?",
        ),
        (
            {"checks_in": '{stagin = ["evals"]}'},
            r"is for an environment that gate\.environments does not name; did you mean 'staging'\?",
        ),
        ({"checks_in": '{production = ["evals"]}'}, r"is what checks = \[…\] says; move them there"),
        ({"checks": '["eval"]'}, r"names the check 'eval', which there is not; did you mean 'evals'\?"),
        ({"tiers": '["standrd"]'}, r"entry\[0\]\.tiers\[0\] .* did you mean 'standard'\?"),
        ({"tiers": "[]"}, "is empty"),
        ({"tiers": '["fast", "priority"]'}, "names something twice"),
        ({"fallback": "lunar"}, "names the entry 'lunar', which is not declared"),
        ({"fallback": "luna"}, "leads back to itself"),
        (
            {"evals": '{suites = ["tools"], baseline = "min"}'},
            r"entry\[0\]\.evals\.baseline .*names 'min', which is no entry",
        ),
        (
            {"evals": '{suites = ["tools"], baseline = "luna"}'},
            r"entry\[0\]\.evals\.baseline .*names 'luna', which is the entry itself",
        ),
        ({"evals": '{suites = [], baseline = "luna"}'}, r"entry\[0\]\.evals\.suites .*is empty"),
        ({"evals": '{suites = ["a", "a"], baseline = "luna"}'}, "names something twice"),
        ({"evals": '{suites = ["tools"]}'}, r"entry\[0\]\.evals\.baseline .*is missing"),
        ({"evals": '{suites = ["tools"], baseline = "luna", samples = -1}'}, r"entry\[0\]\.evals\.samples "),
        ({"evals": '{suites = ["tools"], baseline = "luna", sample = 1}'}, r"did you mean 'samples'\?"),
        ({"grace": "72h"}, "has no effect without callers"),
        ({"grace": "72h", "on_pause": "deny"}, 'has no effect with on_pause = "deny"'),
        ({"release": "June 26"}, r'entry\[0\]\.release .*is not a day; write it as in "2026-06-26"'),
        ({"stage": "beta"}, r"entry\[0\]\.stage .*known are general, preview"),
        ({"announcement": "the blog"}, r"entry\[0\]\.announcement .*is no web address: its scheme"),
        ({"checks": "evals"}, r"entry\[0\]\.checks "),
        ({"checks": '["integratio"]'}, r"did you mean 'integration'\?"),
        ({"on_pause": "allow"}, "known are deny, deny_new"),
        ({"pause_on": "wors"}, r"did you mean 'worse'\?"),
        ({"freshness": "0s"}, "longer than nothing"),
        ({"freshness": "1000d"}, "is longer than 366d"),
        (
            {"owner": '["platform"]'},
            r"entry\[0\]\.owner \('luna'\) is not a key that there is; did you mean 'owners'\?",
        ),
        ({"name": 5}, "must be a text; write it in quotes"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_key_and_the_mend(tmp_path, keys, said):
    sentence = problem(tmp_path, entry(**keys))
    assert re.match(rf"{re.escape(str(tmp_path / 'monitor.toml'))}, line \d+: entry\[0\]", sentence)
    assert re.search(said, sentence), sentence


@pytest.mark.parametrize("key", ["a b", "a?b", "a#b", "a/../b", "..", "", "-x", "/x", "a\tb", "a\u00a0b"])
@pytest.mark.parametrize("table", ["surface", "source", "owner", "entry"])
def test_a_key_that_a_url_or_a_command_line_would_misread_is_refused(tmp_path, table, key):
    head, _, tail = MINIMAL.partition(f"[[{table}]]")
    lines = tail.split("\n")
    index = next(i for i, line in enumerate(lines) if line.startswith("key = "))
    lines[index] = f"key = {json.dumps(key)}"
    assert f"{table}[0].key" in problem(tmp_path, f"{head}[[{table}]]" + "\n".join(lines))


def test_a_key_may_hold_a_slash_and_a_colon(tmp_path):
    assert "openai/gpt-4o:eu" in loaded(tmp_path, entry(key="openai/gpt-4o:eu")).configuration.entries


@pytest.mark.parametrize("table", ["surface", "source", "owner", "entry"])
def test_a_key_stands_once(tmp_path, table):
    _, _, tail = MINIMAL.partition(f"[[{table}]]")
    again = f"[[{table}]]" + tail.partition("[[")[0]
    assert f"{table}[1].key is used already at {table}[0]" in problem(tmp_path, MINIMAL + again)


def test_a_cycle_of_fallbacks_is_told_once_with_its_whole_way(tmp_path):
    rows = "".join(
        f'[[entry]]\nkey = "{key}"\nsurface = "openai"\nowners = ["platform"]\nfallback = "{to}"\n'
        for key, to in (("a", "b"), ("b", "c"), ("c", "b"))
    )
    assert "b → c → b" in problem(tmp_path, MINIMAL + rows)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('kind = "models_lisst"\nsurface = "openai"', r"is not a kind of source; did you mean 'models_list'?"),
        ('kind = "models_list"', 'is missing, and a models_list needs it; add surface = "openai"'),
        ('kind = "models_list"\nsurface = "nope"', "names the surface 'nope'"),
        (
            'kind = "models_list"\nsurface = "openai"\nroutes = ["chat"]',
            "is not a key that a models_list has; leave it out",
        ),
        ('kind = "models_list"\nsurface = "openai"\nevry = "5m"', "did you mean 'every'?"),
        ('kind = "models_list"\nsurface = "openai"\nevery = "0s"', "longer than nothing"),
        ('kind = "models_list"\nsurface = "openai"\nevery = 300', "is not a duration"),
        ('kind = "pricing_page"\nurl = "https://a.example"', 'add provider = "openai"'),
        (
            'kind = "pricing_page"\nurl = "https://a.example"\nprovider = "p"\ntrust = "offical"',
            "did you mean 'official'?",
        ),
        ('kind = "price_feed"\nurl = "https://a.example"', 'add format = "llm_prices"'),
        ('kind = "price_feed"\nurl = "https://a.example"\nformat = "lite_llm"', "did you mean 'litellm'?"),
        (
            'kind = "price_feed"\nurl = "https://a.example"\nformat = "model_eol"',
            "not a format that a price_feed reads",
        ),
        ('kind = "lifecycle_feed"\nurl = "https://a.example"\nformat = "llm_prices"', "a lifecycle_feed reads"),
        ('kind = "behaviour"\nsurface = "openai"\nroutes = ["retreive"]', "did you mean 'retrieve'?"),
        ('kind = "behaviour"\nsurface = "openai"\nroutes = []', "is empty"),
        ('kind = "behaviour"\nsurface = "openai"\nroutes = ["chat", "region"]', "give that region_url"),
        ('kind = "behaviour"\nsurface = "openai"\nmodels = ["gpt-5.6-lune"]', "which no entry has on that surface"),
        ('kind = "admin"\nsurface = "openai"', "which has no admin key"),
        (f'kind = "admin"\nsurface = "keyed"\n{KEYED}', "has no project, and project, rate_limits,"),
        (
            f'kind = "admin"\nsurface = "keyed"\nparts = ["costs", "spend_limit"]\n{KEYED}',
            "and spend_limit belong to one",
        ),
        (
            'kind = "document"\nurl = "https://a.example"\nmakes_stale = ["safety"]',
            "names the check 'safety', which there is not",
        ),
        ('kind = "document"\nurl = "ftp://a.example"', "scheme must be http or https"),
        ('kind = "document"\nurl = "file:///etc/passwd"', "scheme must be http or https"),
        ('kind = "document"\nurl = "https://"', "without a host"),
        ('kind = "document"\nurl = "https://a.example:99999"', "is not a URL"),
        ('kind = "document"\nurl = "https://a b.example"', "with a space"),
        ('kind = "document"\nurl = "https://a.example/#part"', "which no server sees"),
    ],
)
def test_a_wrong_source_is_refused_with_its_key_and_the_mend(tmp_path, source, said):
    sentence = problem(tmp_path, MINIMAL + f'[[source]]\nkey = "another"\n{source}\n')
    assert "source[1]" in sentence
    assert "('another')" in sentence
    assert said in sentence


def test_the_parts_of_an_account_need_no_project(tmp_path):
    source = (
        '[[source]]\nkey = "bills"\nkind = "admin"\nsurface = "keyed"\nparts = ["usage", "costs", '
        f'"audit_log"]\n{KEYED}\n'
    )
    sources = loaded(tmp_path, MINIMAL + source).configuration.sources
    assert [key for key in sources if key.startswith("bills")] == [
        "bills/usage",
        "bills/costs",
        "bills/audit_log",
    ]
    costs = sources["bills/costs"]
    assert (costs.provider, costs.url, costs.option("part")) == (
        "keyed",
        "https://api.example/v1/organization",
        "costs",
    )
    assert costs.billed
    assert costs.prices


def test_the_key_of_a_source_cannot_hold_what_replay_splits_at(tmp_path):
    assert '"="' in problem(tmp_path, MINIMAL.replace('"openai-models"', '"a=b"'))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gaet]\n", "gaet is not a key that there is; did you mean 'gate'?"),
        ("[[entries]]\n", "entries is not a key that there is; did you mean 'entry'?"),
        ('[gate]\nleese = "1h"\n', "gate.leese is not a key that there is; did you mean 'lease'?"),
        ("[[gate]]\n", "gate must be a table; write [gate] once"),
        ('[database]\nurl = "mysql://h/d"\n', "database.url is no database"),
        (
            "[confirmation]\nabsence = {polls = 0, span = '1m'}\n",
            "confirmation.absence.polls is too small; write at least 1",
        ),
        ("[confirmation]\nabsence = {polls = 2}\n", 'confirmation.absence.span is missing; add span = "30m"'),
        ("[confirmation]\nabsence = 3\n", "confirmation.absence must be a table"),
        ("[run]\nworkers = 'many'\n", "run.workers must be a whole number"),
        ("[run]\nworkers = 100000\n", "run.workers is too large; write at most 256"),
        ("[budget]\nper_day = '-1'\n", "budget.per_day is not an amount of USD"),
        ("[budget]\nper_day = 'NaN'\n", "budget.per_day is not an amount of USD"),
        ("[budget]\nper_day = true\n", "budget.per_day is not an amount of USD"),
        ("[network]\nallow = ['http://127.0.0.1']\n", "network.allow[0] is not a host"),
        ("[network]\nallow = ['127.0.0.1:80']\n", "network.allow[0] is not a host"),
        ("[web]\nlisten = '8787'\n", "web.listen is not an address to listen on"),
        ("[web]\nlisten = 'localhost:99999'\n", "web.listen is not an address to listen on"),
        ("[web]\nlisten = '::1:80'\n", "web.listen is not an address to listen on"),
        ("[web]\nlisten = '0.0.0.0:8787'\n", "web.listen is not a loopback address, and there are no tokens"),
        ("[web]\ntokens = ['hunter2']\n", "web.tokens[0] must be a reference"),
        ("[web]\norigins = ['*']\n", "web.origins[0] is not the origin of a page; write scheme"),
        (
            "[web]\norigins = ['https://app.example.com/page']\n",
            "web.origins[0] is not the origin of a page; write scheme",
        ),
        ("[web]\norigins = ['https://a.example', 'https://A.example:443']\n", "web.origins names something twice"),
        ("[gate]\nenvironments = ['prod']\n", 'gate.environments must hold "production"'),
        ("[gate]\nenvironments = ['production', '../x']\n", "gate.environments[1] is the name of a lease file"),
        ("[notify]\ntimezone = 'Mars/Base'\n", "notify.timezone is not a time zone"),
        ("[notify]\ntimezone = '../../etc/passwd'\n", "notify.timezone is not a time zone"),
        ("[heartbeat]\nurl = 'https://hc.example/uuid'\n", "heartbeat.url must be a reference"),
    ],
)
def test_a_wrong_section_is_refused_with_its_key_and_the_mend(tmp_path, text, said):
    assert said in problem(tmp_path, text + MINIMAL)


@pytest.mark.parametrize("table", ["surface", "source", "owner", "entry"])
def test_one_table_where_a_list_of_tables_is_due_is_said_so(tmp_path, table):
    assert f"write [[{table}]] above each" in problem(tmp_path, MINIMAL.replace(f"[[{table}]]", f"[{table}]"))


def test_several_problems_are_told_as_the_first_and_their_number_and_all_are_kept(tmp_path):
    error = refusal(tmp_path, entry(owners='["nobody"]', surface="nowhere", checks='["nothing"]'))
    assert len(error.problems) == 3
    assert str(error).startswith(error.problems[0].rstrip("."))
    assert str(error).endswith("(and 2 more: `access-monitor config check` shows all).")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ACCESS_MONITOR__GATE__LEESE", "1h", "names no setting; did you mean 'ACCESS_MONITOR__GATE__LEASE'?"),
        ("ACCESS_MONITOR__NOTHING__LIKE_IT", "1", "names no setting"),
        ("ACCESS_MONITOR__GATE", "1", "names no setting"),
        ("ACCESS_MONITOR__ENTRY__0__KEY", "x", "[[entry]] is a list of tables and is set in the file only"),
        ("ACCESS_MONITOR__GATE__LEASE", "", "ACCESS_MONITOR__GATE__LEASE is not a duration"),
        ("ACCESS_MONITOR__RUN__WORKERS", "x", "ACCESS_MONITOR__RUN__WORKERS must be a whole number"),
        ("ACCESS_MONITOR__WEB__LISTEN", "0.0.0.0:1", "ACCESS_MONITOR__WEB__LISTEN is not a loopback address"),
        ("ACCESS_MONITOR__HEARTBEAT__URL", KEY, "ACCESS_MONITOR__HEARTBEAT__URL holds what looks like a secret"),
    ],
)
def test_a_variable_is_refused_under_its_own_name(tmp_path, name, value, said):
    sentence = problem(tmp_path, MINIMAL, {name: value})
    assert sentence.startswith("The environment variable ACCESS_MONITOR__")
    assert said in sentence
    assert KEY not in sentence


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("gate = 3\n", "GATE__LEASE"),
        ("[[gate]]\n", "GATE__LEASE"),
        ("confirmation = []\n", "CONFIRMATION__ABSENCE__POLLS"),
        ('[confirmation]\nabsence = "3"\n', "CONFIRMATION__ABSENCE__POLLS"),
    ],
)
def test_what_should_be_a_table_is_refused_even_where_a_variable_sets_a_key_in_it(tmp_path, text, variable):
    assert "must be a table" in problem(tmp_path, text + MINIMAL, {f"ACCESS_MONITOR__{variable}": "5"})


def test_what_should_be_the_table_of_the_database_is_refused_even_with_the_option(tmp_path):
    with pytest.raises(InvalidConfiguration, match="database must be a table"):
        load(written(tmp_path, 'database = "x.db"\n' + MINIMAL), {}, "y.db")


@pytest.mark.parametrize("name", ["Gate", "GATE", "layers", "self", "_env_file"])
def test_a_section_in_another_spelling_is_refused_and_not_taken_for_one_that_there_is(tmp_path, name):
    text = f'[{name}]\nlease = "1h"\n[gate]\nlease = "2h"\n'
    assert f"{name} is not a key that there is" in problem(tmp_path, text + MINIMAL)


def test_what_a_variable_replaces_is_not_judged_and_never_blamed_on_the_variable(tmp_path):
    text = f'[gate]\nlease = "soon"\n[web]\ntokens = ["{KEY}"]\n' + MINIMAL
    environ = {"ACCESS_MONITOR__GATE__LEASE": "2h", "ACCESS_MONITOR__WEB__TOKENS": "env:A"}
    assert loaded(tmp_path, text, environ).web.tokens == ("env:A",)
    assert "web.tokens[0] holds what looks like a secret" in refusal(tmp_path, text).problems[0]


@pytest.mark.parametrize("value", [KEY, f"env:A,{KEY}", f'["env:A", "{KEY}"]'])
def test_a_secret_in_a_list_of_a_variable_is_refused_once_under_the_variable(tmp_path, value):
    sentence = problem(tmp_path, MINIMAL, {"ACCESS_MONITOR__WEB__TOKENS": value})
    assert "The environment variable ACCESS_MONITOR__WEB__TOKENS holds what looks like a secret" in sentence
    assert KEY not in sentence


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL.replace("env:OPENAI_API_KEY", KEY),
        MINIMAL.replace("env:OPENAI_API_KEY", "sk-1"),
        MINIMAL.replace("env:OPENAI_API_KEY", f"env:{KEY}"),
        MINIMAL.replace("env:OPENAI_API_KEY", f"file:{KEY}"),
        MINIMAL.replace("env:OPENAI_API_KEY", "hunter2"),
        MINIMAL.replace("env:SLACK_URL", KEY),
        MINIMAL.replace("env:SLACK_URL", "hunter2"),
        MINIMAL.replace("https://api.openai.com/v1", f"https://user:{KEY}@api.openai.com/v1"),
        MINIMAL.replace("https://api.openai.com/v1", "https://user:hunter2@api.openai.com/v1"),
        MINIMAL.replace("https://api.openai.com/v1", f"{KEY}"),
        MINIMAL.replace('surface = "openai"', f'surface = "{KEY}"'),
        MINIMAL.replace('key = "luna"', f'key = "{KEY}"'),
        MINIMAL + f'use = "{KEY}"\n',
        MINIMAL + f'{KEY} = "x"\n',
        MINIMAL + f'on_pause = "{KEY}"\n',
        f'[gate]\nlease = "{KEY}"\n' + MINIMAL,
        f'[run]\nworkers = "{KEY}"\n' + MINIMAL,
    ],
)
def test_a_secret_written_literally_is_refused_and_never_echoed(tmp_path, text):
    error = refusal(tmp_path, text)
    told = repr(error) + str(error) + "".join(error.problems)
    assert KEY not in told
    assert "hunter2" not in told
    assert "sk-1" not in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gate]\nlease = \n", "line 2, column 9"),
        ('[gate]\nlease = "1h', "line 2, column 12"),
        ("[gate]\n[gate]\n", "line 2"),
    ],
)
def test_what_is_not_toml_is_refused_with_line_and_column(tmp_path, text, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        loaded(tmp_path, text)
    assert str(tmp_path / "monitor.toml") in str(caught.value)


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.toml does not exist"):
        load(tmp_path / "none.toml", {})
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load(tmp_path, {})
    (tmp_path / "latin.toml").write_bytes(b"# ok\n# caf\xe9\n")
    with pytest.raises(ConfigurationError, match="not UTF-8 at line 2"):
        load(tmp_path / "latin.toml", {})


def test_a_named_file_that_is_missing_is_not_replaced_by_another_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/monitor.toml").write_text(MINIMAL)
    with pytest.raises(ConfigurationError, match=r"gone\.toml does not exist"):
        load(None, {"ACCESS_MONITOR_CONFIG": "gone.toml"})


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything: this needs an unprivileged user")
def test_a_file_without_permission_is_named_with_the_reason(tmp_path):
    path = written(tmp_path, MINIMAL)
    path.chmod(0)
    with pytest.raises(ConfigurationError, match="cannot be read: Permission denied"):
        load(path, {})


def test_an_empty_file_is_a_configuration_that_watches_nothing(tmp_path):
    assert not loaded(tmp_path, "").configuration.sources


def test_a_project_that_no_header_may_carry_is_refused_before_anything_asks_with_it(tmp_path):
    text = MINIMAL.replace("[[surface]]\n", '[[surface]]\nproject = "proj_…"\n', 1)
    assert "no HTTP header may carry" in problem(tmp_path, text)


@pytest.mark.parametrize(
    ("location", "line"),
    [
        (("gate", "lease"), 2),
        (("gate",), 1),
        (("entry", 0, "key"), 4),
        (("entry", 1, "owners", 0), 7),
        (("entry", 1, "fallback"), 5),
        (("entry", 1, "evals", "samples"), 8),
        (("web", "listen"), None),
    ],
)
def test_the_line_of_a_key_is_the_one_in_its_own_table(location: tuple[str | int, ...], line: int | None) -> None:
    text = '[gate]\nlease = "6h"\n[[entry]]\nkey = "a"\n[[entry]] # b\nkey = "b"\nowners = []\n'
    text += "[entry.evals]\nsamples = 1\n"
    assert line_of(text, location) == line
