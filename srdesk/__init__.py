"""SR Desk: enlarge pictures four times, compare what each network made of them, train the networks."""

import time

__version__ = "0.1.0"

STARTED_S = time.perf_counter() - time.process_time()
"""`time.perf_counter` when Python started, for measuring start-up; its own start is counted by the CPU time it took."""
