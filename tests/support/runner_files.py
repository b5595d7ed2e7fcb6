"""Files as the runners write them, cut to what is read and what could be mistaken for it."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from typing import Any

from monitor.core import zstd

LUNA = "gpt-5.6-luna"
MINI = "gpt-5.4-mini"


def promptfoo_row(provider: Any, success: bool, *, suite: str = "", score: float | None = None, **more: Any) -> Any:
    return {
        "provider": {"id": provider, "label": ""} if isinstance(provider, str) else provider,
        "success": success,
        "score": float(success) if score is None else score,
        "failureReason": 0 if success else 1,
        "error": None if success else 'Expected output to contain "112"',
        "namedScores": {},
        "response": {"output": "…"},
        "testCase": {"vars": {}, "metadata": {"suite": suite} if suite else {}},
        **more,
    }


def promptfoo(*rows: Any, version: int = 3) -> bytes:
    summary = {"version": version, "timestamp": "2026-07-30T12:00:00.000Z", "results": list(rows), "stats": {}}
    return json.dumps({"evalId": "eval-1", "results": summary, "config": {}, "shareableUrl": None}).encode()


def inspect_log(
    model: str = f"openai/{LUNA}", *, task: str = "popularity", status: str = "success", **more: Any
) -> Any:
    metrics = {
        "accuracy": {"name": "accuracy", "value": 0.7, "params": {}},
        "stderr": {"name": "stderr", "value": 0.046},
    }
    results = {
        "total_samples": 100,
        "completed_samples": 98,
        "scores": [{"name": "match", "scorer": "match", "reducer": "mean", "metrics": metrics}],
    }
    spec = {"run_id": "r", "task": task, "model": model, "dataset": {}, "config": {}}
    return {"version": 2, "status": status, "eval": spec, "plan": {}, "results": results, "stats": {}, **more}


def archive(header: Any | None, *, zstandard: bool = False, name: str = "header.json") -> bytes:
    """Return an `.eval` archive: deflated, or with Zstandard as newer versions write it, which `zipfile` cannot write
    before 3.14.
    """
    content = b"" if header is None else json.dumps(header).encode()
    if zstandard:
        return _zstandard_zip(name.encode(), content)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as whole:
        whole.writestr("_journal/start.json", "{}")
        if header is not None:
            whole.writestr(name, content)
    return packed.getvalue()


def _zstandard_zip(name: bytes, content: bytes) -> bytes:
    from zlib import crc32

    half = len(content) // 2
    pack = zstd.compress
    packed = pack(content[:half]) + pack(content[half:])  # large members are written as several frames
    common = struct.pack("<HHHHHIII", 20, 0, 93, 0, 0x21, crc32(content), len(packed), len(content))
    local = b"PK\x03\x04" + common + struct.pack("<HH", len(name), 0) + name
    central = (
        b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    )
    at = len(local) + len(packed)
    return local + packed + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), at, 0)


def record_log(*models: str, report: Any = None, ended: bool = True, samples: int = 3) -> bytes:
    lines: list[Any] = [{"spec": {"completion_fns": list(models), "eval_name": "test-match.s1", "run_id": "2607"}}]
    if ended:  # in this order: oaieval writes the report before the events that it still holds
        lines.append({"final_report": {"accuracy": 1 / 3} if report is None else report})
    lines += [
        {"run_id": "2607", "event_id": n, "sample_id": f"s.{n}", "type": "match", "data": {}} for n in range(samples)
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def api_run(model: str = LUNA, *, status: str = "completed", passed: int = 9, failed: int = 1, errored: int = 2) -> Any:
    return {
        "object": "eval.run",
        "id": f"evalrun_{model}",
        "eval_id": "eval_1",
        "model": model,
        "name": "nightly",
        "status": status,
        "result_counts": {"total": passed + failed + errored, "errored": errored, "failed": failed, "passed": passed},
        "per_testing_criteria_results": [{"testing_criteria": "exact match", "passed": passed, "failed": failed}],
        "per_model_usage": [],
    }
