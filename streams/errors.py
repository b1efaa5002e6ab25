"""The errors of everything that touches the world.

StreamsError
├── Problems             what somebody has written is wrong; lists every problem
│   ├── SettingsError        a setting
│   ├── InvalidOutcomes      the file of outcomes says nothing that could be used
│   └── UnreadableEvents     a file of events cannot be read, or its channel is unknown
├── TransientError       the outside is not there at the moment: hold, retry, report not ready
│   ├── StoreUnavailable     Redis
│   ├── BrokerUnavailable    Kafka
│   ├── OffsetsRefused       Kafka has not taken the offsets of a commit
│   ├── RegistryUnavailable  the schema registry
│   ├── PolicyUnusable       the policy in force is not understood by this worker
│   ├── AccessDenied         Kafka or Redis does not let this user in, or forbids something; ends a start
│   └── ClockUnknown         how far other partitions have been applied
├── Refused              the store has not applied a write, because the worker's picture is out of date
│   ├── FenceMoved           another worker has applied the batch, or the store has forgotten
│   └── VersionMoved         another worker has written one of the customers
├── UnsafeStore          Redis is set up so that it would lose or drop scores; the worker does not start
├── UnreadableCustomer   somebody has changed a customer's hash by hand
├── UnreadableKey        the same with another key
├── LogGap               the log no longer holds what has to be applied next
├── WebPortTaken         the web port cannot be listened on
├── ClientFailed         a part of the Kafka client has ended or hangs, and nothing starts it again
├── WrongErasureKey      the erasures were written with another key, so the erased would come back
├── RebuildRefused       the scores have moved on under a rebuild, which has to be started again
├── ReplayFenced         another replay of dead letters has taken over
├── RequestRefused       the receiver does not take a request; has the HTTP status of the answer
├── ExtraMissing         the packages of an extra that a command needs are not installed
└── EmbeddedServerError  an embedded server did not start
"""

from __future__ import annotations

from collections.abc import Sequence


def why_unreadable(error: OSError | ValueError) -> str:
    """Say why a file cannot be read, in the words of the system.

    Args:
        error: of reading it; a ValueError that is not of its text is of its path.
    """
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "it is not UTF-8" if isinstance(error, UnicodeError) else "it is no path"


class StreamsError(Exception):
    """Base of every error of the streams package."""


class Problems(StreamsError):
    """What somebody has written is wrong in one or more ways, all told at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep the problems.

        Args:
            problems: one sentence each, naming the setting or the line, and what is allowed.
        """
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class SettingsError(Problems):
    """One or more settings are wrong."""


class TransientError(StreamsError):
    """The outside is not there at the moment; nothing has been acknowledged, and the same is tried again."""


class StoreUnavailable(TransientError):
    """Redis does not answer, or refuses for a reason that passes (loading, memory limit, failover)."""


class BrokerUnavailable(TransientError):
    """Kafka does not answer, or has not accepted a message."""


class OffsetsRefused(TransientError):
    """Kafka has not taken the offsets of a commit, as while partitions change hands."""


class RegistryUnavailable(TransientError):
    """The schema registry does not answer, so that it is not known how records were written."""


class PolicyUnusable(TransientError):
    """The policy in force is not understood by this worker, which may be of an older release than others."""


class AccessDenied(TransientError):
    """Kafka or Redis does not let this user in, or forbids something.

    At the start it ends the worker, as nobody waits for a right that was never given. Later it is held like any other
    fault that passes: passwords and rights are changed while workers run.
    """


class ClockUnknown(TransientError):
    """It is not known yet how far every partition has been applied, so there is no evaluation time."""


class Refused(StreamsError):
    """A write was refused whole: nothing of it has been applied."""


class FenceMoved(Refused):
    """The fence of a source partition is not where the worker left it."""


class VersionMoved(Refused):
    """Customers have been written by another worker since they were loaded."""

    def __init__(self, customers: Sequence[str]) -> None:
        """Keep the customers.

        Args:
            customers: their ids; they have to be loaded again.
        """
        self.customers = tuple(customers)
        super().__init__(f"{len(self.customers)} customers have been written by another worker")


class UnsafeStore(StreamsError):
    """Redis is set up so that it would lose or drop scores."""


class UnreadableCustomer(StreamsError):
    """What stands under a customer's key is not what any worker writes."""

    def __init__(self, key: str, name: str = "", held: str = "") -> None:
        """Keep where it is.

        Args:
            key: of the customer.
            name: of the field that cannot be read.
            held: what the key holds, where that is no hash.
        """
        self.key, self.name = key, name
        why = f"it holds a {held} and not a hash" if held else f"because of its field {name}"
        super().__init__(
            f"{key or 'a customer'} cannot be read, {why}: somebody has changed it by hand. "
            "The way out is: engagement rebuild"
        )


class UnreadableKey(StreamsError):
    """What stands under a key that is no customer's is not what any worker writes."""

    def __init__(self, key: str, name: str) -> None:
        """Keep where it is.

        Args:
            key: of the hash.
            name: of the field that cannot be read.
        """
        super().__init__(f"{key} cannot be read, because of its field {name!r}: somebody has changed it by hand")


class LogGap(StreamsError):
    """The log no longer holds the next offset to apply: records would be skipped without a trace."""


class WebPortTaken(StreamsError):
    """Nothing can listen where the settings say, most often as something else does."""


class ClientFailed(StreamsError):
    """A part of the Kafka client has ended or hangs, and nothing but a new process starts it again."""


class WrongErasureKey(StreamsError):
    """The digests of erased customers were made with another key, so that nobody would be recognized."""


class RebuildRefused(StreamsError):
    """What a rebuild computed does not fit the scores as they are; nothing wrong has been written."""


class ReplayFenced(StreamsError):
    """Another replay of dead letters has been started, which ends this one."""


class RequestRefused(StreamsError):
    """The receiver does not take a request: it has not acknowledged anything of it."""

    def __init__(self, status: int, code: str, message: str, retry_after: float = 0.0) -> None:
        """Keep what is answered.

        Args:
            status: of HTTP.
            code: one word for the answer and the metrics.
            message: a sentence for whoever looks into the answer.
            retry_after: seconds after which the same request may be taken; 0 where a retry is no use.
        """
        self.status, self.code, self.retry_after = status, code, retry_after
        super().__init__(message)


class EmbeddedServerError(StreamsError):
    """An embedded server is not installed or did not start."""


class InvalidOutcomes(Problems):
    """A file that should say what became of customers, and does not."""


class UnreadableEvents(Problems):
    """A file of events cannot be read, or is said to be of a channel that the policy does not have."""


class ExtraMissing(StreamsError):
    """A command needs packages that are installed only where they are asked for."""

    def __init__(self, extra: str, purpose: str) -> None:
        """Say what to install.

        Args:
            extra: of this package.
            purpose: what needs it, as the subject of a sentence.
        """
        super().__init__(f"{purpose} needs packages that are not installed: pip install 'engagement-streams[{extra}]'")
