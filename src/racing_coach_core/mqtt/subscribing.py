"""SUBSCRIBE, and the broker's word on each filter; and UNSUBSCRIBE."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from racing_coach_core.concurrency import first_of
from racing_coach_core.mqtt.client import Client
from racing_coach_core.mqtt.exceptions import BrokerRefusedError, ConnectionLostError

_FAILURE: Final = 0x80


async def subscribe(client: Client, filters: Sequence[str], *, qos: int, retained: bool, timeout_s: float) -> None:
    """Subscribe to every filter; what it raises is said in `Connection.subscribe`."""
    try:
        asking = client.subscribe(filters, qos=qos, retained=retained)
        codes = await _answer(client, asking, timeout_s, to="subscribe")
    except (aiomqtt.MqttError, OSError) as error:
        raise ConnectionLostError(f"could not subscribe: {error}") from error
    for name, code in zip(filters, codes, strict=True):
        value = code.value if isinstance(code, ReasonCode) else code
        if value >= _FAILURE:
            raise BrokerRefusedError(f"the subscription to {name!r}", value, str(code))


async def unsubscribe(client: Client, filters: Sequence[str], *, timeout_s: float) -> None:
    """Unsubscribe from every filter; what it raises is said in `Connection.unsubscribe`."""
    try:
        await _answer(client, client.unsubscribe(filters), timeout_s, to="unsubscribe")
    except (aiomqtt.MqttError, OSError) as error:
        raise ConnectionLostError(f"could not unsubscribe: {error}") from error


async def _answer[T](client: Client, asking: Coroutine[Any, Any, T], timeout_s: float, *, to: str) -> T:
    """The answer. While we do not read it may lie in the socket for any time."""
    answer = asyncio.create_task(asking, name=f"mqtt {to}")
    try:
        while not answer.done():
            try:
                await first_of(client.ended, answer, timeout_s=timeout_s)
            except TimeoutError:
                if not client.socket.paused:
                    raise ConnectionLostError(f"could not {to}: no answer within {timeout_s:g} s") from None
            if client.ended.done():
                raise client.why()
        return answer.result()
    finally:
        answer.cancel()
