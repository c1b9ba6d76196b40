"""Random Jinja expressions over the variables of environments.py."""


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
