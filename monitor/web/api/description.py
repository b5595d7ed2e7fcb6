"""The description of the API, OpenAPI 3.1, written from the models that answer and the parameters that are read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from pydantic.json_schema import GenerateJsonSchema

from monitor import __version__
from monitor.web.api import models
from monitor.web.api.operations import OPERATIONS, Operation
from monitor.web.api.resources import RESOURCES, Resource

Document: TypeAlias = dict[str, Any]

_REF = "#/components/schemas/{model}"
_PROBLEMS = {
    "400": "The question carries what it does not take.",
    "401": "A token is needed.",
    "403": "The token, or who is signed in, may not.",
    "404": "There is no such thing.",
    "503": "The database does not answer.",
}
_REFUSALS = {
    **_PROBLEMS,
    "409": "It is refused, and nothing was changed.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "The body carries what the act does not take, or lacks what it does.",
}


def description(resources: Iterable[Resource] = RESOURCES, operations: Iterable[Operation] = OPERATIONS) -> Document:
    """Return the description as it is served at `/openapi.json`."""
    described, acts = list(resources), list(operations)
    generator = GenerateJsonSchema(ref_template=_REF)
    problem = ("problem", "serialization", models.ProblemDocument.__pydantic_core_schema__)
    inputs = [(resource.path, "serialization", resource.adapter.core_schema) for resource in described]
    answers = [(act.name, "serialization", act.answer.core_schema) for act in acts]
    bodies = [(act.name, "validation", act.body.__pydantic_core_schema__) for act in acts if act.body is not None]
    schemas, components = generator.generate_definitions([*inputs, *answers, *bodies, problem])  # type: ignore[list-item]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "access-monitor",
            "version": __version__,
            "description": "What the monitor knows, as its commands print it with --json, and what people do to it.",
        },
        "paths": _with_acts(schemas, acts)
        | {
            resource.path: {
                "get": {
                    "summary": resource.summary,
                    "operationId": resource.read.__name__,
                    "parameters": [*_in_path(resource.path), *_in_query(resource)],
                    "responses": {
                        "200": _response(resource.summary, "application/json", schemas[resource.path, "serialization"]),
                        **{
                            status: _response(words, "application/problem+json", schemas["problem", "serialization"])
                            for status, words in _PROBLEMS.items()
                        },
                    },
                }
            }
            for resource in described
        },
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
        "security": [{}, {"bearer": []}, {"key": []}],
    }


def _with_acts(schemas: Mapping[Any, Document], operations: Iterable[Operation]) -> Document:
    """Return the paths of what is not a plain question."""
    paths: Document = {}
    for act in operations:
        answers = {"200": _response(act.summary, "application/json", schemas[act.name, "serialization"])}
        refusals = _PROBLEMS if act.body is None else _REFUSALS
        answers |= {
            status: _response(words, "application/problem+json", schemas["problem", "serialization"])
            for status, words in refusals.items()
        }
        described: Document = {
            "summary": act.summary,
            "operationId": act.name,
            "parameters": _in_path(act.path),
            "responses": answers,
            "x-scope": act.scope,
        }
        if act.body is not None:
            schema = schemas[act.name, "validation"]
            described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
        paths[act.path] = {act.method: described}
    return paths


def _response(words: str, content_type: str, schema: Document) -> Document:
    return {"description": words, "content": {content_type: {"schema": schema}}}


def _in_path(path: str) -> list[Document]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 1} if name == "position" else {"type": "string"},
        }
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _in_query(resource: Resource) -> list[Document]:
    schema = resource.query.model_json_schema()
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": about.pop("description", ""),
            "schema": {key: value for key, value in about.items() if key != "title"},
        }
        for name, about in schema.get("properties", {}).items()
    ]
