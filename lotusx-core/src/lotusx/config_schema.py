"""JSON schema of ``lotusx.toml``, for editors."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": {"type": "string"}}


def schema() -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12). Names of exchanges and credentials are free: plugins bring them."""
    own = {
        "environment": {**_TEXT, "description": "live, testnet, demo or simulator, as far as the exchange has them."},
        "base_url": {**_TEXT, "description": "Address of the simulator; goes with environment = 'simulator'."},
        "read_only": {"type": "boolean", "description": "Refuse everything that changes something."},
        "allow_withdrawals": {
            "type": "boolean",
            "description": "Let native calls take money off the exchange; without it they are refused before sending.",
        },
        "proxy": {**_TEXT, "description": "Address of an HTTP proxy."},
        "journal": {**_TEXT, "description": "File that remembers orders across restarts."},
        "budgets": {
            **_TEXT,
            "description": "Directory or redis:// address through which limits are shared.",
        },
        "credentials": {
            "type": "object",
            "additionalProperties": {"$ref": "#/$defs/credential"},
            "description": "By name, such as api_key; better by reference than in clear.",
        },
    }
    account = {"type": "object", "properties": own, "additionalProperties": False}
    exchange = {
        "type": "object",
        "properties": {
            **own,
            "accounts": {"type": "object", "additionalProperties": account, "description": "Named accounts."},
            "hosts": {
                "type": "object",
                "additionalProperties": {"type": "object", "additionalProperties": _TEXTS},
                "description": "Environment, then service or group: further addresses, tried when none answers.",
            },
            "limits": {
                "type": "object",
                "properties": {
                    "share": {
                        "type": ["number", "string"],
                        "description": "Part of the exchange's limits to use at most: above 0, at most 1.",
                    }
                },
                "additionalProperties": False,
            },
        },
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lotusx.toml",
        "type": "object",
        "properties": {
            "exchanges": {"type": "object", "additionalProperties": exchange},
            "plugins": {
                "type": "object",
                "properties": {
                    "enable": {**_TEXTS, "description": "Plugins that touch every exchange; off unless named here."},
                    "allow": {**_TEXTS, "description": "Only these distributions may be loaded."},
                },
                "additionalProperties": False,
            },
            "telemetry": {
                "type": "object",
                "properties": {"log_format": {"enum": ["text", "json"], "description": "How log lines are written."}},
                "additionalProperties": {"type": "object"},
                "description": "A table by the name of a plugin, such as telemetry.prometheus, enables it.",
            },
            "risk": {"type": "object", "description": "Options of the plugin risk; enables it."},
            "audit": {"type": "object", "description": "Options of the plugin audit; enables it."},
            "cache": {
                "type": "object",
                "properties": {
                    "instruments_s": {
                        "type": "number",
                        "minimum": 0,
                        "description": "Seconds a list of instruments on disk counts as fresh; 0: none is kept.",
                    },
                    "folder": {**_TEXT, "description": "Where; default: the user's cache folder."},
                },
                "additionalProperties": False,
            },
            "strategy": {"type": "object", "description": "Yours: LotusX does not look at it."},
        },
        "additionalProperties": False,
        "$defs": {"credential": {"oneOf": [_TEXT, *_references()]}},
    }


def _references() -> list[dict[str, Any]]:
    def reference(**properties: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    return [
        reference(env={**_TEXT, "description": "Name of a variable."}),
        reference(file={**_TEXT, "description": "Path; relative to this document."}),
        reference(keyring={**_TEXT, "description": "Service."}, user=_TEXT),
        reference(command={**_TEXTS, "minItems": 1, "description": "Program and arguments; prints the credential."}),
    ]
