"""The catalogue is the one place that names products and jobs, and one lifecycle carries all jobs out."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadterm.catalog import reference
from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "lib/leadterm"
NAMES, JOBS = {*map(str, Product), *map(str, Job)}, set(map(str, Job))
AGREED = {"__init__.py", "job.py", "task.py", "add_up.py"}
"""Names of files that say which part of a job they are, in the folder that says of which job."""
TAKE_PRODUCTS = {
    "manifest", "read_manifest", "require_manifest", "read_verified", "verify_file", "is_current", "matrix", "Manifest",
    "Order", "Stage", "forget", "require_inputs", "matrix_schema", "who_makes",
}  # fmt: skip
"""Functions whose arguments name products or jobs."""
HOLD_PRODUCTS = {"made_from", "manifests", "inputs", "products"}
"""Mappings and lists whose keys name products."""
STEPS = {"is_current", "forget", "Stage", "watched_job"}
"""Steps of the lifecycle that no job takes by itself."""


def modules() -> list[Path]:
    return [path for path in sorted(LIBRARY.rglob("*.py")) if path.parent.name != "catalog"]


def text_of(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def held_in(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def named(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Give the literals that name a product or a job: those of jobs anywhere, those of products where one is taken."""
    listed = {
        id(name)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and "__all__" in [held_in(target) for target in node.targets]
        for name in ast.walk(node.value)
    }
    for node in ast.walk(tree):
        places: list[ast.AST] = []
        if isinstance(node, ast.Call):
            if called(node) in TAKE_PRODUCTS:
                places = [*node.args]
            elif called(node) == "get" and held_in(node.func.value) in HOLD_PRODUCTS:  # type: ignore[attr-defined]
                places = node.args[:1]
            places += [one.value for one in node.keywords if one.arg == "product"]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            places = [node.right] if held_in(node.left) in ("run", "location", "place", "output") else []
        elif isinstance(node, ast.Subscript) and held_in(node.value) in HOLD_PRODUCTS:
            places = [node.slice]
        elif isinstance(node, ast.Compare) and held_in(node.comparators[-1]) in HOLD_PRODUCTS:
            places = [node.left]
        elif isinstance(node, ast.For | ast.comprehension) and isinstance(node.iter, ast.Tuple):
            names = [text_of(one) for one in node.iter.elts]
            places = [*node.iter.elts] if len(names) > 1 and set(names) <= NAMES else []
        elif isinstance(node, ast.Constant) and node.value in JOBS and id(node) not in listed:
            places = [node]
        yield from ((one.lineno, text) for one in places if (text := text_of(one)) in NAMES)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("run.manifest('bigram')", ["bigram"]),
        ("require_manifest(run, 'windows')", ["windows"]),
        ("place = run / 'composed'", ["composed"]),
        ("made_from['windows'] == manifest.made_from.get('bigram')", ["windows", "bigram"]),
        ("Manifest(product='position')", ["position"]),
        ("for name in ('bigram', 'context'): pass", ["bigram", "context"]),
        ("'sources' in self.run.products", ["sources"]),
        ("JOB = 'count_attention'", ["count_attention"]),
        ("counts['windows']; settings['windows']['length']; __all__ = ['evaluate_alignment']", []),
    ],
)
def test_the_search_finds(code, found):
    assert sorted(text for _, text in named(ast.parse(code))) == sorted(found)


def test_no_product_and_no_job_is_named_outside_the_catalogue():
    found = [
        f"{path.relative_to(ROOT)}:{line}: '{text}'"
        for path in modules()
        for line, text in named(ast.parse(path.read_text()))
    ]
    assert found == [], "take them from leadterm.catalog"


def test_no_two_files_have_the_same_name():
    names = Counter(path.name for path in LIBRARY.rglob("*.py"))
    assert {name for name, number in names.items() if number > 1} == AGREED


def test_every_job_has_its_folder_its_function_and_its_script():
    folders = {path.parent.name for path in LIBRARY.glob("pipeline/*/job.py")}
    assert folders == JOBS
    scripts = {path.stem for path in (ROOT / "jobs").glob("*.py")}
    assert scripts == {str(job) for job in Job if not job.command} | {"run_pipeline"}
    for script in scripts - {"run_pipeline"}:
        text = (ROOT / f"jobs/{script}.py").read_text()
        assert f'"{script}"' in text or script in ("add_files", "merge_runs")


@pytest.mark.parametrize("job", Job)
def test_a_job_does_not_bypass_the_lifecycle(job):
    tree = ast.parse((LIBRARY / f"pipeline/{job}/job.py").read_text())
    marked = [
        decorator
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and called(decorator) == "job"
    ]
    assert [ast.unparse(one.args[0]) for one in marked] == [f"Job.{job.name}"], "one function has the decorator job"
    used = {
        called(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and not isinstance(node.func, ast.Attribute)
    }
    assert not used & STEPS, "take the steps of an Order"


@pytest.mark.parametrize("product", Product)
def test_every_declaration_is_whole(product):
    assert re.match(r"[A-Z].*\.$", product.meaning, re.DOTALL)
    assert product.columns or product.published == "never"
    assert bool(product.columns) == bool(product.files)
    assert len({column.name for column in product.columns}) == len(product.columns)
    assert all(column.meaning for column in product.columns)
    assert bool(product.pairs) == (product.axes is not None)


@pytest.mark.parametrize(("name", "text"), reference.pages().items())
def test_the_reference_is_that_of_the_catalogue(name, text):
    written = (ROOT / "docs/reference" / name).read_text()
    assert written == text, "write it again: python -m leadterm.catalog.reference docs/reference"
    assert all(f"\n## {one}\n" in text for one in (Product if name == "products.md" else Job))
