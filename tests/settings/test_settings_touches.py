"""What an entry touches, as the file states it."""

from __future__ import annotations

from pathlib import Path

import pytest
from configurations import MINIMAL, loaded

from monitor.core.ports import ConfigurationError


def test_what_an_entry_touches_is_read(tmp_path: Path) -> None:
    settings = loaded(tmp_path, MINIMAL + 'touches = ["agents", "dual_use_cyber"]\n')
    assert settings.configuration.entries["luna"].touches == ("agents", "dual_use_cyber")
    assert loaded(tmp_path).configuration.entries["luna"].touches == ()


def test_what_an_entry_touches_is_read_by_caller(tmp_path: Path) -> None:
    luna = loaded(tmp_path, MINIMAL + 'touches = { vuln-scanner = ["security_triage"], agent = [] }\n')
    spec = luna.configuration.entries["luna"]
    assert (spec.touches, spec.touches_by) == ((), {"vuln-scanner": ("security_triage",), "agent": ()})


@pytest.mark.parametrize(
    ("touches", "said"),
    [
        ('["agent"]', "did you mean 'agents'?"),
        ('["agents", "agents"]', "names something twice"),
        ('"agents"', "entry[0].touches"),
        ('{ scanner = ["agent"] }', "entry[0].touches.scanner"),
        ('{ scanner = ["agents", "agents"] }', "names something twice"),
        ('{ "" = ["agents"] }', "is for a caller without a name"),
    ],
)
def test_a_use_that_there_is_not_is_refused_with_its_place(tmp_path: Path, touches: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        loaded(tmp_path, MINIMAL + f"touches = {touches}\n")
    assert said in str(refused.value)
    assert "touches" in str(refused.value)
