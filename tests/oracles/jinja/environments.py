"""Jinja2 as transformers and lm-evaluation-harness set it up, and the variables that the templates see."""

import json
from datetime import datetime

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime(2026, 1, 15, 9, 30, 0)


class Generation(jinja2.ext.Extension):
    """transformers' {% generation %}: marks the assistant's text, prints it unchanged."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_text"), [], [], body).set_lineno(line)

    def _text(self, caller):
        return caller()


def chat_environment():
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    class TemplateNamespace(jinja2.utils.Namespace):
        def __init__(*args, **kwargs):
            self, args = args[0], args[1:]
            attributes = dict(*args, **kwargs)
            for name in attributes:
                TemplateNamespace._check_name(name)
            jinja2.utils.Namespace.__init__(self, attributes)

        def __setitem__(self, name, value):
            TemplateNamespace._check_name(name)
            jinja2.utils.Namespace.__setitem__(self, name, value)

        @staticmethod
        def _check_name(name):
            if isinstance(name, str) and name.startswith("_"):
                raise jinja2.exceptions.SecurityError(f"underscore-prefixed attribute {name!r}")

    environment.filters["tojson"] = tojson
    environment.globals["namespace"] = TemplateNamespace
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = NOW.strftime
    return environment


def prompt_environment():
    return ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, extensions=[jinja2.ext.loopcontrols]
    )


ENVIRONMENTS = {True: chat_environment(), False: prompt_environment()}

VARIABLES = {
    "name": "World",
    "empty": "",
    "text": "  Hello, wörld!\n",
    "many": "a,b,,c",
    "lines": "one\n\ntwo\r\nthree",
    "emoji": "a😀é漢字ß",
    "quote": "it's \"so\"\\",
    "html": "<b>&'\"</b>",
    "zero": 0,
    "seven": 7,
    "minus": -3,
    "half": 0.5,
    "big": 1e16,
    "tiny": 0.00001,
    "yes": True,
    "no": False,
    "nothing": None,
    "numbers": [3, 1, 2],
    "words": ["pear", "Apple", "fig"],
    "nested": [[1, 2], [3, 4]],
    "nil": [],
    "person": {"name": "Ann", "age": 31, "tags": ["x", "y"], "items": "shadow"},
    "people": [
        {"name": "Ann", "age": 31, "on": True},
        {"name": "bob", "age": 7, "on": False},
        {"name": "Cid", "age": 31, "on": True},
    ],
    "mixed": [1, "1", 1.0, True, None, [], {}],
    "messages": [
        {"role": "system", "content": "S"},
        {"role": "user", "content": " U "},
        {"role": "assistant", "content": "A"},
    ],
}
