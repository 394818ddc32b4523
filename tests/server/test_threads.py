"""The thread for computing in the background."""

import asyncio
import subprocess
import sys
import threading

import pytest
from tests.waiting import TIMEOUT_S

from racing_coach_server.threads import BackgroundThread


@pytest.fixture
def background() -> BackgroundThread:
    return BackgroundThread("test")


async def test_it_computes_elsewhere_and_in_order(background: BackgroundThread) -> None:
    """One thread for all, which is not the event loop's."""
    order: list[int] = []

    def compute(number: int) -> str:
        order.append(number)
        return threading.current_thread().name

    names = await asyncio.gather(*(background.run(compute, number) for number in range(5)))

    assert order == [0, 1, 2, 3, 4]
    assert set(names) == {"test"}
    background.close()


async def test_what_a_function_raises_is_raised(background: BackgroundThread) -> None:
    """And the next one is computed."""
    with pytest.raises(ZeroDivisionError):
        await background.run(divmod, 1, 0)

    assert await background.run(divmod, 7, 2) == (3, 1)
    background.close()


async def test_what_nobody_waits_for_is_not_begun(background: BackgroundThread) -> None:
    """Cancelled behind another: never computed."""
    gate, computed = threading.Event(), []
    first = asyncio.create_task(background.run(gate.wait), name="first")
    second = asyncio.create_task(background.run(computed.append, 2), name="second")
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([second])

    gate.set()
    await first
    await background.run(computed.append, 3)

    assert computed == [3]
    background.close()


def test_a_long_computation_does_not_hold_up_the_exit() -> None:
    """The program ends in the middle of it."""
    program = (
        "import asyncio, threading\n"
        "from racing_coach_server.threads import BackgroundThread\n"
        "async def main():\n"
        "    began, never = threading.Event(), threading.Event()\n"
        "    task = asyncio.create_task(BackgroundThread('test').run(lambda: (began.set(), never.wait())))\n"
        "    await asyncio.to_thread(began.wait)\n"
        "    task.cancel()\n"
        "asyncio.run(main())\n"
        "print('ended')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "ended"), done.stderr
