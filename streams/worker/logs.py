"""What is kept out of the log: tracebacks of errors that say it all, and requests that hold passwords."""

from __future__ import annotations

import logging

from streams.errors import StreamsError

# At DEBUG, aiokafka logs every request whole: the one that logs in by PLAIN holds the password, others hold events.
_TELLS_REQUESTS = "aiokafka.conn"


def quiet_logs(worker: logging.Logger) -> None:
    """Keep secrets, and tracebacks of expected errors, out of the log.

    Args:
        worker: the logger that tells why a worker could not start.
    """
    worker.addFilter(_without_expected_traceback)
    logging.getLogger(_TELLS_REQUESTS).addFilter(_above_debug)


def _without_expected_traceback(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, StreamsError):
        record.msg, record.args = "the worker ends: %s", (error,)
        record.exc_info = record.exc_text = None
    return True


def without_trace(record: logging.LogRecord) -> bool:
    """Leave the traceback of an expected error out: it says all in its message.

    Args:
        record: any.
    """
    if record.exc_info and isinstance(record.exc_info[1], StreamsError):
        record.exc_info = record.exc_text = None
    return True


def _above_debug(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG
