"""The command ``leadterm`` and its subcommands."""

import argparse
from collections.abc import Sequence

from leadterm._version import __version__
from leadterm.cli.add import add_add, add_merge, add_subtract
from leadterm.cli.align import add_align
from leadterm.cli.circuits import add_circuits, add_trace
from leadterm.cli.command_parser import CommandParser
from leadterm.cli.console import report_errors
from leadterm.cli.logging_setup import add_log_argument
from leadterm.cli.pack import add_pack
from leadterm.cli.plan import add_plan
from leadterm.cli.publish import add_check, add_publish
from leadterm.cli.run import add_run
from leadterm.cli.sample import add_sample
from leadterm.cli.show import add_show
from leadterm.cli.sources import add_sources
from leadterm.cli.verify import add_ablate, add_pretrain, add_verify
from leadterm.cli.weights import add_weights

COMMANDS = (
    add_run, add_add, add_merge, add_subtract, add_plan, add_show, add_sources, add_weights, add_align, add_circuits,
    add_trace, add_verify, add_ablate, add_pretrain, add_sample, add_check, add_publish, add_pack,
)  # fmt: skip
"""In the order in which they are listed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command of ``leadterm``; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="leadterm", description="corpus statistics that predict early transformer weights"
    )
    parser.add_argument("--version", action="version", version=f"leadterm {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command", parser_class=CommandParser)
    for add in COMMANDS:
        add(commands)
    for command in commands.choices.values():
        add_log_argument(command)
    options, unknown = parser.parse_known_args(arguments)
    if unknown:  # By itself argparse would show how to call leadterm, not the command.
        commands.choices[options.command].error(f"unrecognized arguments: {' '.join(unknown)}")
    return report_errors(lambda: options.action(options), options.command, options.log_json)
