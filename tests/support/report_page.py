"""What the page of a report shows in a browser, and how its choices are made."""

from __future__ import annotations

import re

from support.browser import Browser


def cell(browser: Browser, figure: str, panel: int, row: int, column: int, of: str) -> str:
    """Give a property of a heatmap's cell; panels are numbered from 1."""
    place = f"[data-figure={figure}] .panel:nth-child({panel}) td[data-row='{row}'][data-column='{column}']"
    return browser.evaluate(f'document.querySelector("{place}").{of}')


def label(browser: Browser, *place) -> str:
    return cell(browser, *place, of="ariaLabel")


def colour(browser: Browser, *place) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", cell(browser, *place, of="style.backgroundColor"))]


def choose(browser: Browser, name: str, value: str, within: str = "body") -> None:
    """Choose one of the first list of that name."""
    browser.evaluate(
        f"""(() => {{
            const labels = [...document.querySelectorAll("{within} .choice")];
            const select = labels.find((one) => one.firstChild.textContent === {name!r}).querySelector("select");
            select.focus();
            select.value = {value!r};
            select.dispatchEvent(new Event("change"));
        }})()"""
    )


def look_up(browser: Browser, typed: str) -> None:
    browser.focus("#word")
    browser.type(typed)
    browser.press("Enter")
