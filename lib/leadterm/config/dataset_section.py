"""The section ``dataset``: what a published run says about itself beyond its files."""

from datetime import date
from typing import Annotated, Literal

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from pydantic import AfterValidator, BeforeValidator, Field

from leadterm.config.section_base import Section, Text, list_to_tuple


def _spdx(text: str) -> str:
    """Write a licence in SPDX form; a licence unknown to SPDX is refused."""
    try:
        return canonicalize_license_expression(text)
    except InvalidLicenseExpression as error:
        raise ValueError(str(error)) from error


def _day(value: object) -> object:
    """Convert a date, which YAML reads as such, back to text."""
    return value.isoformat() if type(value) is date else value


def _real_day(text: str) -> str:
    """Refuse a date that is not in the calendar."""
    date.fromisoformat(text)
    return text


Licence = Annotated[Text, AfterValidator(_spdx)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s<>\"'`\\]+$")]
Day = Annotated[str, BeforeValidator(_day), Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_real_day)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")]

LICENCE = "an SPDX expression, such as CC-BY-4.0 or ODC-By-1.0; spdx.org/licenses lists them"
ADDRESS = "an address that starts with https:// or http://"


class CreatorSection(Section):
    """Who made the dataset."""

    name: Text = Field(description="of the person or organisation")
    kind: Literal["person", "organization"] = Field(default="person", description="which of the two it is")
    url: Url | None = Field(default=None, description=ADDRESS)


class SourceSection(Section):
    """A text that the run was counted from."""

    name: Text = Field(description="of the corpus")
    url: Url | None = Field(default=None, description=ADDRESS)
    license: Licence | None = Field(default=None, description=LICENCE)
    citation: Text | None = Field(default=None, description="how its authors want it cited, such as BibTeX")


class DatasetSection(Section):
    """What the card and the metadata of a published run say."""

    title: Text | None = Field(default=None, description="name of the dataset; null: that of the run's folder")
    description: Text | None = Field(
        default=None, description="what it is, in plain text, paragraphs between empty lines; null: a sentence"
    )
    license: Licence | None = Field(
        default=None, description=f"licence of the published tables: {LICENCE}; null: not stated"
    )
    creators: Annotated[tuple[CreatorSection, ...], BeforeValidator(list_to_tuple)] = Field(
        default=(), description="who made it; may be empty"
    )
    url: Url | None = Field(default=None, description=f"where it is published: {ADDRESS}")
    citation: Text | None = Field(default=None, description="how it is to be cited, such as BibTeX")
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")] = Field(
        default="1.0.0", description="three numbers, such as 1.0.0"
    )
    date: Day | None = Field(
        default=None, description="date of publication, such as 2026-01-31; null: the day the command runs"
    )
    languages: Annotated[tuple[Language, ...], BeforeValidator(list_to_tuple)] = Field(
        default=(), description="languages of the text, as codes such as en or pt-BR; may be empty"
    )
    tags: Annotated[tuple[Text, ...], BeforeValidator(list_to_tuple)] = Field(
        default=(), description="keywords, in addition to leadterm's own; may be empty"
    )
    sources: Annotated[tuple[SourceSection, ...], BeforeValidator(list_to_tuple)] = Field(
        default=(), description="the corpora it was counted from, with their licences; may be empty"
    )
    list_files: bool = Field(
        default=True,
        description="also publish the table sources: paths, lengths and hashes of the files that were read",
    )
    list_documents: bool = Field(
        default=True, description="also publish the table documents: file and row of each; needs list_files"
    )
