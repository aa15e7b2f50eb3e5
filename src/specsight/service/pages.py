"""What pages are made of: templates in which all text is escaped, forms that are checked, files that ship with them."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

import jinja2
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from specsight.errors import SpecsightError, unturned
from specsight.service.access import Person
from specsight.storage.database import Unavailable

KINDS = {".css": "text/css", ".js": "text/javascript"}


class Pages:
    """Templates of one page's `package` and those that all share, whose files are served below /static/."""

    def __init__(self, package: str, title: str) -> None:
        self.title = title
        loader = jinja2.ChoiceLoader(
            [jinja2.PackageLoader(package, "templates"), jinja2.PackageLoader(__package__, "templates")]
        )
        self._templates = jinja2.Environment(
            loader=loader,
            autoescape=True,
            finalize=unturned,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._files = {
            entry.name: entry.read_bytes()
            for entry in resources.files(__package__).joinpath("static").iterdir()
            if entry.name.endswith(tuple(KINDS))
        }

    def page(self, name: str, request: Request, status: int = 200, **values: Any) -> HTMLResponse:
        """A template as a page for the person who asks; None on pages that anybody may open."""
        person = getattr(request.state, "person", None)
        text = self._templates.get_template(name).render(person=person, site=self.title, **values)
        return HTMLResponse(text, status)

    def application(self, **about: Any) -> FastAPI:
        """An application without pages of its own but for files and errors; it describes itself to nobody, unless
        `about`, further arguments of FastAPI, says how."""
        app = FastAPI(**{"docs_url": None, "redoc_url": None, "openapi_url": None, **about})
        app.add_api_route("/static/{name}", self._file, methods=["GET"])
        app.add_exception_handler(SpecsightError, self._mistake)
        app.add_exception_handler(HTTPException, self._mistake)
        return app

    def _file(self, name: str) -> Response:
        content = self._files.get(name)
        if content is None:
            raise HTTPException(404, "there is no such file")
        return Response(content, media_type=KINDS[f".{name.rpartition('.')[2]}"])

    def _mistake(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 422
        words = str(error.detail) if isinstance(error, HTTPException) else str(error)
        headers = getattr(error, "headers", None) or {}
        if isinstance(error, Unavailable):
            status, headers = 503, {"Retry-After": "2"}
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse({"detail": words}, status, headers)
        page = self.page("mistake.html.j2", request, status, words=words)
        page.headers.update(headers)
        return page


def person_of(request: Request) -> Person:
    """Who asks, as `Guard` found out."""
    person = request.state.person
    assert isinstance(person, Person)
    return person


def only(*roles: str) -> Callable[[Request], Person]:
    """A dependency: the person, who must have one of these roles."""

    def check(request: Request) -> Person:
        person = person_of(request)
        if person.role not in roles:
            raise HTTPException(403, f"this is for the role {' or '.join(map(repr, roles))}")
        return person

    return check


async def checked_form(request: Request) -> Mapping[str, str]:
    """A dependency: the fields of a form that one of our own pages sent for the same person."""
    form: FormData = await request.form(max_files=0, max_fields=100)
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    if not hmac.compare_digest(fields.get("csrf", "").encode(), person_of(request).csrf.encode()):
        raise HTTPException(403, "this form is not from this page: open the page anew")
    return fields
