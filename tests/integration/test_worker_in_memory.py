"""The worker that is shown for tests of applications, with an embedded broker and the scores in memory."""

import re
import subprocess
import sys

from tests.unit.docs.reading import ROOT, page


def test_the_worker_in_memory_scores_the_event_that_is_sent_to_it() -> None:
    how_to = page("howto/test-your-consumer")
    _, worker = how_to.blocks("python")
    [stated] = re.findall(r"It prints `([^`]+)`", how_to.prose)

    done = subprocess.run(
        [sys.executable, "-c", worker], capture_output=True, text=True, cwd=ROOT, timeout=90, check=False
    )

    assert (done.stdout.strip(), done.returncode) == (stated, 0), done.stderr
