"""The fields of the classes that Mosaico's Python SDK registers, as its pydantic models declare them, as JSON.

A field is the name of its type, with [] for a list of it and ? where the model takes None for it.
"""

import importlib.metadata
import json
import typing

import mosaicolabs  # noqa: F401  registers the classes
import mosaicolabs.models.futures  # noqa: F401
from mosaicolabs.models.core import BaseModel, Unmodeled
from mosaicolabs.models.core.serializable import _SCHEMA_REGISTRY
from pydantic import TypeAdapter, ValidationError


def text(annotation) -> str:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return text(typing.get_args(annotation)[0])
    if origin is list:
        return text(typing.get_args(annotation)[0]) + "[]"
    if origin is not None:
        inner = [one for one in typing.get_args(annotation) if one is not type(None)]
        assert len(inner) == 1, annotation
        return text(inner[0]) + "?"
    if issubclass(annotation, BaseModel):
        assert _SCHEMA_REGISTRY[annotation.__ontology_tag__] is annotation, annotation
        return annotation.__ontology_tag__
    return annotation.__name__


def takes_none(annotation) -> bool:
    try:
        TypeAdapter(annotation).validate_python(None)
        return True
    except ValidationError:
        return False


def fields(model) -> dict:
    found = {}
    for name, field in model.model_fields.items():
        found[name] = text(field.annotation)
        # What is declared is what is enforced, and what may be None may be left out.
        assert takes_none(field.annotation) == found[name].endswith("?"), (model, name)
        assert field.is_required() != found[name].endswith("?"), (model, name)
    return found


classes = {tag: fields(one) for tag, one in sorted(_SCHEMA_REGISTRY.items()) if one is not Unmodeled}
print(json.dumps({"version": importlib.metadata.version("mosaicolabs"), "classes": classes}))
