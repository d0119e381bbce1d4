"""The results as a text that fits a terminal."""

from collections.abc import Callable
from statistics import median
from typing import Any

WIDTHS = (26, 10, 12, 24, 12, 12)
STAGES = ("count: read windows, kernels, write partial sums", "merge: read partial sums, add, write Parquet")
"""Of leadterm's counting jobs, in order."""
TITLES = {
    "encoding": "ENCODING: from text to windows of token ids",
    "counting": "COUNTING: from windows to the bigram and context matrices",
    "composition": "COMPOSITION: from counts to the scores of pairs, on the driver",
    "attention": "ATTENTION: from windows and scores to the query-key matrix and the position bias",
    "paper": "THE PAPER'S CORPUS SIDE: from 100,000 windows of ids to the query-key matrix, all jobs",
    "alignment": "ALIGNMENT: one layer of 9 heads, d_model 576, against the paper's predictors, float32, on the CPU",
    "scaling": "SCALING: counting and attention on one core and on all, and on twice the tokens",
    "growth": "GROWTH: counting with ever more tokens, longer windows and larger vocabularies, one core, no Spark",
    "trainer": "TRAINER: one step of gradient descent, 3 layers, float32, on the CPU",
}


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
        lines.append(f"  {name:38}" + "".join(f"{_ratio(ratio[column]):>30}" for column in columns))
    return lines


def _floors(_: str, part: dict[str, Any]) -> list[str]:
    names = ("wall s", "tokens/s", "peak memory", "operations s", "bytes s", "share")
    widths = (10, 14, 14, 14, 10, 8)
    lines = [f"{'floors, by rates measured here':32}" + "".join(map(str.rjust, names, widths))]
    for one in part["floors"]:
        cells = (
            _short(one["seconds"]), f"{one['tokens_per_second']:,.0f}", _gib(one["memory"]),
            _short(one["operations_seconds"]), _short(one["bytes_seconds"]), f"{one['share']:.0%}",
        )  # fmt: skip
        lines.append(f"  {one['stage']:30}" + "".join(map(str.rjust, cells, widths)))
    what = [work for one in part["floors"][:-1] or part["floors"] for work in one["operations"]]
    lines += [f"  {work['number']:,} {work['what']}, at {work['per_second'] / 1e6:,.1f} M/s" for work in what]
    moved, copied = part["floors"][-1]["bytes"], part["floors"][-1]["copied_per_second"]
    return [*lines, f"  {moved / 1e6:,.0f} MB moved, at {copied / 1e9:,.1f} GB/s"]


def _kernel(_: str, part: dict[str, Any]) -> list[str]:
    kernel = part["kernel"]
    return [
        f"leadterm's kernels alone, one core, no Spark: {kernel['tokens_per_second']:,.0f} tokens/s, "
        f"{kernel['share']:.0%} of the floor's loop ({kernel['pairs_per_second'] / 1e6:,.0f} M pairs/s on one core)"
    ]


def _scaling(_: str, part: dict[str, Any]) -> list[str]:
    scaling = part["scaling"]
    one, two = scaling["tokens"]
    lines = [
        f"{'wall seconds':18}{'1 core':>10}{scaling['cores']:>10} cores{'faster':>10}"
        f"{f'{two / one:.2f} x tokens':>18}{'longer':>10}"
    ]
    for name, stage in scaling["stages"].items():
        alone, together, doubled = map(_short, stage["seconds"])
        faster, longer = f"{stage['faster']:.2f}", f"{stage['longer']:.2f}"
        lines.append(f"  {name:16}{alone:>10}{together:>16}{faster:>10}{doubled:>18}{longer:>10}")
    small, large = map(_gib, scaling["executors"])
    growth = f"{scaling['executors'][1] / max(1, scaling['executors'][0]) - 1:+.0%}"
    return [
        *lines,
        f"executors' Python processes, mapped files left out, at their peak: {small} for {one:,} tokens, {large} for "
        f"{two:,} ({growth})",
    ]


def _growth(_: str, part: dict[str, Any]) -> list[str]:
    lines = []
    for name, cases in part["growth"].items():
        lines.append(f"{name.replace('_', ' '):>18}{'seconds':>10}{'longer':>10}{'nonzeros of Phi':>20}")
        before = None
        for case in cases:
            longer = f"{case['seconds'] / before:.2f}" if before else ""
            lines.append(f"{case[name]:>18,}{_short(case['seconds']):>10}{longer:>10}{case['nonzeros']:>20,}")
            before = case["seconds"]
    return lines


def _stages(name: str, part: dict[str, Any]) -> list[str]:
    measured = part["measurements"][part["stages_of"]]
    stages = measured["stages"]
    known = name in ("counting", "attention") and len(stages) == len(STAGES)
    names = STAGES if known else [f"stage {i}" for i in range(1, 1 + len(stages))]
    lines = ["stages of leadterm's job (median repeat)           wall s   task s   GC s"]
    for stage_name, stage in zip(names, stages, strict=True):
        times = (stage[key] for key in ("wall_seconds", "task_seconds", "gc_seconds"))
        lines.append(f"  {stage_name:47}" + "".join(f"{time:8.2f}" for time in times))
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
    "floors": _floors,
    "kernel": _kernel,
    "scaling": _scaling,
    "growth": _growth,
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


def _ratio(ratio: float) -> str:
    """Write enough digits to tell a ratio below 1 from 1."""
    return f"{ratio:,.1f}" if ratio >= 1.05 else f"{ratio:.2f}"


def _gib(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"
