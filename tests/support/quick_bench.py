"""The benchmark's command, with Spark as it is for tiny corpora."""

from benchmarks import run, stages
from support.quick_spark import QUICK

if __name__ == "__main__":
    stages.PROPERTIES.update(QUICK)
    run.main()
