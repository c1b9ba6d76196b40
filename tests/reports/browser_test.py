"""The report in a real browser: browser_test.py MAKE_PAGES FOLDER

MAKE_PAGES is the program that writes the invented runs as pages; FOLDER takes them and two screenshots.
Exit 77 (ctest: skipped) where there is no Chromium. Standard library only.
"""
import csv
import json
import math
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import unittest

from browser import Browser

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WIDTHS = (1440, 1080, 800, 620, 480, 320)
READY = "document.documentElement.dataset.ready === '1'"
SHOWN = "document.querySelector('#count').textContent"
PAGES = ("pair", "hostile", "single", "three", "ladder", "history")
folder = None
browser = None


def url(name, fragment=""):
    return "file://" + os.path.join(folder, name + ".html") + fragment


def open_page(name, fragment=""):
    browser.open(url(name, fragment))
    if name != "broken" and not browser.wait_for(READY):
        raise AssertionError("the sample browser does not start: " + str(browser.js("document.querySelector('#detail').textContent")))


def number_shown():
    return int(re.match(r"([\d,]+) of", browser.js(SHOWN)).group(1).replace(",", ""))


def set_filter(control, value):
    browser.js("(async () => { const c = document.querySelector('#f-%s'); c.value = %s; c.dispatchEvent(new Event('input', {bubbles: true}));"
               " await new Promise(r => setTimeout(r, 250)); })()" % (control, json.dumps(value)))


def data_of(name):
    with open(os.path.join(folder, name + ".json"), encoding="utf-8") as file:
        return json.load(file)


def sql(name, query, *arguments):
    with sqlite3.connect(os.path.join(folder, name + ".db")) as db:
        return db.execute(query, arguments).fetchone()[0]


class Quiet(unittest.TestCase):
    """Nothing goes wrong and nothing leaves the page."""

    def test_no_error_no_report_no_request(self):
        for name in PAGES:
            for theme in ("light", "dark"):
                with self.subTest(page=name, theme=theme):
                    browser.theme(theme)
                    browser.resize(1440)
                    open_page(name)
                    self.assertEqual(browser.complaints(), [])
        browser.theme("light")

    def test_policy_is_enforced(self):
        # A page whose script was changed by one character must not run it: the hashes are real.
        with open(os.path.join(folder, "pair.html"), encoding="utf-8") as file:
            page = file.read()
        with open(os.path.join(folder, "broken.html"), "w", encoding="utf-8") as file:
            file.write(page.replace('"use strict";', '"use  strict";', 1))
        browser.open(url("broken"))
        self.assertFalse(browser.wait_for(READY, 1))
        self.assertTrue(any("Content Security Policy" in line for line in browser.complaints()))


class Layout(unittest.TestCase):
    def test_never_scrolls_sideways(self):
        for name in PAGES:
            for width in WIDTHS:
                with self.subTest(page=name, width=width):
                    browser.resize(width)
                    open_page(name)
                    browser.js("document.querySelectorAll('details').forEach(d => d.open = true)")
                    wide = browser.js("""(() => { const w = innerWidth; return document.documentElement.scrollWidth <= w ? '' :
                        [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > w + 1 && !e.closest('.scroll, nav, .browser, svg'))
                        .slice(0, 3).map(e => e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 40)).join(' | ') || 'something'; })()""")
                    self.assertEqual(wide, "")
        browser.resize(1440)

    def test_structure(self):
        for name in PAGES:
            with self.subTest(page=name):
                open_page(name)
                found = browser.js("""(() => { const all = s => [...document.querySelectorAll(s)], out = [];
                    const ids = all('[id]').map(e => e.id);
                    for (const id of new Set(ids)) if (ids.filter(x => x === id).length > 1) out.push('duplicate id ' + id);
                    for (const a of all('a[href^="#"]')) { const h = a.getAttribute('href').slice(1);
                      if (!h.includes('=') && !document.getElementById(h)) out.push('dead link #' + h); }
                    for (const c of all('input, select, textarea')) if (!c.labels || !c.labels.length) out.push('no label ' + c.id);
                    for (const b of all('button')) if (!b.textContent.trim()) out.push('empty button');
                    for (const p of all('svg[role=img]')) { if (!p.getAttribute('aria-label')) out.push('plot without words');
                      const s = p.closest('section'); if (!s.querySelector('details table, .tn') || !s.querySelector('.cap')) out.push('plot without table or caption in ' + s.id); }
                    for (const s of all('svg')) if (!s.getAttribute('aria-hidden') && !s.getAttribute('role') && !s.parentNode.closest('svg')) out.push('silent svg');
                    for (const t of all('table')) if (!t.caption) out.push('table without caption');
                    for (const t of all('th')) if (t.textContent.trim() && !t.scope) out.push('header without scope ' + t.textContent);
                    for (const s of all('section')) if (s.querySelectorAll('h2').length !== 1) out.push('h2 of ' + s.id);
                    if (all('h1').length !== 1) out.push('h1');
                    for (const e of all('[style]')) if (!e.closest('#list, #tip')) out.push('style attribute on ' + e.tagName);
                    return out; })()""")
                self.assertEqual(found, [])

    def test_contrast(self):
        # Text 4.5:1, marks 3:1, computed from the custom properties of both themes.
        script = """(() => { const s = getComputedStyle(document.documentElement), v = n => s.getPropertyValue('--' + n).trim();
            const lum = h => { const c = [1, 3, 5].map(i => parseInt(h.substr(i, 2), 16) / 255).map(x => x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
              return .2126 * c[0] + .7152 * c[1] + .0722 * c[2]; };
            const ratio = (a, b) => { const [x, y] = [lum(v(a)), lum(v(b))].sort((p, q) => q - p); return (x + .05) / (y + .05); };
            return ['ink', 'ink2', 'ink3', 'small', 'large', 'yes', 'no', 'open'].flatMap(n => ['paper', 'raise'].map(b => [n + ' on ' + b, ratio(n, b)])); })()"""
        for theme in ("light", "dark"):
            browser.theme(theme)
            open_page("pair")
            for what, ratio in browser.js(script):
                with self.subTest(theme=theme, colours=what):
                    self.assertGreaterEqual(ratio, 4.5)
        browser.theme("light")

    def test_screenshots(self):
        for width, theme in ((1440, "light"), (480, "dark")):
            browser.theme(theme)
            browser.resize(width)
            open_page("pair")
            browser.screenshot(os.path.join(folder, "report-%d-%s.png" % (width, theme)))
        browser.theme("light")
        browser.resize(1440)


class Samples(unittest.TestCase):
    def setUp(self):
        browser.resize(1440)

    def test_search_finds_a_row(self):
        open_page("pair")
        set_filter("q", "ticket 17:")
        self.assertEqual(number_shown(), 1)
        self.assertEqual(browser.js("document.querySelector('#rows .r b').textContent"), "helpdesk-017")
        set_filter("q", "CAFE ZURICH")  # folded: case and accents do not matter
        self.assertEqual(number_shown(), sql("pair", "SELECT count(*) FROM sample WHERE prompt LIKE '%Café Zürich%'"))
        set_filter("q", "no such text anywhere")
        self.assertEqual(number_shown(), 0)
        self.assertFalse(browser.js("document.querySelector('#none').hidden"))

    def test_a_slow_search_says_how_far_it_is(self):
        open_page("pair")
        browser.js("""(() => { window.said = []; let time = 0; performance.now = () => time += 400; const count = document.querySelector('#count');
            new MutationObserver(() => window.said.push(count.textContent)).observe(count, { childList: true }); })()""")
        set_filter("q", "ticket 17:")
        self.assertEqual(number_shown(), 1)
        self.assertEqual(browser.js("window.said[0]"), "Reading texts: 0 of 410…")

    def test_filters_count_what_the_store_counts(self):
        open_page("pair")
        self.assertEqual(number_shown(), 410)
        score = """SELECT count(*) FROM score s JOIN evaluation e ON e.id = s.evaluation_id JOIN model m ON m.id = e.model_id
                   JOIN task t ON t.id = e.task_id WHERE t.name = ? AND m.name = ? AND s.metric = ? AND s.value = ?"""
        for task, metric in (("helpdesk", "acc"), ("invoices", "record_exact"), ("handbook", "exact_match")):
            set_filter("task", task)
            self.assertEqual(number_shown(), sql("pair", "SELECT count(*) FROM sample s JOIN task t ON t.id = s.task_id WHERE t.name = ?", task))
            set_filter("outcome", "wrong")
            self.assertEqual(number_shown(), sql("pair", score, task, "pocket-small", metric, 0.0))
            set_filter("outcome", "right")
            self.assertEqual(number_shown(), sql("pair", score, task, "pocket-small", metric, 1.0))
            set_filter("outcome", "")
        set_filter("task", "handbook")
        set_filter("outcome", "closed_book")
        self.assertEqual(number_shown(), sql("pair", score, "handbook", "pocket-small", "hallucination_rate", 1.0))
        set_filter("outcome", "")
        set_filter("slice", "kind:passage")
        self.assertEqual(number_shown(), 30)

    def test_links_land_on_exactly_their_samples(self):
        data = data_of("pair")
        for difference in data["differences"]:
            for flip, count in (("lost", difference["loss"]), ("gained", difference["win"]), ("any", difference["win"] + difference["loss"])):
                open_page("pair", "#task=%s&flip=%s" % (difference["task"], flip))
                self.assertEqual(number_shown(), count, difference["task"] + " " + flip)
        fields = data["slices"]["fields"]
        for row in data["slices"]["rows"]:
            slice_ = dict(zip(fields, row))
            open_page("pair")
            link = browser.js("[...document.querySelectorAll('.heat td a')].find(a => a.dataset.tip.startsWith(%s) && a.hash.includes(%s)).hash"
                              % (json.dumps("%s %s:" % (slice_["field"], slice_["value"])), json.dumps("task=" + slice_["task"])))
            open_page("pair", link)
            self.assertEqual(number_shown(), slice_["win"] + slice_["loss"], link)

    def test_sample_link_selects_and_reveals(self):
        open_page("pair", "#sample=invoices-90")
        self.assertIn("invoices-90", browser.js("document.querySelector('#detail h3').textContent"))
        self.assertEqual(browser.js("document.querySelector('#list [aria-selected=true] b').textContent"), "invoices-90")
        visible = browser.js("""(() => { const r = document.querySelector('#list [aria-selected=true]').getBoundingClientRect(), l = document.querySelector('#list').getBoundingClientRect();
            return r.top >= l.top - 1 && r.bottom <= l.bottom + 1; })()""")
        self.assertTrue(visible)
        open_page("pair", "#sample=no-such-sample")
        self.assertIn("No sample is named “no-such-sample”", browser.js("document.querySelector('#detail').textContent"))

    def test_keyboard(self):
        open_page("pair")
        browser.js("document.querySelector('#list').focus()")
        for key in ("Home", "ArrowDown", "PageDown", "End", "ArrowUp"):
            browser.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key,
                         windowsVirtualKeyCode={"Home": 36, "ArrowDown": 40, "PageDown": 34, "End": 35, "ArrowUp": 38}[key])
            browser.wait_for("document.getElementById(document.querySelector('#list').getAttribute('aria-activedescendant')) !== null", 3)
            self.assertTrue(browser.js("!!document.getElementById(document.querySelector('#list').getAttribute('aria-activedescendant'))"), key)
        self.assertEqual(browser.js("document.querySelector('#list [aria-selected=true]').getAttribute('aria-posinset')"), "409")
        self.assertLessEqual(browser.js("document.querySelectorAll('#rows .r').length"), 40)

    def test_evidence_marks_the_stored_span(self):
        open_page("pair", "#task=handbook&outcome=unsupported")
        self.assertGreater(number_shown(), 0)
        self.assertTrue(browser.wait_for("document.querySelector('.a-small mark.e') !== null"))
        self.assertRegex(browser.js("document.querySelector('.a-small mark.e').textContent"), r"^The extension is 2\d\d\d\.$")
        self.assertIn("number not in the source", browser.js("document.querySelector('.a-small .why').textContent"))

    def test_hostile_text_is_text(self):
        open_page("hostile", "#sample=handbook-001")
        self.assertEqual(browser.js("document.title"), "Is small enough? 2026-11-21-1 · sizeup")
        text = browser.js("document.querySelector('.a-small .txt').textContent")
        self.assertIn("<script>alert(1)</script> and </script><!-- <b>not bold</b>", text)
        for shown in ("U+202E", "U+202C", "U+200B", "U+E0041", "U+0000"):
            self.assertIn(shown, text)
        self.assertNotIn("\u202e", text)
        self.assertIn("\ufffd", text)
        self.assertNotIn("the end", text)
        self.assertIn("Show all", text)
        browser.js("document.querySelector('.a-small .more').click()")
        self.assertTrue(browser.js("document.querySelector('.a-small .txt').textContent.endsWith('the end')"))
        self.assertGreater(browser.js("document.querySelector('.a-small .txt').textContent.length"), 1000000)
        self.assertEqual(browser.js("document.querySelectorAll('.a-small b, main script').length"), 0)
        self.assertEqual(browser.complaints(), [])
        # The name of a model and of a slice's value, too.
        self.assertIn('"><script>alert(1)</script> \'&', browser.js("document.querySelector('.who').textContent"))
        set_filter("slice", browser.js("[...document.querySelectorAll('#f-slice option')].find(o => o.textContent.includes('</option>')).value"))
        self.assertEqual(number_shown(), 20)

    def test_no_text(self):
        open_page("three")
        self.assertIn("written without texts", browser.js("document.querySelector('#detail').textContent"))
        with open(os.path.join(folder, "three.html"), encoding="utf-8") as file:
            page = file.read()
        self.assertNotIn("samples-text-0\"", page)
        self.assertNotIn("Choose the queue", page)


class History(unittest.TestCase):
    def test_marks_are_the_stored_results(self):
        browser.resize(1440)
        open_page("history")
        marks = browser.js("[...document.querySelectorAll('#history svg.c [data-tip]')].map(e => e.dataset.tip)")
        self.assertEqual(len(marks), 6 * 2 * 3)
        for task, metric in (("helpdesk", "acc"), ("invoices", "record_exact"), ("handbook", "exact_match")):
            value = sql("history", """SELECT value FROM result r JOIN evaluation e ON e.id = r.evaluation_id JOIN run ON run.id = e.run_id
                JOIN model m ON m.id = e.model_id JOIN task t ON t.id = e.task_id WHERE run.name = '2026-11-18-1' AND m.name = 'pocket-small'
                AND t.name = ? AND metric = ? AND slice_field = '' AND scenario = 'offline'""", task, metric)
            self.assertTrue(any(tip.startswith("pocket-small, 2026-11-18-1: %.1f\u00a0%% (" % (100 * value)) for tip in marks), task)
        self.assertEqual(sum("other weights than before" in tip for tip in marks), 6)
        self.assertEqual(browser.js("[...document.querySelectorAll('#history svg.c text')].filter(t => t.textContent === '▲').length"), 6)
        self.assertEqual(browser.js("document.querySelectorAll('#history svg.c polygon.band').length"), 6)
        rows = browser.js("document.querySelectorAll('#history details table tbody tr').length")
        self.assertEqual(rows, 6 * 2 * 3)

    def test_bands_hold_their_line_at_every_width(self):
        for width in (1440, 480):
            browser.resize(width)
            open_page("history")
            inside = browser.js("""[...document.querySelectorAll('#history svg.c')].every(plot => {
                const band = plot.querySelector('polygon.band').getBoundingClientRect(), box = plot.getBoundingClientRect();
                return [...plot.querySelectorAll('circle[data-tip]')].every(c => { const r = c.getBoundingClientRect(), y = (r.top + r.bottom) / 2;
                    return y >= band.top - 1 && y <= band.bottom + 1; }) && band.left >= box.left - 1 && band.right <= box.right + 1; })""")
            self.assertTrue(inside, width)
        browser.resize(1440)

    def test_requirements_are_those_of_the_data(self):
        open_page("history")
        table = browser.js("""[...document.querySelectorAll('table.req tbody tr')].map(r => [r.cells[0].firstChild.textContent,
            ...[1, 2].map(i => r.cells[i].querySelector('.v') ? [r.cells[i].querySelector('.v').textContent, r.cells[i].querySelector('small').textContent] : r.cells[i].textContent)])""")
        words = {"yes": ("met",), "no": ("not met",), "open": ("not enough data", "unknown"), "na": ("does not apply",)}
        rows = data_of("history")["requirements"]
        self.assertEqual(len(table), len(rows) + 1)
        for shown, row in zip(table, rows):
            self.assertEqual(shown[0], row["text"])
            for cell, side in zip(shown[1:], ("small", "large")):
                self.assertIn(cell[0], words[row[side][0]])
                self.assertEqual(cell[1], row[side][1])
        self.assertRegex(table[-1][1], r"^\d+ met, \d+ not met, \d+ open$")


class Controls(unittest.TestCase):
    def test_sort(self):
        open_page("three")
        column = "document.querySelectorAll('table.sortable thead th')[1]"
        values = "[...document.querySelectorAll('table.sortable tbody tr')].map(r => +r.cells[1].dataset.v)"
        self.assertEqual(browser.js(column + ".getAttribute('aria-sort')"), "descending")
        self.assertEqual(browser.js(values), sorted(browser.js(values), reverse=True))
        browser.js(column + ".querySelector('button').click()")
        self.assertEqual(browser.js(column + ".getAttribute('aria-sort')"), "ascending")
        self.assertEqual(browser.js(values), sorted(browser.js(values)))

    def test_theme(self):
        open_page("pair")
        for expected in ("light", "dark", None):
            browser.js("document.querySelector('#theme').click()")
            self.assertEqual(browser.js("document.documentElement.dataset.theme"), expected)
        browser.js("document.querySelector('#theme').click(); document.querySelector('#theme').click()")
        open_page("pair")
        self.assertEqual(browser.js("document.documentElement.dataset.theme"), "dark")  # survives a reload
        browser.js("localStorage.clear()")

    def test_volume(self):
        open_page("pair")
        browser.js("(() => { const v = document.querySelector('#volume'); v.value = 2000; v.dispatchEvent(new Event('input')); })()")
        rows = [row for row in data_of("pair")["cost"]["rows"] if row["task"] is None]
        shown = browser.js("[...document.querySelectorAll('[data-per-request]')].map(c => c.textContent)")
        def month(row):
            machines = max(1, math.ceil(2e6 / row["capacity_per_month"])) if row["capacity_per_month"] else 0
            return (row["endpoint_per_request"] or 0) * 2e6 + row["fixed_per_month"] + (row["machine_per_month"] or 0) * machines
        self.assertEqual(shown, ["€%s" % format(month(row), ",.2f" if month(row) < 100 else ",.0f") for row in rows])

    def test_share_sent_on(self):
        open_page("pair")
        routing = data_of("pair")["routing"]
        frontier = routing["frontier"]
        before = browser.js("document.querySelector('#r-right').textContent")
        for percent in (0, 37, 100, routing["recommended"]):
            browser.js("(() => { const s = document.querySelector('#share'); s.value = %d; s.dispatchEvent(new Event('input')); })()" % percent)
            shown = browser.js("['share', 'below', 'right', 'range', 'cost', 'p95'].map(n => document.querySelector('#r-' + n).textContent)")
            at = {name: column[percent] for name, column in frontier.items()}
            threshold = "all" if at["threshold"] is None else "none" if at["threshold"] <= 0 else "%.3g" % at["threshold"]
            self.assertEqual(shown[0], "%.0f\u00a0%%" % (100 * at["share"]))
            self.assertEqual(float(shown[1]) if shown[1] not in ("all", "none") else shown[1], threshold if threshold in ("all", "none") else float(threshold))
            self.assertEqual(shown[2], "%.1f\u00a0%%" % (100 * at["accuracy"]))
            self.assertEqual(shown[3], "%.1f…%.1f" % (100 * at["lo"], 100 * at["hi"]))
            self.assertEqual(shown[4], "%.0f\u00a0%%" % (100 * at["cost_per_1000"] / routing["large_cost_per_1000"]))
            # The mark lies on the line, which is drawn without the script.
            self.assertTrue(browser.js("""(() => {
                const svg = document.querySelector('#op'), plot = svg.parentNode.getBoundingClientRect(), set = svg.dataset;
                const mark = svg.querySelector('path').getBoundingClientRect(), y = (mark.top + mark.bottom) / 2;
                const expected = plot.top + plot.height * (1 - (100 * %f - set.lo) / (set.hi - set.lo));
                return Math.abs(y - expected) < 2; })()""" % at["accuracy"]))
        self.assertEqual(browser.js("document.querySelector('#r-right').textContent"), before)

    def test_without_script(self):
        browser.call("Emulation.setScriptExecutionDisabled", value=True)
        try:
            browser.call("Page.navigate", url=url("pair"))
            import time
            time.sleep(1)
            document = browser.call("DOM.getDocument")["root"]["nodeId"]
            plots = browser.call("DOM.querySelectorAll", nodeId=document, selector="svg[role=img]")["nodeIds"]
            self.assertGreater(len(plots), 8)
            for plot in plots:
                box = browser.call("DOM.getBoxModel", nodeId=plot)["model"]
                self.assertGreater(box["width"] * box["height"], 100)
            for selector, visible in ((".filters", False), ("#list", False), (".print-only table", True)):
                node = browser.call("DOM.querySelector", nodeId=document, selector=selector)["nodeId"]
                try:
                    shown = browser.call("DOM.getBoxModel", nodeId=node)["model"]["height"] > 0
                except RuntimeError:
                    shown = False
                self.assertEqual(shown, visible, selector)
        finally:
            browser.call("Emulation.setScriptExecutionDisabled", value=False)

    def test_print(self):
        import base64
        open_page("pair")
        pdf = base64.b64decode(browser.call("Page.printToPDF", printBackground=True)["data"])
        pages = len(re.findall(rb"/Type\s*/Page[^s]", pdf))
        self.assertGreaterEqual(pages, 4)
        self.assertLessEqual(pages, 25)
        self.assertTrue(browser.wait_for("document.querySelectorAll('details[open]').length === 0", 5))


class OneTruth(unittest.TestCase):
    """HTML, JSON, CSV and the store print the same numbers."""

    @staticmethod
    def points(value):
        text = format(100 * value, "+.1f").replace("-", "−")
        return "0.0" if text in ("+0.0", "−0.0") else text

    def rows(self, name):
        with open(os.path.join(folder, "pair", name + ".csv"), newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_differences(self):
        data = data_of("pair")
        open_page("pair")
        printed = browser.js("[...document.querySelectorAll('#differences table.forest tbody tr:not(.sub):not(.axr)')].map(r => [...r.cells].map(c => c.innerText.trim()))")
        table = {row["task"]: row for row in self.rows("differences")}
        for cells, row in zip(printed, data["differences"] + [data["overall"]]):
            self.assertTrue(cells[2].startswith(self.points(row["diff"]) + " ("), cells)
            self.assertEqual(cells[3], "%d / %d" % (row["win"], row["loss"]))
            word = {"yes": "yes", "no": "no", "open": "not enough data"}[row["verdict"]]
            self.assertEqual(cells[4], word)
            # The verdict follows from the bounds that are printed.
            lo, hi = (float(x.replace("−", "-")) for x in re.search(r"\((.+)…(.+)\)", cells[2]).groups())
            margin = 100 * row["margin"]
            self.assertEqual(word, "yes" if lo > -margin else "no" if hi < -margin else "not enough data")
            line = table[row["task"] or ""]
            for key, column in (("diff", "difference"), ("lo", "lo"), ("hi", "hi"), ("p", "p")):
                self.assertEqual(float(line[column]), row[key])

    def test_recomputed_from_the_embedded_samples(self):
        open_page("pair")
        counts = browser.js("""(() => { const out = {}; for (const r of rows) { const t = out[r.task] ??= { n: 0, win: 0, loss: 0 };
            if (r.small_score === null || r.large_score === null) continue; t.n++; t.win += r.small_score > r.large_score; t.loss += r.small_score < r.large_score; } return out; })()""")
        for row in data_of("pair")["differences"]:
            self.assertEqual(counts[row["task"]], {"n": row["n"], "win": row["win"], "loss": row["loss"]})

    def test_leaderboard_and_results(self):
        data = data_of("pair")
        open_page("pair")
        printed = browser.js("[...document.querySelectorAll('#models table.lb tbody tr')].map(r => [...r.cells].map(c => c.innerText.trim()))")
        for cells, row in zip(printed, data["leaderboard"]):
            self.assertTrue(cells[0].startswith(row["model"]))
            self.assertTrue(cells[1].startswith(format(100 * row["accuracy"], ".1f") + "\u00a0%"), cells)
        table = {(row["model"], row["task"], row["metric"]): row for row in self.rows("results")}
        for row in data["results"]:
            line = table[row["model"], row["task"], row["metric"]]
            self.assertEqual([float(line[key]) for key in ("value", "lo", "hi", "n")], [row[key] for key in ("value", "lo", "hi", "n")])
            stored = sql("pair", """SELECT value FROM result r JOIN evaluation e ON e.id = r.evaluation_id JOIN model m ON m.id = e.model_id
                                    JOIN task t ON t.id = e.task_id WHERE m.name = ? AND t.name = ? AND r.metric = ? AND r.slice_field = ''""",
                         row["model"], row["task"], row["metric"])
            self.assertEqual(stored, row["value"])

    def test_samples(self):
        lines = self.rows("samples")
        self.assertEqual(len(lines), 410)
        open_page("pair")
        outcomes = dict(browser.js("rows.map(r => [r.id, r.outcome])"))
        self.assertEqual({line["id"]: line["outcome"] for line in lines}, outcomes)


def main():
    global folder, browser
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    if not CHROMIUM:
        print("skipped: no chromium on this machine")
        sys.exit(77)
    maker, folder = sys.argv[1], os.path.abspath(sys.argv[2])
    subprocess.run([maker, folder], check=True)
    with Browser(CHROMIUM) as browser:
        result = unittest.main(argv=[sys.argv[0]] + sys.argv[3:], exit=False, verbosity=1).result
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
