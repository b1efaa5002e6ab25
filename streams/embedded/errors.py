"""What goes wrong with a server that runs as a child process."""

from streams.errors import EmbeddedServerError


class ServerExitedError(EmbeddedServerError):
    """The server ended before it answered; on another port it may not."""
