"""Installs a Java with apt-get where that takes no question; nothing in the library does so by itself.

``python -m leadterm.spark.java --install`` asks for it, as the Makefile does. It is used before anything else is there,
so it imports no other package.
"""

import os
import shutil
from collections.abc import Sequence

from leadterm.errors import MachineError
from leadterm.spark.java import REMEDY, run_quietly

# Debian 12 has only 17, Debian 13 only 21 and 25, Ubuntu 22.04 and 24.04 all of them.
APT_PACKAGES = ("openjdk-17-jre-headless", "openjdk-21-jre-headless", "openjdk-25-jre-headless")


def install_java() -> None:
    """Install a Java with apt-get, without a question; nothing is done where that is not possible or not allowed.

    Raises
    ------
    MachineError
        There is no apt-get, no right to use it without a password, or it failed; its last words are in the message.
    """
    problems = apt_install(APT_PACKAGES)
    if problems is None:
        raise MachineError(f"Java cannot be installed automatically: that needs apt-get and root privileges.\n{REMEDY}")
    if problems:
        listing = "".join(f"\n  {name}: {problem}" for name, problem in problems.items())
        raise MachineError(f"apt-get could not install a Java:{listing}\n{REMEDY}")


def apt_install(packages: Sequence[str]) -> dict[str, str] | None:
    """Install the first of some Debian packages that can be had, without a question.

    Returns
    -------
    dict or None
        Nothing in it if one was installed, else what apt-get said of each package and of its lists; None where there is
        no apt-get, or no right to use it without a password.
    """
    apt_get = shutil.which("apt-get")
    if not apt_get or not (as_root := _root_prefix(apt_get)):
        return None
    options = ["--yes", "--quiet", "--no-install-recommends", "--option", "DPkg::Lock::Timeout=300"]
    installs = [[*as_root, "install", *options, package] for package in packages]
    update = [*as_root, "update"]
    problems = {}
    for command in (*installs, update, *installs):  # The lists of packages may never have been fetched, or be old.
        answer = run_quietly(command)
        if answer.returncode == 0 and command is not update:
            return {}
        problems[command[-1]] = (answer.stderr.strip().splitlines() or ["done"])[-1]
    return problems


def _root_prefix(apt_get: str) -> list[str] | None:
    """Return how to start apt-get as root, None where that would need a password."""
    if os.geteuid() == 0:
        return [apt_get]
    sudo = shutil.which("sudo")
    return [sudo, "-n", apt_get] if sudo and run_quietly([sudo, "-n", "true"]).returncode == 0 else None
