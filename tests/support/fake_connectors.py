"""Stand-ins for connectors that cannot be had here: they answer as Iceberg and Hudi do, from a file of JSON.

The file, at the path that is loaded, lists snapshots in order: id, parent, operation, texts there, texts it added.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

SCHEMAS = {
    "": "text string, lang string",
    "refs": "name string, snapshot_id bigint",
    "snapshots": "snapshot_id bigint, parent_id bigint, operation string",
}


class _Reader(DataSourceReader):
    def __init__(self, rows: list[tuple]) -> None:
        self._rows = rows

    def partitions(self) -> list[InputPartition]:
        return [InputPartition(0)]

    def read(self, partition: InputPartition) -> Iterator[tuple]:
        yield from self._rows


class FakeIceberg(DataSource):
    """As Iceberg: a table, its refs and its snapshots."""

    @classmethod
    def name(cls) -> str:
        return "iceberg"

    def schema(self) -> str:
        return SCHEMAS[self.options["path"].partition("#")[2]]

    def reader(self, schema: object) -> DataSourceReader:
        path, _, part = self.options["path"].partition("#")
        snapshots = {one["id"]: one for one in json.loads(Path(path, "snapshots.json").read_text())}
        if part == "refs":
            return _Reader([("main", list(snapshots)[-1])] if snapshots else [])
        if part == "snapshots":
            return _Reader([(one["id"], one["parent"], one["operation"]) for one in snapshots.values()])
        if "start-snapshot-id" in self.options:
            ids = list(snapshots)
            first, last = (ids.index(int(self.options[f"{end}-snapshot-id"])) for end in ("start", "end"))
            texts = [text for one in ids[first + 1 : last + 1] for text in snapshots[one]["added"]]
        else:
            texts = snapshots[int(self.options["snapshot-id"])]["texts"]
        return _Reader([(text, "en") for text in texts])


class FakeHudi(DataSource):
    """As Hudi: a table as of an instant."""

    @classmethod
    def name(cls) -> str:
        return "hudi"

    def schema(self) -> str:
        return SCHEMAS[""]

    def reader(self, schema: object) -> DataSourceReader:
        return _Reader([(f"as of {self.options['as.of.instant']}", "en")])
