"""``leadterm publish`` and ``leadterm check``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from leadterm.cli.config_files import read_config
from leadterm.cli.console import say
from leadterm.packages import FOR_SPARK_ALONE, require_packages
from leadterm.storage import Location
from leadterm.storage.integrity.check_run import check_run
from leadterm.telemetry.progress import Done, open_display

MEGABYTE = 10**6


def add_publish(commands: Any) -> None:
    """Add ``leadterm publish``."""
    publish = commands.add_parser("publish", help="publish a run as a dataset: tables, card, metadata and hashes")
    publish.add_argument("run", help="a run directory")
    publish.add_argument(
        "--output", required=True, help="the output folder; an existing published copy of this run is replaced"
    )
    publish.add_argument("--config", help="a YAML file whose section dataset gives title, licence and sources")
    publish.add_argument("--windows", action="store_true", help="also publish the text, as windows of token ids")
    publish.set_defaults(action=_publish)


def add_check(commands: Any) -> None:
    """Add ``leadterm check``."""
    check = commands.add_parser("check", help="check every file of a run or a published copy against its hash")
    check.add_argument("run", help="a run directory, or a folder that leadterm publish wrote")
    check.set_defaults(action=lambda options: _check(options.run))


def _publish(options: argparse.Namespace) -> None:
    """Write a published copy, and say what is left to be stated."""
    require_packages("leadterm publish", "spark", "torch", without=FOR_SPARK_ALONE)
    section = read_config(options.config).dataset if options.config else None
    from leadterm.publish.publish_run import publish_run  # noqa: PLC0415  # brings PyTorch

    run, output = Location.of(options.run), Location.of(options.output)
    with _megabytes("publish") as on_bytes:
        done = publish_run(run, output, section, windows=options.windows, on_bytes=on_bytes)
    say(f"wrote {output}: {', '.join(done.tables)}; {done.files:,} files, {done.n_bytes:,} bytes")
    if done.unstated:
        keys = ", ".join(f"dataset.{key}" for key in done.unstated)
        say(f"it does not state {keys}; pass a config that does with --config (see conf/demo.yaml)")
    say(f"check it with  leadterm check {output}")


def _check(run: str) -> None:
    """Check a run; raises an error that names what is wrong."""
    with _megabytes("check") as on_bytes:
        checked = check_run(Location.of(run), on_bytes)
    for note in checked.notes:
        say(f"note: {note}")
    checked.require()
    say(f"{run} is whole: {checked.products:,} products, {checked.files:,} files, {checked.n_bytes:,} bytes")


@contextmanager
def _megabytes(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show how many bytes of a block's work are done."""
    display, state = open_display(title, "MB"), Done()

    def show(done: int, total: int) -> None:
        nonlocal state
        state = Done(done // MEGABYTE, -(-total // MEGABYTE))
        display.show(state)

    is_whole = False
    try:
        yield show
        is_whole = True
    finally:
        last = Done(state.total if is_whole else state.done, state.total) if state.total else None
        display.close(last, is_whole=is_whole)
