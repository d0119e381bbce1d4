"""Tells people and machines when a job begins and how it ended, with the account of what it made."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from leadterm.catalog.jobs import Job
from leadterm.errors import reason_of
from leadterm.storage import Location, Manifest, read_manifest
from leadterm.telemetry.events import current_job, in_job, tell, valued
from leadterm.telemetry.progress import titled
from leadterm.telemetry.stage_metrics import collecting_work

logger = logging.getLogger("leadterm")


@dataclass
class Outcome:
    """What a job says of itself.

    Attributes
    ----------
    did_work
        False if there was nothing to do.
    """

    did_work: bool = True


@contextmanager
def watched_job(name: Job, run: Location) -> Iterator[Outcome]:
    """Log that a job begins, and what it made, or how it failed; what it makes in the block notes Spark's work.

    Parameters
    ----------
    name
        Of the job.
    run
        What it works on.

    Yields
    ------
    Outcome
        To be told whether there was anything to do.
    """
    started, title, outcome = time.monotonic(), titled(name), Outcome()
    if current_job():  # A step of another job, which tells of it.
        yield outcome
        return
    with in_job(title), collecting_work():
        tell("start", f"{title}: started", run=str(run))
        try:
            yield outcome
        except BaseException as error:
            seconds = round(time.monotonic() - started, 3)
            tell("failed", f"{title}: failed", level=logging.ERROR, run=str(run), seconds=seconds, **reason_of(error))
            raise
        seconds = time.monotonic() - started
        if outcome.did_work:
            values = valued("done", run=str(run), seconds=round(seconds, 3), **_account(name, run, seconds))
            logger.info("%s: done in %.1f s", title, seconds, extra=values)
        else:
            text = "%s: skipped, because its products are up to date"
            logger.info(text, title, extra=valued("skipped", run=str(run), seconds=round(seconds, 3)))


def _account(name: Job, run: Location, seconds: float) -> dict[str, Any]:
    """Say what a job made: tokens and their rate, and of each product its counts, files and bytes."""
    found = {product: read_manifest_of(run, product) for product in name.told}
    made = {product: manifest for product, manifest in found.items() if manifest is not None}
    tokens = max((_tokens(manifest) for manifest in made.values()), default=0)
    products = {product: _product(manifest) for product, manifest in made.items()}
    rate = {"tokens": tokens, "tokens_per_second": round(tokens / seconds)} if tokens and seconds else {}
    return {**rate, "bytes": sum(one["bytes"] for one in products.values()), "products": products} if products else rate


def read_manifest_of(run: Location, product: str) -> Manifest | None:
    """Read the manifest of a product of a run, or of a run inside it."""
    *folders, name = product.split("/")
    for folder in folders:
        run = run / folder
    return read_manifest(run, name)


def _tokens(manifest: Manifest) -> int:
    """Count the tokens that a product was made from, as windows hold them."""
    return int(manifest.counts.get("positions", 0)) + int(manifest.counts.get("windows", 0))


def _product(manifest: Manifest) -> dict[str, Any]:
    """Say of one product what its manifest says, without its list of files."""
    return {
        "files": len(manifest.files),
        "bytes": sum(entry.bytes for entry in manifest.files),
        **manifest.counts,
        "seconds": {stage: round(seconds, 3) for stage, seconds in manifest.seconds.items()},
        "work": manifest.work,
    }
