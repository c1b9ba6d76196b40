"""helpdesk: short support tickets of an invented electronics shop, routed to one of eight queues.

A ticket is composed, not copied from a list: an *issue* (topic phrase, problem sentence, request)
is put into a frame, given a channel's manners, and - by difficulty - joined by a second issue whose
standing differs (solved, denied, somebody else's, later, or really asked for but second).
Of every list of frames, each issue has one that it meets in tests only: tests are new combinations of known parts.
"""

import random
import zlib

QUEUES = ["billing", "account", "delivery", "returns", "technical", "sales", "privacy", "feedback"]
INSTRUCTION = "Choose the queue for this ticket: billing, account, delivery, returns, technical, sales, privacy or feedback."

# topic phrase | problem sentence | request (infinitive)
ISSUES = {
    "billing": """
the double charge | my card was charged twice for {month} | take back the second charge for {month}
the {month} invoice | the {month} invoice never reached me | send me the {month} invoice as a pdf
the wrong amount | the bill says {amount} instead of {amount2} | correct the amount on my bill
the payment method | my old card is still used for the payments | put my new card on the monthly payment
the late fee | there is a late fee of {amount} on my statement | remove the late fee of {amount}
the discount on the bill | the discount of {n} percent is missing on my invoice | apply the discount to the {month} bill
the tax number | our tax number is missing on the invoice | add our tax number to the invoice
the direct debit | the direct debit bounced on {day} | try the direct debit again on {day}
the yearly payment | I still pay every month and not once a year | switch my payments from monthly to yearly
the unknown charge | there is a charge of {amount} that I do not know | explain the charge of {amount} to me
the payment reminder | I got a reminder although I have paid {amount} | cancel the payment reminder
the receipt | I have no receipt for the {amount} I paid | mail me a receipt for {amount}
""",
    "account": """
the password | I cannot log in with my password any more | reset my password
the locked account | my account is locked after {n} wrong attempts | unlock my account
the new e-mail address | my profile still has the old e-mail address | change the e-mail address in my profile
the login code | the login code never arrives on my phone | send the login code to another phone
the second user | my colleague {name} has no access to our team | add {name} as a user of our team
the user name | my user name is spelled wrong | change my user name to {name}
the merged profile | I have two profiles by mistake | merge my two profiles into one
the admin rights | {name} left and still has the admin rights | give the admin rights to {name}
the sign-up mail | the sign-up mail with the activation link is missing | send me the activation link again
the phone number | the phone number in my profile is out of date | update the phone number in my profile
the language setting | my profile is in the wrong language | set the language of my profile to {language}
the closed account | I was signed out and my account seems closed | open my account again
""",
    "delivery": """
the late parcel | my parcel with the {product} is {n} days late | find out where my parcel is
the tracking number | the tracking number shows nothing since {day} | check the tracking of my {product}
the wrong address | the {product} is on its way to my old address | redirect the parcel to {city}
the delivery slot | nobody is at home on {day} when the driver comes | move the delivery to {day}
the missing box | only {n} of the boxes were delivered | send out the box that is missing
the driver | the driver left the {product} in the rain | tell the driver to ring the bell
the pick-up point | the pick-up point in {city} is closed | bring the {product} to another pick-up point
the customs form | the parcel is stuck at customs in {city} | send the customs form to {city}
the express shipping | I ordered express and the {product} has not been shipped | ship the {product} by express
the neighbour | the parcel was left with a neighbour I do not know | tell me which neighbour has the parcel
the shipping date | the shop shows no shipping date for the {product} | tell me when the {product} will be shipped
the empty parcel | the parcel from {city} arrived empty | start a search for what was in the parcel
""",
    "returns": """
the return label | there was no return label in the box | send me a return label for the {product}
the wrong item | I got a {product} instead of a {product2} | exchange the {product} for a {product2}
the broken screen | the {product} came out of the box with a crack | replace the cracked {product}
the refund | I sent the {product} back and saw no refund | refund the {product} I sent back
the warranty | the {product} broke within the warranty | repair the {product} under warranty
the wrong colour | the {product} has the wrong colour | swap the {product} for a {colour} one
the return period | I want to give the {product} back after {n} days | extend the return period for the {product}
the second-hand item | the {product} I got had clearly been used | take back the used {product}
the missing cable | the cable of the {product} was not in the box | send the cable that belongs to the {product}
the collection | the {product} is too heavy to carry to the post office | collect the {product} at my door
the unwanted gift | the {product} was a gift and I have one already | take the {product} back for a voucher
the repair | the repaired {product} came back with the same fault | repair the {product} once more
""",
    "technical": """
the {app} crash | the {app} crashes when I open the {page} page | fix the crash of the {app}
the update | the {product} hangs since the last update | undo the last update of the {product}
the connection | the {product} does not find the network | help me connect the {product} to the network
the error message | the {app} shows error {code} | explain how to get rid of error {code}
the blue light | the {product} blinks {colour} and does nothing | tell me why the {product} blinks {colour}
the slow app | the {app} needs {n} minutes to start | make the {app} start faster
the missing sound | the {product} has no sound | help me get the sound of the {product} back
the sync | the {app} does not sync with the {product} | get the {app} and the {product} to sync
the battery | the battery of the {product} is empty after {n} hours | check the battery of the {product}
the installation | the installation of the {app} stops at {n} percent | guide me through the installation of the {app}
the export | the {app} exports an empty file | repair the export of the {app}
the search | the search in the {app} finds nothing | look into the search of the {app}
""",
    "sales": """
a quote | we are planning to buy {n} {product}s | make us a quote for {n} {product}s
the bulk price | our school wants {n} {product}s at a better price | name a bulk price for {n} {product}s
the business plan | we think about moving to the business plan | tell me what the business plan would cost
the trial | I want to try the {app} before buying | start a free trial of the {app}
the stock | the {product} is sold out in your shop | tell me when I can buy the {product} again
the demo | my team would like to see the {app} in action | book a demo of the {app} for {day}
the upgrade | my plan is too small for {n} people | offer me a bigger plan for {n} people
the comparison | I cannot decide between the {product} and the {product2} | advise me between the {product} and the {product2}
the voucher | I would like to buy a voucher over {amount} | sell me a voucher over {amount}
the pre-order | the new {product} comes out in {month} | reserve a new {product} for me
the reseller contract | our shop in {city} wants to sell your {product}s | send the terms for resellers to {city}
the accessories | I am looking for a case for my {product} | recommend a case for the {product}
""",
    "privacy": """
my personal data | I do not know what data you store about me | send me a copy of all data you hold on me
the deletion | my personal data should not be kept any longer | erase all my personal data
the newsletter consent | I never agreed to the newsletter | withdraw my consent to the newsletter
the data leak | my address turned up on a list on the internet | tell me whether my data was leaked
the cookies | your page tracks me although I said no | stop the tracking on your page
the processing contract | our lawyer misses the data processing contract | send us the data processing contract to sign
the recordings | the {product} seems to record what we say | delete the voice recordings of the {product}
the shared data | my data was passed on to another company | name the companies that got my data
the storage place | we must know in which country the data is stored | confirm in which country our data is stored
the photo | my photo is on your page without my permission | take my photo off your page
the old messages | you keep messages from {n} years ago | delete the messages that are older than {n} years
the child profile | my child gave you a birth date without asking | remove the data of my child
""",
    "feedback": """
the praise | {name} on the phone was very kind and patient | pass my thanks on to {name}
the rude call | {name} was rude to me on the phone | pass this complaint on to the boss of {name}
the new design | the new design of the {app} is hard to read | tell the designers that I miss the old {app}
a suggestion | the {app} would be better with a dark mode | add a dark mode to the list of wishes
the waiting time | I waited {n} minutes in the queue on {day} | note my complaint about the waiting time
the survey | the link to your survey came too late | count my opinion in the survey
the packaging | you use far too much plastic around the {product} | pass my criticism of the plastic on
the manual | the manual of the {product} is full of mistakes | tell the authors that the manual needs work
the review | I wrote a review of the {product} with {n} stars | publish my review of the {product}
the shop | the shop in {city} was clean and well run | tell the people in {city} they did well
the advert | your advert for the {product} is in bad taste | note that I dislike the advert
the idea | I have an idea for the next {product} | forward my idea to the developers
""",
}

SLOTS = {
    "product": "speaker,router,camera,tablet,headset,printer,monitor,keyboard,lamp,kettle,toaster,heater,doorbell,scale,watch,drone,radio,projector".split(","),
    "app": "phone app,desktop app,web shop,photo tool,music player,backup tool,remote app,calendar app".split(","),
    "month": "January,February,March,April,May,June,July,August,September,October,November,December".split(","),
    "day": "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday".split(","),
    "colour": "red,green,blue,white,black,silver".split(","),
    "city": "Leeds,Porto,Ghent,Lyon,Graz,Turin,Bergen,Cork,Basel,Gdansk".split(","),
    "language": "French,German,Polish,Spanish,Dutch,Italian".split(","),
    "name": "Anna,Bilal,Chen,Dora,Emil,Farah,Goran,Hana,Ivo,Jonas,Karin,Luis,Mona,Nils,Olga,Piet,Rosa,Samir,Tilda,Yusuf".split(","),
    "page": "start,settings,payment,search,contact".split(","),
}

# How the main issue is told. p = problem sentence, r = request.
PROBLEM_FRAMES = ["{p}", "it looks like {p}", "I noticed that {p}", "unfortunately {p}", "I am writing because {p}",
                  "since {day} {p}", "my problem is that {p}", "for the second time {p}", "just so you know, {p}", "the thing is, {p}"]
REQUEST_FRAMES = ["please {r}", "could you {r}", "I would like you to {r}", "can somebody {r}", "I need you to {r}",
                  "would you kindly {r}", "I want you to {r}", "it would be great if you could {r}", "I am asking you to {r}", "you should {r}"]

# A second issue that is only mentioned: t = topic phrase, p = problem sentence, r = request.
MENTIONS = ["this is not about {t}", "{t} is already solved", "thanks for taking care of {t}", "forget {t}, that is fine now",
            "{t} was my last ticket and it is done", "last week {p}, but that is fixed", "I first thought that {p}, but I was wrong",
            "it is not that {p}", "you do not need to {r}", "a colleague told me to ask you to {r}, but that is not needed",
            "my neighbour says that {p}, which is his own business", "somebody else will write to you about {t}",
            "earlier I asked you to {r} and you did", "I do not want you to {r}", "no need to talk about {t} again",
            "your answer about {t} helped, thank you", "please do not {r}", "in {month} {p}, and you fixed it quickly"]
# A second issue that is really asked for, but comes second in importance.
LESSER_AFTER = ["if there is time, also {r}", "less urgent: {p}", "the other thing, {t}, can wait", "and some day, {r}",
                "by the way, {p}, but that comes second", "when that is done, please {r}", "only after that, look at {t}",
                "as a side note, {p}"]
LESSER_BEFORE = ["{p}, but that can wait", "at some point please {r}, but there is something more urgent", "{t} is a small matter, first something else",
                 "I also have a question about {t}, but that comes second", "besides the fact that {p}, there is a bigger problem",
                 "you may {r} later"]
MAIN_MARKS = ["most of all, ", "first of all, ", "what matters now: ", "the urgent point: ", "above all, ", "but today ", "the main thing: ", ""]
BUT_MARKS = ["", "but ", "now ", "instead, ", "however, ", "this time ", "today "]

# Two or three topics in one sentence. m = the main one, a and b = others. In RANKED all are asked for, in OPEN only m is.
RANKED = ["please do {m} before {a}", "please do {a} after {m}", "before you start with {a}, take care of {m}", "take care of {a} when you are done with {m}",
          "{a} is less urgent than {m}", "{m} is more urgent than {a}", "compared with {m}, {a} is a small matter", "compared with {a}, {m} is a big problem",
          "I would rather have an answer about {m} than about {a}", "of {m} and {a}, the former is urgent", "of {a} and {m}, the latter is urgent",
          "of {m} and {a}, the latter can wait", "of {a} and {m}, the former can wait", "there are two things, {m} and {a}, and I care more about the first",
          "there are two things, {a} and {m}, and I care more about the second", "{a} is less urgent than {m} and more urgent than {b}",
          "{a} is more urgent than {b} but less urgent than {m}", "{b} comes after {a}, and {a} comes after {m}", "{m} comes before {a}, and {a} before {b}",
          "there are three things, {m}, {a} and {b}, and the first is urgent", "there are three things, {a}, {m} and {b}, and the second is urgent",
          "there are three things, {a}, {b} and {m}, and the third is urgent", "the last thing is {a}, before that {b}, before that {m}",
          "{a} is as urgent as {b}, and {m} more than both", "I asked for {a} first and then {m}, please change the order",
          "I asked for {m} first and then {a}, please keep the order"]
OPEN = ["I wrote about {m} and {a}, and only the former is open", "I wrote about {a} and {m}, and only the latter is open", "I wrote about {a} and {m}, and the former is done",
        "I wrote about {m} and {a}, and the latter is done", "you solved {a}, {b} is solved too, what is left is {m}", "neither {a} nor {b} but {m} is why I write",
        "I wrote about {m}, {a} and {b}, and all but the first are done", "I wrote about {a}, {m} and {b}, and all but the second are done",
        "I wrote about {a}, {b} and {m}, and all but the third are done", "close the tickets about {a} and {b} but not the one about {m}",
        "instead of {a}, take care of {m}", "take care of {m} instead of {a}", "it is not {a} that I need help with, it is {m}", "it is {m} that I need help with, not {a}",
        "{m} is not solved although {a} is", "{a} is solved although {m} is not", "unlike {a}, {m} is still open", "unlike {m}, {a} is closed",
        "I said that {a} was open and {m} was solved, but it is the other way round", "I said that {m} was solved and {a} was open, sorry, I mixed them up",
        "I said that {m} was open and {a} was solved, and that is still true", "everything except {m} is fine, even {a} and {b}", "{a} and {b} are fine, but I cannot say so about {m}",
        "I do not deny that {a} is solved, I deny that {m} is", "you closed {m} by mistake and {a} for good reason"]
DETAILS = ["about {t}: {p}", "as for {t}, {p}", "a word on {t}: {p}", "for the record, {p}", "as you know, {p}"]

BACKGROUND = ["I have been a customer for {n} years.", "I am on the {tier} plan.", "I bought the {product} in {month}.", "We are a small office in {city}.",
              "I tried to call on {day}.", "My order number is {code}.", "I already asked {name}.", "This is my second message.",
              "I use the {app} every day.", "I live in {city}.", "We have {n} {product}s here.", "My customer number is {code}."]
GREETINGS = ["Hello,", "Hi,", "Good morning,", "Dear team,", "Hi there,", "Hello {name},"]
CLOSINGS = ["Thanks, {name}", "Best regards, {name}", "Thank you", "Cheers", "Regards, {name}", "Many thanks in advance"]
PHONE = ["Caller says:", "Phone note:", "Customer on the line:", "Call from {city}:"]
CHANNELS = ["email", "chat", "phone", "form"]
TIERS = ["free", "plus", "business"]
DIFFICULTIES = ["plain", "typo", "mixed", "hard_negative"]

_ISSUES = {q: [tuple(part.strip() for part in line.split("|")) for line in text.strip().splitlines()] for q, text in ISSUES.items()}


def _reserved(frames, issue):
    """The one frame of each list that this issue meets in tests only."""
    return zlib.crc32(issue.encode()) % len(frames)


def _fill(text, slots):
    while "{" in text:
        start, end = text.index("{"), text.index("}")
        text = text[:start] + slots(text[start + 1:end]) + text[end + 1:]
    return text


def _slots(rng, tier):
    """One value per slot name within one issue, so that a problem and its request agree."""
    chosen = {"tier": tier}

    def get(name):
        if name not in chosen:
            if name in ("amount", "amount2"):
                chosen[name] = rng.choice(["{} euros", "{} pounds", "{} dollars"]).format(rng.randint(5, 480))
            elif name == "n":
                chosen[name] = str(rng.randint(2, 40))
            elif name == "code":
                chosen[name] = str(rng.randint(100, 99999))
            elif name == "product2":
                chosen[name] = rng.choice([p for p in SLOTS["product"] if p != chosen.get("product")])
            else:
                chosen[name] = rng.choice(SLOTS[name])
        return chosen[name]
    return get


def _pick_frame(rng, frames, issue, test):
    reserved = _reserved(frames, issue[0])
    return frames[reserved] if test else rng.choice(frames[:reserved] + frames[reserved + 1:])


def _told(rng, issue, tier, test, marks):
    """The main issue as one or two sentences."""
    slots = _slots(rng, tier)
    style = rng.random()
    parts = []
    if style < 0.70:
        parts.append(_pick_frame(rng, PROBLEM_FRAMES, issue, test).replace("{p}", issue[1]))
    if style > 0.40:
        parts.append(_pick_frame(rng, REQUEST_FRAMES, issue, test).replace("{r}", issue[2]))
    parts[0] = rng.choice(marks) + parts[0]
    return [_fill(part, slots) for part in parts]


def _mention(rng, frames, issue, tier, test):
    frame = _pick_frame(rng, frames, issue, test)
    text = frame.replace("{t}", issue[0]).replace("{p}", issue[1]).replace("{r}", issue[2])
    return _fill(text, _slots(rng, tier))


def _compared(rng, frames, issue, others, tier, test):
    """Two or three topics set against each other, at times with a detail on any of them."""
    frame = _pick_frame(rng, frames, issue, test)
    text = frame.replace("{m}", issue[0]).replace("{a}", others[0][0]).replace("{b}", others[1][0])
    sentences = [_fill(text, _slots(rng, tier))]
    if rng.random() < 0.4:
        about = rng.choice([issue] + others[:2 if "{b}" in frame else 1])
        sentences.insert(rng.choice([0, 1]), _mention(rng, DETAILS, about, tier, test))
    return sentences


def _sentence(text):
    return text[0].upper() + text[1:] + ("?" if text.startswith(("could ", "can ", "would you ")) else ".")


def _typos(rng, text, count):
    letters = list(text)
    for _ in range(count):
        spots = [i for i in range(1, len(letters) - 1) if letters[i].isalpha() and letters[i - 1].isalpha()]
        if not spots:
            break
        i = rng.choice(spots)
        kind = rng.random()
        if kind < 0.35:
            del letters[i]
        elif kind < 0.65:
            letters[i - 1], letters[i] = letters[i], letters[i - 1]
        elif kind < 0.85:
            letters.insert(i, letters[i])
        else:
            letters[i] = rng.choice("abcdefghijklmnopqrstuvwxyz")
    return "".join(letters)


def make(rng, test=False, difficulty=None):
    """One ticket as a row without id."""
    difficulty = difficulty or rng.choices(DIFFICULTIES, [14, 20, 33, 33])[0]
    queue, *other_queues = rng.sample(QUEUES, 3)
    issue, other, third = (rng.choice(_ISSUES[q]) for q in (queue, *other_queues))
    channel, tier = rng.choice(CHANNELS), rng.choices(TIERS, [5, 3, 2])[0]
    if difficulty in ("mixed", "hard_negative") and rng.random() < 0.6:
        sentences = _compared(rng, RANKED if difficulty == "mixed" else OPEN, issue, [other, third], tier, test)
    elif difficulty == "mixed":
        main = _told(rng, issue, tier, test, MAIN_MARKS)
        if rng.random() < 0.5:
            sentences = [_mention(rng, LESSER_BEFORE, other, tier, test)] + main
        else:
            sentences = main + [_mention(rng, LESSER_AFTER, other, tier, test)]
    elif difficulty == "hard_negative":
        main = _told(rng, issue, tier, test, BUT_MARKS)
        asides = [_mention(rng, MENTIONS, other, tier, test)]
        if rng.random() < 0.35:
            asides.append(_mention(rng, MENTIONS, third, tier, test))
        cut = rng.choices([0, len(asides)], [35, 65])[0]
        sentences = asides[:cut] + main + asides[cut:]
    else:
        sentences = _told(rng, issue, tier, test, [""])
    sentences = [_sentence(s) for s in sentences]
    if rng.random() < 0.3:
        sentences.insert(rng.choice([0, len(sentences)]), _fill(rng.choice(BACKGROUND), _slots(rng, tier)))
    slots = _slots(rng, tier)
    if channel == "email":
        sentences = [_fill(rng.choice(GREETINGS), slots)] + sentences + [_fill(rng.choice(CLOSINGS), slots)]
    elif channel == "phone":
        sentences = [_fill(rng.choice(PHONE), slots)] + sentences
    text = " ".join(sentences)
    if channel == "chat" and rng.random() < 0.7:
        text = text.lower().replace(". ", rng.choice([". ", ", ", " "])).rstrip(".")
    if difficulty == "typo":
        text = _typos(rng, text, max(3, len(text) // 11))
    elif rng.random() < 0.15:
        text = _typos(rng, text, rng.randint(1, 3))
    return {"instruction": INSTRUCTION, "input": text, "output": queue, "channel": channel, "tier": tier, "difficulty": difficulty}


def variable_text(row):
    return row["input"]


def prompt_and_answer(row):
    return f"{row['instruction']}\n{row['input']}", row["output"]


if __name__ == "__main__":
    generator = random.Random(1)
    for _ in range(12):
        example = make(generator)
        print(example["difficulty"], "|", example["output"], "|", example["input"])
