"""Encoding with either engine for tokenizers: the same bytes, an account of what was compared, and refusals."""

import json
import logging

import pyarrow as pa
import pytest

from leadterm.corpus import read_sample
from leadterm.corpus.engines import checked_tokenizer
from leadterm.errors import InputError
from leadterm.pipeline.encode_corpus.job import encode_corpus
from leadterm.storage import Location, read_manifest
from support.jobs import make_config, write_files
from support.tokenizer_families import made

PRODUCTS = ("sources", "documents", "vocabulary", "windows")


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engines")
    texts = [text[:700] for text in read_sample()["text"].to_pylist()]
    write_files(folder / "in", pa.array([*texts, "it'll <s> 12", "", None, " " * 1_200_000, *texts[:9]]), 3)
    (folder / "tokenizer.json").write_text(made("digits"))
    (folder / "nfkc.json").write_text(json.dumps(json.loads(made("digits")) | {"normalizer": {"type": "NFKC"}}))
    return folder


def encoded(spark, text, engine, file="tokenizer.json", name=None):
    tokenizer = {"kind": "huggingface", "source": str(text / file), "engine": engine}
    run = Location.of(text / (name or engine))
    did = encode_corpus(spark, make_config(text / "in", tokenizer=tokenizer, windows={"length": 32, "files": 3}), run)
    return did, {product: read_manifest(run, product) for product in PRODUCTS}


def test_products_have_the_same_bytes_whatever_encodes(spark, text, caplog):
    caplog.set_level(logging.INFO, "leadterm")
    _, library = encoded(spark, text, "huggingface")
    _, fast = encoded(spark, text, "auto")
    assert {name: one.content_hash for name, one in fast.items()} == {
        name: one.content_hash for name, one in library.items()
    }
    assert all(fast[name].counts == library[name].counts for name in PRODUCTS)
    told = fast["windows"].encoded_by
    assert told["engine"].startswith("fastokens ")
    assert told["hard_texts"] > 9_000
    assert 0 < told["compared_texts"] < 40
    assert told["compared_tokens"] > 0
    assert told["refused_texts"] == 1  # the million spaces
    assert library["windows"].encoded_by["engine"] == "huggingface"
    assert fast["windows"].account_hash == library["windows"].account_hash
    assert "tokenizer engine: fastokens" in caplog.text


def test_another_engine_makes_nothing_stale(spark, text):
    encoded(spark, text, "huggingface", name="same")
    did, _ = encoded(spark, text, "fastokens", name="same")
    assert not did


def test_what_is_not_proven_goes_through_the_library_and_is_told(spark, text, caplog):
    caplog.set_level(logging.INFO, "leadterm")
    _, manifests = encoded(spark, text, "auto", "nfkc.json", name="nfkc")
    assert manifests["windows"].encoded_by["engine"] == "huggingface"
    assert "tokenizer engine: huggingface (fastokens was not compared" in caplog.text
    assert "normalizer NFKC" in caplog.text
    with pytest.raises(InputError, match=r"Set tokenizer.engine to auto or huggingface"):
        encoded(spark, text, "fastokens", "nfkc.json", name="refused")


def test_a_difference_on_an_executor_ends_the_run(spark, text, monkeypatch):
    """The driver's proof is passed over; what encodes has other merges than the library's."""
    other = json.loads(made("digits"))
    other["model"]["merges"] = other["model"]["merges"][:50]
    monkeypatch.setattr(
        checked_tokenizer.CheckedTokenizer,
        "__reduce__",
        lambda self: (differing, (json.dumps(other), self._json)),
    )
    with pytest.raises(
        Exception, match=r"gives other ids than the tokenizers library.*Set tokenizer.engine to hugging"
    ):
        encoded(spark, text, "auto", name="differs")
    assert read_manifest(Location.of(text / "differs"), "windows") is None


def differing(json_of_engine, json_of_library):
    """Make, on an executor, a tokenizer whose engine has other merges than its library."""
    checked = checked_tokenizer.CheckedTokenizer(json_of_engine)
    checked._json = json_of_library
    return checked
