"""Names of headers that are not UTF-8: no record is lost for them, nor any of its neighbours."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder, _DefaultRecordBatchBuilderPy

from streams.kafka.any_header_name import Batches

_NONE, _GZIP, _SNAPPY, _LZ4, _ZSTD = range(5)


class Name:
    """A name of any bytes, as far as aiokafka's builder in Python is concerned."""

    def __init__(self, raw: bytes) -> None:
        """Keep the bytes."""
        self._raw = raw

    def encode(self, _encoding: str) -> bytes:
        """Give the bytes."""
        return self._raw


def batch(first: int, names: list[bytes], codec: int = _NONE, builder: Any = _DefaultRecordBatchBuilderPy) -> bytes:
    """Build a batch of records with a header each."""
    made = builder(
        magic=2,
        compression_type=codec,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 20,
    )
    for number, name in enumerate(names):
        written: Any = Name(name) if builder is _DefaultRecordBatchBuilderPy else name.decode()
        assert made.append(number, 1_000 + number, b"k%d" % number, b"v", [(written, b"h"), ("ok", None)])
    raw = bytearray(made.build())
    raw[:8] = first.to_bytes(8, "big")
    return bytes(raw)


def read(raw: bytes) -> list[tuple[int, bytes, list[tuple[str, bytes | None]]]]:
    """Read all records, as a consumer does that checks the sums."""
    batches, found = Batches(raw), []
    while batches.has_next():
        one = batches.next_batch()
        assert one.validate_crc()
        found += [(record.offset, record.key, list(record.headers)) for record in one]
    return found


@pytest.mark.parametrize("codec", [_NONE, _GZIP, _SNAPPY, _LZ4, _ZSTD])
@pytest.mark.parametrize("bad", [0, 1, 2])
def test_the_records_of_a_batch_are_read_whatever_the_names_of_headers_are(codec: int, bad: int) -> None:
    names = [b"fine", b"fine", b"fine"]
    names[bad] = "größe".encode("latin-1")
    wanted = ["gr\ufffd\ufffde" if number == bad else "fine" for number in range(3)]
    raw = batch(7, names, codec) + batch(10, [b"next"], builder=DefaultRecordBatchBuilder)

    found = read(raw)

    assert [(offset, key) for offset, key, _ in found] == [(7, b"k0"), (8, b"k1"), (9, b"k2"), (10, b"k0")]
    assert [headers for *_, headers in found] == [[(name, b"h"), ("ok", None)] for name in [*wanted, "next"]]


def test_the_rest_of_a_batch_is_that_of_the_client() -> None:
    batches = Batches(batch(7, [b"a", b"b"]))
    one = batches.next_batch()
    assert (one.base_offset, one.next_offset, one.is_control_batch) == (7, 9, False)
    assert batches.size_in_bytes() > 0
    assert not batches.has_next()


def test_no_record_of_a_long_batch_is_given_twice_or_not_at_all() -> None:
    found = read(batch(7, [b"\xff" if number == 150 else b"fine" for number in range(200)]))

    assert [offset for offset, *_ in found] == list(range(7, 207))
    assert [headers[0][0] for *_, headers in found].count("\ufffd") == 1
