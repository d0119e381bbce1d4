"""The daemon's workers say what went wrong, unless it is that Java has gone."""

import pytest

from leadterm.spark.daemon import print_exc


@pytest.mark.parametrize(
    ("error", "is_shown"),
    [(BrokenPipeError(32, "Broken pipe"), False), (ConnectionResetError(), False), (ValueError("a defect"), True)],
)
def test_only_a_java_that_has_gone_is_no_news(capsys, error, is_shown):
    try:
        raise error
    except type(error):
        print_exc()
    shown = capsys.readouterr().err
    assert ("Traceback" in shown) == is_shown
    assert ("a defect" in shown) == is_shown
