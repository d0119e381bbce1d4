"""What Spark needs to read a table: the package of its connector, and the settings that go with it."""

from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from leadterm.errors import InputError
from leadterm.spark.translate_errors import root_cause, translate

VERSION = "VERSION"
"""Stands in a coordinate for the version that is made for this Spark."""
PACKAGES: dict[str, str] = {
    "delta": "io.delta:delta-spark_{minor}_{scala}:" + VERSION,
    "iceberg": "org.apache.iceberg:iceberg-spark-runtime-{minor}_{scala}:" + VERSION,
    "hudi": "org.apache.hudi:hudi-spark{minor}-bundle_{scala}:" + VERSION,
    "avro": "org.apache.spark:spark-avro_{scala}:{spark}",
}
SETTINGS: dict[str, str] = {
    "delta": "spark.sql.extensions: io.delta.sql.DeltaSparkSessionExtension, and spark.sql.catalog.spark_catalog: "
    "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "iceberg": "spark.sql.extensions: org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions, and for a "
    "catalog spark.sql.catalog.NAME: org.apache.iceberg.spark.SparkCatalog",
    "hudi": "spark.sql.extensions: org.apache.spark.sql.hudi.HoodieSparkSessionExtension, and spark.serializer: "
    "org.apache.spark.serializer.KryoSerializer",
}
NOT_FOUND = ("DATA_SOURCE_NOT_FOUND", "AVRO_NOT_LOADED", "Failed to find data source", "ClassNotFoundException")


def coordinate(session: SparkSession, kind: str) -> str:
    """Write the package of a connector as ``spark.jars.packages`` takes it, for this Spark and its Scala.

    Examples
    --------
    ``org.apache.spark:spark-avro_2.13:4.1.0``
    """
    spark = session.version
    scala = session._jvm.scala.util.Properties.versionNumberString()  # type: ignore[union-attr]
    minor, scala = (".".join(version.split(".")[:2]) for version in (spark, str(scala)))
    return PACKAGES[kind].format(spark=spark, minor=minor, scala=scala)


def has_connector(session: SparkSession, kind: str) -> bool:
    """Say whether Spark has the connector for a format."""
    sources = session._jvm.org.apache.spark.sql.execution.datasources.DataSource  # type: ignore[union-attr]
    try:
        sources.lookupDataSource(kind, session._jsparkSession.sessionState().conf())
    except (PySparkException, Py4JJavaError):
        return False
    return True


def lacks(error: Exception) -> bool:
    """Say whether an exception is Spark's for a format that it does not know."""
    return any(mark in str(error) for mark in NOT_FOUND)


@contextmanager
def reading_table(session: SparkSession, name: str, kind: str | None, remedy: str) -> Iterator[None]:
    """Retell what Spark raises inside the block, where a table is opened.

    Parameters
    ----------
    session
        Spark.
    name
        The table, for the message.
    kind
        Its format, if that is known.
    remedy
        What to do about other errors.

    Raises
    ------
    InputError
        Names the package that Spark lacks; or says what is wrong with the table.
    """
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        if kind in PACKAGES and lacks(error):
            raise InputError(lacking(session, name, kind)) from error
        if known := translate(str(error)):
            raise known from error
        raise InputError(f"Spark cannot read {name}: {_reason(error)}. {remedy}") from error


def lacking(session: SparkSession, name: str, kind: str) -> str:
    """Say which package is missing, and how Spark is given it."""
    package = coordinate(session, kind)
    version = f", with the {VERSION} of it that was built for Spark {session.version}" if VERSION in package else ""
    settings = f" Its settings: {SETTINGS[kind]}." if kind in SETTINGS else ""
    return (
        f"{name} is to be read as {kind}, which Spark can read only with its connector, a package that is not "
        "installed. Set "
        f"spark.jars.packages to {package}{version}, in the section spark of the config or with spark-submit "
        f"--packages.{settings}"
    )


def _reason(error: Exception) -> str:
    """Give the first line of what Spark says."""
    text = root_cause(error) if isinstance(error, Py4JJavaError) else str(error)
    return text.strip().partition("\n")[0].partition(";")[0].rstrip(".")
