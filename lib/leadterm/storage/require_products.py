"""Which job makes which product, and which products it reads: the one place that says so."""

from leadterm.errors import RunError
from leadterm.storage.location import Location
from leadterm.storage.manifest import NAME, Manifest
from leadterm.storage.read_products import read_manifest, require_folder
from leadterm.storage.store_errors import bucket_missing

MADE_BY = {
    "sources": "encode_corpus",
    "documents": "encode_corpus",
    "vocabulary": "encode_corpus",
    "windows": "encode_corpus",
    "bigram": "count_cooccurrences",
    "context": "count_cooccurrences",
    "frequencies": "count_cooccurrences",
    "composed": "compose_weights",
    "query_key": "count_attention",
    "position": "count_attention",
}
"""The products of a run that are made of its corpus, in the order in which they are made."""
SHUFFLED_RUN = "shuffled"
"""The folder, in a run, of the run over the same corpus with its tokens shuffled."""
SHUFFLED = ("windows", "vocabulary")
"""The products of the shuffled run that the job shuffle_corpus makes; the others are made as those of any run."""
FROM_THEM = {"predictors": "evaluate_alignment", "alignment": "evaluate_alignment", "report": "build_report"}
"""Products that are made from those, by their folder."""
COMMANDS = {"pretrained": "leadterm pretrain", "verification": "leadterm verify"}
"""Products that no job makes but a command."""
READS = {
    "count_cooccurrences": ("windows", "vocabulary"),
    "compose_weights": ("vocabulary", "bigram", "context"),
    "count_attention": ("windows", "vocabulary", "bigram", "composed"),
    "shuffle_corpus": ("windows", "vocabulary"),
    "evaluate_alignment": ("windows", "vocabulary", "bigram", "context", "frequencies", "composed", "query_key"),
    "build_report": ("windows", "vocabulary", "bigram", "context", "frequencies"),
}
"""The products without which a job cannot do its work, in the order in which their jobs run."""
GROWN = ("sources", "windows", "bigram", "context")
"""Those that tell what a job made that makes all of encoding and counting."""
MAKES = {"add_files": GROWN, "merge_runs": GROWN, "shuffle_corpus": (f"{SHUFFLED_RUN}/windows",)}


def products_of(job: str) -> tuple[str, ...]:
    """Name the products by which a job accounts for itself; none of evaluate_alignment, which has one a revision.

    Examples
    --------
    >>> products_of("count_attention"), products_of("build_report"), products_of("evaluate_alignment")
    (('query_key', 'position'), ('report',), ())
    """
    if job == "evaluate_alignment":
        return ()
    return MAKES.get(job) or tuple(name for name, maker in (MADE_BY | FROM_THEM).items() if maker == job)


def who_makes(run: Location, product: str) -> str:
    """Say what makes a product of a run, for a message: ``the job count_attention``, ``leadterm pretrain``."""
    folder = product.partition("/")[0]
    if folder in COMMANDS:
        return COMMANDS[folder]
    if folder in SHUFFLED and _is_shuffled(run):
        return "the job shuffle_corpus"
    job = (MADE_BY | FROM_THEM).get(folder)
    return f"the job {job}" if job else f"what makes '{product}'"


def _is_shuffled(run: Location) -> bool:
    """Say whether a run is the shuffled one of the run that it lies in."""
    above, _, name = run.path.rstrip("/").rpartition("/")
    return name == SHUFFLED_RUN and Location(run.filesystem, f"{above}/windows/{NAME}", run.uri).exists()


def _given(run: Location, product: str) -> str:
    """Say which run is to be given to what makes a product."""
    outer = product in SHUFFLED and _is_shuffled(run)
    return "the run that it lies in" if outer else "it"


def _require_bucket(run: Location) -> None:
    """Say of an object store that it has no such bucket, where nothing was found in it."""
    bucket = run.path.partition("/")[0]
    if run.filesystem.type_name in ("s3", "gcs") and not Location(run.filesystem, bucket, bucket).exists():
        raise bucket_missing(run, bucket)


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
        held = f"it holds {', '.join(present)}" if present else "it holds no product at all"
        raise RunError(
            f"{run} has no product '{product}'; {held}. Run {who_makes(run, product)} on {_given(run, product)} first."
        )
    return found


def require_inputs(run: Location, job: str) -> dict[str, Manifest]:
    """Read the manifests of all products that a job reads, by their names.

    Raises
    ------
    RunError
        If the run lacks one; names the first of them, and the job that makes it.
    """
    return {product: require_manifest(run, product) for product in READS[job]}
