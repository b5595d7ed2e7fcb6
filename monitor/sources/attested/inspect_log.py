"""Logs of inspect-ai: one task with one model, as JSON or as an `.eval` archive, whose `header.json` is all that is
read.

The archives of newer versions are compressed with Zstandard, which `zipfile` reads only from Python 3.14 on.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

from monitor.core import zstd
from monitor.core.eval_results import Results, Score, spelled
from monitor.sources.attested.values import count, number, rows, table, text
from monitor.sources.extraction import Unreadable

FORMAT = "inspect-ai"

ARCHIVE = b"PK\x03\x04"
"""How every archive begins."""

HEADER = "header.json"
"""The part of an archive that holds everything but the samples; it is written when the run has ended."""

LARGEST = 20_000_000
"""Bytes that the header may have; an archive of a few kilobytes can unfold to more than any memory holds."""

_ZSTANDARD = 93
_LOCAL = struct.Struct("<4s5H3I2H")


def header(content: bytes) -> bytes:
    """Return the `header.json` of an archive.

    Raises:
        Unreadable: there is none that can be read.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            info = archive.getinfo(HEADER)
            data = _zstandard(content, info) if info.compress_type == _ZSTANDARD else _plain(archive, info)
    except KeyError as error:
        raise Unreadable(
            f"it is an archive without a {HEADER}: no log of inspect-ai, or of a run that has not ended"
        ) from error
    except (zipfile.BadZipFile, zlib.error, zstd.ZstdError, struct.error, EOFError) as error:
        raise Unreadable("it is an archive that is cut or damaged") from error
    except RuntimeError as error:  # also of a compression that the standard library does not have
        raise Unreadable(
            f"its {HEADER} is encrypted, or compressed in a way that this program does not know"
        ) from error
    if len(data) > LARGEST:
        raise Unreadable(f"its {HEADER} is larger than {LARGEST // 1_000_000} MB")
    return data


def _plain(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as part:
        return part.read(LARGEST + 1)


def _zstandard(content: bytes, info: zipfile.ZipInfo) -> bytes:
    fields = _LOCAL.unpack_from(content, info.header_offset)
    start = info.header_offset + _LOCAL.size + fields[-2] + fields[-1]
    packed = content[start : start + info.compress_size]
    with zstd.ZstdFile(io.BytesIO(packed)) as part:
        return part.read(LARGEST + 1)


def fits(document: object) -> bool:
    """Return whether it is such a log."""
    spec = table(table(document).get("eval"))
    return isinstance(spec.get("model"), str) and isinstance(spec.get("task"), str)


def read(document: object) -> Results:
    """Read the metrics of a log.

    Raises:
        Unreadable: it is no log, or the run did not end well.
    """
    if not fits(document):
        raise Unreadable("it names no task and no model, as a log of inspect-ai does")
    log = table(document)
    spec, results = table(log.get("eval")), table(log.get("results"))
    if log.get("status") != "success":
        state = text(log.get("status")) or "of no status"
        raise Unreadable(f"the run of {text(spec.get('task'))} is {state}, not success; hand in one that ended")
    model = text(spec.get("model"))
    return Results(
        format=FORMAT,
        scores=tuple(_scores(model, text(spec.get("task")), results)),
        counted={model: count(results.get("total_samples")) or 0},
    )


def _scores(model: str, task: str, found: object) -> Iterator[Score]:
    results = table(found)
    # The first version had one scorer, with its metrics beside it.
    scorers = rows(results.get("scores")) or [{**table(results.get("scorer")), "metrics": results.get("metrics")}]
    for scorer in map(table, scorers):
        name, reducer = text(scorer.get("name")), text(scorer.get("reducer"))
        samples = next(
            (
                n
                for n in (count(scorer.get("scored_samples")), count(results.get("completed_samples")))
                if n is not None
            ),
            None,
        )
        for metric, value in table(scorer.get("metrics")).items():
            if (amount := number(table(value).get("value"))) is not None:
                called = " ".join(part for part in (name, "" if reducer == "mean" else reducer, metric) if part)
                yield Score(model=model, suite=task, metric=called, value=spelled(amount), samples=samples)
