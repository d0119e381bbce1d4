"""A page about a run: one HTML file that needs no network, and its figures as files."""

from leadterm.report.build import build_report, page_address

__all__ = ["build_report", "page_address"]
