"""What a row of the scoreboard measures and when its target is met."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True)
class Sample:
    """One round: our figure and the anchor's, taken in the same minutes."""

    ours: float
    anchor: float

    @property
    def ratio(self) -> float:
        return self.ours / self.anchor


@dataclass(frozen=True)
class Score:
    """One line of the scoreboard; the target is a ratio, and more is better."""

    row: str
    metric: str
    anchor: str
    unit: str
    target: float
    # Row 11 wants the same number of statements, which is not a ratio to reach.
    judge: Callable[[Sequence[Sample]], bool] | None = None

    def verdict(self, samples: Sequence[Sample]) -> str:
        met = self.judge or (lambda found: middle(found) >= self.target)
        return "met" if met(samples) else "missed"


def middle(samples: Sequence[Sample]) -> float:
    return median(sample.ratio for sample in samples)


@dataclass(frozen=True)
class Line:
    """A measured line, as it is printed and stored."""

    row: str
    engine: str
    metric: str
    anchor: str
    unit: str
    ours: float
    against: float
    ratio: float
    lowest: float
    highest: float
    target: float
    verdict: str
    rounds: int

    @classmethod
    def of(cls, score: Score, engine: str, samples: Sequence[Sample]) -> "Line":
        ratios = [sample.ratio for sample in samples]
        return cls(
            row=score.row,
            engine=engine,
            metric=score.metric,
            anchor=score.anchor,
            unit=score.unit,
            ours=median(sample.ours for sample in samples),
            against=median(sample.anchor for sample in samples),
            ratio=round(middle(samples), 3),
            lowest=round(min(ratios), 3),
            highest=round(max(ratios), 3),
            target=score.target,
            verdict=score.verdict(samples),
            rounds=len(samples),
        )

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def cores() -> int:
    return len(os.sched_getaffinity(0))
