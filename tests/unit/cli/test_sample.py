"""``leadterm sample`` writes files whole, once, and says where it may not write."""

import pyarrow.parquet as pq

from leadterm import cli
from support.jobs import names_in


def test_the_sample_is_written_once(tmp_path, capsys):
    assert cli.main(["sample", str(tmp_path / "a")]) == 0
    assert names_in(tmp_path / "a") == ["kjv.parquet"]
    assert pq.read_metadata(tmp_path / "a/kjv.parquet").num_rows == 1189
    assert capsys.readouterr().out.startswith("wrote ")
    assert cli.main(["sample", str(tmp_path / "a")]) == 0
    assert capsys.readouterr().out == ""


def test_a_file_in_place_of_the_folder_is_told(tmp_path, capsys):
    (tmp_path / "a").write_text("")
    assert cli.main(["sample", str(tmp_path / "a")]) == 1
    assert capsys.readouterr().err.startswith(f"leadterm: cannot write {tmp_path}/a/kjv.parquet: ")
