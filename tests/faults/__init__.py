"""The fault suite: after any fault, once all is up again, nothing is lost and nothing is counted twice.

`make faults` runs all rows and prints the table. A row is a test that makes a run and injects faults while it flows:

    @pytest.mark.faults
    def test_workers_killed_at_random_moments_lose_and_repeat_nothing(fault_run: MakeRun) -> None:
        with fault_run("worker killed with SIGKILL, restarted", session_timeout=2) as run:
            for _ in run.faults(50):
                kill(run)

- The run has a Redis server and a namespace of its own (`run.redis_server`; `redis_config=` for its directives), the
  broker of the test session (`kafka=` for another), a fleet of real worker processes (`run.workers`), a thread that
  feeds a seeded stream at a steady pace (`run.feeder`), and seeded dice (`run.dice`).
- `run.faults(n)` gives n moments, each after the system has gone on since the one before; it counts them. A fault that
  lasts is counted by hand: `run.injected += 1`.
- What is injected is a small function of the run in a file named after what it harms (`workers.py`), so that `make
  soak` can draw it too. It leaves the system able to go on.
- At the end of the `with` the run brings the fleet back, lets the stream end (never before 100,000 records), gives
  every partition a last event that takes the clock past everything before it, waits until all is judged, and compares
  with the brute force over the raw events: all fields of all customers, the indexes of the bands, the schedules, every
  alert and band change (repeats only with the same id and contents), the dead letters one for one. Any difference
  fails the row.
- The mark `faults` keeps a row out of `make test`; a quick one may go without it. Options of a run stand in
  `run.Plan`, what the stream is made of in `stream.Mixture`.

On the stream clock the outcome does not depend on timing, so it can be exact. It would if a partition got nothing for
longer than the policy's `idle_after` (10 s) while others went on: so the feeder delivers each slice of the stream to
all partitions before the next. A row that keeps the feeder from some partitions for longer needs a policy of its own.
"""
