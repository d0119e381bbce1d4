"""A manifest carries the hash of its own text: no byte of it can change unnoticed."""

import hashlib
import json
import shutil
from dataclasses import replace

import pytest

from leadterm.errors import RunError
from leadterm.storage import FileEntry, Location, Manifest, read_manifest
from leadterm.storage.manifest import has_seal
from leadterm.storage.read_products import write_manifest

ENTRY = FileEntry("ä.parquet", 7, "5" * 64, {"rows": [1, 2]})
MANIFEST = Manifest("windows", {"corpus": "c" * 64}, {"ü": [1, 2.5, None, "\n"]}, {"windows": 3}, (ENTRY,), {"s": 0.1})


def earlier(manifest: Manifest) -> bytes:
    """The text that versions wrote which knew neither a hash nor files left out."""
    fields = json.loads(manifest.to_json())
    del fields["sha256"], fields["withheld"], fields["passing_bytes"], fields["work"]
    return (json.dumps(fields, indent=1, ensure_ascii=False) + "\n").encode()


def test_it_comes_back():
    assert Manifest.from_json(MANIFEST.to_json(), "m").to_json() == MANIFEST.to_json()


def test_its_last_line_is_the_hash_of_the_others():
    lines = MANIFEST.to_json().decode().split("\n")
    assert json.loads(MANIFEST.to_json())["sha256"] in lines[-3]
    without = "\n".join([*lines[:-4], lines[-4].removesuffix(","), *lines[-2:]])
    assert hashlib.sha256(without.encode()).hexdigest() in lines[-3]


@pytest.mark.parametrize("change", [1, 0x20, 0x80, 0x11])
def test_every_byte_is_guarded(change):
    data, missed = MANIFEST.to_json(), []
    for place, byte in enumerate(data):
        changed = data[:place] + bytes([byte ^ change]) + data[place + 1 :]
        try:
            Manifest.from_json(changed, "m")
        except RunError as error:
            assert "m is damaged" in str(error) or "m is not a manifest" in str(error)
        else:
            missed.append((place, changed))
    assert missed == []


def test_it_cannot_be_cut_off_or_laid_out_anew():
    data = MANIFEST.to_json()
    others = [data[:length] for length in range(len(data))]
    for other in [*others, data + b"\n", json.dumps(json.loads(data)).encode(), data.replace(b"\n", b"\r\n")]:
        with pytest.raises(RunError):
            Manifest.from_json(other, "m")


def test_one_of_an_earlier_version_is_read_and_known_by_what_it_lacks():
    data = earlier(MANIFEST)
    assert Manifest.from_json(data, "m") == Manifest.from_json(MANIFEST.to_json(), "m")
    assert (has_seal(data), has_seal(MANIFEST.to_json())) == (False, True)


def test_what_is_known_of_a_product_is_all_but_timings_and_absence():
    """As earlier versions hashed it, so that what they made from it still fits."""
    slow = replace(MANIFEST, seconds={}, passing_bytes={"partials": 9}, withheld=True, work={"count": {"tasks": 3}})
    assert slow.account_hash == MANIFEST.account_hash == hashlib.sha256(earlier(slow)).hexdigest()
    assert Manifest("windows", {}, {}, {}, (ENTRY,)).account_hash != MANIFEST.account_hash


def test_the_manifest_of_another_product_is_refused(tmp_path):
    run = Location.of(tmp_path)
    write_manifest(run / "windows", MANIFEST)
    assert read_manifest(run, "windows") == Manifest.from_json(MANIFEST.to_json(), "m")
    shutil.copytree(tmp_path / "windows", tmp_path / "bigram")
    with pytest.raises(RunError, match=r"bigram/manifest.json is the manifest of 'windows', not of 'bigram'. Give the"):
        read_manifest(run, "bigram")
