"""The contestants of ``benchmarks/peers.py``: the problem, us, the peers, how they are measured.

Importing it sets the number of threads to one, which libraries read when they are imported.
"""

import os

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")
ONE_THREAD = {
    **dict.fromkeys(THREADS, "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
}
os.environ.update(ONE_THREAD)
