"""A second reading of sources: follows the words of their rules one by one, slowly, on the tables as they are written.

It shares nothing with the product.
"""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

from tests.reference.times import moment

Table = dict[str, Any]
Places = list[Any]
UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}


class Refused(Exception):
    """A part is bad; the reason is its text."""


def read_record(table: Table, record: Any) -> list[Table]:
    """Return what becomes of a record, as lines of `engagement source try --json` without the number of the record."""
    event = unwrapped(table, record)
    readings = [
        {**table, **each, "types": {**table.get("types", {}), **each.get("types", {})}}
        for each in table.get("events", [{}])
    ]
    arrays_too = any("each" in reading for reading in readings)
    if (
        (event is not None or "unwrap" not in table)
        and not isinstance(event, dict)
        and not (arrays_too and isinstance(event, list))
    ):
        return [{"part": None, "dead_letter": "not_an_array" if arrays_too else "not_an_object"}]
    found: list[Table] = []
    left_out = False
    for reading in readings:
        outcome = read_with(reading, record, event, len(found), alone=len(readings) == 1)
        if isinstance(outcome, str):
            return [{"part": None, "dead_letter": outcome}]
        if outcome:
            found += outcome
        else:
            left_out = True
    return found or ([{"part": None, "skipped": True}] if left_out else [])


def unwrapped(table: Table, record: Any) -> Any:
    """Find the event in its envelope; None where there is none."""
    if "unwrap" not in table:
        return record
    for path in table["unwrap"]:
        value = record if path == "." else lookup(path, [record])
        if isinstance(value, str):
            value = as_json(value)
        if isinstance(value, dict | list):
            return value
    return None


def read_with(  # noqa: PLR0911 - one for each way in which a record ends
    reading: Table, record: Any, event: Any, part: int, *, alone: bool
) -> list[Table] | str:
    """Read by one reading: the parts, nothing where it is left out, or why the whole record is bad."""
    if event is None and "unwrap" in reading:
        depth = reading["each"][0].count("[]") if "each" in reading else 0
        left_out = kept_out(reading, [record, None], every=not depth, depth=depth)
        return [] if left_out else bad_envelope(reading, record)
    open_json(reading, event)
    if "each" not in reading:
        if not isinstance(event, dict):
            return []
        outcome = part_of(reading, [record, event], part)
        return [outcome] if "skipped" not in outcome else []
    names = [name.split("[]")[:-1] for name in reading["each"]]
    names = [[name.removeprefix(".") for name in way] for way in names]
    if kept_out(reading, [record, event], depth=len(names[0])):
        return []
    if (
        not reading.get("links")
        and starts_outside(reading["type"], len(names[0]))
        and dropped(reading, [record, event, *[None] * len(names[0])])
    ):
        return []
    chosen = next((way for way in names if arrays(event, way)), None)
    chosen = chosen or next((way for way in names if isinstance(lookup(way[0] or "@", [event, event]), list)), None)
    if chosen is None:
        there = any(lookup(way[0] or "@", [event, event]) is not None for way in names)
        return "not_an_array" if there or alone else []
    parts: list[Table] = []
    for places in elements([record, event], chosen):
        number = part + len(parts)
        if places is None:
            parts.append({"part": number, "dead_letter": "not_an_array"})
        else:
            open_json(reading, places[-1])
            parts.append(part_of(reading, places, number))
    return parts


def bad_envelope(reading: Table, record: Any) -> str:
    """Return what is wrong with an envelope without an event."""
    texts = [record if path == "." else lookup(path, [record]) for path in reading["unwrap"]]
    return "not_json" if any(isinstance(text, str) and as_json(text) is None for text in texts) else "not_an_object"


def arrays(value: Any, way: list[str]) -> bool:
    """Return whether an innermost array is there."""
    found = lookup(way[0] or "@", [value, value])
    if not isinstance(found, list):
        return False
    return len(way) == 1 or any(arrays(element, way[1:]) for element in found)


def elements(places: Places, way: list[str]) -> list[Places | None]:
    """List the innermost elements with what is around them; None for what is no array."""
    found = lookup(way[0] or "@", [places[-1], places[-1]])
    if found is None:
        return []
    if not isinstance(found, list):
        return [None]
    inner = [[*places, element] for element in found]
    return list(inner) if len(way) == 1 else [each for around in inner for each in elements(around, way[1:])]


def open_json(reading: Table, value: Any) -> None:
    """Put objects and arrays in the place of the texts that they are written in."""
    for name in reading.get("json", []):
        if isinstance(value, dict) and isinstance(value.get(name), str):
            found = as_json(value[name])
            if isinstance(found, dict | list):
                value[name] = found


def as_json(text: str) -> Any:
    """Decode a text; None where it is no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def part_of(reading: Table, places: Places, part: int) -> Table:
    """Return what becomes of one part."""
    try:
        if not isinstance(places[-1], dict) and not names_elements(reading):
            return {"part": part, "dead_letter": "not_an_object"}
        if kept_out(reading, places, every=True):
            return {"part": part, "skipped": True}
        for link in reading.get("links", []):
            if not kept_out(link, places, every=True):
                return link_of(link, reading, places, part)
        if dropped(reading, places):
            return {"part": part, "skipped": True}
        return event_of(reading, places, part)
    except Refused as reason:
        return {"part": part, "dead_letter": str(reason)}


def names_elements(reading: Table) -> bool:
    """Return whether a reading looks at elements themselves, beside their properties."""
    written = json.dumps({key: value for key, value in reading.items() if key != "properties"})
    return '"@"' in written or "{@}" in written


def dropped(reading: Table, places: Places) -> bool:
    """Return whether the type is left out."""
    kind = value_of(reading["type"], places)
    if not isinstance(kind, str) or not kind:
        return False
    return kind in reading.get("ignore", []) or (reading.get("only_types", False) and kind not in reading["types"])


def event_of(reading: Table, places: Places, part: int) -> Table:
    """Read an event."""
    customer = identity(value_of(reading["customer"], places), "customer_id", reading)
    kind = value_of(reading["type"], places)
    if kind is None or kind == "":
        raise Refused("type_missing")
    if not isinstance(kind, str):
        raise Refused("type_not_a_string")
    line: Table = {"part": part, "customer_id": customer}
    name = reading["types"].get(kind, kind)
    channel, _, rest = name.partition(".")
    line["channel"], line["type"] = (
        (channel, rest) if kind in reading["types"] and channel == "email" and rest else (reading["channel"], name)
    )
    line["time"] = time_of(reading, places)
    event_id = value_of(reading["id"], places) if "id" in reading else None
    if event_id is not None and event_id != "":
        if isinstance(event_id, bool) or not isinstance(event_id, str | int):
            raise Refused("event_id_not_a_string")
        line["event_id"] = str(event_id)
    if "properties" in reading:
        line["properties"] = properties_of(reading["properties"], places)
    return line


def link_of(link: Table, reading: Table, places: Places, part: int) -> Table:
    """Read a link."""
    sides = [value_of(link[side], places) for side in ("id", "customer")]
    if any(side is None or side == "" for side in sides):
        return {"part": part, "skipped": True}
    one, other = identity(sides[0], "id", reading), identity(sides[1], "customer_id", reading)
    return {"part": part, "skipped": True} if one == other else {"part": part, "link": [one, other]}


def identity(value: Any, name: str, reading: Table) -> str:
    """Check an id."""
    if value is None:
        raise Refused(f"{name}_missing")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Refused(f"{name}_not_a_string")
    if not value:
        raise Refused(f"{name}_empty")
    if len(value.encode()) > 256:
        raise Refused(f"{name}_too_long")
    return value.lower() if reading.get("email_ids") == "lower" and "@" in value else value


def time_of(reading: Table, places: Places) -> int:
    """Read the time, in microseconds."""
    written = reading["time"] if isinstance(reading["time"], list) else [reading["time"]]
    found = [value for value in (value_of(each, places) for each in written) if value is not None and value != ""]
    if not found:
        raise Refused("timestamp_missing")
    value, unit = found[0], reading.get("time_format", "auto")
    if unit in UNITS:
        return counted(value, UNITS[unit])
    time = moment(value, utc=unit == "utc")
    if time is None:
        raise Refused("timestamp_invalid")
    return time


def counted(value: Any, unit: int) -> int:
    """Read a number of units."""
    if isinstance(value, str):
        plain = value.replace(".", "", 1)
        if not plain.isascii() or not plain.isdigit() or value.startswith(".") or value.endswith("."):
            raise Refused("timestamp_invalid")
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        raise Refused("timestamp_invalid")
    time = round(value * unit)
    if not 0 <= time < 253_402_300_800_000_000:
        raise Refused("timestamp_invalid")
    return time


def properties_of(written: Any, places: Places) -> Table:
    """Read the properties."""
    if isinstance(written, str):
        value = value_of(written, places)
        return value if isinstance(value, dict) else {}
    found = {name: value_of(each, places) for name, each in written.items()}
    return {name: value for name, value in found.items() if value is not None}


def value_of(written: Any, places: Places) -> Any:
    """Look a value up."""
    if isinstance(written, list):
        for each in written:
            value = value_of(each, places)
            if value is not None and value != "":
                return value
        return None
    if isinstance(written, dict):
        if "is" in written:
            return written["is"]
        return converted(value_of(written["path"], places), written["as"])
    return filled(written, places) if "{" in written else lookup(written, places)


def converted(value: Any, kind: str) -> Any:
    """Make a number or a truth value of a text."""
    if kind == "boolean":
        words = {"true": True, "1": True, "false": False, "0": False}
        return value if isinstance(value, bool) else words.get(str(value).strip().lower()) if is_scalar(value) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not value.strip() or set(value.strip()) - set("0123456789.+-"):
        return None
    try:
        return int(value) if value.strip().lstrip("+-").isdigit() else float(value)
    except ValueError:
        return None


def is_scalar(value: Any) -> bool:
    """Return whether a value is a text, a number or a truth value."""
    return isinstance(value, str | int | float)


def filled(template: str, places: Places) -> str | None:
    """Fill a template: the separator before a part that is missing goes, and that after the first ones."""
    literals, names = [""], []
    rest = template
    while "{" in rest:
        before, _, rest = rest.partition("{")
        literals[-1] += before
        name, _, rest = rest.partition("}")
        names.append(name)
        literals.append("")
    literals[-1] += rest
    text = ""
    for number, name in enumerate(names):
        value = lookup(name, places)
        if not is_scalar(value) or value == "":
            continue
        text += (literals[number] if text else "") + as_text(value)
    return literals[0] + text + literals[-1] if text else None


def as_text(value: Any) -> str:
    """Write a scalar as JSON does, but text as it is."""
    return value if isinstance(value, str) else json.dumps(value)


def lookup(path: str, places: Places) -> Any:
    """Follow a path, letter by letter."""
    here: Any = places[-1]
    around = len(places) - 1
    roots = [here]
    if path == "$" or path.startswith("$."):
        roots, path = [places[0], places[min(1, len(places) - 1)]], path[2:]
    elif path == "@" or path.startswith("@."):
        path = path[2:]
    else:
        while path.startswith("^."):
            path, around = path[2:], around - 1
        roots = [places[max(around, 0)]]
    for root in roots:
        value = root
        for step in steps_of(path):
            value = one_step(value, step)
        if value is not None:
            return value
    return None


def steps_of(path: str) -> list[str]:
    """Cut a path into its steps; that of a bracket keeps it."""
    steps: list[str] = []
    word, quote, depth = "", "", 0
    for letter in path:
        if quote:
            quote, word = ("", word) if letter == quote else (quote, word + letter)
        elif letter == '"' and not depth:
            quote = letter
        elif letter == "." and not depth:
            steps, word = [*steps, word] if word else steps, ""
        elif letter == "[":
            steps, word, depth = [*steps, word] if word else steps, "[", 1
        elif letter == "]":
            steps, word, depth = [*steps, word], "", 0
        else:
            word += letter
    return [*steps, word] if word else steps


def one_step(value: Any, step: str) -> Any:
    """Go one step."""
    if not step.startswith("["):
        return value.get(step) if isinstance(value, dict) else None
    if not isinstance(value, list):
        return None
    name, equals, text = step[1:].partition("=")
    if not equals:
        return value[int(name)] if int(name) < len(value) else None
    for element in value:
        found = element
        for inner in steps_of(name):
            found = one_step(found, inner)
        if is_scalar(found) and as_text(found) == text:
            return element
    return None


def starts_outside(written: Any, depth: int) -> bool:
    """Return whether all that a value is made of starts outside the elements."""
    if isinstance(written, list):
        return all(starts_outside(each, depth) for each in written)
    if isinstance(written, dict):
        return "is" in written or starts_outside(written["path"], depth)
    names = [piece.partition("}")[0] for piece in written.split("{")[1:]] if "{" in written else [written]
    return all(is_outside(name, depth) for name in names)


def is_outside(path: str, depth: int) -> bool:
    """Return whether a path starts outside elements that are in so many arrays."""
    return path == "$" or path.startswith(("$.", "^." * depth))


def kept_out(reading: Table, places: Places, *, every: bool = False, depth: int = 0) -> bool:
    """Return whether a condition leaves something out; without `every`, one that is about the record alone."""
    for key, wanted in (("when", True), ("unless", False)):
        for path, condition in reading.get(key, {}).items():
            paths = [path, condition["same_as"]] if isinstance(condition, dict) and "same_as" in condition else [path]
            if every or all(is_outside(each, depth) for each in paths):
                around = places if every else [*places, *[None] * depth]
                if holds(path, condition, around) != wanted:
                    return True
    return False


def holds(path: str, condition: Any, places: Places) -> bool:
    """Test one condition."""
    value = lookup(path, places)
    has_value = value is not None and value != ""
    if isinstance(condition, dict):
        if "present" in condition and has_value != condition["present"]:
            return False
        if "same_as" in condition:
            other = lookup(condition["same_as"], places)
            if not has_value or other is None:
                return False
            return (
                as_text(value) == (as_text(other) if is_scalar(other) else None)
                if is_scalar(value)
                else bool(value == other)
            )
        return all(asked(word, wanted, value) for word, wanted in condition.items() if word != "present")
    return asked("one_of", condition if isinstance(condition, list) else [condition], value)


def asked(word: str, wanted: Any, value: Any) -> bool:
    """Test one word of a condition."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if word in ("equals", "one_of"):
        return any(alike(value, each) for each in (wanted if word == "one_of" else [wanted]))
    if word in ("at_least", "at_most"):
        return number and (value >= wanted if word == "at_least" else value <= wanted)
    if word == "starts_with":
        return isinstance(value, str) and value[: len(wanted)] == wanted
    if isinstance(value, list):
        return any(alike(each, wanted) for each in value)
    return isinstance(value, str) and isinstance(wanted, str) and value.find(wanted) >= 0


def alike(value: Any, wanted: Any) -> bool:
    """Return whether two values are the same one; true is not 1."""
    return value is not None and isinstance(wanted, bool) == isinstance(value, bool) and bool(value == wanted)
