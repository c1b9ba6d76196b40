"""pocket-gsm: word problems of one to three small steps, each with its worked answer, in GSM8K's form.

A problem is composed: an opening (how many there are), changes (bought, given away, packed), and a question (shared, sold, compared).
The worked answer has a line for each step, `label: a+b=c`, and ends in `#### N`.
Of the wordings of each part, every kind of thing has one that it meets in tests only: tests are new combinations of known parts.
"""

import random
import zlib

INSTRUCTION = "Solve step by step and end with #### and the number."
_NAMES = ("Mia,Tom,Ava,Ben,Zoe,Sam,Lea,Max,Ida,Leo,Eva,Jon,Amy,Kai,Nora,Paul,Lucy,Omar,Rosa,Finn,Anna,Carl,Ella,Hugo,Jane,Karl,Lily,Nick,Olga,Pete,Ruth,Theo,Vera,Will,Yara,Adam,"
          "Beth,Dora,Emil,Gina").split(",")
# things: what holds many of them
_THINGS = {"apples": "baskets", "pears": "baskets", "plums": "baskets", "lemons": "baskets", "eggs": "boxes", "pens": "boxes", "pencils": "boxes", "crayons": "boxes", "chocolates": "boxes",
           "candles": "boxes", "tiles": "boxes", "cookies": "tins", "muffins": "trays", "rolls": "bags", "marbles": "bags", "nuts": "bags", "seeds": "bags", "shells": "buckets", "stamps": "pages",
           "photos": "pages", "stickers": "sheets", "cards": "packs", "batteries": "packs", "balloons": "packs", "books": "shelves", "cups": "shelves", "plants": "rows", "chairs": "rows",
           "roses": "bunches", "tulips": "bunches"}
_PEOPLE = "friends,cousins,neighbours,children,guests,players".split(",")

# Wordings: N = who it is about, M = somebody else, t = the things, c = what holds them, p = people; a, b, k are numbers.
_OPENINGS = {
    "has": ["{N} has {a} {t}.", "{N} owns {a} {t}.", "There are {a} {t} on the table of {N}.", "{N} starts with {a} {t}.", "{N} counts {a} {t}."],
    "groups": ["{N} has {a} {c} with {b} {t} each.", "{N} has {a} {c} of {b} {t}.", "There are {a} {c} in front of {N}, each with {b} {t}.", "{N} fills {a} {c} with {b} {t} each.",
               "Each of the {a} {c} of {N} holds {b} {t}."],
    "colours": ["{N} has {a} red {t} and {b} blue {t}.", "{N} has {a} large {t} and {b} small {t}.", "{N} owns {a} old {t} and {b} new {t}.", "There are {a} cheap {t} and {b} fine {t} on the table of {N}.",
                "{N} counts {a} big {t} and {b} little {t}."],
    "more": ["{M} has {a} {t}. {N} has {b} more {t} than {M}.", "{M} has {a} {t}, and {N} has {b} more.", "{N} has {b} {t} more than {M}, who has {a}.", "{M} counts {a} {t}. {N} counts {b} more than that.",
             "While {M} owns {a} {t}, {N} owns {b} more."],
    "fewer": ["{M} has {a} {t}. {N} has {b} fewer {t} than {M}.", "{M} has {a} {t}, and {N} has {b} fewer.", "{N} has {b} {t} fewer than {M}, who has {a}.", "{M} counts {a} {t}. {N} counts {b} fewer than that.",
              "While {M} owns {a} {t}, {N} owns {b} fewer."],
    "times": ["{M} has {a} {t}. {N} has {b} times as many {t} as {M}.", "{M} has {a} {t}, and {N} has {b} times as many.", "{N} has {b} times as many {t} as {M}, who has {a}.",
              "{M} counts {a} {t}. {N} counts {b} times as many.", "While {M} owns {a} {t}, {N} owns {b} times that many."],
}
_CHANGES = {
    "gains": ["{N} buys {a} more {t}.", "Then {N} gets {a} {t} from {M}.", "{N} finds another {a} {t}.", "{M} gives {N} {a} more {t}.", "A shop sends {a} more {t} to {N}."],
    "loses": ["{N} gives {a} {t} to {M}.", "Then {N} loses {a} of the {t}.", "{N} sells {a} {t}.", "{M} takes {a} {t} away.", "{N} sends {a} of the {t} to a fair."],
    "gains_groups": ["{N} buys {a} more {c} with {b} {t} each.", "Then {N} gets {a} {c} of {b} {t}.", "{M} gives {N} {a} {c} of {b} {t} each.", "{N} finds another {a} {c} with {b} {t} each.",
                     "A shop sends {N} {a} {c} of {b} {t}."],
    "loses_groups": ["{N} gives {b} {t} to each of {a} {p}.", "Then {a} {p} get {b} {t} each from {N}.", "{N} sells {b} {t} to each of {a} {p}.", "Each of {a} {p} takes {b} {t} away.",
                     "{N} sends {a} {p} {b} {t} each."],
    "doubles": ["Then {N} doubles the number of {t}.", "After a week {N} has twice as many {t}.", "{M} brings as many {t} again.", "The number of {t} of {N} doubles.", "{N} then buys as many {t} again."],
}
_QUESTIONS = {
    "now": ["How many {t} does {N} have now?", "How many {t} are there now?", "How many {t} does {N} have in the end?", "What is the number of {t} of {N} now?", "Now {N} has how many {t}?"],
    "shared": ["The {t} are shared equally by {k} {p}. How many does each get?", "{N} divides the {t} equally among {k} {p}. How many {t} does each get?", "If {k} {p} share the {t} equally, how many does each of them get?",
               "{k} {p} get all the {t}, each the same number. How many is that?", "How many {t} does each of {k} {p} get if {N} shares them equally?"],
    "packed": ["{N} puts the {t} into {c} of {k}. How many {c} are needed?", "How many {c} does {N} fill with {k} {t} each?", "If {k} {t} go into each of the {c}, how many {c} does {N} need?",
               "{N} packs {k} {t} into each of the {c}. How many {c} are there?", "{N} makes {c} of {k} {t}. How many {c} are made?"],
    "sold": ["{N} sells all the {t} for {k} dollars each. How many dollars does {N} get?", "All the {t} are sold at {k} dollars each. How much money is that?", "How many dollars does {N} get for the {t} at {k} dollars each?",
             "Each of the {t} costs {k} dollars. How much do they cost together?", "{M} pays {k} dollars for each of the {t}. How many dollars is that in all?"],
    "together": ["{M} has {k} {t}. How many {t} do they have together?", "How many {t} do {N} and {M} have together if {M} has {k}?", "If {M} has {k} {t}, how many do the two have in all?",
                 "{M} owns {k} {t}. How many do both have in all?", "Together with the {k} {t} of {M}, how many {t} is that?"],
    "ahead": ["{M} has {k} {t}. How many more does {N} have?", "How many more {t} than {M}, who has {k}, does {N} have?", "If {M} has {k} {t}, by how many is {N} ahead?", "{M} owns {k} {t}. How many fewer is that than {N} has?",
              "{M} counts {k} {t}. What is the difference to {N}?"],
    "needed": ["{N} wants {k} {t}. How many more are needed?", "How many more {t} does {N} need to have {k}?", "If {N} wants to have {k} {t}, how many are missing?", "{N} needs {k} {t} in all. How many are still missing?",
               "The aim of {N} is {k} {t}. How many more does it take?"],
}
# What a line of the worked answer is called.
_LABELS = {"groups": "in all", "colours": "in all", "more": "with more", "fewer": "with fewer", "times": "times", "gains": "after getting", "loses": "after losing", "gains_groups": "new ones",
           "loses_groups": "gone", "doubles": "twice", "shared": "each", "packed": "packs", "sold": "money", "together": "together", "ahead": "difference", "needed": "missing"}
_OPERATIONS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
_COMPUTE = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a // b}
_LARGEST = 99  # of a count of things; amounts of money may be larger


class _Problem:
    """Sentences and worked lines, with the count that stands after each."""

    def __init__(self, rng, test):
        self.rng, self.test = rng, test
        self.things = rng.choice(list(_THINGS))
        name, *self.others = rng.sample(_NAMES, 4)
        self.words = {"N": name, "t": self.things, "c": _THINGS[self.things], "p": rng.choice(_PEOPLE)}
        self.count, self.sentences, self.lines, self.operations = 0, [], [], []

    def say(self, table, part, **numbers):
        wordings = table[part]
        kept_back = zlib.crc32(f"{part}/{self.things}".encode()) % len(wordings)
        chosen = kept_back if self.test else self.rng.choice([i for i in range(len(wordings)) if i != kept_back])
        other = self.others[len(self.sentences)]  # somebody new each time: what was said of an earlier one still stands
        self.sentences.append(wordings[chosen].format(M=other, **self.words, **numbers))

    def work(self, label, a, operation, b):
        result = _COMPUTE[operation](a, b)
        self.lines.append(f"{label}: {a}{operation}{b}={result}")
        self.operations.append(operation)
        return result


def _open(problem, steps):
    """An opening of `steps` steps (0 or 1)."""
    rng = problem.rng
    part = rng.choice([p for p in _OPENINGS if p != "has"]) if steps else "has"
    if part == "has":
        problem.count = rng.randint(5, 60)
        problem.say(_OPENINGS, part, a=problem.count)
        return
    if part in ("groups", "times"):
        a, b, operation = rng.randint(2, 9), rng.randint(2, 9), "*"
    elif part == "fewer":
        a, operation = rng.randint(8, 60), "-"
        b = rng.randint(2, min(a - 3, 25))
    else:
        a, b, operation = rng.randint(3, 40), rng.randint(2, 25), "+"
    problem.say(_OPENINGS, part, a=a, b=b)
    problem.count = problem.work(_LABELS[part], a, operation, b)


def _change(problem, steps):
    """One change of exactly `steps` steps (1 or 2)."""
    rng, count = problem.rng, problem.count
    if steps == 1:
        fits = [p for p, good in (("gains", count < _LARGEST - 30), ("loses", count > 5), ("doubles", count <= 45)) if good]
        part = rng.choices(fits, [1 if p == "doubles" else 3 for p in fits])[0]
        if part == "doubles":
            problem.say(_CHANGES, part)
            problem.count = problem.work(_LABELS[part], count, "*", 2)
            return
        a = rng.randint(2, 30) if part == "gains" else rng.randint(2, min(count - 2, 30))
        problem.say(_CHANGES, part, a=a)
        problem.count = problem.work(_LABELS[part], count, "+" if part == "gains" else "-", a)
        return
    a, b = rng.randint(2, 6), rng.randint(2, 8)
    lose = a * b < count - 1 and (rng.random() < 0.5 or count + a * b > _LARGEST)
    part = "loses_groups" if lose else "gains_groups"
    problem.say(_CHANGES, part, a=a, b=b)
    moved = problem.work(_LABELS[part], a, "*", b)
    problem.count = problem.work(_LABELS["loses" if lose else "gains"], count, "-" if lose else "+", moved)


def _ask(problem, steps):
    """The question, of `steps` steps (0 or 1)."""
    rng, count = problem.rng, problem.count
    if not steps:
        problem.say(_QUESTIONS, "now")
        return
    parts = [k for k in range(2, 10) if count % k == 0 and count // k > 1]
    fits = ["together", "needed"] + ["ahead"] * (count > 6) + ["shared", "packed"] * bool(parts) + ["sold"] * (count <= 30)
    part = rng.choice(fits)
    if part in ("shared", "packed"):
        k, a, operation, b = rng.choice(parts), count, "/", None
    elif part == "sold":
        k, a, operation, b = rng.randint(2, 6), count, "*", None
    elif part == "together":
        k, a, operation, b = rng.randint(2, 30), count, "+", None
    elif part == "ahead":
        k, a, operation, b = rng.randint(2, min(count - 2, 40)), count, "-", None
    else:
        k = count + rng.randint(2, 30)
        a, operation, b = k, "-", count
    problem.say(_QUESTIONS, part, k=k)
    problem.count = problem.work(_LABELS[part], a, operation, k if b is None else b)


# How many steps the opening, the change (None: there is none) and the question have.
_PLANS = {1: [(1, None, 0), (0, 1, 0), (0, None, 1)], 2: [(1, 1, 0), (1, None, 1), (0, 1, 1), (0, 2, 0)], 3: [(1, 1, 1), (1, 2, 0), (0, 2, 1)]}


def make(rng, test=False, steps=None):
    """One problem as a row without id."""
    steps = steps or rng.randint(1, 3)
    opening, change, question = rng.choice(_PLANS[steps])
    problem = _Problem(rng, test)
    _open(problem, opening)
    if change:
        _change(problem, change)
    _ask(problem, question)
    names = {_OPERATIONS[operation] for operation in problem.operations}
    return {"question": " ".join(problem.sentences), "answer": "\n".join(problem.lines) + f"\n#### {problem.count}", "steps": len(problem.lines),
            "operation": names.pop() if len(names) == 1 else "mixed"}


def make_training(rng):
    """A problem, or now and then a column of plain sums in the same form: a pocket model has to learn to calculate, too."""
    if rng.random() < 0.8:
        return make(rng)
    sums = []
    for _ in range(4):
        operation = rng.choice("+-*/")
        if operation in "*/":
            a, b = rng.randint(2, 30 if rng.random() < 0.3 else 9), rng.randint(2, 9)
            a, b = (a * b, b) if operation == "/" else (a, b)
        else:
            a, b = rng.randint(2, 70), rng.randint(2, 40)
            a, b = (max(a, b), min(a, b)) if operation == "-" else (a, b)
        sums.append((f"{a}{operation}{b}", _COMPUTE[operation](a, b)))
    return {"question": f"Work out {', '.join(s for s, _ in sums)}.", "answer": "".join(f"{s}={result}\n" for s, result in sums) + f"#### {sums[-1][1]}"}


def variable_text(row):
    return row["question"]


def prompt_and_answer(row):
    return f"{INSTRUCTION}\n{row['question']}", row["answer"]


if __name__ == "__main__":
    generator = random.Random(5)
    for _ in range(14):
        example = make_training(generator)
        print(example["question"], "\n  ->", example["answer"].replace("\n", " | "))
