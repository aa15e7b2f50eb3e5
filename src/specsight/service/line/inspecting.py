"""`POST /inspect`: pictures of parts, judged and on record before the answer is sent."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, File, Form, Header, Request, UploadFile
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile as Upload  # what a form holds, which FastAPI's extends
from starlette.exceptions import HTTPException

from specsight.errors import SpecsightError
from specsight.line.fleet import Unloadable
from specsight.line.judging import Busy, Closed
from specsight.line.names import check_line, part_name
from specsight.line.records import JudgedPart, Role
from specsight.line.requests import MOST_SIGNALS, PartRequest, digests_of
from specsight.records import NORMALS, SIGNAL_NAME, wrong_signals
from specsight.service.access import Person
from specsight.service.line.answers import Problem, returns
from specsight.service.line.context import LineContext, context_of
from specsight.service.pages import Pages, only
from specsight.service.texts import Text
from specsight.storage.database import Unavailable

FILES = 32
"""Pictures in one request."""
NAME = r"^[^\x00-\x1f\x7f]*$"
"""Names of lines, parts and keys: columns of 200 characters, without control characters."""
WORDS = 4000
KEY = 180
"""Characters of a key: those of further pictures are made from it."""

SIGNAL = "signal."
"""What the names of fields with further channels begin with: `signal.ir`."""
NAMED = {
    "title": f"{SIGNAL}NAME",
    "type": "array",
    "items": {"type": "string", "format": "binary"},
    "description": "A further channel for each picture, by its name: signal.ir, signal.normals, signal.light_1, …",
}
SIGNALS = {
    "requestBody": {
        "content": {
            "multipart/form-data": {
                "schema": {"patternProperties": {rf"^signal\.{SIGNAL_NAME.pattern}$": NAMED}}
            }
        }
    }
}
"""What the description of the route says beside the fields that have one name."""
FIELDS = frozenset({"picture", "depth", "line", "part", "model", "say", "key"})

Name = Annotated[str, Form(max_length=200, pattern=NAME)]


def routes(context: LineContext, pages: Pages) -> APIRouter:
    """The route that judges."""
    router = APIRouter(tags=["inspect"])
    router.add_api_route(
        "/inspect",
        inspect,
        methods=["POST"],
        response_class=JSONResponse,
        openapi_extra=SIGNALS,
        responses={
            **returns(
                list[JudgedPart],
                "What was judged, in the order of the pictures.",
                *(400, 404, 409, 411, 413, 415),
            ),
            422: {
                "model": list[JudgedPart] | Problem,
                "description": "No picture could be judged (the records say why), or a field is wrong.",
            },
        },
    )
    return router


async def inspect(
    request: Request,
    picture: Annotated[list[UploadFile], File(description="One or several pictures.")],
    context: Annotated[LineContext, Depends(context_of)],
    person: Annotated[Person, Depends(only("operator", "engineer"))],
    depth: Annotated[
        list[UploadFile] | None, File(description="A file of depth (mm) for each picture: TIFF, PNG or NPY.")
    ] = None,
    line: Annotated[Name, Form(description="Default: the first line of the server.")] = "",
    part: Annotated[Name, Form(description="Default: the picture's file name.")] = "",
    model: Annotated[Name, Form(description="May be left out where there is only one.")] = "",
    say: Annotated[Text, Form(max_length=WORDS, description="An instruction in words.")] = "",
    key: Annotated[str, Form(max_length=KEY, pattern=NAME, description="As the header.")] = "",
    idempotency_key: Annotated[
        str,
        Header(
            max_length=KEY,
            pattern=NAME,
            description="Asked again with the same key, a line answers with what is on record.",
        ),
    ] = "",
) -> JSONResponse:
    """Judge pictures of parts by the live version of a model; each is on record before this answers.

    Fields named `signal.NAME` bring further channels, as `specsight inspect --signal NAME=…` does: a file for each
    picture. With a key, a request may be sent again until it is answered: its pictures are judged once. The queue is
    limited: where it is full, the answer is 503, and nothing was taken.
    """
    start = time.monotonic()
    try:
        line = check_line(line or (context.lines or ("line",))[0])
    except SpecsightError as error:
        raise HTTPException(422, str(error)) from error
    model = await known_model(context, model)
    if len(picture) > FILES:
        raise HTTPException(413, f"{len(picture)} pictures: send up to {FILES} at once")
    if depth and len(depth) != len(picture):
        raise HTTPException(
            422, f"{len(picture)} pictures but {len(depth)} files of depth: send one for each"
        )
    signals = await signals_of(request, len(picture))
    key = idempotency_key or key
    requests = []
    for index, file in enumerate(picture):
        requests.append(
            PartRequest(
                line=line,
                part=part or name_of(file),
                model=model,
                picture=await file.read(),
                depth=await depth[index].read() if depth else None,
                signals={name: await files[index].read() for name, files in signals.items()},
                words=say,
                key=f"{key} #{index + 1}" if key and index else key,
                person=person.code,
                role=cast(Role, person.role),
            )
        )
    parts = await judged(context, requests)
    context.metrics.answers.observe(time.monotonic() - start)
    readable = any(not one.error for one in parts)
    return JSONResponse([one.to_json() for one in parts], 200 if readable else 422)


async def judged(context: LineContext, requests: Sequence[PartRequest]) -> list[JudgedPart]:
    """`judged_now`, where nobody asks under the same key; else once they have their answer."""
    if not requests[0].key:
        return await judged_now(context, requests)
    async with context.turns.of(requests[0].line, requests[0].key):
        return await judged_now(context, requests)


async def judged_now(context: LineContext, requests: Sequence[PartRequest]) -> list[JudgedPart]:
    """What is on record of these parts. Raises HTTPException: 503 where nothing was taken or could be stored, 409 where
    a key belongs to another picture, model, part or instruction, before any of several is judged."""
    judge = context.judge
    try:
        await asyncio.to_thread(_check_keys, context, requests)
    except Unavailable as error:
        raise unavailable(error) from error
    try:
        if judge.waiting + len(requests) > judge.places:  # all or none
            raise judge.busy()
        futures = [asyncio.wrap_future(judge.submit(one)) for one in requests]
    except Busy as error:
        context.metrics.busy.inc()
        raise unavailable(error, error.seconds) from error
    except Closed as error:
        raise unavailable(error) from error
    found = await asyncio.gather(*futures, return_exceptions=True)
    parts = []
    for request, part in zip(requests, found):
        if isinstance(part, Unavailable):
            context.metrics.store_errors.inc()
            raise unavailable(part) from part
        if isinstance(part, BaseException):
            raise part
        _check_key(request, part)
        parts.append(part)
    return parts


async def signals_of(request: Request, pictures: int) -> dict[str, list[Upload]]:
    """Files of further channels by name, one for each picture. Raises HTTPException 422 for names that no channel has,
    for other numbers of files than of pictures, and for fields that nobody knows: nothing that is sent is left out."""
    found: dict[str, list[Upload]] = {}
    for field, value in (await request.form()).multi_items():
        if field.startswith(SIGNAL) and isinstance(value, Upload):
            found.setdefault(field.removeprefix(SIGNAL), []).append(value)
        elif field not in FIELDS:
            raise HTTPException(
                422,
                f"there is no field '{field[:80]}': there are {', '.join(sorted(FIELDS))} and files {SIGNAL}NAME",
            )
    if wrong := wrong_signals(name for name in found if name != NORMALS):
        raise HTTPException(422, wrong)
    if len(found) > MOST_SIGNALS:
        raise HTTPException(413, f"{len(found)} signals: send up to {MOST_SIGNALS}")
    for name, files in found.items():
        if len(files) != pictures:
            raise HTTPException(
                422, f"{pictures} pictures but {len(files)} files of {SIGNAL}{name}: send one for each"
            )
    return found


def _check_keys(context: LineContext, requests: Sequence[PartRequest]) -> None:
    """Of several parts with keys, none is judged where one key belongs to another question."""
    for request in requests if len(requests) > 1 else ():
        part = context.store.by_key(request.line, request.key) if request.key else None
        if part is not None:
            _check_key(request, part)


def _check_key(request: PartRequest, part: JudgedPart) -> None:
    """Raises HTTPException 409 where a part on record under the key of a request answers another question."""
    if part.id != request.id and _asked(part) != _wanted(request):
        raise HTTPException(409, f"key '{request.key}' belongs to another question of this line")


def _asked(part: JudgedPart) -> tuple[Any, ...]:
    """What a part on record was asked: which picture, depth and signals, which model, under which words."""
    given = {"picture": part.picture, "depth": part.depth, "signals": dict(part.signals)}
    return given, part.model, part.words, part.part


def _wanted(request: PartRequest) -> tuple[Any, ...]:
    """The same of a request."""
    return digests_of(request), request.model, request.words, request.part


async def known_model(context: LineContext, name: str) -> str:
    """The model that is meant: loaded here, so that its first part waits and no other. Raises HTTPException:
    404 for a name that none has, 503 where it cannot be loaded."""
    if not name:
        names = {*context.fleet.loaded(), *context.fleet.unloaded()}
        if len(names) != 1:
            raise HTTPException(422, f"model: name one of {', '.join(sorted(names))}")
        name = next(iter(names))
    if name not in context.fleet.loaded():
        try:
            await asyncio.to_thread(context.fleet.live, name)
        except (Unavailable, Unloadable) as error:
            raise unavailable(error) from error
        except SpecsightError as error:
            raise HTTPException(404, str(error)) from error
    return name


def name_of(file: UploadFile) -> str:
    """A part's name from that of its file, without folders."""
    return part_name((file.filename or "").replace("\\", "/").rpartition("/")[2]) or "part"


def unavailable(error: Exception, seconds: float = 2) -> HTTPException:
    """503: nothing is on record, and one may ask again."""
    return HTTPException(503, str(error), {"Retry-After": str(max(1, math.ceil(seconds)))})
