"""The reference pages of products and jobs, generated from their declarations.

``python -m leadterm.catalog.reference docs/reference`` writes them.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from leadterm.catalog.declared_product import Column
from leadterm.catalog.jobs import MADE_BY, Job
from leadterm.catalog.products import Product

PUBLISHED = {
    "always": "always",
    "with_windows": "with the text (`leadterm publish --windows`)",
    "list_files": "unless `dataset.list_files` is false",
    "list_documents": "unless `dataset.list_documents` or `dataset.list_files` is false",
    "never": "no; its manifest is",
}


def pages() -> dict[str, str]:
    """Generate the pages, by the names of their files."""
    return {"products.md": "\n".join(_products()) + "\n", "jobs.md": "\n".join(_jobs()) + "\n"}


def _products() -> Iterator[str]:
    yield "# Products of a run"
    yield ""
    yield "A product is a folder of a run, written completely or not at all, with a manifest: what it was made from,"
    yield "every setting that its bytes depend on, its counts, and the SHA-256 of its files. This page is written from"
    yield "`leadterm.catalog.products`."
    for product in Product:
        yield from ("", f"## {product}", "", product.meaning, "")
        maker = MADE_BY[product]
        yield f"- made by {f'`{maker.command}`' if maker.command else f'the job `{maker}`'}"
        if product.files:
            yield f"- files: `{product}/{product.files}`"
        if product.axes:
            yield f"- rows {product.axes[0]}, columns {product.axes[1]}"
        yield f"- adds up over corpora: {'yes' if product.adds_up else 'no'}"
        yield f"- published: {PUBLISHED[product.published] if product.of_corpus or product.columns else 'no'}"
        if product.columns:
            yield from ("", *_table(product.columns))


def _table(columns: Sequence[Column]) -> Iterator[str]:
    yield "| column | type | meaning |"
    yield "|---|---|---|"
    for column in columns:
        meaning = column.meaning.format(unit="in units of 2^-`counting.scale_bits`")
        yield f"| `{column.name}` | `{column.type}` | {meaning} |"


def _jobs() -> Iterator[str]:
    yield "# Jobs"
    yield ""
    yield "Jobs run in this order; those whose products are up to date are skipped. The products of a job depend on"
    yield "what they are made from and on the config keys that are listed here, and on no other key. This page is"
    yield "written from `leadterm.catalog.jobs`."
    for job in Job:
        yield from ("", f"## {job}", "")
        yield f"- started by: {f'`{job.command}`' if job.command else f'`jobs/{job}.py`'}"
        yield f"- runs: {_when(job)}"
        yield f"- works {'on Spark executors' if job.on_executors else 'on the driver'}"
        if job.reads:
            yield f"- reads: {_listed(job.reads)}"
        if job.makes:
            place = f", in the folder `{job.within}`" if job.within else ""
            yield f"- makes: {_listed(job.makes)}{place}"
        if job.made_from and job.made_from != job.reads:
            yield f"- made from the content of: {_listed(job.made_from)}"
        if job.keys:
            besides = f", but not {_listed(job.besides)}" if job.besides else ""
            yield f"- depends on: {_listed(job.keys)}{besides}"
        if job.adds_up:
            yield "- adds up: new files alone are worked on, and added"


def _when(job: Job) -> str:
    """Say which runs include a job."""
    if job.when is None:
        return "when it is asked for"
    return f"where the config has `{job.when}`" if job.when else "always"


def _listed(names: Sequence[str]) -> str:
    """List names as code."""
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    for name, text in pages().items():
        (Path(sys.argv[1]) / name).write_text(text, encoding="utf-8")
