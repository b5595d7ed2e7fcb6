"""The description of the API, OpenAPI 3.1, written from the models that answer and the parameters that are read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeAlias

from pydantic.json_schema import GenerateJsonSchema

from monitor import __version__
from monitor.web.api import models
from monitor.web.api.resources import RESOURCES, Resource

Document: TypeAlias = dict[str, Any]

_REF = "#/components/schemas/{model}"
_PROBLEMS = {
    "400": "The question carries what it does not take.",
    "401": "A token is needed.",
    "404": "There is no such thing.",
    "503": "The database does not answer.",
}


def description(resources: Iterable[Resource] = RESOURCES) -> Document:
    """Return the description as it is served at `/openapi.json`."""
    described = list(resources)
    generator = GenerateJsonSchema(ref_template=_REF)
    problem = ("problem", "serialization", models.ProblemDocument.__pydantic_core_schema__)
    inputs = [(resource.path, "serialization", resource.adapter.core_schema) for resource in described]
    schemas, components = generator.generate_definitions([*inputs, problem])  # type: ignore[list-item]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "access-monitor",
            "version": __version__,
            "description": "What the monitor knows, as its commands print it with --json. Reading only.",
        },
        "paths": {
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
