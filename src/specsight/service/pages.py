"""What pages are made of: templates in which all text is escaped, forms that are checked, files that ship with them."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Annotated, Any

import jinja2
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from specsight.errors import SpecsightError, unturned
from specsight.service.access import Person
from specsight.service.languages import LANGUAGES, number, read_by, translations
from specsight.service.texts import check_address, check_texts
from specsight.storage.database import Unavailable

THEMES = ("light", "dark")
"""What a person may choose; otherwise pages follow their system."""
LANGUAGE_COOKIE, THEME_COOKIE = "specsight-language", "specsight-theme"
YEAR = 365 * 24 * 3600
KINDS = {".css": "text/css", ".js": "text/javascript"}


class WrongRole(HTTPException):
    """Somebody asks for what is for others."""

    def __init__(self, role: str, wanted: Sequence[str]) -> None:
        super().__init__(
            403,
            f"this is for the role {' or '.join(map(repr, wanted))}, and you have the role '{role}': enter with a "
            "token of that role",
        )


class Pages:
    """Templates of one page's `package` and those that all share, whose files are served below /static/.

    `languages`: those that the page speaks, the first where a person's browser asks for none of them.
    """

    def __init__(self, package: str, title: str, languages: Sequence[str] = ("en",)) -> None:
        self.title, self.languages = title, tuple(languages)
        self._templates = {language: _templates(package, language) for language in self.languages}
        self._files = {
            entry.name: entry.read_bytes()
            for entry in resources.files(__package__).joinpath("static").iterdir()
            if entry.name.endswith(tuple(KINDS))
        }

    def page(self, name: str, request: Request, status: int = 200, **values: Any) -> HTMLResponse:
        """A template as a page for the person who asks (None on pages that anybody may open), in their language."""
        return HTMLResponse(self.text(name, request, **values), status)

    def text(self, name: str, request: Request, **values: Any) -> str:
        """A template, filled in: a page, or a piece of one."""
        theme = request.cookies.get(THEME_COOKIE, "")
        language = self.language(request)
        about = {
            "person": getattr(request.state, "person", None),
            "site": self.title,
            "language": language,
            "languages": {code: LANGUAGES[code] for code in self.languages},
            "theme": theme if theme in THEMES else "",
            "themes": THEMES,
            "path": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        }
        return self._templates[language].get_template(name).render({**about, **values})

    def language(self, request: Request) -> str:
        """The language in which a person reads."""
        return read_by(
            request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", ""), self.languages
        )

    def application(self, **about: Any) -> FastAPI:
        """An application without pages of its own but for files and errors; it describes itself to nobody, unless
        `about`, further arguments of FastAPI, says how."""
        rules = [Depends(check_address), Depends(from_our_page)]
        app = FastAPI(
            **{"docs_url": None, "redoc_url": None, "openapi_url": None, "dependencies": rules, **about}
        )
        app.add_api_route("/static/{name}", self._file, methods=["GET"], include_in_schema=False)
        app.add_api_route(
            "/preferences", self._prefer, methods=["POST"], include_in_schema=False, response_model=None
        )
        app.add_exception_handler(SpecsightError, self.mistake)
        app.add_exception_handler(HTTPException, self.mistake)
        app.add_exception_handler(RequestValidationError, self._wrong_field)
        return app

    def _file(self, name: str) -> Response:
        content = self._files.get(name)
        if content is None:
            raise HTTPException(404, "there is no such file")
        return Response(content, media_type=KINDS[f".{name.rpartition('.')[2]}"])

    def _prefer(self, fields: Annotated[Mapping[str, str], Depends(checked_form)]) -> Response:
        """A person chooses language or colours; back to where they were."""
        back = fields.get("back", "/")
        there = back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"
        answer = RedirectResponse(there, 303)
        if fields.get("language") in self.languages:
            answer.set_cookie(
                LANGUAGE_COOKIE, fields["language"], max_age=YEAR, httponly=True, samesite="lax"
            )
        if fields.get("theme") in (*THEMES, ""):
            answer.set_cookie(THEME_COOKIE, fields["theme"], max_age=YEAR, httponly=True, samesite="lax")
        return answer

    def mistake(self, request: Request, error: Exception) -> Response:
        """Why a request was not answered: as JSON, or as a page for browsers."""
        status = error.status_code if isinstance(error, HTTPException) else 422
        words = str(error.detail) if isinstance(error, HTTPException) else str(error)
        headers = getattr(error, "headers", None) or {}
        if isinstance(error, Unavailable):
            status, headers = 503, {"Retry-After": "2"}
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse({"detail": words}, status, headers)
        page = self.page(
            "mistake.html.j2", request, status, words=words, wrong_role=isinstance(error, WrongRole)
        )
        page.headers.update(headers)
        return page

    def _wrong_field(self, request: Request, error: Exception) -> Response:
        """Which field is wrong; what was given is not repeated."""
        assert isinstance(error, RequestValidationError)
        wrong = [f"{'.'.join(map(str, one['loc'][1:])) or 'body'}: {one['msg']}" for one in error.errors()]
        return self.mistake(request, HTTPException(422, "; ".join(wrong[:5])))


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
            raise WrongRole(person.role, roles)
        return person

    return check


async def checked_form(request: Request) -> Mapping[str, str]:
    """A dependency: the fields of a form that one of our own pages sent for the same person."""
    form: FormData = await request.form(max_files=0, max_fields=100)
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    if not hmac.compare_digest(fields.get("csrf", "").encode(), person_of(request).csrf.encode()):
        raise HTTPException(403, "this form is not from this page: open the page anew")
    check_texts(fields.items())
    return fields


async def from_our_page(request: Request) -> None:
    """A dependency of every route: what may change something and came with a cookie, which browsers add to forms of
    other sites too, carries its person's secret, in a header, which `Guard` has seen, or as a field of its form."""
    if request.method not in ("GET", "HEAD") and not getattr(request.state, "proven", False):
        await checked_form(request)


def _templates(package: str, language: str) -> jinja2.Environment:
    """Templates that speak one language; `n` writes a number as it does, `translated` translates words that come from
    elsewhere, where they are ours, and leaves others as they are."""
    loader = jinja2.ChoiceLoader(
        [jinja2.PackageLoader(package, "templates"), jinja2.PackageLoader(__package__, "templates")]
    )
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        finalize=unturned,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    environment.filters["translated"] = lambda text: translations(language).gettext(text) if text else ""
    environment.filters["n"] = lambda value: number(value, language)
    return environment
