"""Decodes of JSON only what a source reads: what nobody reads is skipped, which takes a fraction of the time.

Rests on decision 85.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, TypedDict, Union

import msgspec

from scoring.mapping.fields import Fields

#: As many arrays and objects inside each other are decoded at the end of a path; with more the record is decoded whole.
_LEVELS: Final = 4
#: orjson reads as many arrays and objects inside each other.
_DEEPEST: Final = 1_024
#: A whole number that is larger is a float for orjson.
_WHOLE: Final[Any] = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_SCALARS: Final[tuple[Any, ...]] = (str, _WHOLE, float, bool, None)
# Types that are made here, of which the type checker knows nothing.
_Union: Final[Any] = Union
_TypedDict: Final[Any] = TypedDict
_List: Final[Any] = list
_Dict: Final[Any] = dict


class Loader:
    """Decodes JSON."""

    def load(self, value: bytes) -> Any:
        """Decode a value.

        Args:
            value: the text.
        """
        raise NotImplementedError


class FieldLoader(Loader):
    """Decodes values as `orjson.loads` does, but without what is not read."""

    def __init__(self, fields: Fields) -> None:
        """Prepare.

        Args:
            fields: that are read; not all.
        """
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(_type_of(fields)).decode

    def load(self, value: bytes) -> Any:
        """Decode a value.

        Args:
            value: of a record.

        Raises:
            ValueError: if it has to be decoded whole, which then tells what is wrong with it, if anything is.
        """
        # What is skipped is not checked for these.
        if not value.isascii():
            value.decode()
        if len(value) > 2 * _DEEPEST and value.count(b"[") + value.count(b"{") > _DEEPEST:
            raise ValueError("perhaps nested too deep")
        try:
            return self._decode(value)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ValueError(str(error)) from error


def reads_all(fields: Fields) -> bool:
    """Return whether a value is read as a whole, or has to be, as msgspec does not tell names in other letters apart.

    Args:
        fields: that are read of it.
    """
    return fields.whole or not all(name.isascii() for name in fields.named)


def _type_of(fields: Fields) -> Any:
    """Give the type of a value; one of any other kind than is wanted is decoded as well, so that it can be told."""
    if reads_all(fields):
        return _any_value(_LEVELS)
    # A dictionary, as the paths lead through.
    named = _TypedDict("named", {name: _type_of(each) for name, each in fields.named.items()}, total=False)
    element = Any if fields.elements is None else _type_of(fields.elements)
    return _Union[(*_SCALARS, named, _List[element])]


def _any_value(levels: int) -> Any:
    if not levels:
        return _Union[_SCALARS]
    inner = _any_value(levels - 1)
    return _Union[(*_SCALARS, _List[inner], _Dict[str, inner])]
