"""``leadterm pack``: this environment as an archive for a cluster."""

import argparse
import platform
from pathlib import Path
from typing import Any

from leadterm.cli.console import say
from leadterm.packages import FOR_SPARK_ALONE, require_packages


def add_pack(commands: Any) -> None:
    """Add ``leadterm pack``."""
    pack = commands.add_parser("pack", help="pack this environment, Python included, for spark-submit --archives")
    pack.add_argument("--output", type=Path, default=Path("dist"), help="the output folder (default dist)")
    pack.add_argument(
        "--with",
        dest="extras",
        nargs="+",
        default=[],
        metavar="EXTRA",
        choices=("checkpoints", "gguf"),
        help="checkpoints: for executors that score checkpoints and for drivers (default: for executors that count)",
    )
    pack.set_defaults(action=_pack)


def _pack(options: argparse.Namespace) -> None:
    """Pack, and say what came of it."""
    require_packages("leadterm pack", "spark", without=FOR_SPARK_ALONE)
    from leadterm.cluster_archive import pack_environment  # noqa: PLC0415  # not every command should load it

    packed = pack_environment(options.output, options.extras)
    say(f"wrote {packed.path}: {packed.files:,} files, {packed.unpacked_bytes:,} bytes, {packed.bytes:,} packed")
    say(f"it runs on Linux, {platform.machine()}, with glibc {packed.glibc} or newer")
