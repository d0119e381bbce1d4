"""What all parts of the benchmark share: the samples, and how a contender is measured on some of them."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Caller, Contender, Measurement, measure
from benchmarks.samples import Sample, compose_samples, count_samples

WORK = "work"
"""The folder of all contenders."""


class Bench:
    """Measures one contender after the other.

    Parameters
    ----------
    samples
        By name.
    output
        Where results go.
    repeats
        Of every measurement.
    call
        How functions are called: each in a process of its own, or here.
    alignment_tokens
        Over how many tokens layers are scored; the direct way goes without the last.
    """

    def __init__(
        self,
        samples: dict[str, Sample],
        output: Path,
        repeats: int,
        call: Caller,
        alignment_tokens: Sequence[int] = (),
    ) -> None:
        self.samples, self.output, self.repeats, self.call = samples, output, repeats, call
        self.alignment_tokens = alignment_tokens

    def folder(self, contender: Contender) -> Path:
        """Where a contender works, and leaves its last result."""
        return self.output / WORK / contender.name.replace(", ", "-").replace(" ", "-")

    def measure(
        self, contender: Contender, *names: str, warm_up: str = "tiny", repeats: int | None = None
    ) -> dict[str, Measurement]:
        """Measure a contender on samples: by its name and theirs, as :func:`label` puts them together."""
        print(f"measuring {contender.name}: {', '.join(names)}", flush=True)
        samples = [self.samples[name] for name in names]
        tiny = self.samples[warm_up]
        found = self.call(measure, contender, samples, tiny, self.folder(contender), repeats or self.repeats)
        return {label(contender, name): one for name, one in zip(names, found, strict=True)}

    def make_counts(self, names: Sequence[str], *, composed: bool = False) -> None:
        """Count samples, and compose their scores, where that was not done yet."""
        samples = [self.samples[name] for name in names]
        uncounted = [sample for sample in samples if not sample.is_counted]
        if uncounted:
            self.call(count_samples, uncounted)
        if composed:
            self.call(compose_samples, samples)


def label(contender: Contender, name: str) -> str:
    """Name a measurement."""
    return f"{contender.name}: {name}"


def ratios(found: dict[str, Measurement], ours: Contender, peer: Contender, same: str, large: str) -> dict[str, float]:
    """Divide our rates by a peer's, on the windows that both had and on our large sample."""
    rate = found[label(peer, same)].rate
    return {
        "same windows": found[label(ours, same)].rate / rate,
        "leadterm on the large sample": found[label(ours, large)].rate / rate,
    }
