"""The peer that needs no kernels: the same sums as Spark SQL, the way a data engineer would write them.

Positions are joined with those up to them in their window. To explode each position's slice of the window instead needs
no join, and took twice as long.
"""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.samples import Sample


def count_sql(session: SparkSession, sample: Sample, output: Path) -> None:
    """Write ``bigram`` (current, next, count) and ``context`` (next, context, weight) of a sample's windows."""
    partitions = str(4 * session.sparkContext.defaultParallelism)  # not the 200 that are meant for a cluster
    session.conf.set("spark.sql.shuffle.partitions", partitions)
    files = [str(sample.folder / "windows" / entry.name) for entry in sample.manifest.files if "windows-" in entry.name]
    positions = open_positions(session.read.parquet(*files))
    bigram = positions.groupBy("current", "next").agg(F.count("*").alias("count"))
    pairs = pair(positions).withColumn("weight", 1 / F.col("t"))
    context = pairs.groupBy("next", "context").agg(F.sum("weight").alias("weight"))
    bigram.write.parquet(str(output / "bigram"))
    context.write.parquet(str(output / "context"))


def open_positions(windows: DataFrame) -> DataFrame:
    """Explode windows into positions: window, t (from 1), current, next."""
    # A number of our own: two documents of the same content have the same hash, and both count.
    numbered = windows.select(F.monotonically_increasing_id().alias("window"), "tokens")
    n_positions = F.size("tokens") - 1
    steps = F.arrays_zip(
        F.slice("tokens", 1, n_positions).alias("current"), F.slice("tokens", 2, n_positions).alias("next")
    )
    exploded = numbered.select("window", F.posexplode(steps).alias("place", "step"))
    return exploded.select("window", (F.col("place") + 1).alias("t"), "step.current", "step.next")


def pair(positions: DataFrame) -> DataFrame:
    """Join each position with those up to it in its window: next, context, t."""
    contexts = positions.select("window", F.col("t").alias("j"), F.col("current").alias("context"))
    joined = positions.select("window", "t", "next").join(contexts, "window").where("j <= t")
    return joined.select("next", "context", "t")
