"""Finding a Java among fake ones, a folder with a ``release`` file or a script that answers like ``java``; installs."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from leadterm.errors import MachineError
from leadterm.spark import java

MakeJava = Callable[..., Path]


@pytest.fixture
def make_java(tmp_path: Path) -> MakeJava:
    """Make a Java folder; `release` says whether the version stands in a file or only `java -version` tells it."""

    def make(name: str, version: str, *, release: bool = True) -> Path:
        home = tmp_path / name
        script(home / "bin/java", f"echo 'java.home = {home}' >&2; echo 'openjdk version \"{version}\"' >&2")
        if release:
            (home / "release").write_text(f'IMPLEMENTOR="Someone"\nJAVA_VERSION="{version}"\nOS_NAME="Linux"\n')
        return home

    return make


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hide the machine's own Javas; return the one folder on PATH."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(java, "USUAL_PLACES", (f"{tmp_path}/usual/*",))
    return programs


@pytest.mark.parametrize("release", [True, False], ids=["release file", "java -version"])
@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        ("1.8.0_392", False),
        ("11.0.22", False),
        ("17", True),
        ("17.0.15", True),
        ("18.0.2", False),
        ("21.0.7", True),
        ("21-internal", True),
        ("25", False),
        ("25.0.2", False),
        ("25.0.3", True),
        ("26", False),
    ],
)
def test_only_versions_that_spark_supports_are_accepted(
    make_java: MakeJava, version: str, accepted: bool, release: bool
) -> None:
    home = make_java("some", version, release=release)
    if accepted:
        assert java.find_java([home]) == home
    else:
        with pytest.raises(MachineError, match=r"17, 21 or 25 \(25\.0\.3 or later\)"):
            java.find_java([home])


def test_java_home_goes_before_path_and_path_before_the_usual_folders(
    make_java: MakeJava, bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, on_path, chosen = make_java("usual/17", "17.0.1"), make_java("p", "21.0.1"), make_java("c", "25.0.3")
    assert java.find_java() == usual
    (bare_machine / "java").symlink_to(on_path / "bin/java")
    assert java.find_java() == on_path
    monkeypatch.setenv("JAVA_HOME", str(chosen))
    assert java.find_java() == chosen


def test_an_unsuitable_choice_of_the_user_is_passed_over(
    make_java: MakeJava, bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(make_java("old", "11.0.22")))
    (bare_machine / "java").symlink_to(make_java("older", "1.8.0_392") / "bin/java")
    good = make_java("good", "17.0.15")
    assert java.find_java([good]) == good


def test_a_launcher_on_path_leads_to_the_java_that_it_starts(make_java: MakeJava, bare_machine: Path) -> None:
    home = make_java("jdk", "17.0.15", release=False)
    script(bare_machine / "java", f'exec "{home}/bin/java" "$@"')
    assert java.find_java([]) == home


def test_a_link_on_path_is_followed_without_starting_java(make_java: MakeJava, bare_machine: Path) -> None:
    home = make_java("jdk", "17.0.15")
    (bare_machine / "java").symlink_to(script(home / "bin/java", "exit 1"))
    assert java.find_java([]) == home


def test_among_the_usual_folders_17_is_preferred_and_its_newest_update(make_java: MakeJava) -> None:
    homes = [make_java(name, name) for name in ("25.0.3", "17.0.9", "17.0.15", "21.0.7")]
    assert java.find_java(homes) == homes[2]


def test_the_error_lists_what_was_found_and_how_to_install_one(
    make_java: MakeJava, tmp_path: Path, bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    broken = script(bare_machine / "java", "echo 'Unable to locate a Java Runtime' >&2; exit 1")
    with pytest.raises(MachineError) as error:
        java.find_java([make_java("old", "11.0.22"), make_java("older", "1.8.0_392")])
    message = str(error.value)
    for part in (
        "JAVA_HOME=/nowhere: no working Java",
        f"PATH has {broken}: no working Java",
        f"{tmp_path}/old: Java 11.0.22",
        f"{tmp_path}/older: Java 8.0",
        "sudo apt-get install openjdk-17-jre-headless",
        "sudo dnf install java-21-openjdk-headless",
        "brew install openjdk@17",
        "set JAVA_HOME",
    ):
        assert part in message


def test_the_command_writes_the_folder_alone(make_java: MakeJava, capsys: pytest.CaptureFixture[str]) -> None:
    home = make_java("usual/17", "17.0.15")
    assert java.main(["--install"]) == 0
    assert capsys.readouterr() == (f"{home}\n", "")


@pytest.fixture
def apt_get(make_java: MakeJava, tmp_path: Path, bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put in place an apt-get that has no lists before ``update`` and then, like Debian 13, only Java 21.

    Returns the log of its calls.
    """
    make_java("jre", "21.0.7")
    log = tmp_path / "apt.log"
    script(
        bare_machine / "apt-get",
        f"""PATH=/usr/bin:/bin
echo "$@" >> {log}
case "$*" in
  update*) touch {tmp_path}/lists ;;
  *openjdk-21-jre-headless) test -e {tmp_path}/lists && mkdir {tmp_path}/usual && mv {tmp_path}/jre {tmp_path}/usual ;;
  *) echo "E: Unable to locate package" >&2; exit 100 ;;
esac""",
    )
    monkeypatch.setattr(java.os, "geteuid", lambda: 0)
    return log


def test_install_fetches_the_lists_where_they_are_missing(
    apt_get: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert java.main(["--install"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/usual/jre\n"
    calls = [line.split() for line in apt_get.read_text().splitlines()]
    assert [call[-1].split("-")[1] if call[0] == "install" else call[0] for call in calls] == [
        *("17", "21", "25"),
        "update",
        *("17", "21"),
    ]
    assert all("--yes" in call for call in calls if call[0] == "install")


def test_install_shows_the_words_of_apt_get_where_it_fails(
    apt_get: Path, bare_machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(bare_machine / "apt-get", "echo 'W: first' >&2; echo 'E: You do not have enough free space' >&2; exit 100")
    assert java.main(["--install"]) == 1
    output = capsys.readouterr()
    assert not output.out
    assert "openjdk-17-jre-headless: E: You do not have enough free space" in output.err
    assert "update: E: You do not have enough free space" in output.err


@pytest.mark.parametrize("sudo", [None, "exit 1"], ids=["no sudo", "sudo asks for a password"])
def test_install_without_the_right_to_prints_the_remedy(
    apt_get: Path,
    bare_machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    sudo: str | None,
) -> None:
    monkeypatch.setattr(java.os, "geteuid", lambda: 1000)
    if sudo:
        script(bare_machine / "sudo", sudo)
    assert java.main(["--install"]) == 1
    assert "that needs apt-get and root privileges.\nSpark needs Java 17, 21 or 25" in capsys.readouterr().err
    assert not apt_get.exists()


def test_install_uses_sudo_where_it_asks_for_no_password(
    apt_get: Path, bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(java.os, "geteuid", lambda: 1000)
    script(bare_machine / "sudo", 'test "$1" = -n && shift && exec "$@"')
    script(bare_machine / "true", "exit 0")
    assert java.main(["--install"]) == 0


def test_the_module_needs_nothing_that_is_not_installed_yet_and_cannot_install() -> None:
    code = (
        "import sys, leadterm.spark.session; sys.exit('leadterm.spark.install_java' in sys.modules)",
        "import sys, leadterm.spark.install_java; sys.exit(bool({'pyspark', 'py4j', 'numpy'} & set(sys.modules)))",
    )
    for one in code:
        assert subprocess.run([sys.executable, "-c", one], check=False).returncode == 0
