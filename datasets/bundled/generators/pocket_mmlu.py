"""pocket-mmlu: four subjects of four-way multiple choice that a pocket model can know.

A fact is (relation, key, value). Each relation has question wordings; the last is seen in tests only.
Wrong choices are values of the same relation. The four texts are scored, not letters.
"""

import random

SUBJECTS = ["geography", "science", "arithmetic", "language"]

_CAPITALS = "France Paris,Germany Berlin,Italy Rome,Spain Madrid,Portugal Lisbon,Austria Vienna,Poland Warsaw,Greece Athens,Norway Oslo,Sweden Stockholm,Finland Helsinki,Denmark Copenhagen,Ireland Dublin,Belgium Brussels,Hungary Budapest,Romania Bucharest,Bulgaria Sofia,Serbia Belgrade,Croatia Zagreb,Ukraine Kyiv,Turkey Ankara,Egypt Cairo,Kenya Nairobi,Ghana Accra,Senegal Dakar,Morocco Rabat,Japan Tokyo,China Beijing,Thailand Bangkok,Vietnam Hanoi,Nepal Kathmandu,Iran Tehran,Iraq Baghdad,Cuba Havana,Peru Lima,Chile Santiago,Ecuador Quito,Colombia Bogota,Canada Ottawa,Australia Canberra"
_CONTINENTS = {"Europe": "France,Germany,Italy,Spain,Portugal,Austria,Poland,Greece,Norway,Sweden,Finland,Denmark,Ireland,Belgium,Hungary,Romania,Bulgaria,Serbia",
               "Africa": "Egypt,Kenya,Ghana,Senegal,Morocco,Nigeria,Angola,Zambia,Uganda,Ethiopia,Mali,Chad,Tunisia,Namibia",
               "Asia": "Japan,China,Thailand,Vietnam,Nepal,Iran,Iraq,India,Mongolia,Jordan,Laos,Malaysia",
               "South America": "Peru,Chile,Ecuador,Colombia,Brazil,Bolivia,Uruguay,Paraguay",
               "North America": "Canada,Mexico,Cuba,Panama,Jamaica"}
_CURRENCIES = "Japan yen,India rupee,China yuan,Sweden krona,Poland zloty,Mexico peso,Brazil real,Turkey lira,Thailand baht,Vietnam dong,Russia rouble,Israel shekel,South Africa rand,Nigeria naira,Hungary forint,Romania leu,Bulgaria lev,Ghana cedi"
_SYMBOLS = "hydrogen H,helium He,carbon C,nitrogen N,oxygen O,fluorine F,neon Ne,sodium Na,magnesium Mg,sulfur S,chlorine Cl,potassium K,calcium Ca,iron Fe,copper Cu,zinc Zn,silver Ag,tin Sn,iodine I,gold Au,mercury Hg,lead Pb,uranium U,nickel Ni"
_ANIMALS = {"mammal": "dog,whale,bat,horse,mouse,dolphin,cow,tiger,rabbit,bear", "bird": "eagle,penguin,sparrow,owl,duck,swan,ostrich,parrot,crow,pigeon",
            "fish": "salmon,shark,tuna,carp,trout,eel,herring,cod", "insect": "bee,ant,beetle,butterfly,fly,wasp,moth,grasshopper",
            "reptile": "snake,lizard,crocodile,turtle,gecko,iguana", "amphibian": "frog,toad,newt,salamander"}
_ORGANS = "heart|pumps the blood,lung|takes in oxygen,stomach|digests food,kidney|cleans the blood,brain|controls the body,ear|hears sounds,eye|sees light,nose|smells odours,skin|covers the body,liver|breaks down poison,muscle|moves the limbs,bone|holds the body up"
_TOOLS = "thermometer temperature,clock time,ruler length,barometer air pressure,speedometer speed,scale weight,compass direction,voltmeter voltage,seismograph earthquakes,hygrometer humidity"
_PLURALS = "mouse mice,goose geese,child children,foot feet,tooth teeth,man men,woman women,ox oxen,leaf leaves,knife knives,wolf wolves,city cities,box boxes,baby babies,hero heroes,wife wives,louse lice,thief thieves,berry berries,loaf loaves"
_PASTS = "go went,see saw,eat ate,take took,write wrote,sing sang,run ran,fly flew,buy bought,think thought,bring brought,catch caught,teach taught,give gave,drink drank,speak spoke,break broke,swim swam,begin began,know knew,grow grew,throw threw,draw drew,sleep slept,keep kept,build built,send sent,lose lost,find found,hold held"
_OPPOSITES = "hot cold,big small,fast slow,old young,high low,rich poor,strong weak,open closed,early late,hard soft,light dark,full empty,happy sad,clean dirty,wet dry,thick thin,near far,cheap expensive,loud quiet,deep shallow,sharp blunt,brave timid,always never,begin end,buy sell,love hate,push pull,win lose"
_SYNONYMS = "quick rapid,glad pleased,large huge,tiny minute,angry furious,smart clever,ill sick,silent still,odd strange,correct right,error mistake,ocean sea,road street,gift present,job task,help aid,shout yell,start commence,finish complete,choose select"


def _pairs(text, separator=" "):
    return {key: value for key, value in (item.rsplit(separator, 1) if separator == " " else item.split(separator) for item in text.split(","))}


def _classes(groups):
    return {key: value for value, keys in groups.items() for key in keys.split(",")}


_TOOL_PAIRS = {"barometer": "air pressure", **{k: v for k, v in _pairs(_TOOLS).items() if not k.startswith("barometer")}}

# subject, facts, wordings (the last for tests). k = key.
RELATIONS = {
    "capital": ("geography", _pairs(_CAPITALS), ["Name the capital of {k}.", "Which city is the capital of {k}?", "{k} has which capital?", "The capital city of {k} is called", "{k}: capital?", "What is the capital of {k}?"]),
    "continent": ("geography", _classes(_CONTINENTS), ["Name the continent of {k}.", "{k} lies on which continent?", "On what continent do we find {k}?", "To which continent does {k} belong?", "{k}: continent?", "On which continent is {k}?"]),
    "currency": ("geography", _pairs(_CURRENCIES), ["Name the currency of {k}.", "Which money is used in {k}?", "People in {k} pay with the", "{k} has which currency?", "{k}: currency?", "What is the currency of {k}?"]),
    "symbol": ("science", _pairs(_SYMBOLS), ["Name the chemical symbol of {k}.", "Which symbol stands for {k}?", "In chemistry, {k} is written", "{k} has which chemical symbol?", "{k}: symbol?", "What is the chemical symbol for {k}?"]),
    "animal": ("science", _classes(_ANIMALS), ["Name the class of animals of the {k}.", "The {k} belongs to which class of animals?", "A {k} is a", "To which class does the {k} belong?", "{k}: class of animal?", "What kind of animal is the {k}?"]),
    "organ": ("science", _pairs(_ORGANS, "|"), ["What does the {k} do?", "Name the task of the {k}.", "In the body, the {k}", "The {k}: which task?", "What is the {k} for?", "What is the task of the {k} in the body?"]),
    "tool": ("science", _TOOL_PAIRS, ["What does a {k} measure?", "A {k} measures", "Name what a {k} shows.", "A {k} is made to measure", "{k}: measures?", "What is measured with a {k}?"]),
    "plural": ("language", _pairs(_PLURALS), ["Name the plural of {k}.", "One {k}, two", "{k} becomes in the plural", "Which form is the plural of {k}?", "{k}: plural?", "What is the plural of {k}?"]),
    "past": ("language", _pairs(_PASTS), ["Name the past tense of {k}.", "Today I {k}, yesterday I", "{k} becomes in the past tense", "Which form is the past of {k}?", "{k}: past tense?", "What is the past tense of {k}?"]),
    "opposite": ("language", _pairs(_OPPOSITES), ["Name the opposite of {k}.", "Which word is the opposite of {k}?", "Not {k} but", "{k} is the contrary of", "{k}: opposite?", "What is the opposite of {k}?"]),
    "synonym": ("language", _pairs(_SYNONYMS), ["Name a word that means {k}.", "Which word has the same meaning as {k}?", "{k} is another word for", "The same as {k} is", "{k}: same meaning?", "What is another word for {k}?"]),
}
BY_SUBJECT = {s: [name for name, relation in RELATIONS.items() if relation[0] == s] for s in SUBJECTS}

# operation: (wordings, the last for tests)
ARITHMETIC = {
    "+": ["{a} + {b} =", "{a} plus {b} is", "Add {a} and {b}.", "The sum of {a} and {b} is", "How much is {a} + {b}?", "What is {a} plus {b}?"],
    "-": ["{a} - {b} =", "{a} minus {b} is", "Take {b} from {a}.", "The difference of {a} and {b} is", "How much is {a} - {b}?", "What is {a} minus {b}?"],
    "x": ["{a} x {b} =", "{a} times {b} is", "Multiply {a} by {b}.", "The product of {a} and {b} is", "How much is {a} x {b}?", "What is {a} times {b}?"],
}


def _wording(rng, wordings, test):
    return wordings[-1] if test else rng.choice(wordings[:-1])


def _arithmetic(rng, test):
    op = rng.choice("+-x")
    if op == "x":
        a, b = rng.randint(2, 9), rng.randint(2, 9)
        answer = a * b
    else:
        a, b = rng.randint(2, 29), rng.randint(2, 29)
        a, b = (max(a, b) + (a == b), min(a, b)) if op == "-" else (a, b)
        answer = a + b if op == "+" else a - b
    wrong = {answer + d for d in (-10, -2, -1, 1, 2, 10)} | ({answer + a, answer - a} if op == "x" else {abs(a - b), a + b})
    wrong = sorted(w for w in wrong if w > 0 and w != answer)
    return _wording(rng, ARITHMETIC[op], test).format(a=a, b=b), str(answer), [str(w) for w in rng.sample(wrong, 3)]


def _fact(rng, subject, test):
    names = BY_SUBJECT[subject]
    _, facts, wordings = RELATIONS[rng.choices(names, [len(RELATIONS[n][1]) for n in names])[0]]
    key = rng.choice(list(facts))
    wrong = sorted(set(facts.values()) - {facts[key]})
    question = _wording(rng, wordings, test).format(k=key)
    return question[0].upper() + question[1:], facts[key], rng.sample(wrong, 3)


def make(rng, test=False, subject=None):
    """One question as a row without id."""
    subject = subject or rng.choice(SUBJECTS)
    question, right, wrong = _arithmetic(rng, test) if subject == "arithmetic" else _fact(rng, subject, test)
    choices = [right] + wrong
    rng.shuffle(choices)
    return {"subject": subject, "question": question, "choices": choices, "answer": choices.index(right)}


def variable_text(row):
    return row["question"]


def prompt_and_answer(row):
    return f"Question: {row['question']}", row["choices"][row["answer"]]


if __name__ == "__main__":
    generator = random.Random(4)
    print({name: len(relation[1]) for name, relation in RELATIONS.items()})
    for _ in range(14):
        example = make(generator)
        print(example)
