"""Where a tokenizer may come from, and what each mistake is told. No test reaches the network."""

import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import constants, errors

from leadterm.corpus import HuggingFaceTokenizer, load_tokenizer
from leadterm.errors import InputError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub_cache(tmp_path, monkeypatch, tiny_json) -> Path:
    """A cache as the hub's client lays it out, and no way to the network."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    repository = tmp_path / "hub" / "models--someone--tiny"
    for name in ("refs", f"snapshots/{COMMIT}"):
        (repository / name).mkdir(parents=True)
    for name in ("main", "step1"):
        (repository / "refs" / name).write_text(COMMIT)
    (repository / "snapshots" / COMMIT / "tokenizer.json").write_text(tiny_json, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return repository


def message_of(source, revision=None) -> str:
    with pytest.raises(InputError) as caught:
        load_tokenizer(source, revision)
    return str(caught.value)


def test_a_file_and_a_folder(tmp_path, tiny_json, tiny_bpe):
    (tmp_path / "tokenizer.json").write_text(tiny_json, encoding="utf-8")
    for source in (tmp_path, str(tmp_path), tmp_path / "tokenizer.json"):
        assert load_tokenizer(source).vocabulary_size == tiny_bpe.get_vocab_size()
    assert load_tokenizer(tmp_path, add_special_tokens=True).encode(["a"]).tokens[0].tolist()[0] == 0
    assert load_tokenizer(tmp_path, parallel=True).parallel


def test_a_hub_name_and_its_revisions(hub_cache, tiny_bpe):
    for revision in (None, "main", "step1", COMMIT):
        assert load_tokenizer("someone/tiny", revision).vocabulary_size == tiny_bpe.get_vocab_size()


def test_a_path_that_exists_wins_over_a_hub_name(hub_cache, tmp_path):
    (tmp_path / "someone" / "tiny").mkdir(parents=True)
    assert "expected a folder with a tokenizer.json; found no tokenizer" in message_of("someone/tiny")


def test_what_is_not_in_the_cache_while_the_hub_is_out_of_reach(hub_cache):
    for name, revision in (("someone/other", None), ("someone/tiny", "step2")):
        message = message_of(name, revision)
        assert message.startswith(
            f"the tokenizer of {name!r} at revision {revision or 'main'!r}: there is no such path"
        )
        assert "the hub cannot be reached (or HF_HUB_OFFLINE is set)" in message
        assert message.endswith("Go online, or give the path of a tokenizer.json or model folder.")


@pytest.mark.parametrize("source", ["./no", "/no/where", "~/no-such-model", "a/b.json", "no.gguf", "../someone/tiny"])
def test_what_looks_like_a_path_is_never_asked_from_the_hub(monkeypatch, source):
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_args, **_kwargs: pytest.fail("asked the hub"))
    message = message_of(source)
    assert message.startswith(
        f"{Path(source).expanduser()}: there is no such file or folder; expected a tokenizer.json"
    )
    assert "Check the path; for the Hugging Face hub, give a name such as" in message


def test_a_name_that_is_neither(monkeypatch):
    message = message_of("models/of/mine")
    assert "neither an existing path nor a valid name on the Hugging Face hub" in message
    assert "Check the path, or give a name such as" in message


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (errors.RevisionNotFoundError, "the hub has the model, but no such revision. Set tokenizer.revision to"),
        (errors.GatedRepoError, "requires accepting its terms. Accept them on its page and log in"),
        (errors.RepositoryNotFoundError, "no such path, and the hub has no such public model. Check the spelling"),
        (errors.RemoteEntryNotFoundError, "no tokenizer.json in it. Convert its slow tokenizer with"),
        (errors.HfHubHTTPError, "the hub answered with an error (it is broken). Try again later"),
    ],
)
def test_what_the_hub_answers(monkeypatch, kind, expected):
    def answer(*_args, **_kwargs):
        raise kind("it is broken", response=SimpleNamespace(headers={}, request=None))

    monkeypatch.setattr("huggingface_hub.hf_hub_download", answer)
    message = message_of("someone/tiny", "step9")
    assert message.startswith("the tokenizer of 'someone/tiny' at revision 'step9': ")
    assert expected in message


def test_a_revision_of_a_path(tmp_path, tiny_json):
    (tmp_path / "tokenizer.json").write_text(tiny_json, encoding="utf-8")
    message = message_of(tmp_path, "main")
    assert "a revision applies only to a name on the Hugging Face hub; found the revision 'main' with a path" in message
    assert message.endswith("Remove tokenizer.revision, or give the hub name.")


def test_a_folder_with_slow_files_only(tmp_path):
    (tmp_path / "merges.txt").touch()
    (tmp_path / "vocab.json").touch()
    message = message_of(tmp_path)
    assert "found only files of a slow tokenizer (vocab.json, merges.txt). Convert them: transformers." in message


def test_a_folder_without_a_tokenizer(tmp_path):
    message = message_of(tmp_path)
    assert message == (
        f"{tmp_path}: expected a folder with a tokenizer.json; found no tokenizer. "
        "Name the folder of a model that was saved with its tokenizer."
    )


@pytest.mark.parametrize("name", ["tokenizer.pkl", "tokenizer.json", "tokenizer"])
def test_a_pickle_is_refused_and_not_loaded(tmp_path, name):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was loaded",))

    (tmp_path / name).write_bytes(pickle.dumps(Trap()))
    message = message_of(tmp_path / name)
    assert (
        "expected a tokenizer.json; found a pickle, or an archive that may hold one. Loading a pickle runs" in message
    )


def test_files_that_are_no_tokenizer(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    message = message_of(tmp_path / "config.json")
    assert message.startswith(
        f"{tmp_path}/config.json: A tokenizer must be the text of a tokenizer.json; found text of 22"
    )
    (tmp_path / "latin.json").write_bytes(b"\xe9\xe8")
    message = message_of(tmp_path / "latin.json")
    assert "expected a tokenizer.json, which is UTF-8 text; found other bytes" in message
    assert message.endswith("Name a tokenizer.json, a model folder or a GGUF file.")


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "tokenizer.json").touch()
    monkeypatch.setattr(Path, "open", refuse)
    message = message_of(tmp_path / "tokenizer.json")
    assert "expected a readable file; found: [Errno 13] Permission denied. Check its permissions." in message


@pytest.mark.parametrize("place", ["file", "folder", "hub"])
def test_a_byte_order_mark_changes_nothing(tmp_path, hub_cache, tiny_json, tiny_bpe, place):
    files = {"file": tmp_path / "mine.json", "folder": tmp_path / "tokenizer.json"}
    path = files.get(place, hub_cache / "snapshots" / COMMIT / "tokenizer.json")
    path.write_text(tiny_json, encoding="utf-8-sig")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    tokenizer = load_tokenizer({"file": path, "folder": tmp_path, "hub": "someone/tiny"}[place])
    assert tokenizer.to_json() == HuggingFaceTokenizer(tiny_json).to_json()


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-16", "UTF-16"), ("utf-16-le", "UTF-16LE"), ("utf-16-be", "UTF-16BE"), ("utf-32", "UTF-32")],
)
def test_another_encoding_is_named(tmp_path, tiny_json, encoding, name):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(tiny_json.encode(encoding))
    assert message_of(path) == (
        f"{path}: expected a tokenizer.json, which is UTF-8 text; found other bytes (it is {name}; save it as UTF-8, "
        f"for example with: iconv -f {name} -t UTF-8 FILE). Name a tokenizer.json, a model folder or a GGUF file."
    )
