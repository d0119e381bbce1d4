"""A store that cannot be reached, or refuses, is told as such: nobody is sent to make a good run again."""

import errno
import os

import pytest

from leadterm import open_run
from leadterm.errors import LeadtermError, MachineError, RunError
from leadterm.spark.translate_errors import translate
from leadterm.storage import Location, Stage, read_manifest, require_manifest, staging
from leadterm.storage.integrity.check_run import check_run
from leadterm.storage.staged.hashing_sink import whole_output
from leadterm.storage.store_errors import unreachable
from leadterm.storage.stored_run import StoredRun
from support.object_store import object_store
from support.whole_runs import READERS, files_of

DENIED, GONE = (403, "AccessDenied"), (503, "SlowDown")
THERE = [name for name in READERS if name != "composed"]
"""Executors map the composed scores from a local disk alone."""


@pytest.fixture(scope="module")
def running():
    """A store on loopback."""
    with object_store("bucket") as store:
        yield store


@pytest.fixture
def store(running, whole_folder, monkeypatch):
    """The store, which holds a run."""
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    running.fault = None
    running.buckets["bucket"] = {
        f"runs/a/{name}": (whole_folder / name).read_bytes() for name in files_of(whole_folder)
    }
    return running


def told(act, kind=MachineError) -> str:
    with pytest.raises(LeadtermError) as caught:
        act()
    assert type(caught.value) is kind, caught.value
    assert "again" not in str(caught.value).replace("run again when the store answers", "")
    return str(caught.value)


def failing_at(product: str, fault):
    """Answer wrongly where files of a product are asked for, but not its manifest."""
    return lambda _method, key: fault if f"/{product}/" in key and not key.endswith("manifest.json") else None


def test_a_run_in_the_store_is_read_and_checked(store, whole_folder):
    run, here = open_run("s3://bucket/runs/a"), open_run(whole_folder)
    assert run.source_files.equals(here.source_files)
    assert (run.bigram_counts() != here.bigram_counts()).nnz == 0
    assert check_run(Location.of("s3://bucket/runs/a")).problems == ()


@pytest.mark.parametrize("product", THERE)
def test_no_reader_takes_a_refusal_for_damage(store, product):
    run = open_run("s3://bucket/runs/a")
    store.fault = failing_at(product, DENIED)
    said = told(lambda: READERS[product](run))
    assert said.startswith(f"s3://bucket/runs/a/{product}/")
    assert ": the store refused access (" in said
    assert "AWS_ACCESS_KEY_ID" in said
    assert said.endswith("Existing products are unchanged.")


@pytest.mark.parametrize("product", ["windows", "bigram"])
def test_nor_a_store_that_does_not_answer(store, product):
    run = open_run("s3://bucket/runs/a")
    store.fault = failing_at(product, GONE)
    said = told(lambda: READERS[product](run))
    assert f"s3://bucket/runs/a/{product}/" in said
    assert "could not be reached (When reading information for key" in said
    assert said.endswith("Existing products are unchanged: run again when the store answers.")


@pytest.mark.parametrize(
    ("act", "at"),
    [
        (lambda: read_manifest(Location.of("s3://bucket/runs/a"), "bigram"), "manifest.json"),
        (lambda: open_run("s3://bucket/runs/a"), ""),
        (lambda: require_manifest(Location.of("s3://bucket/runs/a"), "windows"), "manifest.json"),
        (lambda: check_run(Location.of("s3://bucket/runs/a")), "bigram/rows-00000.parquet"),
        (lambda: StoredRun(Location.of("s3://bucket/runs/a")).products, "position/manifest.json"),
        (lambda: staging(Location.of("s3://bucket/runs/b"), Stage("count", {}, {})).__enter__(), "runs/b"),
    ],
)
def test_whatever_is_asked(store, act, at):
    store.fault = lambda _method, key: DENIED if at in key else None
    assert ": the store refused access (" in told(act)


def test_a_store_that_fails_while_it_is_written_to(store):
    store.fault = lambda method, _key: DENIED if method in ("PUT", "POST") else None
    refused = pytest.raises(MachineError, match=r"s3://bucket/runs/a/x: the store refused access")
    with refused, whole_output(Location.of("s3://bucket/runs/a/x")) as sink:
        sink.write(b"data")


def test_a_file_that_is_missing_or_damaged_is_still_told_so(store):
    run = open_run("s3://bucket/runs/a")
    objects = store.buckets["bucket"]
    name = next(key for key in objects if "/bigram/rows" in key)
    objects[name] = objects[name][:-1] + b"x"
    with pytest.raises(RunError, match="is damaged: its SHA-256 is"):
        run.bigram_counts()
    del objects[name]
    with pytest.raises(RunError, match="is missing, though the manifest lists it"):
        run.bigram_counts()


@pytest.mark.parametrize(
    "act",
    [
        lambda: open_run("s3://nobucket/runs/a"),
        lambda: require_manifest(Location.of("s3://nobucket/runs/a"), "bigram"),
        lambda: staging(Location.of("s3://nobucket/runs/a")).__enter__(),
        lambda: whole_output(Location.of("s3://nobucket/runs/a/x")).__enter__(),
    ],
)
def test_a_missing_bucket_has_a_message_of_its_own(store, act):
    said = told(act)
    assert said.startswith("there is no bucket 'nobucket', in which s3://nobucket/runs/a")
    assert "AWS_ENDPOINT_URL" in said
    assert "allow_bucket_creation" not in said


def test_missing_credentials_have_a_message_of_their_own(store, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    said = told(lambda: open_run("s3://bucket/runs/a"))
    assert "refused access" in said
    assert "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role" in said


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "may not be read by this user"),
        (OSError(errno.EIO, "Input/output error"), "could not be reached"),
        (OSError(errno.ESTALE, "Stale file handle"), "could not be reached"),
        (TimeoutError(errno.ETIMEDOUT, "timed out"), "could not be reached"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "could not be reached"),
        (OSError(errno.EMFILE, "Too many open files"), "allow more open files"),
        (OSError("Cannot connect to host localhost:1"), "could not be reached"),
        (OSError("When x: AWS Error UNKNOWN (HTTP status 403) during GetObject"), "refused access"),
        (OSError("When x: AWS Error NETWORK_CONNECTION during GetObject: curlCode: 28, Timeout"), "could not be reach"),
        (FileNotFoundError(errno.ENOENT, "No such file"), None),
        (OSError("Couldn't deserialize thrift: TProtocolException: Invalid data"), None),
        (OSError("Corrupt snappy compressed data."), None),
        (OSError(errno.ENOSPC, "No space left on device"), None),
        (ValueError("x"), None),
    ],
)
def test_errors_are_told_apart(error, says):
    problem = unreachable("/run/a", error)
    assert (problem is None) == (says is None)
    assert says is None or (says in str(problem) and "/run/a" in str(problem))


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ETIMEDOUT])
def test_a_mount_that_fails_is_no_damage_either(whole_folder, monkeypatch, number):
    run, opened = open_run(whole_folder), Location.open_input

    def failing(self):
        if "rows-" in self.path or "windows-" in self.path:
            raise OSError(number, os.strerror(number))
        return opened(self)

    monkeypatch.setattr(Location, "open_input", failing)
    for read in (run.bigram_counts, lambda: list(run.windows())):
        told(read)


def test_what_a_task_met_is_told_too():
    report = (
        "Traceback …\nOSError: When uploading part for key 'a' in bucket 'b': AWS Error SLOW_DOWN during UploadPart\n"
    )
    problem = translate(report)
    assert type(problem) is MachineError
    assert "the object store could not be reached (When uploading part" in str(problem)
    missing = translate("OSError: Bucket 'b' not found. To create buckets, enable the allow_bucket_creation option.")
    assert str(missing).startswith("there is no bucket 'b'")


def test_the_store_of_a_url_that_cannot_be_asked_is_not_called_unknown(monkeypatch):
    def unresolved(_uri: str) -> None:
        raise OSError("When resolving region for bucket 'b': AWS Error NETWORK_CONNECTION during HeadBucket operation")

    monkeypatch.setattr(
        "leadterm.storage.location.fs", type("fs", (), {"FileSystem": type("F", (), {"from_uri": unresolved})})
    )
    with pytest.raises(MachineError, match=r"s3://b/run could not be reached"):
        Location.of("s3://b/run")
