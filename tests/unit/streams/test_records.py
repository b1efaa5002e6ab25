"""What passes between the parts."""

from __future__ import annotations

from streams.records import Message, Partition, RecordBatch
from tests.unit.streams.bench import Record


def test_a_partition_has_a_label_by_which_it_is_known() -> None:
    assert Partition("a.b", 11).label == "a.b/11"
    assert Partition("a", 1).label != Partition("a1", 1).label


def test_a_batch_ends_after_its_last_record_and_is_not_applied_at_first() -> None:
    records = [Record(offset, 0, None, b"") for offset in (7, 9, 40)]
    batch = RecordBatch(Partition("web", 0), 5, records)

    assert (batch.base, batch.next_offset, batch.applied) == (5, 41, False)


def test_a_message_is_named_after_its_id() -> None:
    alert = Message("alerts", {"alert_id": "5a0b1c2d-1111-5222-8333-444444444444", "kind": "churn_risk"})
    change = Message("changes", {"change_id": "5a0b1c2d-9999-5222-8333-444444444444"})

    assert alert.name != change.name
    assert alert.body["alert_id"].startswith(alert.name)
    assert change.body["change_id"].startswith(change.name)
