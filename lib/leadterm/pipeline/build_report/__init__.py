"""The job build_report: a run as a page."""
