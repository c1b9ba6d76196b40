"""What lm-evaluation-harness's filters make of made-up responses.

Run: pip install -r tests/oracles/requirements.txt, then `python tests/oracles/tasks_filters.py`. Writes tests/golden/tasks/filters.json.
"""

import json
import pathlib

from lm_eval.filters import build_filter_ensemble

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tasks"

CHOICES = [["Guilty", "Guilty of Romance", "Romance"], ["a dog.", "a cat.", "The Dog"], ["3.5", "35", "3"], ["été", "Straße", "“quoted”"], ["same", "same", "(x) [y]"], ["yes", "no"], ["", "x"],
           ["one two", "one", "two", "three", "four"]]
ANSWERS = ["(B) is right", "The answer is (C).", "It is Guilty of Romance, not Guilty", "guilty", "A DOG", "I saw a cat. And a dog.", "answer: B", "Answer:\n\n C and : A", "answer: Z", "3.5 or 35?", "the été was STRASSE",
           "quoted", "same same", "(x) [y]!", "no yes no", "", "none of them", "It is one", "two, then one two", ": D", "x"]
MULTI = [{}, {"ignore_case": True}, {"ignore_punctuation": True, "ignore_case": True}, {"regex_pattern": r"(\([A-Z]\))"}, {"regex_pattern": r"(\([A-Z]\))", "group_select": -1, "ignore_case": True},
         {"regex_pattern": r"answer is \(?(?:([A-E])|([1-5]))\)?", "fallback": "?"}, {"regexes_to_ignore": [r"\bthe\b", r"\."], "ignore_case": True}, {"group_select": -1}]
SPANS = ["Person: Kofi Annan, Ama $$ location: accra $ date: none", "PER: a\nLOC: Kenya, Uganda\nORG: none", "people : x $$ persons: y, None, z", "no entities here", "", "time: noon $$$ company: Acme, Inc. $$",
         "the person is: Ann; person: Bob", "counties: X$$places:Y", "person\u00a0: Zo\u00eb, \u00c9MILE", "superperson: q", "date: 3 May 2020, 4 May", "organization: a\n\nlocation: b,,c"]
LISTS = [["a", "b", "a"], ["b", "a", "a", "b"], ["x"], ["B", "b", "b ", "B"], ["1", "2", "3", "2"]]
TAGGED = ["[('The', 'DET'), ('dog', 'NOUN')]", "('a','X')", "('it\'s', 'PRON') ('x', 'VERB')", "", "no pairs", "('', '')", "('\u00e9t\u00e9', 'N\u00d6UN')\n('b', 'two words')", "[('a', 'B'), ('c', 'D'"]
TEXTS = ["Yes", "yes", " no ", "", "1", "true", "maybe", "İ ß", "A\u2003"]


def apply(name, options, responses, choices=None):
    pipeline = build_filter_ensemble("x", [(name, options)])
    [filtered] = pipeline.filters[0]().apply([responses], [{"choices": choices or []}])
    return filtered if isinstance(filtered, list) else [filtered]


def multi(options, choices, text):
    try:
        return apply("multi_choice_regex", options, [text], choices)
    except IndexError:  # the harness ends here
        return None


def main():
    golden = {"multi_choice_regex": [], "format_span": [], "lists": [], "map": [], "regex_pos": []}
    for options in MULTI:
        for choices in CHOICES:
            found = [multi(options, choices, text) for text in ANSWERS]
            golden["multi_choice_regex"].append({"options": options, "choices": choices, "texts": ANSWERS, "filtered": [f and f[0] for f in found]})
    golden["format_span"] = [{"text": text, "filtered": apply("format_span", None, [text])[0]} for text in SPANS]
    for responses in LISTS:
        golden["lists"].append({"responses": responses, "majority_vote": apply("majority_vote", None, responses), "take_first": apply("take_first", None, responses),
                                "take_first_k": [apply("take_first_k", {"k": k}, responses) for k in range(1, len(responses) + 1)]})
    mapping = {"mapping_dict": {"Yes": "A", "no": "B", "": "empty", "İ ß": "ok"}, "default_value": "?"}
    golden["map"] = [{"text": text, "filtered": apply("map", mapping, [text])[0]} for text in TEXTS]
    for options in [None, {"fallback": ["?", "none"]}, {"regex_pattern": "x", "group_select": 1}]:
        golden["regex_pos"] += [{"options": options or {}, "text": text, "filtered": str(apply("regex_pos", options, [text])[0])} for text in TAGGED]
    (GOLDEN / "filters.json").write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")).replace("},{", "},\n{") + "\n")


if __name__ == "__main__":
    main()
