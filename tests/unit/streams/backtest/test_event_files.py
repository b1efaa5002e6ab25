"""Files of events: gzip, channels, order, and lines that are bad."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from streams.backtest.event_files import MOST_BYTES, EventFiles, EventLine, channel_in_name
from streams.errors import UnreadableEvents
from streams.policy_file.document import builtin_policy

CHANNELS = builtin_policy().channels


def read(paths: Sequence[Path], channel: str = "", *, timed: bool = False) -> list[EventLine]:
    with EventFiles(paths, CHANNELS, channel) as files:
        return list(files.lines(timed=timed))


def event(channel: str | None = None, customer: str = "ada", at: float = 1.0) -> bytes:
    fields = {"customer_id": customer, "type": "open", "timestamp": at} | ({"channel": channel} if channel else {})
    return json.dumps(fields).encode()


def test_a_line_names_its_channel_and_so_its_topic(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(event("email") + b"\r\n\n" + event("social", "bé") + b"\n")
    first, second = read([path])
    assert (first.topic, first.customer, first.number) == ("email", b"ada", 1)
    assert (second.topic, second.customer, second.number) == ("social", "bé".encode(), 3)


def test_the_value_is_the_line_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    spaced = b'  {"channel" : "email",   "customer_id":"ada"} '
    path.write_bytes(spaced)
    assert read([path])[0].value == spaced


def test_gzip_is_known_by_its_first_bytes_whatever_the_name(tmp_path: Path) -> None:
    lines = b"\n".join(event("email", str(number)) for number in range(1000))
    packed, plain = tmp_path / "packed.jsonl", tmp_path / "plain.jsonl.gz"
    packed.write_bytes(gzip.compress(lines))
    plain.write_bytes(lines)
    assert [line.value for line in read([packed])] == lines.split(b"\n")
    assert [line.value for line in read([plain])] == lines.split(b"\n")


def test_a_damaged_archive_is_refused_after_what_could_be_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    whole = gzip.compress(b"\n".join(event("email", str(number * 7919 % 65_537)) for number in range(20_000)))
    path.write_bytes(whole[: len(whole) // 2])
    seen = 0
    with EventFiles([path], CHANNELS) as files, pytest.raises(UnreadableEvents, match="damaged"):  # noqa: PT012 - the lines come first
        for _ in files.lines():
            seen += 1
    assert seen > 100


def test_the_bytes_read_are_those_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress(event("email")))
    with EventFiles([path], CHANNELS) as files:
        list(files.lines())
        assert files.read_bytes == files.total_bytes == path.stat().st_size


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("email.jsonl", "email"),
        ("email.jsonl.gz", "email"),
        ("EMAIL.JSON", "email"),
        ("2026-11-social.ndjson", "social"),
        ("shop.clickstream.jsonl", "clickstream"),
        ("emails.jsonl", ""),
        ("events.jsonl", ""),
    ],
)
def test_a_file_can_be_named_after_its_channel(name: str, channel: str) -> None:
    assert channel_in_name(Path(name), [known.name for known in CHANNELS]) == channel


def test_a_channel_in_the_line_goes_before_that_in_the_name(tmp_path: Path) -> None:
    path = tmp_path / "email.jsonl"
    path.write_bytes(event() + b"\n" + event("social"))
    assert [line.topic for line in read([path])] == ["email", "social"]


def test_a_channel_that_is_asked_for_goes_before_everything(tmp_path: Path) -> None:
    path = tmp_path / "email.jsonl"
    path.write_bytes(event() + b"\n" + event("mobile"))
    assert [line.topic for line in read([path], "social")] == ["social", "social"]


def test_asking_for_an_unknown_channel_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(event())
    with pytest.raises(UnreadableEvents, match="'mobile' is unknown; the policy has clickstream, email, social"):
        read([path], "mobile")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{broken", "is not a JSON object"),
        (b"[1]", "is not a JSON object"),
        (event(), "names no channel"),
        (event("mobile"), "channel 'mobile' is unknown"),
        (b'{"channel": 7}', "channel 7 is unknown"),
        (b'{"channel": ["email"]}', "is unknown"),
        (b'{"channel": "email", "pad": "' + b"x" * MOST_BYTES + b'"}', "bytes; at most"),
    ],
)
def test_a_line_whose_channel_is_not_known_says_why(tmp_path: Path, line: bytes, problem: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(line)
    (read_line,) = read([path])
    assert read_line.topic == ""
    assert problem in read_line.problem


@pytest.mark.parametrize("line", [b'{"customer_id": 7}', b'{"type": ""}', b'{"timestamp": "soon", "a": [1]}'])
def test_a_bad_event_of_a_known_channel_is_kept_for_the_worker_to_judge(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "email.jsonl"
    path.write_bytes(line)
    (read_line,) = read([path])
    assert (read_line.topic, read_line.value, read_line.customer) == ("email", line, b"")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{broken", "is not a JSON object: the value is not JSON: "),
        (b"\xe9", "is not a JSON object: the value is not UTF-8: byte E9 at position 0"),
        (b"7", "is not a JSON object: the value is the number 7"),
        (b'{"a": NaN}', "NaN is not in JSON"),
        (b"customer_id,type,timestamp", "before 'customer_id,type,tim'"),
        (b'{"events": []}', "is no event: it has none of customer_id, timestamp, type"),
    ],
)
def test_what_is_no_event_is_not_sent_though_its_channel_is_known(tmp_path: Path, line: bytes, problem: str) -> None:
    path = tmp_path / "email.jsonl"
    path.write_bytes(event() + b"\n" + line + b"\n" + event())
    first, bad, last = read([path])
    assert (first.topic, last.topic, bad.topic, bad.number) == ("email", "email", "", 2)
    assert problem in bad.problem


EVENTS = [json.loads(event(customer=name)) for name in ("ada", "bob", "cy")]
SHAPES = {
    "lines": b"\n".join(map(orjson.dumps, EVENTS)),
    "byte order mark": b"\xef\xbb\xbf" + b"\n".join(map(orjson.dumps, EVENTS)),
    "byte order mark and a blank line": b"\xef\xbb\xbf\r\n" + b"\n".join(map(orjson.dumps, EVENTS)),
    "array": json.dumps(EVENTS).encode(),
    "array of lines": b"[\n" + b",\n".join(map(orjson.dumps, EVENTS)) + b"\n]\n",
    "array over lines": json.dumps(EVENTS, indent=2).encode(),
    "array with a byte order mark": json.dumps(EVENTS, indent=2).encode("utf-8-sig"),
    "objects over lines": "\n".join(json.dumps(each, indent=2) for each in EVENTS).encode(),
    "objects over lines, blank lines between": "\r\n\r\n".join(json.dumps(each, indent=2) for each in EVENTS).encode(),
    "an array on each line": b"\n".join(orjson.dumps([each]) for each in EVENTS),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("contents", SHAPES.values(), ids=SHAPES)
def test_events_are_read_in_any_shape_of_json(tmp_path: Path, contents: bytes, packed: bool) -> None:  # noqa: FBT001
    path = tmp_path / "email.json"
    path.write_bytes(gzip.compress(contents) if packed else contents)
    found = read([path])
    assert [line.customer for line in found] == [b"ada", b"bob", b"cy"]
    assert [json.loads(line.value) for line in found] == EVENTS
    assert {line.topic for line in found} == {"email"}


def test_a_value_over_lines_is_named_by_the_line_on_which_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "email.json"
    path.write_text('\n[\n {\n  "type": "open"\n },\n\n 7,\n {"type": "open"}\n]')
    assert [(line.number, bool(line.topic)) for line in read([path])] == [(3, True), (7, False), (8, True)]


def test_behind_a_broken_value_of_an_array_the_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "email.json"
    path.write_bytes(b"[\n" + event() + b",\n{broken,\n" + event() + b"\n]")
    found = read([path])
    assert [(line.number, bool(line.topic)) for line in found] == [(2, True), (3, False), (4, True), (5, False)]


OTHER_KINDS = {
    "zip": (b"PK\x03\x04\x14\x00", "is a zip archive: unpack it"),
    "utf-16": (json.dumps(EVENTS).encode("utf-16"), "is UTF-16: write it as UTF-8"),
    "utf-16-be": (json.dumps(EVENTS).encode("utf-16-be"), "is binary, or UTF-16"),
    "utf-16-le": (json.dumps(EVENTS).encode("utf-16-le"), "is binary, or UTF-16"),
    "tar": (b"email.jsonl".ljust(257, b"\0") + b"ustar\0", "is a tar archive"),
    "zstd": (b"\x28\xb5\x2f\xfd\x24", "is compressed with zstd"),
    "bzip2": (b"BZh91AY", "is compressed with bzip2"),
    "xz": (b"\xfd7zXZ\x00", "is compressed with xz"),
    "parquet": (b"PAR1\x15", "is a Parquet file"),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(("contents", "problem"), OTHER_KINDS.values(), ids=OTHER_KINDS)
def test_a_file_of_another_kind_is_refused_for_what_it_is(
    tmp_path: Path,
    contents: bytes,
    problem: str,
    packed: bool,  # noqa: FBT001
) -> None:
    path = tmp_path / "email.jsonl"
    path.write_bytes(gzip.compress(contents) if packed else contents)
    with pytest.raises(UnreadableEvents, match=problem):
        read([path])


def test_several_files_are_read_in_step_by_the_time_of_their_events(tmp_path: Path) -> None:
    for channel, times in {"email": (1, 4, 2, 6), "social": (3, 5, 7)}.items():
        lines = [event(customer=f"{channel}{at}", at=at) for at in times]
        (tmp_path / f"{channel}.jsonl").write_bytes(b"\n".join(lines))
    read_lines = read([tmp_path / "email.jsonl", tmp_path / "social.jsonl"])
    # The 2 of the first file keeps its place behind the 4: a file's own order is not changed.
    names = [line.customer.decode() for line in read_lines]
    assert names == ["email1", "social3", "email4", "email2", "social5", "email6", "social7"]


def test_a_time_in_the_far_future_does_not_hold_up_the_lines_after_it(tmp_path: Path) -> None:
    path = tmp_path / "email.jsonl"
    path.write_bytes(event(at=5) + b"\n" + event(at=250_000_000_000_000) + b"\n" + event(at=6))
    assert [line.time for line in read([path], timed=True)] == [5_000_000, 5_000_000, 6_000_000]
