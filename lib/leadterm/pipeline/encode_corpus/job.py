"""The job ``encode_corpus``: documents in Parquet or JSON lines become windows of token ids and a vocabulary."""

import hashlib
import logging
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.config import Config
from leadterm.corpus import HuggingFaceTokenizer
from leadterm.corpus.engines.checked_tokenizer import CheckedTokenizer
from leadterm.corpus.required_tokens import check_asked
from leadterm.counting import plan_memory
from leadterm.errors import InputError, LeadtermError
from leadterm.pipeline.encode_corpus.choose_tokenizer import (
    AnyTokenizer,
    FromCorpus,
    IdsVocabulary,
    chosen_engine,
    given_tokenizer,
)
from leadterm.pipeline.encode_corpus.corpus_chunks import CHUNK_BYTES, Chunks, divide, encode_chunks
from leadterm.pipeline.encode_corpus.encoded_by import encoded_by
from leadterm.pipeline.encode_corpus.inputs.open_corpus import Documents, open_documents
from leadterm.pipeline.encode_corpus.inputs.source_list import sources_hash
from leadterm.pipeline.encode_corpus.make_tokenizer import made_tokenizer, tokenizer_file
from leadterm.pipeline.encode_corpus.task import DROPS, WINDOW_SCHEMA, Encoding, Tally
from leadterm.pipeline.encode_corpus.windows_writer import REPORT_ROW, WindowsWriter, sum_vectors, written_files
from leadterm.pipeline.lifecycle import Order, Timer, carry_out, job
from leadterm.spark.task_progress import progress
from leadterm.spark.translate_errors import readable_errors
from leadterm.storage import Location, Manifest, Staging, read_manifest, staging
from leadterm.storage.formats.small_tables import (
    SOURCES,
    TOKENIZER,
    VOCABULARY,
    stage_bytes,
    stage_table,
    vocabulary_table,
)
from leadterm.storage.read_products import Overwrite

logger = logging.getLogger("leadterm")


@job(Job.ENCODE_CORPUS)
def encode_corpus(
    session: SparkSession,
    config: Config,
    run: Location,
    *,
    overwrite: Overwrite = False,
    documents: Documents | None = None,
    may_be_empty: bool = False,
) -> bool:
    """Make the products ``sources``, ``documents``, ``vocabulary`` and ``windows`` of a run.

    Parameters
    ----------
    session
        Spark.
    config
        Its sections ``corpus``, ``tokenizer`` and ``windows``.
    run
        The run directory.
    overwrite
        Make products anew; ``differing``: only those that were made from other inputs or with other settings.
    documents
        The corpus, if it was opened already.
    may_be_empty
        Whether a corpus may give no window.

    Returns
    -------
    bool
        False if all products were there already, made from the same files with the same settings.

    Raises
    ------
    InputError
        If the corpus or the tokenizer is missing, broken or empty, or a file changed while it was read.
    RunError
        If the run directory holds another run.
    ConfigError
        If a counting task will have too little memory for the vocabulary.
    """
    if read_manifest(run, Product.WINDOWS) is None:
        with staging(run):  # An output that cannot be written is refused now, not after the corpus was read.
            pass
    given = given_tokenizer(config.tokenizer)
    if not isinstance(given, FromCorpus):
        _check_size(config, given.vocabulary_size)
    documents = documents or open_documents(session, config.corpus)
    inputs = made_from(_corpus_hash(documents, config), given)
    order = Order.of(Job.ENCODE_CORPUS, config, run, overwrite=overwrite, made_from=inputs)
    opened = documents

    @cache
    def chunks() -> list[list[str]]:
        return divide(opened, CHUNK_BYTES)

    def encode(stage: Staging) -> None:
        timer, files = Timer(), chunks()
        with opened.unchanged():
            tokenizer = made_tokenizer(Chunks(opened, files, stage.counts), given)
            _check_size(config, tokenizer.vocabulary_size)
            check_asked(config, tokenizer.tokens)
            seconds = {"tokenizer": timer.lap()}
            engine = chosen_engine(tokenizer, config.tokenizer)
            encoder: AnyTokenizer | CheckedTokenizer = tokenizer
            if engine is not None:
                logger.info("tokenizer engine: %s (%s)", engine.name, engine.reason)
                encoder = engine.tokenizer
            seconds["engine"] = timer.lap()
            reports = _write_windows(Chunks(opened, files, stage.parts), config, encoder, stage)
            seconds["encode"] = timer.lap()
        corpus = Corpus.of(opened, config)
        vocabulary = list(tokenizer.tokens), tokenizer_file(tokenizer)
        told = encoded_by(engine, sum_vectors(reports["tally"]))
        base = order.manifest(seconds=seconds)
        commit_corpus(stage, corpus, *vocabulary, reports, base, told, may_be_empty=may_be_empty)

    tallied = {"tally": [kind.name.lower() for kind in Tally]}  # In this order in the reports of finished chunks.
    return carry_out(order, encode, lambda: tallied, resumes=lambda: len(chunks()) > 1)


def _check_size(config: Config, vocabulary_size: int) -> None:
    """Refuse a vocabulary that could not be counted, before the corpus is encoded with it.

    Raises
    ------
    ConfigError
        If a counting task has too little memory for it.
    """
    plan_memory(config.counting.memory_per_task, vocabulary_size, config.windows.length)


def made_from(corpus: str, given: AnyTokenizer | FromCorpus) -> dict[str, str]:
    """Name what the products are made from: the corpus, by its hash, and a tokenizer that came from elsewhere."""
    if isinstance(given, HuggingFaceTokenizer):
        return {"corpus": corpus, "tokenizer": hashlib.sha256(given.to_json().encode()).hexdigest()}
    return {"corpus": corpus}


def _corpus_hash(documents: Documents, config: Config) -> str:
    """Hash the corpus."""
    limits = (config.corpus.max_documents, getattr(config.tokenizer, "training_documents", None))
    return sources_hash(documents.listed, ordered=any(limits))


def _write_windows(
    corpus: Chunks, config: Config, tokenizer: AnyTokenizer | CheckedTokenizer, stage: Staging
) -> pa.Table:
    """Encode on the executors and write the windows files into the staging folder; a report per file."""
    encoding = Encoding(
        tokenizer=None if isinstance(tokenizer, IdsVocabulary) else tokenizer,
        vocabulary_size=tokenizer.vocabulary_size,
        length=config.windows.length,
        policy=config.windows.policy,
        files=config.windows.files,
        min_characters=config.corpus.min_characters,
        max_characters=config.corpus.max_characters,
    )
    writer = WindowsWriter(stage.folder.uri, tokenizer.vocabulary_size)

    size = tokenizer.vocabulary_size if isinstance(tokenizer, IdsVocabulary) else None

    def encode(documents: Documents, what: str) -> pa.Table:
        encoded = documents.mapped(encoding, WINDOW_SCHEMA, size)
        windows = encoded.repartitionById(config.windows.files, "bucket")
        ordered = windows.sortWithinPartitions("document", "window", "tokens")
        written = ordered.mapInArrow(writer, from_arrow_schema(REPORT_ROW))
        with progress(corpus.session, what), readable_errors():
            return written.toArrow().cast(REPORT_ROW)

    if len(corpus.files) == 1:
        return encode(corpus.documents, "encode documents")
    return encode_chunks(corpus, encode)


@dataclass(frozen=True)
class Corpus:
    """What was read.

    Attributes
    ----------
    sources
        The files.
    left_out
        How many files in their folders were not read.
    records
        How many records the files hold, as they were counted before anyone looked into them.
    unselected
        How many of these ``corpus.where`` drops; None where there is no such setting.
    marks
        Of each set of documents that was subtracted again.
    all_files
        Where there are any: the hash of the corpus with them.
    """

    sources: pa.Table
    left_out: int
    records: int
    unselected: int | None = None
    marks: tuple[str, ...] = ()
    all_files: str = ""

    @classmethod
    def of(cls, documents: Documents, config: Config) -> "Corpus":
        """Say what was read of an opened corpus."""
        unselected = None if config.corpus.where is None else documents.n_unselected
        records = documents.n_records + (unselected or 0)
        return cls(documents.listed, len(documents.left_out), records, unselected)


def commit_corpus(
    stage: Staging,
    corpus: Corpus,
    tokens: list[str],
    tokenizer: str | None,
    reports: pa.Table,
    base: Manifest,
    encoded_by: dict[str, Any],
    *,
    may_be_empty: bool = False,
) -> None:
    """Check the accounts, then let the four products appear.

    Parameters
    ----------
    stage
        Where files of windows lie.
    corpus
        What was read.
    tokens, tokenizer
        The names of the vocabulary, and the text of its tokenizer.json if it has one.
    reports
        Of the tasks that wrote windows; see `leadterm.pipeline.encode_corpus.windows_writer.REPORT_ROW`.
    base
        What the manifests share.
    encoded_by
        What that of the windows says of the engine that gave their ids.
    may_be_empty
        Whether there may be no window.

    Raises
    ------
    InputError
        If there is no window; says what became of the documents.
    LeadtermError
        If the sums do not agree.
    """
    account = check_account(sum_vectors(reports["tally"]), corpus, reports, may_be_empty=may_be_empty)
    token_counts = sum_vectors(reports["counts"])
    account |= {"vocabulary_size": len(tokens), "tokens": int(token_counts.sum())}

    small = [stage_table(stage, VOCABULARY, vocabulary_table(tokens, token_counts))]
    if tokenizer is not None:
        small.append(stage_bytes(stage, TOKENIZER, tokenizer.encode()))
    parts, entries = zip(*small, strict=True)
    listing, listing_entry = stage_table(stage, SOURCES, corpus.sources)
    listed, places = written_files(reports)
    noted, notes = written_files(reports, of_documents=True)

    counts = {"vocabulary_size": account["vocabulary_size"], "tokens": account["tokens"]}
    n_bytes = pc.sum(corpus.sources["bytes"]).as_py() or 0  # Of a table that a connector reads they are not known.
    read: dict[str, Any] = {"files": len(corpus.sources), "bytes": n_bytes, "left_out": corpus.left_out}
    if corpus.marks:
        read |= {"without": list(corpus.marks), "all_files": corpus.all_files}
    stage.commit(replace(base, product=Product.SOURCES, counts=read, files=(listing_entry,)), [listing])
    known = {"documents": account["kept"], "windows": account["windows"]}
    stage.commit(replace(base, product=Product.DOCUMENTS, counts=known, files=noted), notes)
    stage.commit(replace(base, product=Product.VOCABULARY, counts=counts, files=tuple(entries)), parts)
    windows = replace(base, product=Product.WINDOWS, counts=account, files=listed, encoded_by=encoded_by)
    stage.commit(windows, places)


def check_account(
    tally: NDArray[np.int64], corpus: Corpus, reports: pa.Table, *, may_be_empty: bool = False
) -> dict[str, Any]:
    """Check that every record is a document, kept or dropped for one reason; every window is in a file.

    Raises
    ------
    InputError
        If no document gave a window; says what became of them.
    LeadtermError
        If the sums do not agree.
    """
    dropped = {reason.name.lower(): int(tally[reason]) for reason in DROPS}
    if corpus.unselected is not None:
        dropped["where"] = corpus.unselected
    account: dict[str, Any] = {
        "documents": int(tally[Tally.DOCUMENTS]) + (corpus.unselected or 0),
        "dropped": dropped,
        "kept": int(tally[Tally.KEPT]),
        "windows": int(tally[Tally.WINDOWS]),
        "positions": int(tally[Tally.POSITIONS]),
        "replaced_surrogates": int(tally[Tally.REPLACED_SURROGATES]),
    }
    if account["windows"] == 0 and not may_be_empty:
        reasons = ", ".join(f"{reason}: {n:,}" for reason, n in dropped.items() if n) or "there were no documents"
        raise InputError(
            f"the corpus is empty: none of its {account['documents']:,} documents gave a window ({reasons})"
        )
    windows, tokens = sum(reports["windows"].to_pylist()), sum(reports["tokens"].to_pylist())
    balanced = (
        account["documents"] == account["kept"] + sum(dropped.values()) == corpus.records
        and windows == account["windows"]
        and tokens - windows == account["positions"]
        and sum(reports["documents"].to_pylist()) == account["kept"]
    )
    if not balanced:
        raise LeadtermError(
            f"consistency check failed: {account}, {windows} windows and {tokens} tokens in the files, "
            f"{corpus.records} records in the sources. Did a source file change while it was read? Run again, "
            "or report this as a bug."
        )
    return account
