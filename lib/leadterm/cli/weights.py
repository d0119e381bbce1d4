"""``leadterm weights``: the predicted weights of a run as a file."""

import argparse
import re
from typing import TYPE_CHECKING, Any

from leadterm.cli.console import say
from leadterm.cli.optimizer_options import add_optimizer, optimizer_of
from leadterm.cli.size_options import size
from leadterm.packages import require_packages

if TYPE_CHECKING:
    from leadterm.theory import PredictedWeights


def add_weights(commands: Any) -> None:
    """Add ``leadterm weights``."""
    weights = commands.add_parser("weights", help="write the predicted weights of a run as a safetensors file")
    weights.add_argument("run", help="a run directory")
    weights.add_argument("--steps", type=int, required=True, help="training steps, each over all windows")
    weights.add_argument("--learning-rate", type=float, required=True, help="size of a step")
    weights.add_argument("--layers", type=int, required=True, help="layers of the model; affects only the conditions")
    add_optimizer(weights)
    weights.add_argument("--output", required=True, help="the output file, replaced if it exists: a path or a URL")
    weights.add_argument("--weights", nargs="+", metavar="NAME", help="output value query_key position (default all)")
    weights.add_argument(
        "--rows", type=_rows, help="FIRST:LAST, token ids from FIRST up to but not including LAST (default all)"
    )
    weights.add_argument("--dtype", choices=("float64", "float32"), default="float64", help="default float64")
    weights.add_argument("--max-bytes", type=size, default="2GiB", help="refuse to write a larger file (default 2GiB)")
    weights.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where to compute (default cpu)")
    weights.set_defaults(action=_save_weights)


def _rows(text: str) -> slice:
    """Read ``0:1000``, ``:1000`` or ``1000:``."""
    match = re.fullmatch(r"(\d*):(\d*)", text, re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError(f"expected FIRST:LAST, such as 0:1000, found {text!r}")
    return slice(*(int(number) if number else None for number in match.groups()))


def _save_weights(options: argparse.Namespace) -> None:
    """Write predicted weights, and say where the theorem stands."""
    require_packages("leadterm weights", "torch")
    from leadterm.run.export_weights import NAMES, save_weights  # noqa: PLC0415  # brings PyTorch
    from leadterm.run.open_run import open_run  # noqa: PLC0415  # not every command should load it

    run, names = open_run(options.run), options.weights or NAMES
    weights = run.predicted_weights(
        options.steps,
        options.learning_rate,
        options.layers,
        options.device,
        optimizer=optimizer_of(options),
        order=options.order,
    )
    limits = {"rows": options.rows, "dtype": options.dtype, "max_bytes": options.max_bytes}
    n_bytes = save_weights(weights, options.output, names, **limits)
    say(f"wrote {options.output}: {', '.join(names)}, {n_bytes:,} bytes")
    say(_standing(weights))


def _standing(weights: "PredictedWeights") -> str:
    """Say what the theorem says of a prediction."""
    if not weights.has_bounds:
        return "no theorem speaks of it: no bound is proved"
    failing = "; ".join(one.statement for one in weights.conditions if not one.holds)
    return f"outside the theorem, which asks for {failing}" if failing else "within the theorem"
