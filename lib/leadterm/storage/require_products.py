"""Requires products of a run, and says of one that is missing which job makes it."""

from difflib import get_close_matches

from leadterm.catalog.jobs import MADE_BY, Job
from leadterm.catalog.products import SHUFFLED_RUN, Product
from leadterm.errors import RunError
from leadterm.storage.location import Location
from leadterm.storage.manifest import NAME, Manifest
from leadterm.storage.read_products import read_manifest, require_folder
from leadterm.storage.store_errors import bucket_missing


def who_makes(run: Location, product: str) -> str:
    """Say what makes a product of a run, for a message: ``the job count_attention``, ``leadterm pretrain``."""
    folder = product.partition("/")[0]
    if folder in Job.SHUFFLE_CORPUS.makes and _is_shuffled(run):
        return Job.SHUFFLE_CORPUS.called
    job = MADE_BY.get(folder)
    return job.called if job else f"the job that makes '{product}'"


def _is_shuffled(run: Location) -> bool:
    """Say whether a run is the shuffled one of the run that it is in."""
    above, _, name = run.path.rstrip("/").rpartition("/")
    return name == SHUFFLED_RUN and Location(run.filesystem, f"{above}/{Product.WINDOWS}/{NAME}", run.uri).exists()


def _given(run: Location, product: str) -> str:
    """Say which run is to be given to what makes a product."""
    outer = product in Job.SHUFFLE_CORPUS.makes and _is_shuffled(run)
    return "the run that it is in" if outer else "it"


def _require_bucket(run: Location) -> None:
    """Say of an object store that it has no such bucket, where nothing was found in it."""
    bucket = run.path.partition("/")[0]
    if run.filesystem.type_name in ("s3", "gcs") and not Location(run.filesystem, bucket, bucket).exists():
        raise bucket_missing(run, bucket)


def _similar(run: Location) -> str:
    """Name a run beside one that is not there, if its name is nearly the same."""
    above, _, name = run.path.rstrip("/").rpartition("/")
    if not run.is_local:
        return ""
    beside = Location(run.filesystem, above, above)
    runs = [one for one in beside.names() if (beside / one / Product.WINDOWS / NAME).exists()]
    near = get_close_matches(name, runs, 1)
    return f" (did you mean {above}/{near[0]}?)" if near else ""


def require_manifest(run: Location, product: str) -> Manifest:
    """Read a product's manifest, or say which job makes that product.

    Raises
    ------
    RunError
        If the run has no such product, or is no folder.
    """
    require_folder(run)
    found = read_manifest(run, product)
    if found is None:
        _require_bucket(run)
        present = [name for name in run.names() if (run / name / NAME).exists()]
        nothing = "it contains no product" if run.exists() else "there is no such folder" + _similar(run)
        held = f"it holds {', '.join(present)}" if present else nothing
        raise RunError(
            f"{run} has no product '{product}'; {held}. Run {who_makes(run, product)} on {_given(run, product)} first."
        )
    return found


def require_inputs(run: Location, job: Job) -> dict[str, Manifest]:
    """Read the manifests of all products that a job reads, by their names.

    Raises
    ------
    RunError
        If the run lacks one; names the first of them, and the job that makes it.
    """
    return {str(product): require_manifest(run, product) for product in job.reads}
