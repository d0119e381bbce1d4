"""Tells a store that cannot be reached, or refuses, from files that are damaged: whoever takes one for the other
throws a good run away.
"""

import errno
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from leadterm.errors import MachineError

BUCKET = re.compile(r"Bucket '([^']+)' (?:not found|does not exist)|in bucket '([^']+)': AWS Error NO_SUCH_BUCKET")
DENIED = re.compile(
    r"AWS Error (?:ACCESS_DENIED|INVALID_ACCESS_KEY_ID|INVALID_CLIENT_TOKEN_ID|SIGNATURE_DOES_NOT_MATCH|"
    r"UNRECOGNIZED_CLIENT|MISSING_AUTHENTICATION_TOKEN|INVALID_SIGNATURE|\w*EXPIRED\w*|REQUEST_EXPIRED|OPT_IN_REQUIRED|"
    r"UNKNOWN \(HTTP status 40[013]\))|No credentials|Unable to locate credentials|NoCredentials|"
    r"\b(?:Forbidden|Unauthorized|Anonymous caller|invalid_grant|AccessDenied)\b"
)
LOST = re.compile(
    r"AWS Error (?:NETWORK_CONNECTION|SLOW_DOWN|THROTTLING|REQUEST_TIMEOUT|REQUEST_TIME_TOO_SKEWED|SERVICE_UNAVAILABLE|"
    r"INTERNAL_FAILURE|UNKNOWN \(HTTP status (?:5\d\d|429|408)\))|curlCode|[Tt]imed out|[Tt]imeout|"
    r"[Cc]onnection (?:refused|reset|aborted|closed)|[Cc]ould ?n[o']t (?:connect|resolve)|Cannot connect|"
    r"Name or service not known|Temporary failure in name resolution|Server disconnected|HDFS connection"
)
ERRNOS = {
    getattr(errno, name)
    for name in (
        "ETIMEDOUT", "ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "ENETDOWN", "ENETUNREACH", "EHOSTDOWN",
        "EHOSTUNREACH", "ENOTCONN", "EPIPE", "ESHUTDOWN", "ESTALE", "EIO", "EREMOTEIO", "ENXIO", "ENODEV",
    )
    if hasattr(errno, name)
}  # fmt: skip
"""Of a mount that does not answer, or a disk that fails."""
OPEN_FILES = {errno.EMFILE, errno.ENFILE}
KEPT = "Existing products are unchanged"

P = ParamSpec("P")
R = TypeVar("R")


def unreachable(place: object, error: BaseException, *, writes: bool = False) -> MachineError | None:
    """Say why a store could not be asked; None where the error is about what lies there.

    Parameters
    ----------
    place
        What was to be read or written.
    error
        What came of it.
    writes
        Whether it was to be written: on a disk, whether one may is then for others to tell.
    """
    reason = str(error).rstrip(".")
    if isinstance(error, FileNotFoundError):
        return None
    if found := BUCKET.search(reason):
        return bucket_missing(place, found[1] or found[2])
    if DENIED.search(reason):
        return MachineError(
            f"{place}: the store refused access ({reason}). Check the credentials, which executors need too (for S3 "
            f"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role; AWS_REGION; AWS_ENDPOINT_URL). {KEPT}."
        )
    number, problem = error.errno if isinstance(error, OSError) else None, None
    if number in OPEN_FILES:
        problem = f"could not be opened ({reason}): allow more open files (ulimit -n). {KEPT}."
    elif number in (errno.EACCES, errno.EPERM):
        problem = None if writes else f"may not be read by this user ({reason}). {KEPT}."
    elif number in ERRNOS or LOST.search(reason):
        problem = f"could not be reached ({reason}). {KEPT}: run again when the store answers."
    return MachineError(f"{place} {problem}") if problem else None


def bucket_missing(place: object, bucket: str) -> MachineError:
    """Say that a store has no such bucket, in place of the library's advice to its callers."""
    return MachineError(
        f"there is no bucket '{bucket}', in which {place} would be. Correct the address, create the bucket "
        "(leadterm never does), or set AWS_ENDPOINT_URL to the store that has it."
    )


def require_reached(place: object, error: BaseException, *, writes: bool = False) -> None:
    """Raise what :func:`unreachable` finds, before an error is told as damage.

    Raises
    ------
    MachineError
        If the store could not be asked.
    """
    problem = unreachable(place, error, writes=writes)
    if problem is not None:
        raise problem from error


def reaching(method: Callable[P, R]) -> Callable[P, R]:
    """Let a method that asks about a place say so where the store could not be asked."""

    @wraps(method)
    def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except OSError as error:
            place: Any = args[0]
            require_reached(place, error)
            raise

    return asked
