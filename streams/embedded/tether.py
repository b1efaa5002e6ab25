"""Become a command that dies with the process that started it.

Run as a script, ``tether.py PARENT_PID [NAME=VALUE ...] -- COMMAND ...``: it asks
the kernel to kill this process when its parent dies, then replaces itself by the
command, with nothing in the environment but the given names. A script of its own
because the alternative, code between fork and exec in the parent, may deadlock in
a process that has threads. It imports only the standard library and is run with
``python -I -S``, so it starts in about 20 ms.
"""

import contextlib
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent dies.

    Only Linux can; elsewhere the parent's own exit handlers have to do.

    Args:
        parent_pid: The process that started this one.

    Raises:
        SystemExit: If the parent is dead already, as no signal would come.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415 - absent from a Python built without libffi, and then done without

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        sys.exit("the parent process has ended")


def main(arguments: list[str]) -> None:
    """Tie this process to its parent and become the command.

    Args:
        arguments: The parent's pid, the environment as NAME=VALUE, ``--``, the command.
    """
    separator = arguments.index("--")
    parent_pid, *settings = arguments[:separator]
    command = arguments[separator + 1 :]
    die_with_parent(int(parent_pid))
    environment = dict(setting.split("=", 1) for setting in settings)
    os.execve(command[0], command, environment)  # noqa: S606 - the command is the caller's own


if __name__ == "__main__":
    main(sys.argv[1:])
