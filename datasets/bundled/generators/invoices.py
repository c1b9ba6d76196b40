"""invoices: short invoice texts in four layouts, each with the record of six fields that it states.

Rules: a field is null where the text does not state it. `due` is a date only where a date is written
("payable within 30 days" is null). `total` is the amount to pay, not a subtotal or a tax, as a string
with two decimals. Dates in the record are ISO. Order, customer and telephone numbers are not `number`.
"""

import json
import random

FIELDS = ["vendor", "number", "date", "due", "total", "currency"]
INSTRUCTION = "Invoice to JSON: vendor, number, date and due as YYYY-MM-DD, total, currency; null if absent."
MONTHS = "January,February,March,April,May,June,July,August,September,October,November,December".split(",")
CURRENCIES = ["EUR", "USD", "GBP", "CHF", "SEK", "PLN"]

_STARTS = "Bar,Bel,Bor,Cal,Cor,Dan,Del,Dor,Fen,Gar,Gol,Hal,Har,Kel,Kor,Lam,Lin,Lor,Mar,Mel,Mor,Nor,Or,Pel,Quin,Ros,Sal,Sel,Tor,Tur,Val,Ver,Wal,Win,Yar,Zel".split(",")
_MIDDLES = "a,e,i,o,u,an,en,in,on,ber,der,ta,mi,la,ro,ve,li,no".split(",")
_ENDS = "ton,field,berg,ck,dale,ford,gate,ham,kin,ley,mond,nex,rix,sen,tech,tis,via,wood,worth,zo".split(",")
_TRADES = "Supplies,Tools,Print,Foods,Paper,Metals,Freight,Catering,Studio,Garden,Motors,Textiles,Cleaning,Glass,Energy,Media".split(",")
_FORMS = "Ltd,GmbH,Inc,SA,BV,AB,Oy,& Sons,Partners,Group".split(",")
_LETTERS = "ABCDEFGHKLMNPRSTUVWXYZ"
_WORDS = "Red,Blue,Green,Silver,North,South,East,West,River,Hill,Oak,Pine,Stone,Bridge,Light,Star,City,Farm,Brook,Lake,Wolf,Fox,Swan,Smith,Wagner,Rossi,Dubois,Lopez,Novak,Hansen,Ferri,Cole,Luna,Mira,Atlas,Delta".split(",")
_STREETS = "Mill Road,High Street,Station Lane,Harbour Street,Park Avenue,Church Hill".split(",")
_GOODS = "paper,chairs,cables,coffee,screws,lamps,boxes,paint,bread,towels,seeds,filters,tyres,flyers,windows,repairs".split(",")


def company(rng):
    """An invented firm: about 13,000 stems, and pairs of words, times trades and forms, so that names must be copied, not remembered."""
    if rng.random() < 0.2:
        first, second = rng.sample(_WORDS, 2)
        name = rng.choice([f"{first} {second}", f"{first} & {second}", f"{first}{second.lower()}"])
    else:
        name = rng.choice(_STARTS) + rng.choice(_MIDDLES) + rng.choice(_ENDS)
    shape = rng.random()
    if shape < 0.4:
        return f"{name} {rng.choice(_FORMS)}"
    if shape < 0.75:
        return f"{name} {rng.choice(_TRADES)}"
    return f"{name} {rng.choice(_TRADES)} {rng.choice(_FORMS)}"


def _number(rng):
    digits = str(rng.randint(10, rng.choice([999, 9999, 99999])))
    shape = rng.random()
    if shape < 0.35:
        return digits
    if shape < 0.65:
        return rng.choice(["INV-", "RE-", "F-", "A-", "R-", "INV", "No-"]) + digits
    if shape < 0.75:
        return rng.choice(_LETTERS) + rng.choice(_LETTERS) + rng.choice(["-", "/", " "]) + digits
    if shape < 0.87:
        return f"{rng.randint(2021, 2026)}-{rng.randint(1, 999):03d}"
    return f"{rng.choice(_LETTERS)}{rng.randint(10, 99)}/{rng.randint(100, 9999)}"


def _date(rng, year=None, month=None):
    return year or rng.randint(2021, 2026), month or rng.randint(1, 12), rng.randint(1, 28)


def _later(rng, date):
    year, month, day = date
    month += rng.randint(0, 2)
    if month > 12:
        year, month = year + 1, month - 12
    return year, month, rng.randint(day, 28) if month == date[1] else rng.randint(1, 28)


def _iso(date):
    return "{}-{:02d}-{:02d}".format(*date)


def _written(rng, date):
    year, month, day = date
    shape = rng.random()
    if shape < 0.4:
        return _iso(date)
    if shape < 0.75:
        return f"{day} {MONTHS[month - 1]} {year}"
    if shape < 0.9:
        return f"{MONTHS[month - 1]} {day}, {year}"
    return f"{day} {MONTHS[month - 1][:3]} {year}"


def _amount(rng):
    return rng.choice([rng.randint(500, 99999), rng.randint(2000, 999999), rng.randint(5, 900) * 100])


def _money(rng, cents, currency):
    digits = f"{cents // 100}.{cents % 100:02d}"
    if cents >= 100000 and rng.random() < 0.2:
        digits = f"{cents // 100:,}.{cents % 100:02d}"
    if currency is None:
        return digits
    return f"{currency} {digits}" if rng.random() < 0.5 else f"{digits} {currency}"


def _email(rng, v):
    out = [rng.choice(["Hello,", "Dear customer,", "Good day,", "Hi,"])]
    number = v["number"]
    opening = rng.choice(["please find our invoice{n}{d}", "attached is invoice{n}{d}", "this is our bill{n}{d} for the {g}", "we send you the invoice{n}{d} for {g}", "here is your invoice{n}{d}"])
    out.append(opening.format(n=f" {number}" if number else "", d=rng.choice([f" of {v['date']}", f" dated {v['date']}"]) if v["date"] else "", g=v["goods"]) + ".")
    out += v["noise"]
    if v["total"]:
        out.append(rng.choice(["The total is {}.", "The amount to pay is {}.", "Please transfer {}.", "In total you owe {}.", "The sum of {} is open."]).format(v["total"]))
    out.append(v["due"])
    if v["vendor"]:
        out.append(rng.choice(["Regards, {}", "Kind regards, {}", "Yours, {}", "{}, accounts office"]).format(v["vendor"]))
    return " ".join(part for part in out if part)


def _table(rng, v):
    bar = rng.choice([" | ", ": ", " = ", ": "])
    lines = []
    if v["vendor"]:
        lines.append(rng.choice(["Vendor", "From", "Supplier", "Seller"]) + bar + v["vendor"])
    if v["number"]:
        lines.append(rng.choice(["Invoice no", "Invoice number", "Number", "Bill no"]) + bar + v["number"])
    if v["date"]:
        lines.append(rng.choice(["Date", "Invoice date", "Issued"]) + bar + v["date"])
    if v["due"]:
        lines.append(v["due"])
    lines += v["noise"]
    rng.shuffle(lines)
    if v["total"]:
        lines.append(rng.choice(["Total", "Amount due", "To pay", "Grand total"]) + bar + v["total"])
    return "\n".join(lines)


def _receipt(rng, v):
    lines = [v["vendor"] or rng.choice(["RECEIPT", "INVOICE"])]
    lines.append(f"{rng.randint(3, 199)} {rng.choice(_STREETS)}")
    if v["number"]:
        lines.append(rng.choice(["Inv. {}", "Invoice {}", "Receipt no {}", "#{}"]).format(v["number"]))
    if v["date"]:
        lines.append(v["date"])
    lines += v["noise"]
    if v["total"]:
        lines.append(rng.choice(["TOTAL {}", "SUM {}", "TO PAY {}", "Total {}"]).format(v["total"]))
    if v["due"]:
        lines.append(v["due"])
    return "\n".join(lines)


def _sentence(rng, v):
    vendor = v["vendor"] or rng.choice(["the supplier", "our supplier", "the shop"])
    number = rng.choice([" {}", " no {}", " number {}", " with the number {}"]).format(v["number"]) if v["number"] else ""
    date = rng.choice([" on {}", " dated {}", " of {}"]).format(v["date"]) if v["date"] else ""
    total = rng.choice([" over {}", " for {}", " of {} in total", " that comes to {}"]).format(v["total"]) if v["total"] else ""
    text = rng.choice(["{v} sent us invoice{n}{d}{t}.", "We got a bill{n}{d} from {v}{t}.", "Invoice{n} from {v}{t} was issued{d}.", "For {g}, {v} wrote the invoice{n}{d}{t}.",
                       "There is a new invoice{n} by {v}{t}, written{d}."]).format(v=vendor, n=number, d=date, t=total, g=v["goods"])
    if not v["date"]:
        text = text.replace(" was issued", " came in").replace(", written.", ".")
    return " ".join(part for part in [text[0].upper() + text[1:]] + v["noise"] + [v["due"]] if part)


def _due_text(rng, layout, due):
    if due is None:
        if rng.random() < 0.6:
            return ""
        return rng.choice(["Payable within {} days", "Payment: {} days net", "Due {} days after receipt"]).format(rng.choice([7, 10, 14, 30, 60])) + ("." if layout in ("email", "sentence") else "")
    if layout in ("email", "sentence"):
        return rng.choice(["Payment is due on {}.", "Please pay by {}.", "It is due {}.", "It has to be paid until {}.", "The due date is {}."]).format(due)
    return rng.choice(["Due: {}", "Due date: {}", "Pay by {}", "Payable until {}"]).format(due)


def _noise(rng, layout, cents, currency):
    out, prose = [], layout in ("email", "sentence")
    if rng.random() < 0.3:
        out.append(rng.choice(["Your order number is {}.", "Our customer number is {}.", "Call {} for questions."] if prose else ["Order no: {}", "Customer no: {}", "Phone: {}", "Tax ID: {}"]).format(rng.randint(100, 999999)))
    if rng.random() < 0.25 and cents:
        part = cents * rng.randint(60, 95) // 100
        out.append((rng.choice(["The net amount is {}.", "Before tax it is {}."]) if prose else rng.choice(["Net: {}", "Subtotal: {}"])).format(_money(rng, part, currency)))
    if rng.random() < 0.25:
        firm = company(rng)
        out.append((rng.choice(["The goods went to {}.", "It was ordered by {}."]) if prose else rng.choice(["Bill to: {}", "Customer: {}"])).format(firm))
    if rng.random() < 0.2:
        out.append((rng.choice(["Delivery was on {}.", "The order is from {}."]) if prose else rng.choice(["Delivered: {}", "Order date: {}"])).format(_written(rng, _date(rng))))
    if not prose and rng.random() < 0.3:
        out.append(f"{rng.randint(1, 40)} x {rng.choice(_GOODS)}")
    return out[:2]


LAYOUTS = {"email": _email, "table": _table, "receipt": _receipt, "sentence": _sentence}


def make(rng, test=False):
    """One invoice as a row without id. Tests draw from the same shapes: names and numbers are new by their number of combinations."""
    layout = rng.choice(list(LAYOUTS))
    date = _date(rng) if rng.random() < 0.9 else None
    due = _later(rng, date or _date(rng)) if rng.random() < 0.55 else None
    cents = _amount(rng) if rng.random() < 0.95 else None
    currency = rng.choice(CURRENCIES) if rng.random() < 0.88 and cents else None
    record = {"vendor": company(rng) if rng.random() < 0.94 else None, "number": _number(rng) if rng.random() < 0.9 else None,
              "date": _iso(date) if date else None, "due": _iso(due) if due else None,
              "total": f"{cents // 100}.{cents % 100:02d}" if cents else None, "currency": currency}
    view = {"vendor": record["vendor"], "number": record["number"], "date": _written(rng, date) if date else None,
            "due": _due_text(rng, layout, _written(rng, due) if due else None), "total": _money(rng, cents, currency) if cents else None,
            "goods": rng.choice(_GOODS), "noise": _noise(rng, layout, cents, currency)}
    if layout == "table" and view["due"] and due is None and rng.random() < 0.5:
        view["due"] = ""
    return {"input": LAYOUTS[layout](rng, view), "output": json.dumps(record, ensure_ascii=False, separators=(",", ":")), "layout": layout,
            "absent": sum(value is None for value in record.values())}


def variable_text(row):
    return row["input"]


def prompt_and_answer(row):
    return f"{INSTRUCTION}\n{row['input']}", row["output"]


if __name__ == "__main__":
    generator = random.Random(2)
    for _ in range(10):
        example = make(generator)
        print(example["input"], "\n  ->", example["output"])
