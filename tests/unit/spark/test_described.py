"""Everything that makes Spark run a job stands in a block that says in words what the job does."""

import ast
from pathlib import Path

import pytest

from leadterm import spark as room

ACTIONS = {
    "toArrow",
    "toPandas",
    "collect",
    "count",
    "first",
    "take",
    "head",
    "foreach",
    "inputFiles",
    "toLocalIterator",
}
SAYING = {"progress", "spark_progress", "described"}
FOLDER = Path(room.__file__).parent


def untold(source: str) -> list[int]:
    """The lines of calls of an action outside of such a block."""
    found: list[int] = []

    def visit(node: ast.AST, told: bool) -> None:
        if isinstance(node, ast.With):
            calls = [item.context_expr.func for item in node.items if isinstance(item.context_expr, ast.Call)]
            told |= any(isinstance(call, ast.Name) and call.id in SAYING for call in calls)
        is_action = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ACTIONS
        if is_action and not told and not node.args:
            found.append(node.lineno)
        for child in ast.iter_child_nodes(node):
            visit(child, told)

    visit(ast.parse(source), told=False)
    return found


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_every_action_is_described(path):
    assert untold(path.read_text()) == []


def test_an_action_without_a_description_is_found():
    assert untold("with progress(session, 'x'):\n    frame.toArrow()\nframe.collect()\n") == [3]
    assert untold("with open('x'):\n    frame.mapInArrow(f, 's').toArrow()\n") == [2]
    assert any(action in path.read_text() for path in FOLDER.glob("*.py") for action in ("toArrow()",))
