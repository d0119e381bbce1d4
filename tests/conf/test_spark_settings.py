"""Every property of conf/spark is one that Spark has, with a value that Spark takes, and agrees with the code's own."""

import re
from pathlib import Path

import pytest

from leadterm.spark.session import DEFAULTS, LOCAL_DEFAULTS

FOLDER = Path(__file__).parents[2] / "conf/spark"
FILES = sorted(FOLDER.glob("*.conf"))
DECLARED = (
    "org.apache.spark.internal.config.package$",
    "org.apache.spark.internal.config.History$",
    "org.apache.spark.internal.config.Python$",
    "org.apache.spark.internal.config.UI$",
    "org.apache.spark.deploy.yarn.config.package$",
    "org.apache.spark.deploy.k8s.Config$",
    "org.apache.spark.sql.internal.SQLConf$",
)
"""Where Spark declares properties, in Java's names; each enters its own as it is loaded."""
NOT_DECLARED = re.compile(r"spark\.(master|local\.dir)|spark\.(yarn\.appMasterEnv|executorEnv)\.[A-Z_]+")
"""Those of the documentation that Spark reads without a declaration."""


def properties(path: Path, *, suggested: bool = True) -> dict[str, str]:
    """What a file sets, and what it suggests in a comment."""
    mark = r"(?:# )?" if suggested else ""
    return dict(re.findall(rf"^{mark}(spark\.\S+) +(\S+)$", path.read_text(), re.MULTILINE))


@pytest.fixture(scope="module")
def declared(spark):
    """Spark's own list of properties, as Java's."""
    for name in DECLARED:
        spark._jvm.java.lang.Class.forName(name)
    return spark._jvm.org.apache.spark.internal.config.ConfigEntry


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_spark_knows_every_property_and_reads_its_value(spark, declared, path):
    found = properties(path)
    assert found
    assert not [key for key in found if not declared.findEntry(key) and not NOT_DECLARED.fullmatch(key)]
    conf = spark._jvm.org.apache.spark.SparkConf(False)
    for key, value in found.items():
        conf.set(key, value)
    for key in found:
        if (entry := declared.findEntry(key)) is not None:
            conf.get(entry)  # Raises for a value of the wrong kind, with the property's name.


def test_a_property_that_spark_does_not_know_or_cannot_read_is_found(spark, declared):
    assert declared.findEntry("spark.executor.memoryOverheads") is None
    conf = spark._jvm.org.apache.spark.SparkConf(False).set("spark.speculation", "perhaps")
    with pytest.raises(Exception, match=r"'perhaps' in the config .spark.speculation. is invalid"):
        conf.get(declared.findEntry("spark.speculation"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_spark_submit_reads_what_the_file_sets(spark, path):
    read = spark._jvm.org.apache.spark.util.Utils.getPropertiesFromFile(str(path))
    assert {entry._1(): entry._2() for entry in entries(spark, read)} == properties(path, suggested=False)


def entries(spark, scala_map):
    """The pairs of a map of Scala's."""
    iterator = scala_map.iterator()
    while iterator.hasNext():
        yield iterator.next()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_the_code_sets_by_itself_is_what_the_file_says(path):
    here = properties(path)
    expected = DEFAULTS | (LOCAL_DEFAULTS if path.name == "laptop.conf" else {})
    expected.pop("spark.driver.extraJavaOptions", None)  # A path inside the installed package.
    assert {key: here.get(key) for key in expected} == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_block_of_properties_is_explained(path):
    blocks = path.read_text().split("\n\n")
    assert not [block for block in blocks if not block.lstrip().startswith("#")]
