"""Errors as `application/problem+json` (RFC 9457) that carry the request's id."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from .request_id import request_id


class Problem(BaseModel):
    title: str
    status: int
    detail: str | None = None
    request_id: str | None = None
    errors: list[dict[str, Any]] | None = None


class ProblemResponse(JSONResponse):
    media_type = "application/problem+json"


def problem(
    status: int,
    detail: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, Any]] | None = None,
) -> ProblemResponse:
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        request_id=request_id.get(),
        errors=errors,
    )
    return ProblemResponse(body.model_dump(exclude_none=True), status, headers)


def _http(request: Request, error: Any) -> ProblemResponse:
    return problem(error.status_code, error.detail, headers=error.headers)


def _validation(request: Request, error: Any) -> ProblemResponse:
    return problem(422, "the request does not fit the schema", errors=jsonable_encoder(error.errors()))


def _unhandled(request: Request, error: Exception) -> ProblemResponse:
    return problem(500, "the request failed; the log has its id")


# In the schema in place of FastAPI's HTTPValidationError.
RESPONSES: dict[int | str, dict[str, Any]] = {
    422: {
        "description": "Unprocessable Content",
        "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
    }
}


def add_problems(app: FastAPI) -> None:
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(Exception, _unhandled)
