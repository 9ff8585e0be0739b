"""Rounds that take turns: A B C A B C …, so that what else the machine does meets all alike."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from statistics import median

from . import generators
from .generators import Load, Sample
from .subjects import Running

Start = Callable[[], AbstractContextManager[Running]]


@dataclass(frozen=True)
class Case:
    """One line of a table: a load on a subject."""

    label: str
    subject: str
    load: Load = Load()


@dataclass(frozen=True)
class Question:
    """`subjects` are started together; each case is measured once a round."""

    name: str
    title: str
    subjects: dict[str, Start]
    cases: list[Case]
    unit: str = "requests/s"  # of which the picture is; or p99 ms


@dataclass
class Result:
    """The rounds of one case; processor time is seconds per request by part."""

    case: Case
    samples: list[Sample] = field(default_factory=list)
    processor: list[dict[str, float]] = field(default_factory=list)

    def middle(self, figure: Callable[[Sample], float]) -> float:
        return median(figure(sample) for sample in self.samples)

    @property
    def per_second(self) -> float:
        return self.middle(lambda sample: sample.per_second)

    @property
    def spread(self) -> float:
        """Half the distance from the slowest to the fastest round, as a part of the median."""
        rates = [sample.per_second for sample in self.samples]
        return (max(rates) - min(rates)) / 2 / self.per_second if self.per_second else 0

    @property
    def failed(self) -> int:
        return sum(sample.failed for sample in self.samples)

    def per_request(self, part: str) -> float:
        return median(seconds.get(part, 0) for seconds in self.processor)

    def as_dict(self) -> dict:
        return {
            "label": self.case.label,
            "subject": self.case.subject,
            "load": vars(self.case.load),
            "per_second": self.per_second,
            "spread": self.spread,
            "failed": self.failed,
            "p50": self.middle(lambda s: s.p50),
            "p99": self.middle(lambda s: s.p99),
            "processor": {part: self.per_request(part) for part in self.processor[0]},
            "rounds": [vars(sample) for sample in self.samples],
        }


def ask(question: Question, rounds: int, seconds: float, progress: Callable[[str], None]) -> list[Result]:
    """Raises RuntimeError where a subject does not start, or the generator fails."""
    results = [Result(case) for case in question.cases]
    progress(f"{question.name}: starting {', '.join(question.subjects)}")
    with _together(question.subjects) as running:
        rates: dict[tuple[str, float], int] = {}  # of each subject, the same on every entrypoint
        for result in results:
            result.case = _warmed(result.case, running[result.case.subject], rates)
        for number in range(1, rounds + 1):
            for result in results:
                case = result.case
                progress(f"{question.name}: round {number} of {rounds}, {case.label}")
                subject = running[case.subject]
                before = subject.seconds()
                sample = generators.run(subject.urls[case.load.entrypoint], case.load, seconds)
                after = subject.seconds()
                result.samples.append(sample)
                result.processor.append(
                    {part: (after[part] - before[part]) / sample.requests for part in after}
                )
    return results


@contextmanager
def _together(subjects: dict[str, Start]) -> Iterator[dict[str, Running]]:
    """Starts and stops them at once: each waits more than it works."""
    contexts = {name: start() for name, start in subjects.items()}
    with ThreadPoolExecutor(len(contexts)) as pool:
        entered = {name: pool.submit(context.__enter__) for name, context in contexts.items()}
        try:
            yield {name: one.result() for name, one in entered.items()}
        finally:
            results = [
                pool.submit(contexts[name].__exit__, None, None, None)
                for name, one in entered.items()
                if not one.exception()
            ]
            for one in results:
                one.result()


def _warmed(case: Case, subject: Running, rates: dict[tuple[str, float], int]) -> Case:
    """After a second of it that is not counted; a share of saturation is a rate then."""
    load = case.load
    warm = replace(load, share=0, entrypoint="http" if load.share else load.entrypoint)
    reached = generators.run(subject.urls[warm.entrypoint], warm, 1).per_second
    if not load.share:
        return case
    rate = rates.setdefault((case.subject, load.share), round(reached * load.share))
    return replace(case, load=replace(load, rate=rate, share=0))
