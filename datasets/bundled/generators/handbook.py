"""handbook: questions on the staff handbook of Larkfield, an invented maker of instruments.

Three kinds: `passage` (the answer stands in a passage whose values differ from the real handbook, so it must be read),
`closed_book` (no passage: the answer was learned from the training text) and `unanswerable`
(the passage speaks of something near, and the right answer is the abstention).
Of the wordings of each question, the last two are seen in tests only.
"""

import random

ABSTAIN = "Not in the handbook."
INSTRUCTION = 'Answer briefly from the Larkfield handbook, or say "Not in the handbook."'

_FIRST = "Ada,Bruno,Clara,Derek,Elena,Felix,Greta,Henri,Ida,Jarek,Kira,Leon,Marta,Noel,Oona,Pavel,Rita,Stefan,Thea,Viktor".split(",")
_LAST = "Abel,Brandt,Carver,Dahl,Ekman,Frost,Gruber,Holm,Ibsen,Jensen,Krall,Lindt,Moreau,Novak,Olsen,Perez,Quist,Rossi,Stone,Vidal".split(",")
_ORDINALS = "first,second,third,fourth,fifth,sixth,seventh,eighth,ninth".split(",")
_DAYS = "Monday,Tuesday,Wednesday,Thursday,Friday".split(",")
DEPARTMENTS = "finance,purchasing,legal,research,quality,logistics,payroll,marketing,training,security,support,design".split(",")
SITES = "Ashby,Brenton,Colwick,Dunmere,Eskdale,Fairholt,Granby,Holmstead".split(",")


def _person(rng, _=None):
    return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"


def _clock(rng, _=None):
    return f"{rng.randint(13, 21)}:{rng.choice(['00', '15', '30', '45'])}"


# What a length of time or an amount of money may be: (lowest, highest, step, unit).
_DURATIONS = {"probation period": (2, 12, 1, "months"), "notice period": (2, 16, 1, "weeks"), "parental leave": (4, 60, 1, "weeks"), "lunch break": (20, 75, 5, "minutes"),
              "training time": (10, 90, 2, "hours"), "sick note deadline": (2, 9, 1, "days"), "holiday carry-over": (2, 18, 1, "days"), "badge validity": (6, 48, 2, "months"),
              "password lifetime": (30, 240, 10, "days"), "claim deadline": (10, 95, 5, "days"), "unpaid leave limit": (2, 26, 1, "weeks"), "trial for new tools": (5, 45, 5, "days")}
_MONEY = {"travel allowance": (20, 95, 5, "euros"), "meal allowance": (6, 40, 1, "euros"), "referral bonus": (200, 2000, 100, "euros"), "home office grant": (100, 900, 50, "euros"),
          "gift limit": (10, 80, 5, "euros"), "course budget": (300, 3000, 100, "euros"), "bicycle grant": (50, 600, 50, "euros"), "night bonus": (10, 60, 5, "euros"),
          "moving grant": (300, 3000, 100, "euros"), "phone allowance": (5, 60, 5, "euros"), "glasses grant": (40, 400, 20, "euros"), "jubilee bonus": (250, 2500, 250, "euros")}


def _quantity(table):
    def make_value(rng, entity):
        low, high, step, unit = table[entity]
        return f"{rng.randrange(low, high + 1, step)} {unit}"
    return make_value


# attribute: (value maker, statements, question wordings; the last two wordings are for tests). e = entity, v = value.
ATTRIBUTES = {
    "head": (_person, ["The {e} department is led by {v}.", "{v} is the head of the {e} department.", "In the {e} department, {v} is in charge."],
             ["Who leads the {e} department?", "Who is the head of the {e} department?", "Name the head of {e}.", "Which person is in charge of {e}?", "Who runs {e}?",
              "The {e} department: who is the head?", "Who is in charge of the {e} department?", "Tell me who leads {e}."]),
    "floor": (lambda rng, _: rng.choice(_ORDINALS), ["The {e} department sits on the {v} floor.", "You find {e} on the {v} floor.", "The rooms of the {e} department are on the {v} floor."],
              ["On which floor is the {e} department?", "Which floor does {e} sit on?", "Where is {e}: which floor?", "On what floor do I find {e}?", "Name the floor of {e}.",
               "The {e} department: which floor?", "On which floor do I find the {e} department?", "What floor is {e} on?"]),
    "extension": (lambda rng, _: str(rng.randint(1000, 9999)), ["The extension of the {e} department is {v}.", "Call {e} on extension {v}.", "The {e} department answers on extension {v}."],
                  ["What is the extension of the {e} department?", "Which extension does {e} have?", "On which extension do I call {e}?", "Name the extension of {e}.", "Which number do I dial for {e}?",
                   "The {e} department: which extension?", "Which extension do I dial for the {e} department?", "What is the number of {e}?"]),
    "meeting": (lambda rng, _: rng.choice(_DAYS), ["The {e} department meets every {v}.", "The weekly meeting of {e} is on {v}.", "Every {v} there is a meeting of the {e} department."],
                ["On which day does the {e} department meet?", "When is the weekly meeting of {e}?", "Which day is the meeting of {e}?", "On what day of the week does {e} meet?", "Name the meeting day of {e}.",
                 "The {e} department: which meeting day?", "Which is the meeting day of the {e} department?", "What day does {e} meet?"]),
    "opened": (lambda rng, _: str(rng.randint(1950, 2020)), ["The {e} site was opened in {v}.", "Work in {e} began in {v}.", "In {v} the site in {e} was opened."],
               ["When was the {e} site opened?", "In which year did the {e} site open?", "Since which year is there a site in {e}?", "Name the opening year of {e}.", "What year did work in {e} begin?",
                "The {e} site: which opening year?", "In which year was the site in {e} opened?", "What is the opening year of the {e} site?"]),
    "manager": (_person, ["The {e} site is managed by {v}.", "{v} manages the site in {e}.", "The manager in {e} is {v}."],
                ["Who manages the {e} site?", "Who is the manager in {e}?", "Name the manager of the {e} site.", "Which person manages {e}?", "By whom is {e} managed?",
                 "The {e} site: who is the manager?", "Who is the manager of the site in {e}?", "Tell me who manages {e}."]),
    "parking": (lambda rng, _: str(rng.randint(10, 400)), ["The {e} site has {v} parking spaces.", "There are {v} parking spaces in {e}.", "{v} cars can park at the {e} site."],
                ["How many parking spaces does the {e} site have?", "How many cars can park in {e}?", "What is the number of parking spaces in {e}?", "How many parking spaces are there in {e}?", "For how many cars is there space in {e}?",
                 "The {e} site: how many parking spaces?", "How many cars can park at the {e} site?", "Tell me the number of parking spaces in {e}."]),
    "canteen": (_clock, ["The canteen in {e} closes at {v}.", "In {e} you can eat in the canteen until {v}.", "The {e} canteen is open until {v}."],
                ["When does the canteen in {e} close?", "Until when is the {e} canteen open?", "At what time does the {e} canteen close?", "How late is the canteen in {e} open?", "Name the closing time of the canteen in {e}.",
                 "The {e} canteen: when does it close?", "Until when can I eat in the canteen in {e}?", "What is the closing time of the {e} canteen?"]),
    "duration": (_quantity(_DURATIONS), ["The {e} is {v}.", "The handbook sets the {e} at {v}.", "For the {e}, {v} is the rule."],
                 ["How long is the {e}?", "What is the {e}?", "What is the length of the {e}?", "How much time is the {e}?", "Name the {e}.",
                  "The {e}: how long?", "What length does the {e} have?", "Tell me how long the {e} is."]),
    "money": (_quantity(_MONEY), ["The {e} is {v}.", "The handbook sets the {e} at {v}.", "Larkfield pays a {e} of {v}."],
              ["How much is the {e}?", "What is the {e}?", "What is the amount of the {e}?", "How high is the {e}?", "Name the {e}.",
               "The {e}: how much?", "What amount does the {e} have?", "Tell me how much the {e} is."]),
    "contact": (_person, ["Questions about {e} go to {v}.", "For {e}, ask {v}.", "{v} answers questions about {e}."],
                ["Who answers questions about {e}?", "Whom do I ask about {e}?", "Who is the contact for {e}?", "To whom do questions about {e} go?", "Name the contact for {e}.",
                 "{e}: whom do I ask?", "Which person answers questions about {e}?", "Tell me whom to ask about {e}."]),
}
ENTITIES = {
    **{name: DEPARTMENTS for name in ("head", "floor", "extension", "meeting")},
    **{name: SITES for name in ("opened", "manager", "parking", "canteen")},
    "duration": list(_DURATIONS),
    "money": list(_MONEY),
    "contact": "pensions,fire drills,visitor badges,lost keys,company cars,work injuries,patents,press calls,recycling,first aid,language courses,the choir".split(","),
}

# Asked about without a passage in training only, so that a model can learn to abstain there too.
_UNKNOWN = {**{name: ["catering", "insurance", "translation", "gardening"] for name in ("head", "floor", "extension", "meeting")},
            **{name: ["Kelby", "Linford", "Marston", "Norwell"] for name in ("opened", "manager", "parking", "canteen")},
            "duration": ["sabbatical", "nap break", "moving leave"], "money": ["dog allowance", "garden grant", "music budget"],
            "contact": ["parking fines", "the band", "old laptops"]}


def _facts():
    """The real handbook: one fixed value for every attribute of every entity."""
    rng = random.Random("Larkfield handbook, edition 2")
    return {(attribute, entity): ATTRIBUTES[attribute][0](rng, entity) for attribute, entities in ENTITIES.items() for entity in entities}


FACTS = _facts()


def _wording(rng, attribute, entity, test):
    wordings = ATTRIBUTES[attribute][2]
    text = rng.choice(wordings[-2:] if test else wordings[:-2]).format(e=entity)
    return text[0].upper() + text[1:]


def _statement(rng, attribute, entity, value):
    text = rng.choice(ATTRIBUTES[attribute][1]).format(e=entity, v=value)
    return text[0].upper() + text[1:]


def _other_value(rng, attribute, entity):
    while True:
        value = ATTRIBUTES[attribute][0](rng, entity)
        if value != FACTS[attribute, entity]:
            return value


def _neighbours(rng, attribute, entity, count):
    """Facts near the asked one: the same attribute elsewhere, or another attribute of the same entity."""
    near = [(attribute, e) for e in ENTITIES[attribute] if e != entity]
    same = [(a, entity) for a, es in ENTITIES.items() if entity in es and a != attribute]
    return [rng.choice(same) if same and rng.random() < 0.5 else rng.choice(near) for _ in range(count)]


def make(rng, test=False, kind=None):
    """One question as a row without id."""
    kind = kind or rng.choices(["passage", "closed_book", "unanswerable"], [45, 35, 20])[0]
    attribute, entity = rng.choice(list(FACTS))
    unknown = kind == "closed_book" and not test and rng.random() < 0.12
    if unknown:
        entity = rng.choice(_UNKNOWN[attribute])
    question = _wording(rng, attribute, entity, test)
    if kind == "closed_book":
        answer, passage = ABSTAIN if unknown else FACTS[attribute, entity], None
    else:
        facts = list(dict.fromkeys(_neighbours(rng, attribute, entity, rng.randint(1, 3))))
        if kind == "passage":
            facts.append((attribute, entity))
            rng.shuffle(facts)
        values = {fact: _other_value(rng, *fact) for fact in facts}
        passage = " ".join(_statement(rng, *fact, value) for fact, value in values.items())
        answer = values.get((attribute, entity), ABSTAIN)
    return {"kind": kind, "topic": attribute, "passage": passage, "question": question, "answers": accepted(attribute, answer)}


def accepted(attribute, answer):
    """The forms that count as the answer; the first is the one that is trained."""
    if attribute == "floor" and answer in _ORDINALS:
        return [answer, f"{answer} floor", f"the {answer} floor", f"on the {answer} floor"]
    if attribute in ("head", "manager", "contact") and answer != ABSTAIN:
        return [answer, answer.split()[1]]
    if attribute == "money" and answer != ABSTAIN:
        return [answer, answer.split()[0]]
    return [answer]


def variable_text(row):
    return f"{row['passage']}\n{row['question']}" if row["passage"] else row["question"]


def prompt_and_answer(row):
    return f"{INSTRUCTION}\n{variable_text(row)}", row["answers"][0]


if __name__ == "__main__":
    print(len(FACTS), "facts")
    generator = random.Random(3)
    for _ in range(12):
        example = make(generator)
        print(example["kind"], "|", prompt_and_answer(example)[0].split("\n", 1)[1], "->", example["answers"])
