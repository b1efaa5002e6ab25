"""Sends calls of many thousand words in one piece.

The client packs a command word by word in Python, which took half of a worker's time; hiredis packs it in C.

Rests on decision 78.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hiredis import pack_command
from redis.asyncio import Redis
from redis.exceptions import ReadOnlyError, ResponseError

Words = Sequence[str | int]


async def call(client: Redis, commands: Sequence[Words]) -> list[Any]:
    """Send commands one after another and then read their answers.

    Args:
        client: gives the connection.
        commands: each with its arguments.

    Returns:
        One answer per command; one that Redis refused is answered by a `ResponseError`.

    Raises:
        RedisError: if the connection fails; it is not known then which commands have been carried out.
    """
    pool = client.connection_pool
    connection = await pool.get_connection()
    try:
        packed = [pack_command(tuple[Any, ...](words)) for words in commands]
        await connection.send_packed_command(packed, check_health=False)
        answers = [await _answer(connection) for _ in commands]
        if any(isinstance(answer, ReadOnlyError) for answer in answers):
            # A name or an address can belong to another server by now, and only a new connection would find it.
            await connection.disconnect()
    except BaseException:
        # Answers may still be under way; nobody else must read them.
        await connection.disconnect(nowait=True)
        raise
    else:
        return answers
    finally:
        await pool.release(connection)


async def _answer(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error
