"""The results as a text that fits a terminal."""

from collections.abc import Callable
from statistics import median
from typing import Any

WIDTHS = (26, 10, 12, 24, 12, 12)
STAGES = (
    "deal out row groups", "count: read windows, kernels, write partial sums", "deal out blocks of rows",
    "merge: read partial sums, add, write Parquet",
)  # fmt: skip
"""Of leadterm's jobs, in order."""
TITLES = {
    "counting": "COUNTING: from windows to the bigram and context matrices",
    "composition": "COMPOSITION: from counts to the scores of pairs, on the driver",
    "attention": "ATTENTION: from windows and scores to the query-key matrix and the position bias",
    "alignment": "ALIGNMENT: one layer of 9 heads, d_model 576, against the paper's predictors, float32, on the CPU",
    "trainer": "TRAINER: one step of gradient descent, 3 layers, float32, on the CPU",
}
PER_PAIR = {"counting": "one addition", "attention": "one look-up and one addition"}
"""What the floor's loop does for each pair of a position and a token of its context."""


def format_report(results: dict[str, Any]) -> str:
    """Lay all results out."""
    sections = [_head(results)]
    for name, part in results["parts"].items():
        sections += [[TITLES[name]], *(section(name, part) for key, section in SECTIONS.items() if key in part)]
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _head(results: dict[str, Any]) -> list[str]:
    machine = results["machine"]
    return [
        "leadterm, measured against other ways to compute the same",
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB; "
        f"load {machine['load_before']:.1f} when it began",
        ", ".join(f"{name} {machine[name]}" for name in ("python", "leadterm", "numba", "pyarrow", "pyspark", "torch")),
        f"text: {results['text']}",
        f"{results['repeats']} repeats each, Spark and kernels warm; a result that is not right stops the benchmark",
    ]


def _accuracy(_: str, part: dict[str, Any]) -> list[str]:
    return ["accuracy", *(f"  {name}: {found}" for name, found in part["accuracy"].items())]


def _speeds(name: str, part: dict[str, Any]) -> list[str]:
    seconds = "seconds a step" if name == "trainer" else "seconds"
    lines = [_row(("who", "V, T", "tokens", f"{seconds}: median (range)", "tokens/s", "peak memory"))]
    for one in part["measurements"].values():
        middle, low, high = (_short(f(one["seconds"])) for f in (median, min, max))
        kinds = ", ".join(f"{kind} {_gib(peak)}" for kind, peak in one["memory"].items() if kind != "total")
        cells = (
            one["contender"], f"{one['vocabulary_size']}, {one['length']}", f"{one['tokens']:,}",
            f"{middle} ({low}-{high})", f"{one['tokens_per_second']:,.0f}", _gib(one["memory"]["total"]),
        )  # fmt: skip
        lines += [_row(cells), f"  {'':24}of which at their own peaks: {kinds}"]
    return [
        *lines,
        "Resident memory of all processes, mapped files included; shared pages count once for each process.",
    ]


def _ratios(_: str, part: dict[str, Any]) -> list[str]:
    columns = list(next(iter(part["ratios"].values())))
    lines = [f"{'leadterm is so many times as fast as':40}" + "".join(f"{column:>30}" for column in columns)]
    for name, ratio in part["ratios"].items():
        lines.append(f"  {name:38}" + "".join(f"{ratio[column]:>30,.1f}" for column in columns))
    return lines


def _floor(name: str, part: dict[str, Any]) -> list[str]:
    floor = part["floor"]
    lines = [
        f"floor on {floor['cores']} cores for {floor['pairs']:,} pairs and {floor['nonzeros']:,} nonzeros",
        f"  {PER_PAIR[name]} a pair, {floor['pairs_per_second'] / 1e6:,.0f} M pairs/s: {floor['pairs_seconds']:.2f} s",
        f"  moving {floor['copied_bytes_per_second'] / 1e9:,.1f} GB/s (12 bytes a nonzero, and "
        f"{floor['file_bytes'] / 1e6:,.0f} MB of files): {floor['moving_seconds']:.2f} s",
        f"  the job takes {floor['seconds']:.2f} s: it reaches {floor['share']:.0%} of the floor",
    ]
    if "kernel_tokens_per_second" in floor:
        lines.append(f"  its kernels alone, one core, no Spark: {floor['kernel_tokens_per_second']:,.0f} tokens/s")
    return lines


def _stages(_: str, part: dict[str, Any]) -> list[str]:
    measured = part["measurements"][part["stages_of"]]
    stages = measured["stages"]
    names = STAGES if len(stages) == len(STAGES) else [f"stage {i}" for i in range(len(stages))]
    lines = ["stages of leadterm's job (median repeat)           wall s   task s   GC s"]
    for name, stage in zip(names, stages, strict=True):
        times = (stage[key] for key in ("wall_seconds", "task_seconds", "gc_seconds"))
        lines.append(f"  {name:47}" + "".join(f"{time:8.2f}" for time in times))
    rest = median(measured["seconds"]) - sum(stage["wall_seconds"] for stage in stages)
    return [*lines, f"  {'between and after the stages':47}{rest:8.2f}"]


def _alignment(_: str, part: dict[str, Any]) -> list[str]:
    lines = [
        f"  {'tokens':>8}{'prepare s':>12}{'a layer s':>12}{'memory':>12}{'directly s':>12}{'memory':>12}{'ratio':>8}"
    ]
    for one in part["alignment"]:
        cells = [
            f"{one['tokens']:>8,}",
            *(f"{_short(s):>12}" for s in (one["prepare_seconds"], median(one["seconds"]))),
        ]
        cells.append(f"{_gib(one['memory']):>12}")
        if "ratio" in one:
            cells += [
                f"{_short(one['direct_seconds']):>12}",
                f"{_gib(one['direct_memory']):>12}",
                f"{one['ratio']:>8.0f}",
            ]
        lines.append("  " + "".join(cells))
    return [*lines, "What is prepared serves all layers and checkpoints; directly, covariances are laid out, n x n."]


SECTIONS: dict[str, Callable[[str, dict[str, Any]], list[str]]] = {
    "accuracy": _accuracy,
    "measurements": _speeds,
    "ratios": _ratios,
    "alignment": _alignment,
    "floor": _floor,
    "stages_of": _stages,
}
"""How the results of a part are laid out, in this order; a part need not have all of them."""


def _row(cells: tuple[str, ...]) -> str:
    first, *others = (
        cell.ljust(width) if i == 0 else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    )
    return "  " + "  ".join([first, *others])


def _short(seconds: float) -> str:
    """Write three digits."""
    return f"{seconds:.0f}" if seconds >= 100 else f"{seconds:#.3g}"


def _gib(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"
