"""Where a checkpoint may come from, and what each mistake is told. No test reaches the network."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import constants, errors

from leadterm.checkpoints import find_revisions, open_checkpoint
from leadterm.checkpoints import locate as sources
from leadterm.checkpoints.locate import locate
from leadterm.checkpoints.revision_names import Revision
from leadterm.errors import InputError

COMMITS = {"main": "0" * 40, "step1": "1" * 40, "step8": "8" * 40}


@pytest.fixture
def hub_cache(saved, monkeypatch, tmp_path) -> Path:
    """A model as the hub's client keeps it: a folder for each commit, and the names of the commits."""
    repository = Path(constants.HF_HUB_CACHE) / "models--someone--tiny"
    (repository / "refs").mkdir(parents=True)
    for name, commit in COMMITS.items():
        (repository / "refs" / name).write_text(commit)
        shutil.copytree(saved, repository / "snapshots" / commit)
    monkeypatch.chdir(tmp_path)
    return repository


def message_of(action, *args) -> str:
    with pytest.raises(InputError) as caught:
        action(*args)
    return str(caught.value)


def test_a_hub_name_and_its_revisions(hub_cache):
    assert locate("someone/tiny").path == hub_cache / "snapshots" / COMMITS["main"]
    place = locate("someone/tiny", "step8")
    assert (place.revision, place.path) == (Revision("step8", 8), hub_cache / "snapshots" / COMMITS["step8"])
    assert str(place) == "someone/tiny at revision 'step8'"
    checkpoint = open_checkpoint("someone/tiny", "step1")
    assert (checkpoint.name, checkpoint.revision, checkpoint.step) == ("someone/tiny", "step1", 1)


def test_revisions_of_a_hub_name(hub_cache, monkeypatch):
    assert find_revisions("someone/tiny") == [Revision("main", None)]
    assert find_revisions("someone/tiny", ["step512", "v2"]) == [Revision("step512", 512), Revision("v2", None)]
    assert find_revisions("someone/tiny", "step1..step9") == [Revision("step1", 1), Revision("step8", 8)]  # the cache
    refs = SimpleNamespace(branches=[SimpleNamespace(name="main")], tags=[SimpleNamespace(name="step2")])
    monkeypatch.setattr(sources.HfApi, "list_repo_refs", lambda _self, _name: refs)
    assert find_revisions("someone/tiny", "all") == [Revision("step2", 2)]


def test_the_hub_out_of_reach(hub_cache):
    for action, wanted in ((locate, "step2"), (find_revisions, "all")):
        source = "someone/tiny" if action is locate else "someone/other"
        message = message_of(action, source, wanted)
        assert "the hub cannot be reached (or HF_HUB_OFFLINE is set), and the local cache has no such name" in message
        assert message.endswith("Go online, or give the path of a folder with config.json and safetensors.")
    assert message_of(locate, "someone/tiny", "step2").startswith("the model 'someone/tiny' at revision 'step2': ")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (errors.RevisionNotFoundError, "the hub has the model, but no such revision. Choose a branch, tag or commit"),
        (errors.GatedRepoError, "requires accepting its terms"),
        (errors.RepositoryNotFoundError, "the hub has no such public model. Check the spelling"),
        (errors.HfHubHTTPError, "the hub answered with an error (it is broken). Try again later"),
    ],
)
def test_what_the_hub_answers(monkeypatch, kind, expected):
    def answer(*_args, **_kwargs):
        raise kind("it is broken", response=SimpleNamespace(headers={}, request=None))

    monkeypatch.setattr(sources, "snapshot_download", answer)
    monkeypatch.setattr(sources.HfApi, "list_repo_refs", answer)
    assert expected in message_of(locate, "someone/tiny", "step9")
    assert expected in message_of(find_revisions, "someone/tiny", "all")


def test_only_safetensors_are_asked_for(monkeypatch, saved):
    asked = []
    monkeypatch.setattr(sources, "snapshot_download", lambda _name, **options: asked.append(options) or str(saved))
    locate("someone/tiny", "step3")
    assert asked[0]["revision"] == "step3"
    assert not [pattern for pattern in asked[0]["allow_patterns"] if "bin" in pattern or pattern == "*"]


def test_a_folder(saved):
    for revision in (None, "step512"):
        assert locate(saved, revision).path == saved
    assert find_revisions(saved) == [Revision("step512", 512)]
    assert "there is no revision 'step1'; there are 1, among them 'step512'. Choose" in message_of(
        locate, saved, "step1"
    )


def test_a_folder_of_revisions(saved, tmp_path):
    sweep = tmp_path / "sweep"
    for step in (0, 16, 2):
        shutil.copytree(saved, sweep / f"step{step}")
    (sweep / "logs").mkdir()
    assert find_revisions(sweep, "all") == [Revision(f"step{step}", step) for step in (0, 2, 16)]
    assert locate(str(sweep), "step2").path == sweep / "step2"
    assert str(locate(sweep, "step2")) == f"{sweep} at revision 'step2'"
    for several in ("all", "step0..step2"):
        assert f"{sweep}: expected one revision; found {several!r}. Open the" in message_of(locate, sweep, several)
    message = message_of(locate, sweep)
    assert "expected the folder of a model; found a folder of 3 revisions, such as 'step0'. Specify which" in message


def test_a_folder_of_stages(saved, tmp_path):
    sweep = tmp_path / "sweep"
    stages = [f"stage{stage}-step{step}" for stage in (1, 2) for step in (1000, 2000)]
    for name in stages:
        shutil.copytree(saved, sweep / name)
    assert [one.name for one in find_revisions(sweep, "stage1-step1000..stage1-step2000")] == stages[:2]
    assert [one.name for one in find_revisions(sweep, "stage2-step1000..stage2-step2000")] == stages[2:]
    assert {one.name for one in find_revisions(sweep, "all")} == set(stages)
    assert [find_revisions(sweep / name)[0].name for name in stages] == stages


@pytest.mark.parametrize(
    "source", ["./no", "/no/where", "~/none", "no.gguf", "a/b.bin", "a/model.safetensors", Path("a/b")]
)
def test_what_looks_like_a_path_is_never_asked_from_the_hub(monkeypatch, source):
    monkeypatch.setattr(sources, "snapshot_download", lambda *_args, **_kwargs: pytest.fail("asked the hub"))
    message = message_of(locate, source)
    assert message.startswith(f"{Path(source).expanduser()}: there is no such file or folder; expected a folder with")


def test_a_name_that_is_neither():
    assert "neither an existing path nor a valid name on the Hugging Face hub" in message_of(locate, "a/b/c")


def test_paths_that_hold_no_model(tmp_path):
    assert "as save_pretrained writes it, or one that holds such folders; found nothing." in message_of(
        locate, tmp_path
    )
    (tmp_path / "pytorch_model.bin").touch()
    assert "found pytorch_model.bin. Name the folder of a model." in message_of(locate, tmp_path)
    message = message_of(locate, tmp_path / "pytorch_model.bin")
    assert "found weights in a pickle. Loading a pickle runs the code inside it, so leadterm never does it." in message
    (tmp_path / "model.safetensors").touch()
    assert "found a file that ends with '.safetensors'. Name the folder that contains it." in message_of(
        locate, tmp_path / "model.safetensors"
    )
