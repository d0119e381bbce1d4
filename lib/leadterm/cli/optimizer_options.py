"""The options that say by which optimizer the predicted weights are trained."""

import argparse
from typing import TYPE_CHECKING, Any

from leadterm.errors import InputError

if TYPE_CHECKING:
    from leadterm.theory import Optimizer

SETTINGS = {"sgd": (), "adam": ("betas", "eps"), "adamw": ("betas", "eps", "weight_decay"), "sign": ()}
"""The settings of each optimizer."""


def add_optimizer(command: argparse.ArgumentParser) -> None:
    """Add the options to a command."""
    command.add_argument("--optimizer", choices=tuple(SETTINGS), default="sgd", help="which predicts (default sgd)")
    command.add_argument("--betas", type=float, nargs=2, metavar="BETA", help="of Adam and AdamW (default 0.9 0.999)")
    command.add_argument("--eps", type=float, help="of Adam and AdamW (default 1e-8)")
    command.add_argument("--weight-decay", type=float, help="of AdamW (default 0.01)")
    command.add_argument(
        "--order", type=int, choices=(1, 2), default=1, help="1: leading terms; 2, of sgd: next ones too"
    )


def optimizer_of(options: argparse.Namespace) -> "Optimizer":
    """Return the optimizer that the options name.

    Raises
    ------
    InputError
        If a setting is given that it does not have, or is out of range.
    """
    from leadterm.theory import OPTIMIZERS  # noqa: PLC0415  # brings PyTorch

    given: dict[str, Any] = {
        name: getattr(options, name) for name in ("betas", "eps", "weight_decay") if getattr(options, name) is not None
    }
    foreign = [name for name in given if name not in SETTINGS[options.optimizer]]
    if foreign:
        fitting = [name for name, settings in SETTINGS.items() if foreign[0] in settings]
        option = "--" + foreign[0].replace("_", "-")
        raise InputError(
            f"{option} is no setting of --optimizer {options.optimizer}; it is one of {', '.join(fitting)}."
        )
    return OPTIMIZERS[options.optimizer](**given)
