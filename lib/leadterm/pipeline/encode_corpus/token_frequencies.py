"""Finds the most frequent words, or pieces of text, of a corpus: executors count them, Spark adds the counts up.

Of a large corpus they are counted a chunk after the other. The counts of a chunk lie in files that tasks write and
read, as there may be too many different words for one machine.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from leadterm.pipeline.encode_corpus.corpus_chunks import Chunks
from leadterm.pipeline.encode_corpus.inputs.open_corpus import Documents
from leadterm.pipeline.encode_corpus.task import eligible_texts
from leadterm.spark.task_progress import progress
from leadterm.spark.tasks import assign_places, spread
from leadterm.spark.translate_errors import readable_errors
from leadterm.storage.formats.parquet_io import parquet_writer, read_groups
from leadterm.storage.location import Location
from leadterm.storage.staged.hashing_sink import hashing_output

LARGEST_COUNTER = 500_000
"""Distinct words that a task holds before it hands its counts on: about 100 MB."""
COUNTS = pa.schema([("part", pa.string()), ("n", pa.int64())])
"""How often a word, or a piece, occurs; there may be several rows of one."""
COUNTS_REPORT = "place string, bytes long, sha256 string"
"""What a task says of the file of counts that it wrote."""
READING_TASKS = 2
"""For each that runs at once, so that one with larger files does not hold the others up."""


@dataclass(frozen=True)
class PartsCounter:
    """Counts parts of the eligible documents; travels to the executors.

    Attributes
    ----------
    count
        Counts the parts of texts.
    smallest, largest
        Characters of an eligible document.
    """

    count: Callable[[Iterable[str]], Counter[str]]
    smallest: int
    largest: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Count in batches of documents."""
        counter: Counter[str] = Counter()
        for batch in batches:
            counter.update(self.count(eligible_texts(batch.column(0), self.smallest, self.largest)))
            if len(counter) > LARGEST_COUNTER:
                yield _counts_batch(counter)
                counter.clear()
        yield _counts_batch(counter)


def _counts_batch(counter: Counter[str]) -> pa.RecordBatch:
    """Lay counts out as Arrow columns."""
    columns = [pa.array(list(counter), pa.string()), pa.array(list(counter.values()), pa.int64())]
    return pa.RecordBatch.from_arrays(columns, schema=COUNTS)


@dataclass(frozen=True)
class CountsWriter:
    """Writes the counts that a task was given to a file; travels to the executors.

    Attributes
    ----------
    folder
        URL of the folder.
    """

    folder: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Write one file of batches (part, n), and give its report; nothing if there is no row."""
        some = (batch for batch in batches if len(batch))
        first = next(some, None)
        if first is None:
            return
        place = Location.of(self.folder) / uuid.uuid4().hex
        with hashing_output(place) as sink, parquet_writer(sink, COUNTS) as writer:
            for batch in chain([first], some):
                writer.write_batch(batch)
        yield pa.RecordBatch.from_pylist([{"place": place.uri, "bytes": sink.n_bytes, "sha256": sink.sha256}])


def read_counts(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Read the files of counts named in the batches."""
    for batch in batches:
        for place in batch["place"].to_pylist():
            for group in read_groups(Location.of(place)):
                yield from group.to_batches()


def count_parts(
    corpus: Chunks, count: Callable[[Iterable[str]], Counter[str]], parts: str, first: int | None = None
) -> DataFrame:
    """Count parts of the eligible documents.

    A corpus of several chunks is counted now, but for chunks that were counted before. Where only the first
    documents are wanted, and there are more, all are counted together, when the counts are asked for: they may be any
    part of the chunks.

    Parameters
    ----------
    corpus
        Its chunks.
    count
        Counts the parts of texts; runs on the executors.
    parts
        What they are called.
    first
        Documents that are wanted; None: all.

    Returns
    -------
    pyspark.sql.DataFrame
        As :data:`COUNTS` says.
    """
    limits = corpus.documents.corpus
    counter = PartsCounter(count, limits.min_characters, limits.max_characters)
    wanted = corpus.documents.first(first)
    if len(corpus.files) == 1 or wanted is not corpus.documents:
        return wanted.mapped(counter, COUNTS)

    def write(some: Documents, what: str) -> pa.Table:
        written = _added_up(some.mapped(counter, COUNTS)).mapInArrow(CountsWriter(corpus.folder.uri), COUNTS_REPORT)
        with progress(corpus.session, what), readable_errors():
            return written.toArrow()

    reports = pa.concat_tables(corpus.each(f"count {parts}", "counted", write))
    return _stored_counts(corpus.session, reports["place"].to_pylist())


def _stored_counts(session: SparkSession, places: list[str]) -> DataFrame:
    """Read files of counts."""
    if not places:
        return session.createDataFrame(COUNTS.empty_table())
    n_tasks = READING_TASKS * session.sparkContext.defaultParallelism
    return spread(session, assign_places(places, -(-len(places) // n_tasks)), read_counts, COUNTS)


def _added_up(counts: DataFrame) -> DataFrame:
    """Add up the counts of each part."""
    return counts.groupBy("part").agg(F.sum("n").alias("n"))


def most_frequent_parts(counts: DataFrame, size: int, description: str) -> dict[str, int]:
    """Find so many most frequent parts, and how often each occurs.

    Parameters
    ----------
    counts
        As :data:`COUNTS`.
    size
        So many at most.
    description
        What progress shows.

    Returns
    -------
    dict
        In descending order of counts; equal counts in the order of the parts' UTF-8 bytes.
    """
    ranked = _added_up(counts).orderBy(F.desc("n"), "part").limit(size)
    with progress(counts.sparkSession, description), readable_errors():
        found = ranked.toArrow()
    return dict(zip(found["part"].to_pylist(), found["n"].to_pylist(), strict=True))
