"""What of a record is an event: the one inside an envelope, the elements of arrays, objects written as text.

Rests on decision 26.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from scoring.errors import InvalidEvent
from scoring.json_words import described
from scoring.mapping.getters import Levels, Lookup
from scoring.mapping.paths import ROOT, Path, Step

MOST_ELEMENTS: Final = 10_000
#: Decodes JSON; raises ValueError where a text is none.
Loads = Callable[[str], Any]


class Unwrap:
    """Takes the event out of its envelope."""

    def __init__(self, paths: tuple[Path, ...], loads: Loads) -> None:
        """Prepare.

        Args:
            paths: at which it may stand; the first that leads to an object or an array holds.
            loads: decodes what stands there as a text.
        """
        self._ways = [Lookup(path.steps) for path in paths]
        self._names = ", ".join(path.text for path in paths)
        self._loads = loads

    def event(self, record: Any) -> Any:
        """Take the event out.

        Args:
            record: what the value of the Kafka record decodes to.

        Raises:
            InvalidEvent: if there is none.
        """
        wrong = ""
        for way in self._ways:
            found = way.of(record)
            if type(found) is str:
                try:
                    found = self._loads(found)
                except ValueError as error:
                    wrong = str(error)
            if type(found) is dict or type(found) is list:
                return found
        if wrong:
            raise InvalidEvent("not_json", f"what {self._names} holds is text but not JSON: {wrong}")
        raise InvalidEvent("not_an_object", f"none of {self._names} holds an object")


class WrittenJson:
    """Puts what is written as JSON in a text in the place of the text."""

    def __init__(self, paths: tuple[Path, ...], loads: Loads, *, root: bool) -> None:
        """Prepare.

        Args:
            paths: of the fields.
            loads: decodes a text.
            root: whether those paths are meant that start at the record, or those that start at the event.
        """
        chosen = [path for path in paths if (path.origin == ROOT) == root and path.steps]
        self._fields = [(Lookup(path.steps[:-1]), path.steps[-1]) for path in chosen]
        self._loads = loads

    def read(self, value: Any) -> None:
        """Put objects and arrays in the place of texts; any other text stays, as it is of no use to a path.

        Args:
            value: changed in place.
        """
        for way, last in self._fields:
            around = way.of(value)
            if type(around) is dict:
                text = around.get(last)
            elif type(around) is list and type(last) is int and last < len(around):
                text = around[last]
            else:
                continue
            if type(text) is str:
                try:
                    found = self._loads(text)
                except ValueError:
                    continue
                if type(found) is dict or type(found) is list:
                    around[last] = found


class Elements:
    """Finds the elements of the arrays of a record."""

    def __init__(self, arrays: tuple[tuple[Step, ...], ...]) -> None:
        """Prepare.

        Args:
            arrays: the steps to each, from the outer one to the inner one.
        """
        self._ways = tuple([Lookup(steps) for steps in arrays])
        self.depth = len(arrays)

    def start(self, event: Any) -> Any:
        """Give what stands where the outer array should.

        Args:
            event: of the record.
        """
        return self._ways[0].of(event)

    def reaches(self, event: Any) -> bool:
        """Return whether there is an inner array.

        Args:
            event: of the record.
        """
        return _reaches(event, self._ways)

    def of(self, levels: Levels) -> list[Levels | str]:
        """Give the places around each element and the element itself.

        Args:
            levels: the places around the outer array.

        Returns:
            The places of each, or why there is no array where an inner one should be; one more than may be, at most.
        """
        found: list[Levels | str] = []
        _add_elements(found, levels, self._ways, 0)
        return found


def _reaches(value: Any, ways: tuple[Lookup, ...]) -> bool:
    found = ways[0].of(value)
    if type(found) is not list:
        return False
    return len(ways) == 1 or any(_reaches(element, ways[1:]) for element in found)


def _add_elements(found: list[Levels | str], levels: Levels, ways: tuple[Lookup, ...], at: int) -> None:
    array = ways[at].of(levels[-1])
    if array is None:
        return
    if type(array) is not list:
        found.append(f"an inner value is {described(array)}, and an array is wanted")
        return
    for element in array:
        if len(found) > MOST_ELEMENTS:
            return
        if at + 1 == len(ways):
            found.append(levels + (element,))  # noqa: RUF005 - compiled, unpacking would make a list first
        else:
            _add_elements(found, (*levels, element), ways, at + 1)
