"""The files of a corpus that its run has not counted are counted, and added to it.

spark-submit jobs/add_files.py --config conf/demo.yaml --output runs/demo
"""

import sys

from leadterm.cli import add_main

if __name__ == "__main__":
    sys.exit(add_main())
