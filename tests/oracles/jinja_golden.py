"""Makes tests/golden/jinja/*.jsonl: templates, and what Jinja2 makes of them.

Run: python tests/oracles/jinja_golden.py                   writes the golden files
     python tests/oracles/jinja_golden.py --random N SEED   prints N random cases, for a longer comparison

cases.jsonl holds the templates of jinja/expressions.txt and jinja/templates.json, random.jsonl 2,000 expressions of
jinja/random_expressions.py. The first line of a file holds the variables and the time; each other line is {"template",
"chat", "expected"} or the same with "raises" (the exception's name) and "line" (of the template, where Jinja2 knows
it) in place of "expected". "chat": true is the environment of transformers' apply_chat_template, false that of task
prompts: Jinja2's defaults with StrictUndefined and keep_trailing_newline.
"""

import json
import pathlib
import random
import sys
import traceback

import jinja2

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden" / "jinja"
sys.path.insert(0, str(HERE / "jinja"))

from environments import ENVIRONMENTS, NOW, VARIABLES  # noqa: E402
from random_expressions import Generator  # noqa: E402

RANDOM_CASES = 2000


def line_of(error):
    """The template's line that Jinja2 names for an error, None if it names none."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.lineno
    if "non-namespace object" in str(error):
        return None  # checked before the statement's line is noted: the traceback names the one before
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return lines[-1] if lines else None


def render(template, chat):
    """The case with its outcome, None if it cannot be a golden value."""
    case = {"template": template, "chat": chat}
    try:
        case["expected"] = ENVIRONMENTS[chat].from_string(template).render(**VARIABLES)
    except Exception as error:  # whatever Jinja2 or Python raise is the outcome
        case["raises"] = type(error).__name__
        if (line := line_of(error)) is not None:
            case["line"] = line
        return case
    # Addresses differ from run to run, and integers are 64-bit by design.
    if " at 0x" in case["expected"] or "built-in" in case["expected"] or "<class" in case["expected"]:
        return None
    try:
        case["expected"].encode()
    except UnicodeEncodeError:
        return None
    return case


def written_cases():
    cases = []
    for expression in (HERE / "jinja" / "expressions.txt").read_text().splitlines():
        for chat in (True, False) if "missing" in expression or "tojson" in expression else (True,):
            cases.append(render("<<{{ " + expression + " }}>>", chat))
    templates = json.loads((HERE / "jinja" / "templates.json").read_text())
    for template in templates["both"]:
        cases += [render(template, True), render(template, False)]
    cases += [render(template, True) for template in templates["chat"]]
    cases += [render(template, False) for template in templates["prompt"]]
    # The same errors further down in a template: their lines.
    for case in [case for case in cases if case and "raises" in case and "\n" not in case["template"]]:
        around = "one\n{# two\nthree #}\n{% if yes %}\n  " + case["template"] + "\n{% endif %}\nseven\n"
        cases.append(render(around, case["chat"]))
    return [case for case in cases if case is not None]


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


def write(name, cases):
    with (GOLDEN / name).open("w") as file:
        file.write(json.dumps({"variables": VARIABLES, "now": NOW.isoformat()}, ensure_ascii=False) + "\n")
        for case in cases:
            file.write(json.dumps(case, ensure_ascii=False) + "\n")
    print(f"{name}: {len(cases)} cases, {sum('raises' in case for case in cases)} of them raise")


def main():
    if sys.argv[1:2] == ["--random"]:
        for case in random_cases(int(sys.argv[2]), int(sys.argv[3])):
            print(json.dumps({"variables": VARIABLES, **case}))
        return
    GOLDEN.mkdir(parents=True, exist_ok=True)
    write("cases.jsonl", written_cases())
    write("random.jsonl", random_cases(RANDOM_CASES, seed=20260115))


if __name__ == "__main__":
    main()
