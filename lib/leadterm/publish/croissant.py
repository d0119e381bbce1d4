"""Metadata of a published run in MLCommons' Croissant format 1.1, JSON-LD that dataset search and loaders read.

https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from leadterm.catalog.declared_product import Column
from leadterm.catalog.products import Product
from leadterm.config import CreatorSection, SourceSection
from leadterm.publish.licences import licence_address
from leadterm.publish.published_run import Dataset
from leadterm.publish.table_docs import Table

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
MEDIA = {
    ".parquet": "application/x-parquet",
    ".json": "application/json",
    ".md": "text/markdown",
}
TYPES = {"int32": "cr:Int32", "int64": "cr:Int64", "double": "cr:Float64", "string": "sc:Text"}
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    **{name: f"cr:{name}" for name in (
        "annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "excludes", "extract",
        "field", "fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath",
        "key", "md5", "parentField", "path", "readLines", "recordSet", "references", "regex", "repeated", "replace",
        "samplingRate", "sdVersion", "separator", "source", "subField", "transform", "unArchive", "value",
    )},
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}  # fmt: skip
"""The one that the specification recommends, with the terms of provenance."""


def metadata(dataset: Dataset, files: Mapping[str, tuple[int, str]]) -> dict[str, Any]:
    """Describe a published run.

    Parameters
    ----------
    dataset
        What is published.
    files
        Length and SHA-256 of every file, by its path.

    Returns
    -------
    dict
        JSON values.
    """
    section = dataset.section
    fields = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": dataset.title,
        "description": dataset.description,
        "conformsTo": CONFORMS_TO,
        "license": _licence(section.license),
        "url": section.url,
        "creator": [_creator(one) for one in section.creators],
        "datePublished": dataset.day,
        "version": section.version,
        "inLanguage": list(section.languages),
        "keywords": ["leadterm", *section.tags],
        "citeAs": section.citation,
        "isLiveDataset": False,
        "prov:wasDerivedFrom": [_source(one) for one in section.sources],
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "prov:label": f"leadterm {dataset.run.manifest(Product.WINDOWS).code_version}",
        },
        "distribution": [*(_file(path, *known) for path, known in files.items()), *map(_files, dataset.tables)],
        "recordSet": [_records(one) for one in dataset.tables],
    }
    return _stated(fields)


def _stated(fields: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is not known."""
    return {key: value for key, value in fields.items() if value not in (None, [], "")}


def _licence(expression: str | None) -> str | None:
    """Name a licence by its address, or an expression of several as it is."""
    return expression and (licence_address(expression) or expression)


def _creator(creator: CreatorSection) -> dict[str, Any]:
    return _stated({"@type": f"sc:{creator.kind.title()}", "name": creator.name, "url": creator.url})


def _source(source: SourceSection) -> dict[str, Any]:
    return _stated(
        {
            "@type": "prov:Entity",
            "prov:label": source.name,
            "sc:url": source.url,
            "sc:license": _licence(source.license),
            "sc:citation": source.citation,
        }
    )


def _file(path: str, n_bytes: int, sha256: str) -> dict[str, Any]:
    """Describe a file, whose identifier is its path."""
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "contentSize": f"{n_bytes} B",
        "encodingFormat": MEDIA.get(PurePosixPath(path).suffix, "application/octet-stream"),
        "sha256": sha256,
    }


def _files(table: Table) -> dict[str, Any]:
    """Describe the files of a table together."""
    return {
        "@type": "cr:FileSet",
        "@id": f"{table.name}-files",
        "name": f"{table.name}-files",
        "description": f"The files of the table {table.name}.",
        "encodingFormat": MEDIA[".parquet"],
        "includes": table.pattern,
    }


def _records(table: Table) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": table.meaning,
        "field": [_field(table, column) for column in table.columns],
    }


def _field(table: Table, column: Column) -> dict[str, Any]:
    """Describe a column."""
    element = column.type.removeprefix("list<").removesuffix(">")
    is_list = element != column.type
    return {
        "@type": "cr:Field",
        "@id": f"{table.name}/{column.name}",
        "name": column.name,
        "description": column.meaning,
        "dataType": TYPES[element],
        **({"isArray": True, "arrayShape": "-1"} if is_list else {}),
        "source": {"fileSet": {"@id": f"{table.name}-files"}, "extract": {"column": column.name}},
    }
