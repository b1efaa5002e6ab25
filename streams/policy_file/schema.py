"""The JSON Schema of policy files, by which editors complete and check them; it comes from the models.

Rests on decision 110.
"""

from __future__ import annotations

from typing import Any, Final

from streams.policy_file.document import PolicyFile

#: The name of the file that holds the schema, beside the policies.
SCHEMA_FILE: Final = "policy.schema.json"
#: What stands first in a policy, for editors.
SCHEMA_LINE: Final = f"#:schema ./{SCHEMA_FILE}\n"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
#: What the models say of Python and not of the file: names of classes, and that nothing stands for what is left out.
_LEFT_OUT: Final = ("title", "discriminator")
_NOTHING: Final = {"type": "null"}


def policy_schema() -> dict[str, Any]:
    """Make the schema, in the dialect 2020-12."""
    schema = PolicyFile.model_json_schema()
    return {"$schema": _DIALECT, "title": "Policy of engagement streams", **_plain(schema)}


def _plain(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    alternatives = [each for each in schema.get("anyOf", ()) if each != _NOTHING]
    kept = {key: value for key, value in schema.items() if key not in _LEFT_OUT or not isinstance(value, str | dict)}
    if kept.get("default", ...) is None:
        del kept["default"]
    if len(alternatives) == 1:
        del kept["anyOf"]
        kept = {**alternatives[0], **kept}
    elif alternatives:
        kept["anyOf"] = alternatives
    return {key: _entries(value) if key in ("properties", "$defs") else _plain(value) for key, value in kept.items()}


def _entries(schemas: Any) -> Any:
    """Go on with schemas by names, none of which is left out."""
    return {name: _plain(schema) for name, schema in schemas.items()}
