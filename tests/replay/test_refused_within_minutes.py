"""What `bench/detector.py` measures of refused calls, on less: under the shipped configuration the gate denies within
minutes.
"""

from __future__ import annotations

import importlib
import sys
from datetime import timedelta

import pytest
from replayed import ROOT
from sizes import sizes


@pytest.mark.parametrize("draws", sizes(20, 200))
def test_a_model_whose_every_call_is_refused_is_denied_within_eight_minutes(
    monkeypatch: pytest.MonkeyPatch, draws: int
) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "bench"), *sys.path])
    found = importlib.import_module("_refusals").refused(draws, "a test")
    assert len(found.delays) == draws
    assert timedelta(0) < found.median <= found.worst <= timedelta(minutes=8)
