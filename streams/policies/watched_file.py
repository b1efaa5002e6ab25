"""The policy file of a running worker: whether somebody has changed it.

Rests on decision 45.
"""

from __future__ import annotations

import asyncio
import logging

from streams.errors import SettingsError
from streams.settings.policy_source import read_text

logger = logging.getLogger(__name__)


class WatchedFile:
    """Reads the file again and again; what it names may be replaced, by a link to another file too."""

    def __init__(self, path: str, text: str) -> None:
        """Prepare.

        Args:
            path: of the file; '' for the built-in policy, which never changes.
            text: as the worker has read it.
        """
        self.path = path
        #: Its text from when it has changed until that has been put in force or refused.
        self.due: str | None = None
        self._text = text
        self._before = text
        self._asked = False
        self._unreadable = ""

    def ask(self) -> None:
        """Have the file read at the next look and its policy put in force, whether it has changed or not."""
        self._asked = True

    async def changed(self) -> bool:
        """Look at the file.

        A change is taken once two looks have seen the same, as somebody may be writing.

        Returns:
            Whether it has a new text, which is `due` then, or is back as it was; once for each change or request.

        Raises:
            SettingsError: if it cannot be read and did not fail in the same way before.
        """
        if not self.path:
            self._tell_builtin()
            return False
        asked, self._asked = self._asked, False
        try:
            text = await asyncio.to_thread(read_text, self.path)
        except SettingsError as error:
            if not asked and str(error) == self._unreadable:
                return False
            self._unreadable = str(error)
            raise
        back, self._unreadable = bool(self._unreadable), ""
        settled, self._before = text == self._before, text
        if not asked and (text == self._text or not settled):
            return back
        self._text = self.due = text
        return True

    def _tell_builtin(self) -> None:
        if self._asked:
            self._asked = False
            logger.info("no policy file is named, so there is nothing to read again")
