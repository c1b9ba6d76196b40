"""pocket-code: short Python functions from a signature and a docstring, with tests, in HumanEval's fields.

A function is composed: where the items come from, which are kept, what is done to each, and what is made of them. Every
combination (a `key`) belongs either to the training text or to the tests, by its checksum; each part is met in both.
"""

import random
import re
import zlib

FAMILIES = ["numbers", "words", "characters", "piecewise", "neighbours", "slices", "limits", "running"]
_TEST_SHARE = 6  # one key in so many is kept back for the tests
_LETTERS = "aeioustrnlm"
_WORDS = ("an apple tree,red roses,old stone houses,seven blue birds,rain in May,a small train,sun and sea,no more tests,many little lamps,Ella sent letters,nine Tall towers,our new sofa,it is late,"
          "Tom runs home,some salt,eight open doors,the moon rises,lions sleep,under a tent,used oil lamps").split(",")
_MIXED = ["Room 12b", "Apple 3 Pie", "no digits", "ABC abc", "x9y8z7", "Seven 7s", "aeiou", "RSTLN", "tea 4 two", "Mr Lee", "404 Errors", "late Train", "sum = 10", "Oslo2Rome", "ill will", "noon", "Is it On", "1a2e3i"]


class Function:
    """A drawn function: its arguments, what the docstring may say, its body, how inputs are drawn, and the key of the combination."""

    def __init__(self, family, key, argument, wordings, lines, inputs, name):
        self.family, self.key, self.argument, self.wordings, self.name = family, f"{family}/{key}", argument, wordings, name
        self.lines, self.inputs = lines, inputs
        self.body = "".join(f"    {line}\n" for line in lines)

    def for_tests(self):
        return zlib.crc32(self.key.encode()) % _TEST_SHARE == 0

    def callable(self):
        scope = {}
        exec(f"def f({self.argument}):\n{self.body}", scope)  # our own text, made a few lines above
        return scope["f"]


def _number_filter(rng):
    """(adjective before 'numbers', clause after it, condition on x, tag)."""
    k = rng.randint(2, 9)
    return rng.choice([("even ", "", "x % 2 == 0", "even"), ("odd ", "", "x % 2 == 1", "odd"), ("", f" greater than {k}", f"x > {k}", f"greater{k}"), ("", f" less than {k}", f"x < {k}", f"less{k}"),
                       ("", f" divisible by {k}", f"x % {k} == 0", f"divisible{k}"), ("", f" other than {k}", f"x != {k}", f"other{k}")])


def _number_map(rng):
    """(what is done to each number, expression of x, tag)."""
    k = rng.randint(2, 9)
    return rng.choice([("square each", "x * x", "square"), (f"multiply each by {k}", f"x * {k}", f"times{k}"), (f"add {k} to each", f"x + {k}", f"plus{k}"), (f"subtract {k} from each", f"x - {k}", f"minus{k}"),
                       ("negate each", "-x", "negate"), (f"divide each by {k} without remainder", f"x // {k}", f"over{k}")])


_REDUCES = {"list": ("return the list", "{}"), "sum": ("return the sum", "sum({})"), "count": ("return how many there are", "len({})"), "largest": ("return the largest, or 0 if there is none", "max({}, default=0)"),
            "smallest": ("return the smallest, or 0 if there is none", "min({}, default=0)"), "sorted": ("return them in rising order", "sorted({})"),
            "falling": ("return them in falling order", "sorted({}, reverse=True)"), "backwards": ("return them in reverse order", "{}[::-1]")}
_SOURCES = {"xs": ("xs", "in xs", []), "digits": ("n", "among the digits of n", ["xs = [int(d) for d in str(n)]"]), "upto": ("n", "from 1 to n", ["xs = range(1, n + 1)"])}


def _lists(rng, near=5):
    return [rng.choice([rng.randint(-9, 20), near + rng.randint(-1, 1), near * rng.randint(1, 3)]) for _ in range(rng.randint(3, 6))]


def _sentence(text):
    return text[0].upper() + text[1:] + "."


def _threshold(*tags):
    numbers = [int(n) for tag in tags for n in re.findall(r"\d+", tag)]
    return numbers[0] if numbers else 5


def _numbers(rng):
    source = rng.choice(["xs", "xs", "digits", "upto"])
    argument, place, before = _SOURCES[source]
    adjective, clause, condition, kept = _number_filter(rng) if rng.random() < 0.8 else ("", "", None, "all")
    doing, value, mapped = _number_map(rng) if rng.random() < 0.5 or not condition else (None, "x", "same")
    reduce = rng.choice([r for r in _REDUCES if r != "count" or (condition and not doing)])
    made, form = _REDUCES[reduce]
    items = f"[{value} for x in xs{f' if {condition}' if condition else ''}]"
    steps = (f", {doing}" if doing else "") + f" and {made}"
    which = f"{adjective}numbers {place}{clause}" if source != "upto" else f"{adjective}numbers{clause} {place}"
    wordings = [f"take the {which}{steps}", f"keep the {which}{steps}", f"find the {which}{steps}"]
    near = _threshold(kept)
    inputs = {"xs": lambda r: _lists(r, near), "digits": lambda r: r.randint(10, 99999), "upto": lambda r: r.randint(4, 14)}[source]
    return Function("numbers", f"{source}/{kept}/{mapped}/{reduce}", argument, wordings, [*before, f"return {form.format(items)}"], inputs, f"{reduce}_{re.sub('[0-9]', '', kept)}")


def _words(rng):
    k, c = rng.randint(2, 5), rng.choice(_LETTERS)
    clause, condition, kept = rng.choice([("", None, "all"), (f" longer than {k}", f"len(w) > {k}", f"longer{k}"), (f" shorter than {k}", f"len(w) < {k}", f"shorter{k}"), (f" that start with {c}", f"w.startswith('{c}')", f"start{c}"),
                                          (f" that end with {c}", f"w.endswith('{c}')", f"end{c}"), (f" that contain {c}", f"'{c}' in w", f"contain{c}"), (f" without {c}", f"'{c}' not in w", f"without{c}")])
    doing, value, mapped = rng.choice([(None, "w", "same"), (None, "w", "same"), ("make each upper case", "w.upper()", "upper"), ("reverse each", "w[::-1]", "reverse"), ("take the first letter of each", "w[0]", "first"),
                                       ("take the last letter of each", "w[-1]", "last"), ("double each", "w * 2", "double"), ("take the length of each", "len(w)", "length"), (f"cut each to {k} letters", f"w[:{k}]", f"cut{k}")])
    sign, named = rng.choice([(" ", "spaces"), ("-", "hyphens"), ("_", "underscores"), ("", "nothing")])
    choices = [("return the list", "{}", "list"), ("return them in reverse order", "{}[::-1]", "backwards"), ("return them in rising order", "sorted({})", "sorted")]
    choices += [("return the sum", "sum({})", "sum")] if mapped == "length" else [(f"join them with {named}", f"'{sign}'.join({{}})", f"join{named}")] * 3
    choices += [("return how many there are", "len({})", "count")] if condition and not doing else []
    made, form, reduce = rng.choice(choices)
    items = f"[{value} for w in s.split(){f' if {condition}' if condition else ''}]"
    steps = (f", {doing}" if doing else "") + f" and {made}"
    wordings = [f"take the words of s{clause}{steps}", f"split s, keep the words{clause}{steps}" if condition else f"split s into words{steps}"]
    return Function("words", f"{kept}/{mapped}/{reduce}", "s", wordings, [f"return {form.format(items)}"], lambda r: r.choice(_WORDS), f"{reduce}_words")


def _characters(rng):
    c, other = rng.sample(_LETTERS, 2)
    which, condition, kind = rng.choice([("vowels", "c in 'aeiou'", "vowels"), ("digits", "c.isdigit()", "digits"), ("letters", "c.isalpha()", "letters"), ("capital letters", "c.isupper()", "capitals"), ("small letters", "c.islower()", "small"),
                                         ("spaces", "c == ' '", "spaces"), (f"letters {c}", f"c == '{c}'", f"is{c}"), (f"letters {c} and {other}", f"c in '{c}{other}'", f"are{c}{other}")])
    negated = {"c in": "c not in", "c ==": "c != "[:-1]}.get(condition[:4])
    negated = negated + condition[4:] if negated else f"not {condition}"
    verb = rng.choice(["keep", "remove", "count", "replace"])
    sign = rng.choice("*-_.")
    doing, form, ending = rng.choice([("", "{}", "as is"), ("", "{}", "as is"), (" in reverse order", "{}[::-1]", "backwards"), (" in upper case", "{}.upper()", "upper"), (" twice", "{} * 2", "twice")])
    if verb == "count":
        doing, ending = "", "number"
        wordings, made = [f"return how many {which} s has", f"count the {which} in s"], f"len([c for c in s if {condition}])"
    elif verb == "replace":
        wordings = [f"replace the {which} in s by '{sign}' and return the text{doing}", f"put '{sign}' for the {which} in s and return the text{doing}"]
        made, ending = form.format(f"''.join(['{sign}' if {condition} else c for c in s])"), ending + sign
    else:
        wordings = [f"{verb} the {which} in s and return the text{doing}", f"{verb} all {which} of s and return the text{doing}"]
        made = form.format(f"''.join([c for c in s if {condition if verb == 'keep' else negated}])")
    return Function("characters", f"{kind}/{verb}/{ending}", "s", wordings, [f"return {made}"], lambda r: r.choice(_MIXED + _WORDS), f"{verb}_{'letters' if kind.startswith(('is', 'are')) else kind}")


def _piecewise(rng):
    k = rng.randint(2, 15)
    when, condition, tag = rng.choice([("n is even", "n % 2 == 0", "even"), ("n is odd", "n % 2 == 1", "odd"), ("n is negative", "n < 0", "negative"), (f"n is greater than {k}", f"n > {k}", f"greater{k}"),
                                       (f"n is less than {k}", f"n < {k}", f"less{k}"), (f"n is divisible by {k % 8 + 2}", f"n % {k % 8 + 2} == 0", f"divisible{k % 8 + 2}")])

    def value():
        j = rng.randint(2, 9)
        return rng.choice([("n", "n"), (f"n plus {j}", f"n + {j}"), (f"n minus {j}", f"n - {j}"), (f"n times {j}", f"n * {j}"), (f"{j}", f"{j}"), ("the square of n", "n * n"), ("minus n", "-n"), ("0", "0")])
    (first, yes), (second, no) = value(), value()
    while no == yes:
        second, no = value()
    wordings = [f"return {first} if {when}, else {second}", f"if {when}, return {first}, otherwise {second}"]
    near = _threshold(tag)
    return Function("piecewise", f"{tag}/{yes}/{no}", "n", wordings, [f"if {condition}:", f"    return {yes}", f"return {no}"],
                    lambda r: r.choice([r.randint(-12, 25), near + r.randint(-1, 1), near * r.randint(1, 4)]), f"when_{re.sub('[0-9]', '', tag)}")


def _neighbours(rng):
    what, pair, tag = rng.choice([("sums", "a + b", "sums"), ("differences", "b - a", "differences"), ("products", "a * b", "products"), ("larger ones", "max(a, b)", "larger"), ("smaller ones", "min(a, b)", "smaller"), ("distances", "abs(b - a)", "distances")])
    doing, value, mapped = _number_map(rng) if rng.random() < 0.5 else (None, "x", "same")
    reduce = rng.choice([r for r in _REDUCES if r != "count"])
    made, form = _REDUCES[reduce]
    steps = (f", {doing}" if doing else "") + f" and {made}"
    before, items = ([f"ys = [{pair} for a, b in zip(xs, xs[1:])]"], f"[{value} for x in ys]" if doing else "ys")
    wordings = [f"take the {what} of neighbours in xs{steps}", f"from xs, compute the {what} of neighbours{steps}"]
    return Function("neighbours", f"{tag}/{mapped}/{reduce}", "xs", wordings, [*before, f"return {form.format(items)}"], _lists, f"{reduce}_{tag}")


def _slices(rng):
    k = rng.randint(2, 4)
    which, cut, tag = rng.choice([(f"the first {k} items of xs", f"xs[:{k}]", f"first{k}"), (f"the last {k} items of xs", f"xs[-{k}:]", f"last{k}"), (f"all but the first {k} items of xs", f"xs[{k}:]", f"after{k}"),
                                  (f"all but the last {k} items of xs", f"xs[:-{k}]", f"before{k}"), (f"every item number {k} of xs, from the first on,", f"xs[::{k}]", f"every{k}")])
    doing, value, mapped = _number_map(rng) if rng.random() < 0.6 else (None, "x", "same")
    reduce = rng.choice([r for r in _REDUCES if r != "count"])
    made, form = _REDUCES[reduce]
    items = f"[{value} for x in {cut}]" if doing else cut
    steps = (f", {doing}" if doing else "") + f" and {made}"
    return Function("slices", f"{tag}/{mapped}/{reduce}", "xs", [f"take {which}{steps}", f"keep {which}{steps}"], [f"return {form.format(items)}"],
                    lambda r: [r.randint(-9, 20) for _ in range(r.randint(3, 7))], f"{reduce}_{tag[:-1]}")


def _limits(rng):
    low = rng.randint(0, 9)
    high = low + rng.randint(3, 20)
    j = rng.randint(2, 9)
    doing, value, tag = rng.choice([("", "n", "same"), (f"add {j} to n and ", f"n + {j}", f"plus{j}"), (f"subtract {j} from n and ", f"n - {j}", f"minus{j}"), (f"multiply n by {j} and ", f"n * {j}", f"times{j}"),
                                    ("square n and ", "n * n", "square"), ("negate n and ", "-n", "negate")])
    it = "it" if doing else "n"
    ends, made, kind = rng.choice([(f"limit {it} to at least {low} and at most {high}", f"max({low}, min({high}, {value}))", f"{low}to{high}"), (f"limit {it} to at most {high}", f"min({high}, {value})", f"below{high}"),
                                   (f"limit {it} to at least {low}", f"max({low}, {value})", f"above{low}")])
    return Function("limits", f"{tag}/{kind}", "n", [f"{doing}{ends}", f"{doing}{ends} and return the result"], [f"return {made}"], lambda r: r.choice([r.randint(-25, 35), r.randint(0, 9)]), "limit")


def _running(rng):
    what, line, start, tag = rng.choice([("sums", "total += x", "0", "sums"), ("products", "total *= x", "1", "products"), ("largest values, at least 0,", "total = max(total, x)", "0", "largest"),
                                         ("smallest values, at most 0,", "total = min(total, x)", "0", "smallest")])
    adjective, clause, condition, kept = _number_filter(rng) if rng.random() < 0.8 else ("", "", None, "all")
    doing, value, mapped = _number_map(rng) if rng.random() < 0.5 or not condition else (None, "x", "same")
    items = f"[{value} for x in xs{f' if {condition}' if condition else ''}]"
    which, steps = f"{adjective}numbers in xs{clause}", (f", {doing}" if doing else "") + f" and return the running {what} as a list"
    near = _threshold(kept)
    lines = [f"total, out = {start}, []", f"for x in {items}:", f"    {line}", "    out.append(total)", "return out"]
    return Function("running", f"{tag}/{kept}/{mapped}", "xs", [f"take the {which}{steps}", f"keep the {which}{steps}"], lines, lambda r: _lists(r, near), f"running_{tag}")


_DRAW = {"numbers": _numbers, "words": _words, "characters": _characters, "piecewise": _piecewise, "neighbours": _neighbours, "slices": _slices, "limits": _limits, "running": _running}


def _example(rng, function):
    """An input that shows something: if there is one among a few, with a result that is not empty."""
    f, best = function.callable(), None
    for _ in range(4):
        value = function.inputs(rng)
        best = (value, f(value))
        if best[1] not in (0, "", []):
            break
    return best


def _prompt(rng, function):
    value, result = _example(rng, function)
    text = _sentence(rng.choice(function.wordings))
    return f'def {function.name}({function.argument}):\n    """{text}\n\n    >>> {function.name}({value!r})\n    {result!r}\n    """\n'


def wrong_answers(rng, function, count=80):
    """Callables that must fail the tests: constants, the input itself, and other functions of the family with the same argument."""
    found = [lambda v, c=c: c for c in (None, 0, 1, -1, True, False, "", [], " ")]
    found += [lambda v: v, lambda v: [v], str, lambda v: sorted(v), lambda v: sum(v), lambda v: len(v), lambda v: max(v), lambda v: v[::-1], lambda v: list(v), lambda v: v + 1, lambda v: v * 2]
    while count:
        other = _DRAW[function.family](rng)
        if other.argument == function.argument and other.key != function.key:
            found.append(other.callable())
            count -= 1
    return found


def _outcome(f, value):
    try:
        return f(list(value) if isinstance(value, list) else value)
    except Exception as error:  # a wrong answer may fail in any way
        return type(error)


def _test(rng, function):
    """Asserts that every wrong answer fails which differs from the right one on any of 120 inputs, at least four; None if the right one says much the same to all."""
    right, pool = function.callable(), []
    for _ in range(120):
        value = function.inputs(rng)
        if value not in pool:
            pool.append(value)
    results = [right(v) for v in pool]
    if len({repr(r) for r in results}) < 4:
        return None
    wrong = [[_outcome(f, v) == r for v, r in zip(pool, results)] for f in wrong_answers(rng, function)]
    wrong = [row for row in wrong if not all(row)]
    chosen = []
    while len(chosen) < 4 or wrong:
        left = [i for i in range(len(pool)) if i not in chosen]
        best = max(left, key=lambda i: (sum(not row[i] for row in wrong), repr(results[i]) not in [repr(results[j]) for j in chosen]))
        chosen.append(best)
        wrong = [row for row in wrong if row[best]]
    return "def check(candidate):\n" + "".join(f"    assert candidate({pool[i]!r}) == {results[i]!r}\n" for i in chosen)


def make(rng, test=False, family=None):
    """One function as a row without id; training rows have no tests."""
    while True:
        function = _DRAW[family or rng.choice(FAMILIES)](rng)
        if function.for_tests() == test and (not test or (tests := _test(rng, function))):
            break
    row = {"prompt": _prompt(rng, function), "entry_point": function.name, "canonical_solution": function.body, "family": function.family}
    return {**row, "test": tests} if test else row


def variable_text(row):
    return row["prompt"]


def identity(row):
    """Two rows with one solution are one problem, whatever their examples."""
    return row["canonical_solution"]


def passes(row, body):
    """Whether the function with this body passes the row's tests. Runs it in this process: for our own bodies only."""
    scope = {}
    try:
        exec(f"{row['prompt']}{body}\n{row['test']}\ncheck({row['entry_point']})", scope)
    except Exception:  # a wrong body may fail in any way
        return False
    return True


def faults(row):
    """What is wrong with a test row: a solution that fails, an empty-handed body that passes, too few tests."""
    first = row["prompt"].split("(")[1].split(")")[0].split(",")[0]
    lazy = [f"    return {value}\n" for value in (first, f"[{first}]", f"str({first})", "None", "0", "1", "-1", "True", "False", "[]", "{}", "''")]
    found = [] if passes(row, row["canonical_solution"]) else ["the solution fails"]
    found += [f"passes: {body.strip()}" for body in lazy if passes(row, body)]
    return found + (["fewer than four tests"] if row["test"].count("assert") < 4 else [])


def prompt_and_answer(row):
    return row["prompt"], row["canonical_solution"].rstrip("\n")


if __name__ == "__main__":
    generator = random.Random(6)
    for name in FAMILIES * 2:
        example = make(generator, family=name)
        print(example["prompt"] + example["canonical_solution"])
    print(make(generator, test=True)["test"])
