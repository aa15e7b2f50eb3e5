"""What a server does again and again goes on after it failed."""

from __future__ import annotations

import asyncio

import pytest

from specsight.service.line.repeating import Repeating


def test_what_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    times: list[int] = []

    async def work() -> None:
        times.append(len(times))
        if len(times) < 3:
            raise OSError("a folder that is away")

    async def run() -> None:
        repeating = Repeating(0.001, work)
        repeating.start()
        while len(times) < 4:
            await asyncio.sleep(0.001)
        await repeating.stop()

    asyncio.run(asyncio.wait_for(run(), 10))
    assert [str(one.exc_info[1]) for one in caplog.records if one.exc_info] == ["a folder that is away"] * 2
