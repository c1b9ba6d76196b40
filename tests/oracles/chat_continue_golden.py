"""Conversations whose last message the model is to continue, as transformers renders them.

Run: `python tests/oracles/chat_continue_golden.py`. Writes tests/golden/chat_continue.json.
"""

import json
import pathlib

from transformers.utils.chat_template_utils import render_jinja_template

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden" / "chat_continue.json"

TEMPLATES = {
    "marks": "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
    "trimmed": "{% for m in messages %}[{{ m['role'] | upper }}] {{ m['content'] | trim }}</s>{% endfor %}{% if add_generation_prompt %}[ASSISTANT]{% endif %}",
    "last differs": "{% for m in messages %}{% if loop.last %}({{ m.role }}) {{ m.content }}!{% else %}{{ m.role }}: {{ m.content }}\n\n{% endif %}{% endfor %}",
}
CONVERSATIONS = [
    [("user", "Write f."), ("assistant", "Here it is:\n```python\ndef f():\n")],
    [("system", "Be brief."), ("user", "Hello"), ("assistant", "Well, ")],
    [("user", "Repeat: x"), ("assistant", "x")],
    [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "\n d \t")],
]


def main():
    cases = []
    for name, template in TEMPLATES.items():
        for conversation in CONVERSATIONS:
            messages = [{"role": role, "content": content} for role, content in conversation]
            rendered, _ = render_jinja_template([messages], chat_template=template, continue_final_message=True, add_generation_prompt=False)
            cases.append({"name": name, "template": template, "messages": conversation, "text": rendered[0]})
    GOLDEN.write_text(json.dumps(cases, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
