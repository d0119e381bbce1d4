"""What a run holds becomes a page to look at, and its figures as files; runs on the driver.

spark-submit jobs/build_report.py --config conf/demo.yaml --output runs/demo
"""

import sys

from leadterm.cli import job_main

if __name__ == "__main__":
    sys.exit(job_main("build_report"))
