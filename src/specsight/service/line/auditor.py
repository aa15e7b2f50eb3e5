"""What auditors see: parts by what is known of them, one part as its sheet, the trail, and whether records are whole.

Nothing is changed here; the trail notes every sheet that is handed out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from specsight.line.auditing.checking import LISTED, Checked, lines_of, verify
from specsight.line.auditing.evidence import latest_entries
from specsight.line.auditing.exporting import KINDS, exported
from specsight.line.auditing.rejudging import rejudge
from specsight.line.auditing.sheet import sheet_of
from specsight.line.history import Wanted
from specsight.line.records import Role
from specsight.report.pictures import encoded_uri
from specsight.service.access import Person
from specsight.service.line.api import part_of
from specsight.service.line.context import LineContext
from specsight.service.line.past import LARGEST, PAGE, asked_of, searched, text_of, time_of
from specsight.service.pages import Pages, checked_form, only

Auditor = Annotated[Person, Depends(only("auditor", "engineer"))]
Form = Annotated[Mapping[str, str], Depends(checked_form)]
Before = Annotated[int, Query(ge=0, le=LARGEST)]
TYPES = {"pdf": "application/pdf", "html": "text/html; charset=utf-8"}


def routes(context: LineContext, pages: Pages) -> APIRouter:
    """The routes of auditors."""
    page = _Auditing(context, pages)
    router = APIRouter(include_in_schema=False, prefix="/audit")
    router.add_api_route("", page.search, methods=["GET"], response_model=None)
    router.add_api_route("/trail", page.trail, methods=["GET"], response_model=None)
    router.add_api_route("/verify", page.verify, methods=["POST"], response_model=None)
    router.add_api_route("/part/{id}", page.part, methods=["GET"], response_model=None)
    router.add_api_route("/part/{id}/export", page.export, methods=["POST"], response_model=None)
    router.add_api_route("/part/{id}/rejudge", page.rejudge, methods=["POST"], response_model=None)
    return router


class _Auditing:
    def __init__(self, context: LineContext, pages: Pages) -> None:
        self.context, self.pages = context, pages
        self._checking = asyncio.Lock()

    def search(
        self,
        request: Request,
        _: Auditor,
        line: str = "",
        model: str = "",
        verdict: str = "",
        name: str = "",
        words: str = "",
        since: str = "",
        until: str = "",
        before: Before = LARGEST,
    ) -> Response:
        """Parts that are looked for, the newest first."""
        wanted = Wanted(
            line=line or None,
            model=model or None,
            name=text_of(name),
            words=text_of(words),
            verdict=verdict,
            since=time_of(since),
            until=time_of(until),
            before=before,
        )
        found = searched(self.context, request, wanted)
        return self.pages.page("audit.html.j2", request, lines=lines_of(self.context.store), **found)

    def trail(
        self,
        request: Request,
        _: Auditor,
        line: str = "",
        about: str = "",
        general: bool = False,
        before: Before = LARGEST,
    ) -> Response:
        """Entries of the trail, the newest first: of a line, about something, `general`: of what concerns all lines."""
        on = "" if general else text_of(line)
        found = latest_entries(self.context.store, on, text_of(about), before, PAGE + 1)
        asked = asked_of(request)
        return self.pages.page(
            "audit_trail.html.j2",
            request,
            entries=found[:PAGE],
            asked=asked,
            older=urlencode({**asked, "before": found[PAGE - 1].number}) if len(found) > PAGE else "",
            lines=lines_of(self.context.store),
        )

    async def verify(self, request: Request, _: Auditor, fields: Form) -> Response:
        """Check all lines, or one; one check at a time, for each reads every picture."""
        if self._checking.locked():
            raise HTTPException(409, "records are being checked already: wait until that has ended")
        async with self._checking:
            found = await asyncio.to_thread(self._verified, fields.get("line"))
        return self.pages.page("audit_checked.html.j2", request, found=found, listed=LISTED)

    def _verified(self, line: str | None) -> list[Checked]:
        lines = lines_of(self.context.store) if line is None else [line]
        return [verify(self.context.store, one) for one in lines]

    def part(self, request: Request, _: Auditor, id: str) -> Response:
        """One part as its sheet."""
        return self._sheet(request, id, "", True)

    async def rejudge(self, request: Request, _: Auditor, fields: Form, id: str) -> Response:
        """The same, with what the kept version says of the kept picture now."""
        part_of(self.context, id)
        found = await asyncio.to_thread(rejudge, self.context.store, self.context.fleet, id)
        return await asyncio.to_thread(self._sheet, request, id, found.words, found.reproduced)

    def _sheet(self, request: Request, id: str, again: str, reproduced: bool) -> Response:
        part = part_of(self.context, id)
        sheet = sheet_of(self.context.store, id, self.context.fleet.folder)
        pictures = [(one, encoded_uri(one.content, "jpeg")) for one in sheet.pictures]
        return self.pages.page(
            "audit_part.html.j2",
            request,
            part=part,
            sheet=sheet,
            pictures=pictures,
            again=again,
            reproduced=reproduced,
        )

    async def export(self, person: Auditor, fields: Form, id: str) -> Response:
        """The sheet as a file, noted on the trail."""
        kind = fields.get("kind", "")
        if kind not in KINDS:
            raise HTTPException(422, "a sheet is a pdf or an html file")
        part = part_of(self.context, id)
        folder = self.context.fleet.folder
        role: Role = "engineer" if person.role == "engineer" else "auditor"
        content = await asyncio.to_thread(exported, self.context.store, id, kind, person.code, role, folder)
        name = quote(f"{part.part or part.number}.{kind}", safe="")
        headers = {"Content-Disposition": f"attachment; filename=\"{id}.{kind}\"; filename*=UTF-8''{name}"}
        return Response(content, media_type=TYPES[kind], headers=headers)
