"""Makes tests/golden/jinja/cases.jsonl: templates, variables and what Jinja2 3.1.6 makes of them.

Run: python tests/oracles/jinja_golden.py            writes the golden file
     python tests/oracles/jinja_golden.py --random N SEED   prints N random cases, for a longer comparison

Each line is {"template", "variables", "chat", "expected"} or the same with "raises" (the exception's name) in
place of "expected". "chat": true is the environment of transformers' apply_chat_template, false that of task
prompts: Jinja2's defaults with StrictUndefined and keep_trailing_newline.
"""

import json
import pathlib
import random
import sys
from datetime import datetime

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "jinja" / "cases.jsonl"
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

# Expressions, printed between << and >> so that white space at the ends is seen.
EXPRESSIONS = """
1
-1
+seven
1_000
0x1F
0b101
0o17
1.0
1.5e3
1e16
1e15
123456789012345680.0
0.1 + 0.2
1e-4
0.00001
5e-324
1.7976931348623157e308
2.5e-7
-0.0
1 + 2 * 3
(1 + 2) * 3
2 ** 10
2 ** -1
2 ** 3 ** 2
-2 ** 2
7 // 2
-7 // 2
7 // -2
7 % 3
-7 % 3
7 % -3
7.5 // 2
-7.5 // 2
7.5 % 2
-7.5 % 2
7.5 % -2
7 / 2
6 / 2
1 / 0
1 // 0
1 % 0
1.0 / 0
1.0 // 0
1.0 % 0
0 ** -1
True + True
yes * 3
"a" * 3
3 * "ab"
"a" * -1
[1] * 2
[1] + [2]
(1,) + (2,)
[1] + (2,)
"a" + "b"
"a" + 1
1 + "a"
"a" ~ 1 ~ none ~ true ~ 1.5
1 ~ 2
- "a"
- yes
1 == 1.0
1 == true
"1" == 1
none == none
[1, 2] == [1, 2]
[1, 2] == (1, 2)
{"a": 1} == {"a": 1.0}
1 != 2
1 < 2 < 3
1 < 3 < 2
1 < 2 > 1 == 1
"a" < "b"
"Z" < "a"
[1, 2] < [1, 3]
[1] < [1, 0]
1 < "a"
none < 1
1 <= 1.0
9007199254740993 == 9007199254740992.0
not 1
not not 0
not none and 1
1 and 2
0 and 2
1 or 2
"" or "x"
none or 0
"" and 1
1 if 0 else 2
1 if 1
1 if 0
(1 if 0) is defined
1 if 0 else 2 if 0 else 3
"a" in "cat"
"x" not in "cat"
1 in [1, 2]
1.0 in [1, 2]
"a" in {"a": 1}
1 in "123"
1 in 5
[] in [[]]
not "a" in "b"
1 is defined
missing is defined
missing is undefined
missing
missing.attribute
missing + 1
missing ~ "x"
missing == missing
missing in [1]
1 in missing
missing | default("d")
missing | default
"" | default("d")
"" | default("d", true)
none | default("d")
person.missing
person.missing.deeper
person["missing"]
person.missing | default("d")
nothing.x
numbers[9]
numbers[9] | default("out")
"abc"[9]
numbers["x"]
numbers.x
numbers[0]
numbers[-1]
numbers.0
nested.1.0
numbers[true]
numbers[1:]
numbers[:-1]
numbers[::-1]
numbers[::2]
numbers[5:]
numbers[-2:]
numbers[1:1]
numbers[::0]
numbers["a":]
numbers[none:2]
emoji[0]
emoji[1]
emoji[-1]
emoji[1:4]
emoji[::-1]
emoji[-3:-1]
emoji | length
emoji | upper
emoji | list
range(5)[1:3]
range(10)[::3]
person[0:1]
nothing[0:1]
(1, 2, 3)[1:]
person
people[0]
mixed
nested
()
(1,)
(1, 2)
[]
{}
{1: 2, "a": [none, true]}
{1: "a", 1.0: "b", true: "c"}
{"a": 1, "a": 2}
{[]: 1}
{(1, 2): 3}
{(1, 2): 3}[(1, 2)]
{1: "int"}[1.0]
{1: "int"}[true]
quote
[quote, "\\n\\t\\r\\\\", "\\x07", "é", "\\u200b", "\\U0001F600"]
["'", '"', "'\\""]
"\\x41\\u00e9\\101\\q"
'it\\'s'
"a" "b"
person.name
person["name"]
person.items
person["items"]
person.keys()
person.values()
person.tags[1]
person.get("age")
person.get("zzz")
person.get("zzz", 5)
person.pop("age")
numbers.append(4)
person.__class__
person.__class__.mro
"".__class__
person.get
person.items()
{"a": 1}.items()
{"a": 1}.items() | list
{"a": 1}["items"] is callable
{"a": 1}.items is callable
{"a": 1}.keys() | list
{"a": 1}.values() | list | first
{"a": 1}.copy()
[1, 2, 1].count(1)
[1, 2, 1].index(2)
[1, 2, 1].index(5)
(1, 2).count(2)
text.strip()
text.lstrip()
text.rstrip()
text.strip().rstrip("!d")
"xxaxx".strip("x")
"abcba".lstrip("ab")
"abcba".rstrip("ab")
"  x ".strip(none)
many.split(",")
many.split(",", 1)
many.split(",", maxsplit=2)
many.rsplit(",", 1)
many.split("")
" a  b c ".split()
" a  b c ".split(none, 1)
" a  b c ".rsplit(none, 1)
"".split()
"".split(",")
lines.splitlines()
lines.splitlines(true)
"abc".startswith("ab")
"abc".startswith("b", 1)
"abc".startswith(("x", "a"))
"abc".startswith(["a"])
"abc".startswith(1)
"abc".endswith("bc")
"abc".endswith(("x", "c"))
"abc".endswith("c", 0, -1)
"abc".upper()
"ÀÉß".lower()
"straße ŉ ﬁ".upper()
"ΑΣ ΑΣΑ Σ".lower()
"İ".lower()
"they're bill's".title()
"hello wORLD".capitalize()
"ǆ".capitalize()
"abcabc".replace("b", "X")
"abcabc".replace("b", "X", 1)
"abc".replace("", "-")
"abc".replace("", "-", 2)
"abc".replace(1, 2)
"abcabc".find("c")
"abcabc".find("c", 3)
"abcabc".find("z")
"é漢é".find("é", 1)
"abcabc".rfind("c")
"abc".index("z")
"banana".count("a")
"banana".count("an", 2)
"aaa".count("")
", ".join(["a", "b"])
", ".join([1])
"-".join("abc")
"-".join({"a": 1, "b": 2})
"a-b-c".partition("-")
"a-b-c".rpartition("-")
"abc".removeprefix("a")
"abc".removesuffix("bc")
"abc".islower()
"ABC1".isupper()
" \\n".isspace()
"abc".nope()
"abc".upper
"abc"["upper"]()
name | upper
name | lower
name | capitalize
"hello wORLD foo-bar (baz)" | title
"hello's World" | title
text | trim
"xxaxx" | trim("x")
name | length
numbers | length
person | length
5 | length
none | length
missing | length
range(3) | length
name | list
person | list
numbers | first
numbers | last
nil | first
nil | last
"" | first
person | first
name | last
5 | first
numbers | join
numbers | join(", ")
numbers | join(d="-")
people | join(", ", attribute="name")
mixed | join("|")
missing | join
name | join("-")
numbers | sort
numbers | sort(reverse=true)
words | sort
words | sort(case_sensitive=true)
words | sort(true)
people | sort(attribute="age") | map(attribute="name") | list
people | sort(attribute="age,name", reverse=true) | map(attribute="name") | list
[1, "a"] | sort
[[2, 1], [1, 2]] | sort
[[2, 1], [1, 2]] | sort(attribute=1)
person | sort
words | unique | list
["a", "A", "b", "a"] | unique | list
["a", "A"] | unique(case_sensitive=true) | list
people | unique(attribute="age") | map(attribute="name") | list
[[1], [1]] | unique | list
numbers | min
numbers | max
nil | max
words | min
words | max
people | max(attribute="age")
numbers | sum
nil | sum
people | sum(attribute="age")
[0.1, 0.2] | sum
[[1], [2]] | sum(start=[])
["a"] | sum
numbers | reverse | list
name | reverse
person | reverse | list
5 | reverse
numbers | map("string") | list
words | map("upper") | join(",")
words | map("replace", "p", "P") | list
people | map(attribute="name") | join(", ")
people | map(attribute="zzz", default="?") | join
people | map(attribute="zzz") | list
nested | map("first") | list
nested | map(attribute=1) | list
nested | map("join", "-") | list
people | map("length") | list
numbers | map | list
none | map("upper") | list
numbers | select("odd") | list
numbers | reject("odd") | list
numbers | select | list
[0, 1, "", "a", none] | select | list
[0, 1, "", "a", none] | reject | list
numbers | select("gt", 1) | list
numbers | select("in", [1, 2]) | list
numbers | select(">=", 2) | list
numbers | select("nope") | list
people | selectattr("on") | map(attribute="name") | list
people | rejectattr("on") | map(attribute="name") | list
people | selectattr("age", "equalto", 31) | list | length
people | selectattr("age", "lt", 10) | map(attribute="name") | first
people | selectattr("zzz", "undefined") | list | length
people | rejectattr("zzz", "defined") | list | length
missing | select("odd") | list
messages | selectattr("role", "equalto", "user") | map(attribute="content") | map("trim") | join
messages | rejectattr("role", "in", ["system"]) | list | length
person | items | list
missing | items | list
5 | items
{"b": 1, "a": 2} | dictsort
{"b": 1, "a": 2} | dictsort(by="value")
{"b": 1, "A": 2, "a": 3} | dictsort(true)
{"b": 1, "a": 2} | dictsort(reverse=true)
{"b": 1, 1: 2} | dictsort
5 | dictsort
5 | string
none | string
1.0 | string
[1] | string
"12" | int
"12.7" | int
" 12 " | int
"1_2" | int
"x" | int
"x" | int(5)
"ff" | int(0, 16)
"0x1f" | int(base=16)
"0x1f" | int(base=0)
"-7" | int
3.99 | int
-3.99 | int
none | int
[] | int
yes | int
"inf" | int
"1.5" | float
"x" | float
"x" | float(2.5)
" 1e3 " | float
"nan" | float
"-inf" | float
3 | float
none | float
"1e5" | int
2.5 | round
3.5 | round
-2.5 | round
2.675 | round(2)
1234.5678 | round(1)
1234.5678 | round(-2)
42.55 | round(1, "floor")
42.55 | round(1, "ceil")
42.55 | round(method="floor") | int
42 | round
1234 | round(-2)
42 | round(1, "ceil")
"a" | round
1.5 | round(0, "zzz")
-5 | abs
-5.5 | abs
yes | abs
"a" | abs
"abc" | replace("b", "X")
"aaa" | replace("a", "b", 2)
"abc" | replace("", "-")
123 | replace(2, 5)
"a\\nb\\n\\nc" | indent
"a\\nb\\n\\nc" | indent(2, true)
"a\\nb\\n\\nc" | indent(2, blank=true)
"a\\nb" | indent("> ", true)
"" | indent(2)
"a\\n" | indent(2)
5 | indent
html | e
html | escape
html | e | e
html | safe
html | safe | e
html | safe + "<"
"<" + (html | safe)
html | safe ~ "<"
(html | safe).replace("b", "<")
(html | safe) | upper
(html | safe)[0]
[html | safe]
html | safe | replace("b", "<")
html | e | length
html | forceescape
(html | safe).join(["<", "a"])
["<", html | safe] | join("&")
(html | safe).split("&")
(html | safe) is string
"ab" | center(7)
"ab" | center(6)
"abc" | center(6)
numbers | batch(2) | list
numbers | batch(2, "-") | list
"%s and %d" | format("a", 5)
"%s" % 5
"%s %s" % (1, 2)
"%s" % (1, 2)
"%s %s" % 1
"%5d|%-5d|%05d|%+d" % (42, 42, 42, 42)
"%.2f|%8.3f|%e|%g|%G" % (3.14159, 3.14159, 12345.678, 0.00001, 1e20)
"%x|%X|%o|%#x" % (255, 255, 8, 255)
"%r|%c|%c|%%" % ("a", 65, "b")
"%(a)s-%(b)05.1f" % {"a": 1, "b": 2.25}
"%(a)s" | format(a="x")
"%*d" % (5, 42)
"%.3s" % "abcdef"
"%d" % 3.99
"%d" % "a"
"%z" % 1
"%" % 1
"%s" % missing
"abc" % []
"%i" % true
"%5s|%-5s|" % ("ab", "ab")
"%f" % 1
seven is odd
seven is even
"a" is odd
2.0 is even
seven is divisibleby 7
seven is divisibleby(2)
seven is divisibleby 0
seven is number
yes is number
half is number
name is number
seven is integer
yes is integer
half is float
seven is float
yes is boolean
zero is boolean
yes is true
1 is true
no is false
nothing is none
zero is none
name is string
numbers is sequence
name is sequence
person is sequence
seven is sequence
(1, 2) is sequence
range(2) is sequence
person.keys() is sequence
numbers is iterable
name is iterable
seven is iterable
missing is iterable
missing is sequence
person is mapping
numbers is mapping
range is callable
name is callable
"abc" is lower
"Abc" is lower
"ABC" is upper
"123" is upper
1 is eq 1
1 is equalto 1.0
1 is == 1
1 is ne 2
1 is lt 2
1 is le 1
2 is gt 1
2 is ge 3
2 is greaterthan 1
2 is lessthan 1
2 is sameas 2
none is sameas none
1 is in [1, 2]
"x" is in "abc"
1 is not in [1, 2]
seven is not even
not seven is even
"upper" is filter
"nope" is filter
"odd" is test
seven is nope
seven is odd and half is float
1 is number is string
(html | safe) is escaped
name | nope
none is defined
range(3)
range(1, 7, 2)
range(3) | list
range(5, 0, -2) | list
range(0) | list
range(1, 2, 0)
range(1000000)
range("a")
range(2.5)
dict(a=1, b=[2])
dict({"a": 1}, b=2)
dict([("a", 1)])
dict(1)
namespace(a=1).a
namespace(a=1)
namespace(a=1).b
namespace({"a": 2}).a
namespace(a=1)["a"]
name.upper().lower() | capitalize
person.tags | map("upper") | join("+") ~ "!"
1 | string | length
-1 | abs
- 1 | abs
(-1) | abs
1 + 2 | string
[1, 2, 3] | length > 2
"a" ~ "b" | upper
name()
none()
name | upper()
[1, 2,]
{"a": 1,}
dict(a=1,)
[*numbers]
range(*[1, 4]) | list
dict(**{"a": 1})
"a" if name == "World" else "b"
{"k": name}["k"]
{name: 1}
[x for x in numbers]
numbers | tojson
1 if true else raise("x")
"a\\
b"
"tab\\there"
1.0 * 3
10 ** 18
1e300 * 1e300
1e300 * 1e300 - 1e300 * 1e300
7 // 0.5
2 ** 0.5
(-8) ** 2
(-1) * 5 % 3
""
none
true
True
None
""" .strip().split("\n")

# (template, uses chat settings): statements, white space, chat globals.
TEMPLATES = [
    "",
    "plain",
    "plain\n",
    "plain\n\n",
    "a\r\nb\rc",
    "{{ name }}\n",
    "Hello {{ name }}!",
    "{{name}}{{-name-}}  {{ name -}}  x",
    "a  {{- name }}  b",
    "  {% if yes %}\n  x\n  {% endif %}\n  y",
    "  {%+ if yes %}\n  x\n  {%+ endif +%}\n  y",
    "\n  {%- if yes -%}\n  x\n  {%- endif -%}\n  y",
    "a {# comment #} b",
    "a\n  {# comment #}\n  b",
    "a {#- comment -#} b",
    "a\n{#+ comment +#}\nb",
    "{#-#}x",
    "{# {{ name }} {% if %} #}x",
    "{% raw %}{{ name }}{% endraw %}",
    "a {%- raw -%}  {{ x }} {% if %} {%- endraw -%}  b",
    "  {% raw %}\n x\n  {% endraw %}\n y",
    "{% if yes %}a{% else %}b{% endif %}",
    "{% if no %}a{% elif seven > 5 %}b{% else %}c{% endif %}",
    "{% if no %}a{% elif no %}b{% else %}c{% endif %}",
    "{% if missing %}a{% else %}b{% endif %}",
    "{% if 1, 2 %}a{% endif %}",
    "{% if numbers and words %}a{% endif %}",
    "{% for x in numbers %}{{ x }},{% endfor %}",
    "{% for x in nil %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in numbers %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in missing %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in 5 %}{{ x }}{% endfor %}",
    "{% for x in none %}{{ x }}{% endfor %}",
    "{% for c in emoji %}[{{ c }}]{% endfor %}",
    "{% for k in person %}{{ k }} {% endfor %}",
    "{% for k, v in person['tags'] | map('upper') | batch(2) %}{{ k }}{{ v }}{% endfor %}",
    "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k, v in {'a': 1} | items %}{{ k }}={{ v }};{% endfor %}",
    "{% for a, b in nested %}{{ a }}-{{ b }} {% endfor %}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for a, b in numbers %}{{ a }}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{{ a }}{% endfor %}",
    "{% for x in numbers if x > 1 %}{{ loop.index }}:{{ x }}/{{ loop.length }} {% endfor %}",
    "{% for x in numbers if x > 5 %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in numbers %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}",
    "{% for x in numbers %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}",
    "{% for x in numbers %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }} {% endfor %}",
    "{% for x in numbers %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for x in [1, 1, 2] %}{{ loop.changed(x) }}{% endfor %}",
    "{% for x in numbers %}{{ loop.nope }}{% endfor %}",
    "{% for x in nested %}{% for y in x %}{{ loop.index }}{{ y }}{% endfor %}{{ loop.index }};{% endfor %}",
    "{% for x in [1, [2, [3]]] recursive %}{{ loop.depth }}{{ loop(x) if x is iterable else x }}{% endfor %}",
    "{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in numbers %}{% set y = x %}{% endfor %}{{ y is defined }}",
    "{% set y = 0 %}{% for x in numbers %}{{ y }}{% set y = x %}{{ y }} {% endfor %}{{ y }}",
    "{% set ns = namespace(y=0) %}{% for x in numbers %}{% set ns.y = ns.y + x %}{% endfor %}{{ ns.y }}",
    "{% set ns = namespace(on=true) %}{% for x in range(5) if ns.on %}{{ x }}{% if x == 2 %}{% set ns.on = false %}{% endif %}{% endfor %}",
    "{% set ns = namespace(on=true) %}{% for x in range(5) if ns.on %}{{ x }}{{ loop.last }}{% if x == 2 %}{% set ns.on = false %}{% endif %}{% endfor %}",
    "{% set person.name = 1 %}",
    "{% set missing.name = 1 %}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% set a = 1, 2 %}{{ a }}",
    "{% set (a, b) = [3, 4] %}{{ a }}{{ b }}",
    "{% set a, b = 1 %}",
    "{% set a %}x{{ name }}y{% endset %}[{{ a }}]",
    "{% set a | upper | replace('X', '-') %}x{{ name }}y{% endset %}[{{ a }}]",
    "{% set a %}{% set b = 1 %}{% endset %}{{ b is defined }}",
    "{% if yes %}{% set a = 5 %}{% endif %}{{ a }}",
    "{% set name = name ~ '!' %}{{ name }}",
    "{% with a = 1, b = name %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}",
    "{% with a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{% endwith %}",
    "{% filter upper %}a{{ name }}{% endfilter %}",
    "{% filter upper | replace('A', 'b') %}a{{ name }}{% endfilter %}",
    "{% macro m(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(b=4, a=5) }} {{ m() }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(c=2) }}",
    "{% macro m(a, b=a) %}{{ b }}{% endmacro %}{{ m(1) }}",
    "{% macro m(a, b=1, c) %}{% endmacro %}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}",
    "{% macro m(n) %}{{ n }}{% if n > 0 %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}",
    "{% macro m() %}{{ y }}{% endmacro %}{% set y = 1 %}{{ m() }}{% set y = 2 %}{{ m() }}",
    "{% macro m() %}{% set name = 'x' %}{{ name }}{% endmacro %}{{ m() }}{{ name }}",
    "{% macro m() %}{{ name }}{% endmacro %}{% for name in numbers %}{{ m() }}{% endfor %}",
    "{% for x in numbers %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}",
    "{% macro m() %}a{% endmacro %}{{ m() | upper }}{{ m() ~ m() }}{{ m is callable }}",
    "{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}x{{ name }}{% endcall %}",
    "{% macro m() %}[{{ caller(1) }}{{ caller(2) }}]{% endmacro %}{% call(n) m() %}{{ n }}{% endcall %}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}",
    "{% macro m() %}x{% endmacro %}{% call m() %}{% endcall %}",
    "{% macro m(x) -%}\n  {{ x }}\n{%- endmacro -%}\n[{{ m(1) }}]",
    "{% print name, 1 %}",
    "{{ {(1, 2): 3}[1, 2] }}{{ {(): 3}[] }}{{ numbers[] is defined }}",
    "{% for x, in [[1]] %}{{ x }}{% endfor %}",
    "{% for in in numbers %}{{ in }}{% endfor %}",
    "{{ name }}}}",
    "{{ {'a': {'b': 1}} }}",
    "{{ {'a': {'b': 1}}['a']['b'] }}",
    "{{ '}}' }}{{ '%}' }}",
    "{{ name }",
    "{{ name",
    "{% if yes %}",
    "{% endif %}",
    "{% if yes %}{% endfor %}",
    "{% nope %}",
    "{% %}",
    "{{ }}",
    "{{ 1 + }}",
    "{{ (1 }}",
    "{{ 1) }}",
    "{{ [1) }}",
    "{{ 'abc }}",
    "{{ 1 2 }}",
    "{{ a ! b }}",
    "{{ $ }}",
    "{# never closed",
    "{% raw %} never closed",
    "{% for x in %}{% endfor %}",
    "{% for 1 in numbers %}{% endfor %}",
    "{% set 1 = 2 %}",
    "{% set true = 2 %}",
    "{% set a = %}",
    "{% break %}",
    "{% else %}",
    "{% if yes: %}x{% endif %}",
    "{% for x in numbers: %}{{ x }}{% endfor %}",
    "{%- for m in messages -%}\n<|{{ m.role }}|>\n{{ m['content'] | trim }}\n{% endfor -%}\n{%- if add_generation_prompt -%}\n<|assistant|>\n{%- endif -%}",
    "{% for m in messages %}{% if loop.first and m.role != 'system' %}D{% endif %}{{ m.role }}{% if not loop.last %},{% endif %}\n{% endfor %}",
    "{{ messages[0]['role'] }}{{ messages[-1].content }}{{ messages[1:] | length }}",
    "{% set loop_messages = messages[1:] if messages[0].role == 'system' else messages %}{{ loop_messages | map(attribute='role') | join('>') }}",
    "line1\n    {% if yes %}\n        inner\n    {% endif %}\nline2\n",
    "{% if yes %}\n\n{{ name }}\n\n{% endif %}\n",
    "{{ name -}}\n\n  x {{- ' y' }}",
    "\t{% if yes %}x{% endif %}\t",
    "x {% if yes %}y{% endif %}\n z",
    "{% if yes %}{% if no %}{% else %}\n a\n{% endif %}{% endif %}",
    "\u00a0{%- if yes %}x{% endif %}",
    "{{ 'a' }}\u2028{{- 'b' }}",
]

CHAT_TEMPLATES = [
    "{{ raise_exception('no') }}",
    "{% if no %}{{ raise_exception('no') }}{% endif %}ok",
    "{{ strftime_now('%Y-%m-%d %H:%M:%S') }}",
    "{{ strftime_now('%d %b %Y') }}|{{ strftime_now('%A, %B %-d, %y %j %p %I %%') }}",
    "{{ strftime_now('%U %W %V %G %u %w %e %c %D %F %T %x %X %f') }}|{{ strftime_now('100%') }}",
    "{{ person | tojson }}",
    "{{ person | tojson(indent=4) }}",
    "{{ people | tojson(indent=2) }}",
    "{{ person | tojson(separators=(',', ':')) }}",
    "{{ {'b': 1, 'a': [1.0, none, true]} | tojson(sort_keys=true) }}",
    "{{ emoji | tojson }}{{ emoji | tojson(ensure_ascii=true) }}",
    "{{ html | tojson }}{{ quote | tojson }}{{ '\\x01\\x7f\\n\\t\\b' | tojson }}",
    "{{ {1: 2, 1.5: 3, true: 4, none: 5} | tojson }}",
    "{{ [] | tojson }}{{ {} | tojson }}{{ [] | tojson(indent=2) }}{{ [[]] | tojson(indent=0) }}",
    "{{ (1, 2) | tojson }}{{ 1e16 | tojson }}{{ 0.1 | tojson }}",
    "{{ missing | tojson }}",
    "{{ range(3) | tojson }}",
    "{{ {(1, 2): 3} | tojson }}",
    "{{ [1] | tojson(indent='--') }}",
    "{{ numbers | map('tojson') | join }}",
    "{% generation %}a{{ name }}{% endgeneration %}",
    "{% set ns = namespace(_a=1) %}{{ ns._a }}",
    "{% set ns = namespace() %}{% set ns._a = 1 %}",
    "{{ namespace(a=1) }}{{ namespace(a=1)['a'] }}",
    "{{ messages | length }}{{ tools is defined and tools is not none }}",
    "{% if tools %}T{% endif %}{{ documents | default([]) | length }}",
]

PROMPT_TEMPLATES = [
    "{{ person | tojson }}",
    "{{ html | tojson }}{{ emoji | tojson }}",
    "{{ {'b': 1, 'a': [1, 2]} | tojson(indent=2) }}",
    "{{ {'b': 1, 'a': '<'} | tojson + '<' }}",
    "{{ raise_exception('x') }}",
    "Question: {{ name }}\nAnswer:\n",
    "{{ [missing] }}",
    "{% if missing is defined %}a{% else %}b{% endif %}",
    "{{ missing or 1 }}",
    "{{ not missing }}",
    "{{ missing == 1 }}",
    "{{ [missing] | join }}",
    "{{ numbers[9] is defined }}",
    "{{ 'x' if missing else 'y' }}",
    "{% for x in numbers %}{{ loop.previtem | default('-') }}{% endfor %}",
    "{{ name }}{% set x = 1 %}\n{{ x }}\n",
]


class Generator:
    """Random expressions that mostly make sense: a type is chosen, then something that gives it."""

    def __init__(self, rng):
        self.rng = rng

    def pick(self, *options):
        return self.rng.choice(options)

    def any(self, depth):
        return getattr(self, self.pick("integer", "real", "string", "list", "mapping", "boolean", "string", "list"))(depth)

    def wrongly(self, kind, depth):
        """Sometimes another type, so that errors are compared too."""
        return self.any(depth) if self.rng.random() < 0.04 else getattr(self, kind)(depth)

    def integer(self, depth):
        if depth <= 0:
            return self.pick("0", "1", "7", "(-3)", "12", "zero", "seven", "minus", "31")
        d = depth - 1
        return self.pick(
            lambda: f"({self.wrongly('integer', d)} {self.pick('+', '-', '*', '//', '%')} {self.wrongly('integer', d)})",
            lambda: f"({self.wrongly('list', d)} | length)",
            lambda: f"({self.wrongly('string', d)} | length)",
            lambda: f"({self.string(d)} | int({self.integer(0)}))",
            lambda: f"({self.real(d)} | int)",
            lambda: f"({self.integer(d)} | abs)",
            lambda: f"(range({self.integer(0)}) | sum)",
            lambda: f"({self.wrongly('string', d)}.find({self.string(0)}))",
            lambda: f"({self.string(d)}.count({self.string(0)}))",
            lambda: f"({self.integer(d)} if {self.boolean(d)} else {self.integer(d)})",
            lambda: f"({self.integer(d)} {self.pick('and', 'or')} {self.integer(d)})",
            lambda: "(numbers | max)",
        )()

    def real(self, depth):
        if depth <= 0:
            return self.pick("0.5", "half", "1e16", "tiny", "2.0", "(-0.25)", "1e-7", "100.0", "big", "3.125")
        d = depth - 1
        return self.pick(
            lambda: f"({self.wrongly('real', d)} {self.pick('+', '-', '*', '/', '//', '%')} {self.wrongly('integer', d)})",
            lambda: f"({self.integer(d)} / {self.integer(d)})",
            lambda: f"({self.real(d)} | round({self.pick('0', '1', '2', '3')}))",
            lambda: f"({self.real(d)} | abs)",
            lambda: f"({self.string(d)} | float)",
            lambda: f"(- {self.real(d)})",
        )()

    def string(self, depth):
        if depth <= 0:
            return self.pick(
                "name", "text", "many", "lines", "emoji", "quote", "html", "empty", "'a'", "','", "' '", "'12'", "'3.5'",
                "'Ab cD'", "'é'", "'l'",
            )
        d = depth - 1
        return self.pick(
            lambda: f"({self.wrongly('string', d)} + {self.wrongly('string', d)})",
            lambda: f"({self.wrongly('any', d)} ~ {self.any(d)})",
            lambda: f"({self.wrongly('string', d)} | {self.pick('upper', 'lower', 'trim', 'capitalize', 'title', 'reverse', 'string', 'e', 'first', 'last', 'indent(2)', 'safe')})",
            lambda: f"({self.wrongly('string', d)}.{self.pick('strip()', 'lstrip()', 'rstrip()', 'upper()', 'lower()', 'title()', 'capitalize()')})",
            lambda: f"({self.string(d)} | replace({self.string(0)}, {self.string(0)}))",
            lambda: f"({self.string(d)}.replace({self.string(0)}, {self.string(0)}, {self.integer(0)}))",
            lambda: f"({self.wrongly('list', d)} | join({self.string(0)}))",
            lambda: f"({self.string(d)}[{self.integer(0)}:{self.integer(0)}])",
            lambda: f"({self.string(d)}[::{self.pick('-1', '2', '-2', '3')}])",
            lambda: f"({self.string(d)}[{self.integer(0)}])",
            lambda: f"({self.any(d)} | string)",
            lambda: f"({self.any(d)} | tojson)",
            lambda: f"('%s/%r' | format({self.any(d)}, {self.any(d)}))",
            lambda: f"('%5.2f' % {self.wrongly('real', d)})",
            lambda: f"({self.string(d)} * {self.pick('0', '1', '2', '3')})",
            lambda: f"({self.string(d)} if {self.boolean(d)} else {self.string(d)})",
            lambda: f"(people[{self.pick('0', '1', '-1', '5')}].name)",
            lambda: f"(missing | default({self.string(d)}))",
        )()

    def list(self, depth):
        if depth <= 0:
            return self.pick("numbers", "words", "nested", "nil", "mixed", "[1, 2]", "('a', 1)", "person.tags")
        d = depth - 1
        return self.pick(
            lambda: f"[{self.any(d)}, {self.any(d)}]",
            lambda: f"({self.any(d)}, {self.any(d)})",
            lambda: f"({self.wrongly('list', d)} + {self.wrongly('list', d)})",
            lambda: f"({self.wrongly('list', d)}[{self.integer(0)}:{self.integer(0)}])",
            lambda: f"({self.list(d)}[::-1])",
            lambda: f"({self.wrongly('string', d)}.split({self.pick('', repr(','), repr(' '), repr('l'), 'none, 1')}))",
            lambda: f"({self.string(d)}.splitlines())",
            lambda: f"({self.wrongly('list', d)} | sort)",
            lambda: f"({self.list(d)} | reverse | list)",
            lambda: f"({self.list(d)} | unique | list)",
            lambda: f"({self.list(d)} | map({self.pick(repr('string'), repr('upper'), repr('length'), repr('first'), repr('int'))}) | list)",
            lambda: f"({self.list(d)} | {self.pick('select', 'reject')}({self.pick(repr('string'), repr('odd'), repr('number'), repr('defined'), repr('iterable'))}) | list)",
            lambda: f"({self.wrongly('mapping', d)} | {self.pick('dictsort', 'list', 'items | list')})",
            lambda: f"({self.mapping(d)}.{self.pick('keys()', 'values()', 'items()')} | list)",
            lambda: f"(people | {self.pick('selectattr', 'rejectattr')}({self.pick(repr('on'), repr('age') + ', ' + repr('gt') + ', 10', repr('zzz'))}) | map(attribute='name') | list)",
            lambda: f"(range({self.integer(0)}, {self.integer(0)}, {self.pick('1', '2', '-1')}) | list)",
            lambda: f"({self.list(d)} * {self.pick('0', '1', '2')})",
        )()

    def mapping(self, depth):
        if depth <= 0:
            return self.pick("person", "people[0]", "{}", "{'a': 1, 'b': [2]}", "{1: 'x', none: 2}")
        d = depth - 1
        return self.pick(
            lambda: f"{{{self.string(0)}: {self.any(d)}, {self.string(0)}: {self.any(d)}}}",
            lambda: f"{{{self.integer(d)}: {self.any(d)}, {self.boolean(0)}: {self.any(d)}}}",
            lambda: f"dict(a={self.any(d)}, b={self.any(d)})",
            lambda: f"({self.mapping(d)} if {self.boolean(d)} else {self.mapping(d)})",
        )()

    def boolean(self, depth):
        if depth <= 0:
            return self.pick("yes", "no", "true", "false", "(missing is defined)")
        d = depth - 1
        return self.pick(
            lambda: f"({self.any(d)} {self.pick('==', '!=')} {self.any(d)})",
            lambda: f"({self.wrongly('integer', d)} {self.pick('<', '<=', '>', '>=', '==', '!=')} {self.real(d)})",
            lambda: f"({self.wrongly('string', d)} {self.pick('<', '<=', '>', '>=', 'in', 'not in')} {self.string(d)})",
            lambda: f"({self.any(d)} {self.pick('in', 'not in')} {self.wrongly('list', d)})",
            lambda: f"({self.string(d)} in {self.mapping(d)})",
            lambda: f"(not {self.any(d)})",
            lambda: f"({self.any(d)} is {self.pick('', 'not ')}{self.pick('string', 'number', 'mapping', 'iterable', 'sequence', 'none', 'boolean', 'integer', 'float', 'true', 'false', 'defined', 'lower', 'upper')})",
            lambda: f"({self.string(d)}.{self.pick('startswith', 'endswith')}({self.string(0)}))",
            lambda: f"({self.wrongly('integer', d)} is {self.pick('odd', 'even', 'divisibleby 3')})",
            lambda: f"({self.boolean(d)} {self.pick('and', 'or')} {self.boolean(d)})",
        )()


def render(template, chat):
    """The case with its outcome, None if it cannot be a golden value."""
    case = {"template": template, "chat": chat}
    try:
        case["expected"] = ENVIRONMENTS[chat].from_string(template).render(**VARIABLES)
    except Exception as error:  # whatever Jinja2 or Python raise is the outcome
        case["raises"] = type(error).__name__
        return case
    # Addresses differ from run to run, and integers are 64-bit by design.
    if " at 0x" in case["expected"] or "built-in" in case["expected"] or "<class" in case["expected"]:
        return None
    try:
        case["expected"].encode()
    except UnicodeEncodeError:
        return None
    return case


def random_cases(count, seed):
    rng = random.Random(seed)
    generator = Generator(rng)
    cases = []
    while len(cases) < count:
        template = "<<{{ " + generator.any(rng.choice([1, 2, 2, 3])) + " }}>>"
        case = render(template, chat=rng.random() < 0.5)
        if case is not None and len(template) + len(case.get("expected", "")) < 600:
            cases.append(case)
    return cases


def main():
    if sys.argv[1:2] == ["--random"]:
        cases = random_cases(int(sys.argv[2]), int(sys.argv[3]))
        for case in cases:
            print(json.dumps({"variables": VARIABLES, **case}))
        return
    cases = []
    for expression in EXPRESSIONS:
        expression = expression.replace("\\n", "\n") if expression.startswith('"a\\\n') else expression
        for chat in (True, False) if "missing" in expression or "tojson" in expression else (True,):
            cases.append(render("<<{{ " + expression + " }}>>", chat))
    for template in TEMPLATES:
        cases.append(render(template, True))
        cases.append(render(template, False))
    cases += [render(template, True) for template in CHAT_TEMPLATES]
    cases += [render(template, False) for template in PROMPT_TEMPLATES]
    cases = [case for case in cases if case is not None]
    cases += random_cases(500, seed=20260115)
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    with GOLDEN.open("w") as file:
        file.write(json.dumps({"variables": VARIABLES, "now": NOW.isoformat()}, ensure_ascii=False) + "\n")
        for case in cases:
            file.write(json.dumps(case, ensure_ascii=False) + "\n")
    print(f"{len(cases)} cases, {sum('raises' in case for case in cases)} of them raise")


if __name__ == "__main__":
    main()
