"""The job ``add_files``: only the files that a run has not counted are counted, and added to it."""

import logging
from collections.abc import Sequence

import pyarrow as pa
from pyspark.sql import SparkSession

from leadterm.catalog.jobs import Job, jobs_where
from leadterm.catalog.products import Product
from leadterm.config import Config, CorpusSection, read_as_table
from leadterm.errors import ConfigError, RunError
from leadterm.pipeline.encode_corpus import job as encode
from leadterm.pipeline.encode_corpus.choose_tokenizer import given_tokenizer
from leadterm.pipeline.encode_corpus.inputs.inspect_inputs import list_files
from leadterm.pipeline.encode_corpus.inputs.open_corpus import Documents, open_files, with_sources
from leadterm.pipeline.encode_corpus.inputs.open_table import open_gained, table_name
from leadterm.pipeline.encode_corpus.inputs.source_list import new_sources
from leadterm.pipeline.job_choice import is_asked
from leadterm.pipeline.lifecycle import Order, function_of, job
from leadterm.pipeline.merge_runs.job import merge_runs
from leadterm.spark.translate_errors import file_name
from leadterm.storage import Location, Manifest, read_manifest
from leadterm.storage.read_products import Overwrite
from leadterm.storage.staged.replace_products import replacement, sole_replacer
from leadterm.storage.stored_run import StoredRun

_ADDED = tuple(str(product) for job in jobs_where(adds_up=True) for product in job.makes)
"""The products that are added up."""

logger = logging.getLogger("leadterm")


@job(Job.ADD_FILES)
def add_files(session: SparkSession, config: Config, run: Location, files: Sequence[str] = ()) -> bool:
    """Count the files that a run has not counted yet, and add the counts to it; make the run if there is none.

    The products of encoding and counting then have the bytes that one run over all files gives. They replace the old
    ones together. What is made from them is not touched.

    Parameters
    ----------
    session
        Spark.
    config
        Its sections ``corpus``, ``tokenizer``, ``windows`` and ``counting``: those of the run.
    run
        The run directory.
    files
        Files, folders, globs or URLs, all of them new. By default ``corpus.paths``, of which files that the run has
        counted are passed over.

    Returns
    -------
    bool
        False if there was no new file.

    Raises
    ------
    ConfigError
        If the corpus decides its vocabulary, or how many documents are read.
    InputError
        If a file would be counted twice, or has changed since it was counted; names it.
    RunError
        If the run was made with other settings, is not whole, or another process adds to it.
    """
    _check_addable(config)
    with sole_replacer(run) as stage:
        base = _base(config, run)
        new, n_counted = _open_new(session, config.corpus, run if base else None, files)
        if new is None:
            logger.info("nothing to add: all %s files have already been counted", f"{n_counted:,}")
            return False
        logger.info("new files: %s; already counted: %s", f"{len(new.sources):,}", f"{n_counted:,}")
        if base:
            _count(session, config, run, overwrite=False)
        part = stage.parts / "added"  # What an add that was interrupted has done of the same stays done.
        encode.encode_corpus(session, config, part, overwrite="differing", documents=new, may_be_empty=base is not None)
        if StoredRun(part).manifest(Product.WINDOWS).counts["windows"]:
            _count(session, config, part, overwrite="differing")
        with replacement(run) as fresh:
            if base:
                merge_runs(session, [run, part], fresh)
            else:
                for name in StoredRun(part).products:
                    _move(part / name, fresh / name)
            if read_manifest(run, Product.WINDOWS) != base:
                raise RunError(f"{run} was changed by another process in the meantime. Add the files again.")
    return True


def _count(session: SparkSession, config: Config, run: Location, *, overwrite: Overwrite) -> None:
    """Do the jobs whose counts add up."""
    for counting in jobs_where(adds_up=True):
        if counting.reads and is_asked(config, counting):
            function_of(counting)(session, config, run, overwrite=overwrite)


def _check_addable(config: Config) -> None:
    """Refuse settings under which the whole is more than its parts."""
    kind = config.tokenizer.kind
    if kind in ("words", "bpe"):
        raise ConfigError(
            f"tokenizer.kind is '{kind}': its vocabulary depends on the corpus, and any new file might change "
            "it. Make the vocabulary once, with leadterm run on a sample, and add files to another run with "
            "tokenizer.kind: huggingface and tokenizer.source: SAMPLE_RUN/vocabulary/tokenizer.json."
        )
    if config.corpus.max_documents is not None:
        raise ConfigError(
            "corpus.max_documents is set, but which documents come first depends on all files. Remove it to add files."
        )


def _base(config: Config, run: Location) -> Manifest | None:
    """Read the manifest of the run's windows, whose settings must be those of the config; None if there is no run."""
    given = given_tokenizer(config.tokenizer)
    found = {str(name): read_manifest(run, name) for name in Job.ENCODE_CORPUS.makes}
    windows = found[Product.WINDOWS]
    missing = [name for name, manifest in found.items() if manifest is None]
    if len(missing) == len(found):
        Order(Job.ADD_FILES, run, {}, {}, products=_ADDED).is_current()  # Something else may stand in their place.
        return None
    if windows is None or missing:
        raise RunError(
            f"{run} is incomplete: it lacks '{missing[0]}', perhaps as the job {Job.ENCODE_CORPUS} was interrupted. "
            "Run that job again over the same files, or choose another output."
        )
    made_from = encode.made_from(windows.made_from["corpus"], given)
    Order.of(Job.ENCODE_CORPUS, config, run, made_from=made_from).is_current()  # Refused if its settings are others.
    return windows


def _open_new(
    session: SparkSession, corpus: CorpusSection, run: Location | None, paths: Sequence[str]
) -> tuple[Documents | None, int]:
    """Open the files that the run has not counted, None if there is none; and say how many others were looked at."""
    counted: pa.Table | None = StoredRun(run).source_files if run else None
    if read_as_table(corpus):
        return _open_gained(session, corpus, counted, paths)
    opened = open_files(session, corpus, list_files(session, paths or corpus.paths), may_be_empty=run is not None)
    found = new_sources(opened.sources, counted, named=bool(paths), copies_count=corpus.copies == "count")
    for old, new in found.renamed:
        logger.info("%s was counted as %s, which no longer exists: skipped", file_name(new), file_name(old))
    n_counted = len(opened.sources) - len(found.fresh)
    return with_sources(opened, found.fresh) if len(found.fresh) else None, n_counted


def _open_gained(
    session: SparkSession, corpus: CorpusSection, counted: pa.Table | None, paths: Sequence[str]
) -> tuple[Documents | None, int]:
    """Open what a table gained since the version that the run has counted; all of it, if the run has none of it."""
    if paths:
        raise ConfigError(
            f"{paths[0]} was named, but the corpus is a table ({table_name(corpus)}): name no files; "
            "what later versions added is counted."
        )
    rows = [] if counted is None else counted.to_pylist()
    since = next((row["version"] for row in rows if row["path"] == table_name(corpus)), None)
    return open_gained(session, corpus, since), len(rows)


def _move(source: Location, target: Location) -> None:
    """Give a product another place."""
    if source.is_local:
        source.move_to(target)
        return
    for name in source.files():
        (source / name).move_to(target / name)
