"""How far the tasks of a sweep are, told by empty files."""

from leadterm.pipeline.evaluate_alignment.layer_progress import Marks, count_marks, progress_of_layers
from leadterm.storage import Location
from leadterm.telemetry.progress import Done


def test_layers_are_counted_and_those_of_revisions_to_come_assumed(tmp_path):
    (tmp_path / "marks").mkdir()
    folder = Location.of(tmp_path / "marks")
    assert count_marks(folder, 3) == Done(0, 0), "nobody has begun"
    first, second = Marks(folder, "alignment/a.b-1", 4), Marks(folder, "alignment/a.b-2", 4)
    first.begin()
    assert count_marks(folder, 3) == Done(0, 12)
    first.add(0)
    first.add(3)
    first.add(3)
    second.begin()
    second.add(11)
    assert count_marks(folder, 3) == Done(3, 12)


def test_the_last_state_is_shown(tmp_path, capsys):
    marks = Marks(Location.of(tmp_path), "alignment/one", 2)
    with progress_of_layers(marks.folder, 1):
        marks.begin()
        marks.add(0)
        marks.add(1)
    assert capsys.readouterr().err.startswith("evaluate alignment: 2 layers in ")


def test_a_folder_that_is_gone_stays_gone(tmp_path):
    Marks(Location.of(tmp_path / "removed"), "alignment/one", 2).add(0)
    assert not (tmp_path / "removed").exists()
