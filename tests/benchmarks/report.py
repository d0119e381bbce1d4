"""The results as a text that fits a terminal."""

from statistics import median
from typing import Any

WIDTHS = (26, 9, 12, 22, 14, 12)
HEADINGS = ("who", "V, T", "tokens", "seconds: median (range)", "tokens/s", "peak memory")
STAGES = ("deal out row groups", "count: read windows, kernels, shuffle", "merge: sort, sum, write Parquet")
"""Of leadterm's job, in order."""


def format_report(results: dict[str, Any]) -> str:
    """Lay all results out."""
    sections = [
        _head(results),
        _accuracy(results),
        _speeds(results),
        _ratios(results),
        _floor(results),
        _stages(results),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _head(results: dict[str, Any]) -> list[str]:
    machine = results["machine"]
    return [
        "leadterm: counting co-occurrences, measured against other ways to count the same",
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB; "
        f"load {machine['load_before']:.1f} when it began",
        ", ".join(f"{name} {machine[name]}" for name in ("python", "leadterm", "numba", "pyarrow", "pyspark", "torch")),
        f"text: docstrings of the pinned packages and the King James Bible, {results['texts']}",
    ]


def _accuracy(results: dict[str, Any]) -> list[str]:
    return [
        "accuracy, checked before any speed is shown",
        *(f"  {name}: {found}" for name, found in results["accuracy"].items()),
    ]


def _speeds(results: dict[str, Any]) -> list[str]:
    lines = [f"speed and memory; Spark warm, {results['repeats']} repeats each", _row(HEADINGS)]
    for one in results["measurements"].values():
        middle, low, high = (f(one["seconds"]) for f in (median, min, max))
        kinds = ", ".join(f"{kind} {_gib(peak)}" for kind, peak in one["memory"].items() if kind != "total")
        cells = (
            one["contender"], f"{one['vocabulary_size']}, {one['length']}", f"{one['tokens']:,}",
            f"{middle:.2f} ({low:.2f}-{high:.2f})", f"{one['tokens_per_second']:,.0f}", _gib(one["memory"]["total"]),
        )  # fmt: skip
        lines += [_row(cells), f"  {'':24}of which at their own peaks: {kinds}"]
    return [*lines, "Resident memory of all processes; pages that they share count once for each."]


def _ratios(results: dict[str, Any]) -> list[str]:
    lines = ["leadterm is so many times as fast as                 same windows   leadterm on the large sample"]
    for name, ratio in results["ratios"].items():
        lines.append(f"  {name:50}{ratio['same_windows']:>13,.1f}{ratio['large_sample']:>31,.1f}")
    return [
        *lines,
        "On few tokens leadterm's time is mostly Spark's start of a job; the peers' rates hardly grow with the sample.",
    ]


def _floor(results: dict[str, Any]) -> list[str]:
    floors, share, products = results["floors"], results["floor"], results["products"]
    return [
        f"floor on {floors['cores']} cores for {floors['pairs']:,} pairs and {products['nonzeros']:,} nonzeros",
        f"  adding {floors['pairs_per_second'] / 1e6:,.0f} M pairs/s: {share['adding_seconds']:.2f} s",
        f"  moving {floors['copied_bytes_per_second'] / 1e9:,.1f} GB/s (12 bytes a nonzero, and the "
        f"{products['bytes'] / 1e6:,.0f} MB of the products): {share['moving_seconds']:.2f} s",
        f"  the job takes {share['seconds']:.2f} s: it reaches {share['share']:.0%} of the floor",
        f"  leadterm's kernels alone, one core, no Spark: {floors['kernel_tokens_per_second']:,.0f} tokens/s",
    ]


def _stages(results: dict[str, Any]) -> list[str]:
    stages = results["measurements"]["large"]["stages"]
    names = STAGES if len(stages) == len(STAGES) else [f"stage {i}" for i in range(len(stages))]
    lines = [
        "stages of leadterm's job (median repeat)           wall s   task s   GC s  shuffled in, out MB   spilled MB"
    ]
    for name, stage in zip(names, stages, strict=True):
        read, written, spilled = (
            stage[key] / 1e6 for key in ("shuffle_read_bytes", "shuffle_write_bytes", "spilled_bytes")
        )
        lines.append(
            f"  {name:47}{stage['wall_seconds']:8.2f} {stage['task_seconds']:8.2f} {stage['gc_seconds']:6.2f}"
            f"{read:11,.0f}{written:10,.0f}{spilled:13,.0f}"
        )
    rest = median(results["measurements"]["large"]["seconds"]) - sum(stage["wall_seconds"] for stage in stages)
    return [*lines, f"  {'between and after the stages':47}{rest:8.2f}"]


def _row(cells: tuple[str, ...]) -> str:
    first, *others = (
        cell.ljust(width) if i == 0 else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    )
    return "  " + "  ".join([first, *others])


def _gib(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"
