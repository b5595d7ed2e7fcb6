"""The systemd units: accepted by systemd's own checks, confined, and in step with the configuration they run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.settings import durations, load

ROOT = Path(__file__).parents[2]
UNIT = (ROOT / "systemd/access-monitor.service").read_text()
OPERATING = (ROOT / "docs/operating.md").read_text()
UNITS = sorted(path.name for path in (ROOT / "systemd").glob("*.*") if path.is_file())
SERVICES = [name for name in UNITS if name.endswith(".service")]
MOST_EXPOSURE = 1.1


def keys(name: str, unit: str = UNIT) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", unit, re.MULTILINE)


def text_of(unit: str) -> str:
    return (ROOT / "systemd" / unit).read_text()


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Provide the units as a checkout would run them: verify wants the program to exist."""
    for name in UNITS:
        (tmp_path / name).write_text(text_of(name).replace("/opt/access-monitor/.venv/bin/access-monitor", "/bin/true"))
    return tmp_path


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed: the service is not checked by systemd here")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_systemd_accepts_the_units(units):
    result = analyze("verify", *(str(units / name) for name in UNITS))
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


@pytest.mark.parametrize("service", SERVICES)
def test_the_exposure_of_each_service_is_low(units, service):
    result = analyze("security", "--offline=true", "--no-pager", str(units / service))
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", result.stdout)
    assert found, result.stdout + result.stderr
    assert float(found[1]) <= MOST_EXPOSURE


@pytest.mark.parametrize("timer", [name for name in UNITS if name.endswith(".timer")])
def test_each_timer_starts_a_service_that_is_here_at_times_that_systemd_reads(timer):
    assert timer.replace(".timer", ".service") in SERVICES
    (when,) = keys("OnCalendar", text_of(timer))
    result = analyze("calendar", when)
    assert result.returncode == 0, result.stderr
    assert keys("Persistent", text_of(timer)) == ["yes"], "what a suspended machine missed is made up for"


def test_the_services_share_one_user_its_state_and_their_confinement():
    shared = ("User", "DynamicUser", "StateDirectory", "Environment", "UMask", "CapabilityBoundingSet")
    for service in SERVICES:
        for name in (*shared, "ProtectSystem", "NoNewPrivileges", "SystemCallFilter", "MemoryDenyWriteExecute"):
            assert keys(name, text_of(service)) == keys(name), (service, name)
    assert keys("LoadCredential", text_of("access-monitor-poll.service")) == keys("LoadCredential")
    assert keys("Conflicts", text_of("access-monitor-poll.service")) == ["access-monitor.service"]


@pytest.mark.slow
def test_the_commands_of_the_one_shot_services_are_taken_by_the_program(tmp_path):
    config = tmp_path / "monitor.toml"
    config.write_text((ROOT / "config/monitor.toml").read_text())
    program = str(Path(sys.executable).with_name("access-monitor"))
    for service in SERVICES:
        (start,) = keys("ExecStart", text_of(service))
        for name in ("run", "poll --deliver", "db backup"):
            if f"monitor.toml {name}" in start:
                words = [program, "--config", str(config), *name.split(), "--help"]
                done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
                assert done.returncode == 0, (service, done.stderr)
                break
        else:
            pytest.fail(f"{service} starts what this test does not know: {start}")
    line = keys("ExecStart", text_of("access-monitor-backup.service"))[0].replace("$$", "$").replace("%%", "%")
    named = re.search(r"db backup \"(.*)\"'", line)
    assert named
    written = subprocess.run(["/bin/sh", "-c", f'echo "{named[1]}"'], capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"backup/monitor-\d{4}-\d\d-\d\dT\d{6}Z\.db\n", written)


def test_tmpfiles_and_sysusers_are_taken_by_systemd(tmp_path):
    for program, file in (("systemd-tmpfiles", "tmpfiles.d"), ("systemd-sysusers", "sysusers.d")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: {file} is not checked by systemd here")
        (tmp_path / "etc").mkdir(exist_ok=True)
        words = [program, *(["--create"] if file == "tmpfiles.d" else []), f"--root={tmp_path}"]
        path = str(ROOT / "systemd" / file / "access-monitor.conf")
        done = subprocess.run([*words, path], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "etc/access-monitor/credentials").stat().st_mode & 0o777 == 0o700
    assert "access-monitor:" in (tmp_path / "etc/passwd").read_text()


def test_the_service_waits_longer_than_the_running_polls_may_take():
    drain = load(ROOT / "config/monitor.toml", {}).run.drain
    (stop,) = keys("TimeoutStopSec")
    assert durations.parse(stop) > drain


def test_the_service_gives_a_credential_for_every_secret_that_the_shipped_configuration_refers_to():
    configuration = load(ROOT / "config/monitor.toml", {}).configuration
    references = {surface.api_key for surface in configuration.surfaces.values()}
    references |= {url for owner in configuration.owners.values() for url in owner.destinations}
    given = {f"env:{value.partition(':')[0]}" for value in keys("LoadCredential")}
    assert references <= given


def test_the_service_reports_readiness_is_watched_and_reloads_on_hup():
    assert keys("Type") == ["notify"]
    assert keys("WatchdogSec")
    assert keys("ExecReload") == ["/bin/kill -HUP $MAINPID"]
    assert keys("DynamicUser") == ["yes"]
    assert keys("RestartPreventExitStatus") == ["78"]


def test_relative_paths_count_from_the_same_folder_in_the_service_its_installation_and_the_checkout(tmp_path):
    state = Path("/var/lib") / keys("StateDirectory")[0]
    assert f"ACCESS_MONITOR__RUN__STATE_DIR={state}" in keys("Environment")
    assert f'state_dir = "{state}"' in UNIT
    shipped = load(ROOT / "config/monitor.toml", {})
    assert (shipped.folder, shipped.lease_dir) == (ROOT, ROOT / "var/lease")
    command = re.search(
        r"^sed '(.*)' config/monitor\.toml > /etc/access-monitor/monitor\.toml$", OPERATING, re.MULTILINE
    )
    assert command, "the installation sets state_dir"
    installed = tmp_path / "monitor.toml"
    edit = ["sed", command[1], str(ROOT / "config/monitor.toml")]
    installed.write_text(subprocess.run(edit, capture_output=True, text=True, check=True).stdout)
    settings = load(installed, {})
    assert settings.folder == state
    assert f"BindReadOnlyPaths=/var/lib/private/access-monitor/{settings.lease_dir.relative_to(state)}:" in UNIT
    assert f"`{state}/var/monitor.db`" in OPERATING
    assert str(state) in (ROOT / "README.md").read_text()


def installation() -> list[str]:
    """Return the lines of the operator's guide that install the service, in their order."""
    text = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    wanted = [block for block in blocks if "/opt/access-monitor" in block or "systemctl enable" in block]
    return "".join(wanted).splitlines()


def test_the_installation_puts_everything_where_the_service_looks_for_it(tmp_path: Path):
    lines = installation()
    (start,) = keys("ExecStart")
    assert f"python3 -m venv {start.partition('/bin/')[0]}" in lines
    assert any(line.startswith(f"{start.partition('/bin/')[0]}/bin/pip install ") for line in lines)
    assert lines.index("systemctl daemon-reload") < lines.index("systemctl enable --now access-monitor")
    for line in lines:
        if line.startswith(("install ", "sed ", "access-monitor ")):
            moved = re.sub(r"(?<= )/(etc|opt|usr)/", rf"{tmp_path}/\1/", line)
            moved = re.sub(r"^access-monitor", str(Path(sys.executable).with_name("access-monitor")), moved)
            (tmp_path / "etc/systemd/system").mkdir(parents=True, exist_ok=True)
            done = subprocess.run(
                ["/bin/sh", "-c", moved],
                input="a-secret\n",
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, (line, done.stderr)
    named = [value.partition(":")[2] for value in keys("LoadCredential")]
    named.append(start.split("--config ")[1].split()[0])
    for place in named:
        assert (tmp_path / place.removeprefix("/")).is_file(), place
    folder = tmp_path / "etc/access-monitor/credentials"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert {file.read_text() for file in folder.iterdir()} == {"a-secret\n"}


@pytest.mark.parametrize("service", SERVICES)
def test_no_secret_and_no_environment_file_stands_in_a_service(service):
    assert not keys("EnvironmentFile", text_of(service))
    assert not re.search("KEY=|TOKEN=|PASSWORD=", text_of(service))
