"""The systemd service: accepted by systemd's own checks, confined, and in step with the configuration it runs."""

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
MOST_EXPOSURE = 2.0


def keys(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The service as a checkout would run it: verify wants the program to exist."""
    path = tmp_path / "access-monitor.service"
    path.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", UNIT, flags=re.MULTILINE))
    return path


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed: the service is not checked by systemd here")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_systemd_accepts_the_service(unit):
    result = analyze("verify", str(unit))
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_the_exposure_of_the_service_is_low(unit):
    result = analyze("security", "--offline=true", "--no-pager", str(unit))
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", result.stdout)
    assert found, result.stdout + result.stderr
    assert float(found[1]) <= MOST_EXPOSURE


def test_the_service_waits_longer_than_the_running_looks_may_take():
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
    command = re.search(r"^sed '(.*)' monitor\.toml > /etc/access-monitor/monitor\.toml$", OPERATING, re.MULTILINE)
    assert command, "the installation sets state_dir"
    installed = tmp_path / "monitor.toml"
    edit = ["sed", command[1], str(ROOT / "config/monitor.toml")]
    installed.write_text(subprocess.run(edit, capture_output=True, text=True, check=True).stdout)
    settings = load(installed, {})
    assert settings.folder == state
    assert f"BindReadOnlyPaths=/var/lib/private/access-monitor/{settings.lease_dir.relative_to(state)}:" in UNIT
    assert f"`{state}/var/monitor.db`" in OPERATING
    assert str(state) in (ROOT / "README.md").read_text()


def test_no_secret_and_no_environment_file_stands_in_the_service():
    assert not keys("EnvironmentFile")
    assert not re.search("KEY=|TOKEN=|PASSWORD=", UNIT)
