"""What a night finds: runs that lack a product, that another version wrote, or that cannot be reached."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from leadterm import open_run
from leadterm.config import parse_config
from leadterm.pipeline.compose_weights.job import compose_weights
from leadterm.pipeline.preflight import require_possible
from leadterm.storage import Location
from support.bad_cases.case import Case
from support.bad_cases.runs import READ, changed_run, restate

SETTINGS: dict[str, Any] = {"corpus": {"paths": ["x"]}, "tokenizer": {"kind": "words", "vocabulary_size": 3}}


def without(product: str) -> Callable[[Path], None]:
    return lambda run: shutil.rmtree(run / product)


def composing(run: Path) -> Any:
    return compose_weights(parse_config(SETTINGS), Location.of(run))


def beginning(output: str, jobs: list[str], **sections: Any) -> Callable[[Path], object]:
    return lambda _folder: require_possible(parse_config(SETTINGS | sections), Location.of(output), jobs)


def failing_mount(number: int) -> Callable[[Path], Any]:
    """Read a matrix from a mount that fails."""

    def read(run: Path) -> Any:
        opened = open_run(run)
        with patch.object(Location, "open_input", side_effect=OSError(number, os.strerror(number))):
            return opened.bigram_counts()

    return read


def forgetful(found: Any) -> Any:
    counts = {name: count for name, count in found.counts.items() if name != "positions"}
    return replace(found, counts=counts, code_version="0.0.9")


CASES = [
    Case(
        "no vocabulary", "a run without its vocabulary", "compose_weights",
        "~/run has no product 'vocabulary'; it holds bigram, context, frequencies, windows. Run the job encode_corpus "
        "on it first.",
        changed_run(without("vocabulary"), composing), "RunError",
    ),
    Case(
        "no context counts", "a run without its context matrix", "compose_weights",
        "~/run has no product 'context'; it holds bigram, frequencies, vocabulary, windows. Run the job "
        "count_cooccurrences on it first.",
        changed_run(without("context"), composing), "RunError",
    ),
    Case(
        "no scores yet", "a run that was not composed", READ,
        "~/run has no product 'query_key'; it holds bigram, context, frequencies, vocabulary, windows. Run the job "
        "count_attention on it first.",
        changed_run(lambda _: None, lambda run: open_run(run).query_key()), "RunError",
    ),
    Case(
        "other version", "a manifest of another version, which said less", READ,
        "~/run/windows/manifest.json, written by leadterm 0.0.9, says nothing of 'positions', which leadterm <…> "
        "reads. Rebuild the product with --overwrite, or use the version that wrote it.",
        changed_run(restate("windows", forgetful), lambda run: open_run(run).n_positions), "RunError",
    ),
    Case(
        "stale mount", "a run on a mount that fails", READ,
        "~/run/bigram/manifest.json could not be reached ([Errno <…>] <…>). Existing products are unchanged: run "
        "again when the store answers.",
        changed_run(lambda _: None, failing_mount(errno.EIO)), "MachineError",
    ),
    Case(
        "no permission", "a run that the user may not read", READ,
        "~/run/bigram/manifest.json may not be read by this user ([Errno <…>] Permission denied). Existing "
        "products are unchanged.",
        changed_run(lambda _: None, failing_mount(errno.EACCES)), "MachineError",
    ),
    Case(
        "no map", "attention.distribution: filesystem, with an output that is a URL", "leadterm run",
        "attention.distribution is 'filesystem', and memory://runs/mine cannot be memory-mapped by the "
        "executors. Set attention.distribution to spark, or leave it out.",
        beginning("memory://runs/mine", ["count_attention"], attention={"distribution": "filesystem"}), "ConfigError",
    ),
]  # fmt: skip
