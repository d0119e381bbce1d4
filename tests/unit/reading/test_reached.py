"""A store that does not answer while a file is read is not told as damage of the file."""

import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from leadterm.config import CorpusSection
from leadterm.errors import InputError, MachineError
from leadterm.reading import inspect_file, rule_of
from leadterm.storage import Location
from support.bad_input import json_lines, put, put_lines

LOST = OSError("When reading: AWS Error NETWORK_CONNECTION during GetObject operation: curlCode: 7, Couldn't connect")


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl"])
@pytest.mark.parametrize(("error", "kind"), [(LOST, MachineError), (OSError("Corrupt data"), None)])
def test_what_is_lost_on_the_way(tmp_path, monkeypatch, name, error, kind):
    path = tmp_path / name
    if name == "a.parquet":
        put(path)
        monkeypatch.setattr(pq, "ParquetFile", lambda *_, **__: (_ for _ in ()).throw(error))
    else:
        put_lines(path, json_lines())
        monkeypatch.setattr("leadterm.reading.format_checks.whole_lines", lambda *_: (_ for _ in ()).throw(error))
    rule = rule_of(CorpusSection(paths=(str(path),), format="json" if name == "a.jsonl" else "parquet"))
    if kind is None:
        assert "(Corrupt data). Repair it or leave it out." in inspect_file(str(path), rule)["problem"]
    else:
        with pytest.raises(kind, match=r"could not be reached .* Existing products are unchanged"):
            inspect_file(str(path), rule)
    assert Location.of(path).kind() == fs.FileType.File
    assert not issubclass(MachineError, InputError)
