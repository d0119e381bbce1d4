"""What the Hugging Face hub answers instead of a file, told with a remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

from leadterm.errors import InputError


@contextmanager
def asking_the_hub(wanted: str, choose_revision: str, instead: str, kind: str = "model") -> Iterator[None]:
    """Retell what the hub's client raises inside the block.

    Parameters
    ----------
    wanted
        What is asked for, for the start of the message.
    choose_revision
        What to do where the hub has no such revision.
    instead
        What to give where the hub is out of reach: "the path of a …".
    kind
        What the hub holds under the name.

    Raises
    ------
    InputError
        With what was found and what to do. A file that is not there stays the client's ``EntryNotFoundError``.
    """
    from huggingface_hub import errors as hub_errors  # noqa: PLC0415  # readers of a run, who ask no hub, wait for it

    try:
        yield
    except hub_errors.HFValidationError as error:
        raise InputError(
            f"{wanted}: this is neither an existing path nor a valid name on the Hugging Face hub ({error}). "
            "Check the path, or give a name such as 'HuggingFaceTB/SmolLM2-135M'."
        ) from error
    except hub_errors.RevisionNotFoundError as error:
        raise InputError(f"{wanted}: the hub has the {kind}, but no such revision. {choose_revision}") from error
    except hub_errors.GatedRepoError as error:
        raise InputError(
            f"{wanted}: access to this {kind} requires accepting its terms. "
            "Accept them on its page and log in with: hf auth login"
        ) from error
    except hub_errors.RepositoryNotFoundError as error:
        raise InputError(
            f"{wanted}: there is no such path, and the hub has no such public {kind}. Check the spelling; "
            f"for a private {kind} log in with: hf auth login"
        ) from error
    except (hub_errors.LocalEntryNotFoundError, hub_errors.OfflineModeIsEnabled) as error:
        raise InputError(
            f"{wanted}: there is no such path, the hub cannot be reached (or HF_HUB_OFFLINE is set), and the local "
            f"cache has no such name and revision. Go online, or give {instead}."
        ) from error
    except hub_errors.EntryNotFoundError:
        raise
    except (hub_errors.HfHubHTTPError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{wanted}: the hub answered with an error ({reason}). Try again later.") from error
