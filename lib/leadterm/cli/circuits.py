"""``leadterm circuits`` and ``leadterm trace``: which associations a checkpoint has, and in which circuit."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leadterm.cli.console import say

if TYPE_CHECKING:
    import pyarrow as pa

NOT_ALL = (
    "'in the corpus' alone does not say that the model does not know it: what several layers and tokens make together "
    "is in no single circuit."
)


def add_circuits(commands: Any) -> None:
    """Add ``leadterm circuits``."""
    command = commands.add_parser("circuits", help="compare every circuit of a checkpoint with a run")
    _common(command)
    command.add_argument("--token", help="tell its percentile in every circuit, and its strongest partners")
    command.add_argument("--draws", type=int, default=8, help="permutations of the null (default 8)")
    command.add_argument("--seed", type=int, default=0, help="of the permutations (default 0)")
    command.set_defaults(action=_circuits)


def add_trace(commands: Any) -> None:
    """Add ``leadterm trace``."""
    command = commands.add_parser("trace", help="say of a pair whether it is in a run, and in which circuits")
    _common(command)
    command.add_argument("token", help="the earlier token, as typed ('bread') or as the page shows it")
    command.add_argument("other", help="the later one")
    command.set_defaults(action=_trace)


def _common(command: argparse.ArgumentParser) -> None:
    """Add what both commands take."""
    command.add_argument("run", help="a run directory")
    command.add_argument("checkpoint", help="a folder, a GGUF file or a name on the hub")
    command.add_argument("--revisions", nargs="+", help="names, ranges such as step1..step512, or all")
    command.add_argument(
        "--circuits", nargs="+", metavar="NAME", help="total direct mlp attn ov qk (default all but qk)"
    )
    command.add_argument("--at-least", type=int, default=20, help="compare tokens that occur as often (default 20)")
    command.add_argument("--allow-zeros", action="store_true", help="take a model with matrices of zeros")


def _shared(options: argparse.Namespace) -> dict[str, Any]:
    """Take what both commands are given."""
    return {"circuits": options.circuits, "at_least": options.at_least, "allow_zeros": options.allow_zeros}


def _circuits(options: argparse.Namespace) -> None:
    """Show how far circuits agree with the corpus."""
    from leadterm.run.open_run import open_run  # noqa: PLC0415  # not every command should load it

    how = {"token": options.token, "draws": options.draws, "seed": options.seed}
    found = open_run(options.run).circuits(options.checkpoint, options.revisions, **how, **_shared(options))
    columns = {
        "cosine": ".3f",
        "null_mean": ".3f",
        "null_sd": ".3f",
        "z": ".1f",
        "shuffled": ".3f",
        "percentile": ".2f",
    }
    columns |= {"token_percentile": ".2f", "model_partners": "", "corpus_partners": ""} if options.token else {}
    say(_table(found, columns))
    say("cosine: of whitened maps; null: tokens permuted within classes of frequency; percentile: 0.5 by chance")


def _trace(options: argparse.Namespace) -> None:
    """Show the verdict on a pair, circuit by circuit."""
    from leadterm.run.open_run import open_run  # noqa: PLC0415  # not every command should load it

    found = open_run(options.run).trace(
        options.checkpoint, options.token, options.other, options.revisions, **_shared(options)
    )
    columns = {
        "count": ",.6g",
        "expected": ",.3g",
        "g": ".1f",
        "percentile_in_row": ".4f",
        "percentile_in_class": ".3f",
    }
    say(_table(found, columns | {"verdict": "", "both": ",d", "both_by_chance": ",d"}))
    steps = found["step"].to_pylist()
    seen = [step for step, verdict in zip(steps, found["verdict"].to_pylist(), strict=True) if verdict == "both"]
    if len(set(steps)) > 1 and None not in steps:
        say(f"both first at step {min(seen)}" if seen else "both in no circuit at any of these steps")
    say("both, both_by_chance: the corpus's strong pairs in the weights, and as many where rows are permuted")
    say(NOT_ALL)


def _table(found: pa.Table, columns: Mapping[str, str]) -> str:
    """Lay rows out under headings, a line for each circuit."""
    lines = [["revision", "circuit", "counterpart", *columns]]
    for row in found.to_pylist():
        lines.append(
            [
                row["revision"],
                _name(row),
                row["counterpart"],
                *(_cell(row[name], form) for name, form in columns.items()),
            ]
        )
    return "\n".join(_aligned(lines))


def _name(row: Mapping[str, Any]) -> str:
    """Name a circuit: ``mlp0``, ``ov0.3``."""
    layer = "" if row["layer"] is None else row["layer"]
    return f"{row['circuit']}{layer}" + ("" if row["head"] is None else f".{row['head']}")


def _cell(value: Any, form: str) -> str:
    """Write a value."""
    if value is None:
        return "-"
    return " ".join(value) if isinstance(value, list) else format(value, form)


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Put cells under each other."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
