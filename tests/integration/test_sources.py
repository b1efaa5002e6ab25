"""Records of foreign shapes through the whole service: what comes out is what their events make in the own shape."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

from aiohttp import web

from streams.cli.source_lines import read_lines
from tests.integration.conftest import MakeSystem
from tests.polling import poll_until
from tests.services.command import run_command
from tests.services.kafka_client import Record
from tests.services.log_reader import read_customers
from tests.services.system import System, event_record, metric
from tests.unit.streams.ingest.shapes import CHANNELS, FEEDS, OWN, expected

#: A policy has at most 20 sources; what is left out differs in its envelope alone.
NAMES = sorted(
    {path.name.removesuffix(".expected.jsonl") for path in FEEDS.glob("*.expected.jsonl")}
    - {"cloudevents_binary", "rudderstack", "ses"}
)
WANTED = [{**line, "feed": name} for name in NAMES for line in expected(FEEDS, name)]
EVENTS = [line for line in WANTED if "customer_id" in line]


def policy(*, sources: bool) -> str:
    """Write a policy in which every type of the files has a weight of its own, with sources or without."""
    text = '[window]\nlength = "60d"\npane = "1d"\n[identities]\ntopic = "NAMESPACE-identities"\n'
    kinds = sorted({(line["channel"], line["type"]) for line in EVENTS})
    for channel in CHANNELS:
        weights = {kind: number for number, (its, kind) in enumerate(kinds, 1) if its == channel}
        written = ", ".join(f"{json.dumps(kind)} = {weight}" for kind, weight in weights.items())
        text += f'[channels.{channel}]\ntopic = "NAMESPACE-{channel}"\nweights = {{ {written} }}\n'
    for name in NAMES if sources else ():
        text += f'[sources.{name}]\nformat = "{name}"\ntopic = "NAMESPACE-from-{name}"\n'
        if own := OWN.get(name):
            types = ", ".join(f"{json.dumps(kind)} = {json.dumps(to)}" for kind, to in own["types"].items())
            text += f"only_types = true\ntypes = {{ {types} }}\n"
    return text


def records(name: str) -> list[Record]:
    """Read the records of a file."""
    return [Record(read.value, read.key, read.headers) for _, read in read_lines(FEEDS / f"{name}.jsonl")]


def own_event(line: dict[str, Any]) -> Record:
    """Write an expected event in the own shape."""
    names = ("customer_id", "type", "timestamp", "event_id", "properties")
    return event_record({name: line[name] for name in names if name in line})


def scores(system: System) -> dict[str, dict[str, str]]:
    """Read what is published of each customer, but when that was."""
    found = read_customers(system.redis_url, system.namespace)
    return {
        customer: {name: text for name, text in fields.items() if name not in ("updated_at", "policy_version")}
        for customer, fields in found.items()
    }


async def test_records_of_every_known_shape_score_as_their_events_do(make_system: MakeSystem) -> None:
    foreign = make_system(policy(sources=True), clock="stream", session_timeout=6)
    own = make_system(policy(sources=False), clock="stream", session_timeout=6)
    for system in (foreign, own):
        await system.create_topics(partitions=1)
    schemas = str(FEEDS / "confluent_avro.schemas.json")
    with foreign.worker(schema_file=schemas) as worker, own.worker():
        for name in NAMES:
            await foreign.send_raw(f"from-{name}", records(name))
        for channel in CHANNELS:
            if lines := [line for line in EVENTS if line["channel"] == channel]:
                await own.send_raw(channel, [own_event(line) for line in lines])
        links = [line["link"] for line in WANTED if "link" in line]
        await own.send_raw("identities", [Record(json.dumps(link).encode()) for link in links])

        customers = {line["customer_id"] for line in EVENTS}
        try:
            await poll_until(lambda: len(scores(own)) >= len(customers) and scores(foreign) == scores(own), 90)
        except AssertionError:
            assert scores(foreign) == scores(own)
            raise
        await wait_for_letters(foreign)
        skipped = {line["feed"]: 0 for line in WANTED}
        for line in WANTED:
            skipped[line["feed"]] += "skipped" in line
        counted = {name: metric(worker, "engagement_events_total", channel=name, outcome="skipped") for name in NAMES}
        assert counted == skipped
    await check_rebuild(foreign, schemas)


def wanted_letters() -> Counter[tuple[str, str, str]]:
    """Return for each record with something bad the feed, the reason, and the parts where others count."""
    by_record: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for line in WANTED:
        by_record.setdefault((line["feed"], line["record"]), []).append(line)
    found: Counter[tuple[str, str, str]] = Counter()
    for (name, _), lines in by_record.items():
        if bad := [line for line in lines if "dead_letter" in line]:
            parts = ",".join(str(line["part"]) for line in bad if line["part"] is not None)
            found[name, bad[0]["dead_letter"], parts] += 1
    return found


async def wait_for_letters(system: System) -> None:
    """Wait until the dead letters are those that are expected."""

    async def found() -> Counter[tuple[str, str, str]]:
        letters = [dict(letter.headers) for letter in await system.dead_letters()]
        return Counter(
            (
                letter["dlq.topic"].decode().removeprefix(f"{system.namespace}-from-"),
                letter["dlq.reason"].decode(),
                letter.get("dlq.parts", b"").decode(),
            )
            for letter in letters
        )

    async def came() -> bool:
        return (await found()).total() >= wanted_letters().total()

    await poll_until(came, 30)
    assert await found() == wanted_letters()


async def check_rebuild(system: System, schemas: str) -> None:
    """Compare the scores with the log."""
    run_command({**system.environment, "ENGAGEMENT_SCHEMA_FILE": schemas}, "rebuild", "--dry-run", status=0)


REPLAYED = """
[channels.email]
weights = { open = 1 }
[sources.mail]
topic = "NAMESPACE-mail"
channel = "email"
each = "[]"
customer = "who"
type = "what"
time = "when"
time_format = "auto"
"""


async def test_a_replay_reads_the_parts_that_were_bad_and_no_others(make_system: MakeSystem) -> None:
    system = make_system(REPLAYED, session_timeout=6)
    await system.create_topics(partitions=1)
    anna, ben = system.customer("anna"), system.customer("ben")
    good = {"what": "open", "when": time.time() - 3600}
    with system.worker():
        taken = time.time() + 303
        ahead = {"who": ben, "what": "open", "when": taken}
        value = [{"who": anna, **good}, ahead, {"who": anna, **good}, {"who": None, **good}]
        await system.send_raw("mail", [Record(json.dumps(value).encode())])
        await system.wait_for_score(anna, "2")
        (letter,) = await poll_until(system.dead_letters, 30)
        assert dict(letter.headers)["dlq.parts"] == b"1,3"
        assert dict(letter.headers)["dlq.reason"] == b"timestamp_in_future"

        await poll_until(lambda: time.time() > taken - 299, 30)
        run_command(system.environment, "dead-letters", "replay", "--topic", system.topic("mail"))
        await system.wait_for_score(ben, "1")
        assert system.score(anna) == "2"

        async def again() -> list[Any]:
            letters = await system.dead_letters()
            return letters[1:]

        (second,) = await poll_until(again, 30)
        assert dict(second.headers)["dlq.parts"] == b"3"


AVRO = """
[channels.clickstream]
weights = { page_view = 1, add_to_cart = 2 }
[sources.app]
format = "confluent_avro"
topic = "NAMESPACE-app"
"""


async def test_a_registry_that_is_away_makes_the_partition_wait_and_then_all_is_scored(
    make_system: MakeSystem, unused_tcp_port: int
) -> None:
    system = make_system(AVRO, clock="stream", session_timeout=6)
    await system.create_topics(partitions=1)
    schemas = json.loads((FEEDS / "confluent_avro.schemas.json").read_text())
    asked: Counter[str] = Counter()

    async def answer(request: web.Request) -> web.Response:
        schema = request.match_info["schema"]
        asked[schema] += 1
        if schema in schemas:
            return web.json_response({"schema": json.dumps(schemas[schema])})
        return web.json_response({"error_code": 40403}, status=404)

    with system.worker(schema_registry_url=f"http://127.0.0.1:{unused_tcp_port}") as worker:
        await system.send_raw("app", records("confluent_avro"))

        def waits() -> bool:
            status, text = worker.get("/ready")
            return status == 503 and "schema registry" in text

        await poll_until(waits, 30)
        assert scores(system) == {}
        assert await system.dead_letters() == []
        runner = web.AppRunner(web.Application())
        runner.app.router.add_get("/schemas/ids/{schema}", answer)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
        try:
            wanted = {line["customer_id"] for line in EVENTS if line["feed"] == "confluent_avro"}
            await poll_until(lambda: scores(system).keys() == wanted, 30)
            await poll_until(lambda: worker.status("/ready") == 200, 30)

            async def all_came() -> bool:
                return len(await system.dead_letters()) == sum(
                    "dead_letter" in line for line in WANTED if line["feed"] == "confluent_avro"
                )

            await poll_until(all_came, 30)
            assert set(asked.values()) == {1}
        finally:
            await runner.cleanup()


async def test_the_newest_records_of_a_topic_can_be_tried(make_system: MakeSystem) -> None:
    system = make_system(AVRO, clock="stream")
    await system.create_topics(partitions=1)
    await system.send_raw("app", records("confluent_avro"))
    schemas = str(FEEDS / "confluent_avro.schemas.json")
    names = ("--source", "app", "--policy", system.environment["ENGAGEMENT_POLICY"], "--schemas", schemas)
    done = run_command(
        system.environment, "source", "try", "--topic", system.topic("app"), "--last", "2", *names, "--json"
    )
    count = len(records("confluent_avro"))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["record"] for line in lines] == [f"0:{count - 2}", f"0:{count - 1}"]
    wanted = [line for line in WANTED if line["feed"] == "confluent_avro" and line["record"] >= count - 2]
    assert [line.get("dead_letter") for line in lines] == [line.get("dead_letter") for line in wanted]
