"""What goes wrong with a server that runs as a child process."""


class EmbeddedServerError(RuntimeError):
    """An embedded server is not installed, did not start, or did not stay."""


class ServerExitedError(EmbeddedServerError):
    """The server ended before it answered; on another port it may not."""
