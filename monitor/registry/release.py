"""What is stated of a model's release: by a person in the entry, and of its stage also by the page of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.core.baselines import Baselines
from monitor.core.entry import Entry
from monitor.core.facts import STAGE, Fact, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedRelease:
    """Family, day, stage and announcement as a person states them, empty where nobody does; `stages` is source → stage
    as pages state it.
    """

    family: str
    release: str
    stage: str
    announcement: str
    stages: Mapping[str, str]

    @property
    def stage_in_words(self) -> str:
        """The stage, and who states it; where they differ, both are said."""
        statements = {"the configuration": self.stage, **self.stages}
        statements = {who: stage for who, stage in statements.items() if stage}
        if len(set(statements.values())) == 1:
            return f"{next(iter(statements.values()))} ({', '.join(statements)})"
        return "; ".join(f"{stage} says {who}" for who, stage in statements.items())


def release(entry: Entry, known: Baselines) -> StatedRelease:
    """Return what is stated of the release of an entry's model."""
    subjects = [Subject(entry.spec.provider, model_id) for model_id in entry.spec.surfaces.values() if model_id]
    return StatedRelease(
        family=entry.spec.family,
        release=entry.spec.release,
        stage=entry.spec.stage,
        announcement=entry.spec.announcement,
        stages={
            spec.key: str(value)
            for subject in dict.fromkeys(subjects)
            for spec, value in known.statements(Fact(subject, STAGE))
        },
    )
