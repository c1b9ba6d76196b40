"""Rows of the report's forest plot and its plots of a score over runs, of cost by volume and of reliability, drawn by the design's rules without our code.

Run as: python tests/oracles/report_fragments.py [PROTOTYPE.html]
Writes forest_rows.json, history.json, cost.json and reliability.json in tests/golden/reports. With the design prototype as argument it first checks that the
rules reproduce the prototype's own rows from the numbers printed in their labels (to the labels' precision).
"""
import json
import math
import pathlib
import re
import sys

LO, HI, TICKS, MARGIN = -50.0, 10.0, (-40, -30, -20, -10, 0, 10), 0.02


def number(x):
    text = f"{x:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def at(points):
    return 100 * (points - LO) / (HI - LO)


def percent(x):
    return number(x) + "%"


def points_text(value):
    text = f"{value:+.1f}"
    return ("0.0" if float(text) == 0 else text).replace("-", "\u2212")


def line(cls, points):
    return f'<line class="{cls}" x1="{percent(at(points))}" x2="{percent(at(points))}" y1="-8" y2="34"/>'


def row(tone, difference, lo, hi):
    d, a, b = 100 * difference, at(100 * lo), at(100 * hi)
    pen = {"small": "s-small", "both": "s-hyb", "other": "s-oth"}[tone]
    fill = "f" + pen[1:]
    out = "".join(line("g", t) for t in TICKS if t != 0) + line("z", 0) + line("mg", -100 * MARGIN)
    left, right = (percent(min(max(x, 0), 100)) for x in (a, b))
    if left != right:
        out += f'<line class="ci {pen}" x1="{left}" x2="{right}" y1="13" y2="13"/>'
    # An end beyond the plot has no cap; an arrow says that the interval goes on.
    for end, x, arrow in ((a, left, "‹" if a < 0 else ""), (b, right, "›" if b > 100 else "")):
        if arrow:
            out += f'<text class="t-mut" x="{x}" y="17" text-anchor="middle">{arrow}</text>'
        elif 0 <= end <= 100:
            out += f'<line class="ci {pen}" x1="{x}" x2="{x}" y1="9" y2="17"/>'
    if 0 <= at(d) <= 100:
        out += f'<circle class="{fill}" cx="{percent(at(d))}" cy="13" r="4.5"/>'
    label = f"difference {points_text(d)}\u00a0pp, interval {points_text(100 * lo)}\u2026{points_text(100 * hi)}"
    return f'<svg class="row-svg" role="img" aria-label="{label}">{out}</svg>'


HISTORY_LO, HISTORY_HI = 60.0, 100.0


def history(series, runs):
    """A band for each stretch of points with intervals, a line, a mark a point, a triangle where weights changed."""
    def x(run):
        return 100 * run / (runs - 1)

    def y(value):
        return 100 * (HISTORY_HI - value) / (HISTORY_HI - HISTORY_LO)

    frame = '<svg viewBox="0 0 100 100" preserveAspectRatio="none">'
    bands = lines = marks = ""
    for s in series:
        stretches = [[]]
        for run, value, lo, hi, changed in s["points"]:
            if lo is None:
                stretches.append([])
            else:
                stretches[-1].append((run, lo, hi))
        for stretch in stretches:
            if len(stretch) < 2:
                continue
            corners = [(x(run), y(hi)) for run, _, hi in stretch] + [(x(run), y(lo)) for run, lo, _ in reversed(stretch)]
            points = " ".join(f"{number(a)} {number(b)}" for a, b in corners)
            bands += f'{frame}<polygon class="band f-{s["tone"]}" points="{points}"/></svg>'
        path = "L".join(f"{number(x(p[0]))} {number(y(p[1]))}" for p in s["points"])
        lines += (f'{frame}<path class="s-{s["tone"]} w2" d="M{path}"/></svg>')
        for run, value, lo, hi, changed in s["points"]:
            px, py, tip = percent(x(run)), percent(y(value)), f"{run}"
            if changed:
                marks += f'<line class="mg" x1="{px}" x2="{px}" y1="{py}" y2="100%"/>'
                marks += f'<text class="t-{s["tone"]}" x="{px}" y="100%" dy="{-14 if s["tone"] == "large" else -2}" text-anchor="middle">▲</text>'
            if s["tone"] == "large":
                marks += f'<rect class="f-large" data-tip="{tip}" x="{px}" y="{py}" width="9" height="9" transform="translate(-4.5 -4.5)"/>'
            else:
                marks += f'<circle class="f-{s["tone"]}" data-tip="{tip}" cx="{px}" cy="{py}" r="4.5"/>'
    return bands + lines + marks


def write_history(folder):
    series = [{"tone": "small", "points": [[0, 80, 76, 84, False], [1, 81.5, 77, 85, False], [2, 70, 64, 75, True],
                                           [3, 72, None, None, False], [5, 75, 70, 80, False], [6, 76, 71, 81, True]]},
              {"tone": "large", "points": [[0, 90, 87, 93, False], [3, 91, 88, 94, True], [6, 90.25, 87, 93.4, False]]}]
    golden = {"lo": HISTORY_LO, "hi": HISTORY_HI, "runs": 7, "series": series, "svg": history(series, 7)}
    (folder / "history.json").write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def cost_drawing(lines, mark, volume, x_axis, y_axis):
    """Two logarithmic axes; 41 points a line, and both corners of each whole machine that is added."""
    def along(axis, value):
        return 100 * (math.log10(value) - math.log10(axis[0])) / (math.log10(axis[1]) - math.log10(axis[0]))

    def cost(line, at, machines):
        return line["fixed"] + line["slope"] * at + line["step"] * machines

    def begun(line, at):
        return 1 + (math.floor(at / line["width"]) if line["width"] else 0)

    def place(at):
        return x_axis[0] * (x_axis[1] / x_axis[0]) ** at

    frame = '<svg viewBox="0 0 100 100" preserveAspectRatio="none">'
    out = ""
    for line in lines:
        volumes = [place(k / 40) for k in range(41)]
        points = [(v, 1, cost(line, v, begun(line, v))) for v in volumes]
        if line["width"]:
            k = math.floor(x_axis[0] / line["width"]) + 1
            while k * line["width"] < x_axis[1]:
                points += [(k * line["width"], -1, cost(line, k * line["width"], k)), (k * line["width"], 0, cost(line, k * line["width"], k + 1))]
                k += 1
        path = "L".join(f"{number(along(x_axis, v))} {number(100 - along(y_axis, c))}" for v, _, c in sorted(points))
        out += f'{frame}<path class="s-{line["tone"]} w2" d="M{path}"/></svg>'
    ends = [100 - along(y_axis, cost(line, place(0.97), begun(line, place(0.97)))) for line in lines]
    for line, top in zip(lines, ends):
        crowded = any(0 <= top - other < 12 for other in ends if other is not top)
        out += f'<text class="halo t-{line["tone"]}" x="97%" y="{percent(top)}" dy="{18 if crowded else -8}" text-anchor="end">{line["tone"]}</text>'
    if mark:
        left, top = along(x_axis, mark[0]), 100 - along(y_axis, mark[1])
        side, shift = ("end", -2) if left > 60 else ("start", 2)
        out += f'<circle class="s-hyb f-paper" cx="{percent(left)}" cy="{percent(top)}" r="6"/>'
        out += f'<text class="halo t-lab" x="{percent(left)}" y="{percent(top)}" dx="{shift}" dy="22" text-anchor="{side}">break-even</text>'
    if volume:
        left = percent(along(x_axis, volume))
        out += f'<line class="mg" x1="{left}" y1="100%" x2="{left}" y2="0%"/>'
        out += f'<text class="halo t-mut" x="{left}" y="100%" dx="5" dy="-6" text-anchor="start">your volume</text>'
    return out


def write_costs(folder):
    machine = {"tone": "small", "fixed": 0, "slope": 0, "step": 788.4, "width": 7_095_600}
    endpoint = {"tone": "large", "fixed": 0, "slope": 0.001555, "step": 0, "width": None}
    cheap = {"tone": "small", "fixed": 100, "slope": 0.001, "step": 0, "width": None}
    cases = [([endpoint, machine], [788.4 / 0.001555, 788.4], 7e6, (1e5, 3e7), (100, 1e5)),
             ([endpoint, cheap], [100 / 0.000555, 100 / 0.000555 * 0.001555], None, (1e4, 1e6), (10, 3000)),
             ([endpoint, machine], None, None, (1e4, 1e6), (10, 3000))]
    golden = [{"lines": lines, "mark": mark, "volume": volume, "x": x, "y": y, "svg": cost_drawing(lines, mark, volume, x, y)}
              for lines, mark, volume, x, y in cases]
    (folder / "cost.json").write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def reliability(series, x_range, y_range):
    """The line of equality where both axes have it, then all intervals, then all marks with what they say."""
    def x(confidence):
        return 100 * (confidence - x_range[0]) / (x_range[1] - x_range[0])

    def y(share):
        return 100 * (y_range[1] - 100 * share) / (y_range[1] - y_range[0])

    out = ""
    first, last = max(x_range[0], y_range[0] / 100), min(x_range[1], y_range[1] / 100)
    if first < last:
        out += ('<svg viewBox="0 0 100 100" preserveAspectRatio="none"><path class="s-oth dash" '
                f'd="M{number(x(first))} {number(y(first))}L{number(x(last))} {number(y(last))}"/></svg>')
    for s in series:
        bars = "".join(f"M{number(x(confidence))} {number(y(lo))}V{number(y(hi))}" for n, right, confidence, lo, hi in s["bins"])
        out += f'<svg viewBox="0 0 100 100" preserveAspectRatio="none"><path class="ci s-{s["tone"]}" d="{bars}"/></svg>'
    for s in series:
        for n, right, confidence, lo, hi in s["bins"]:
            px, py = percent(x(confidence)), percent(y(right / n))
            name = s["name"] + ", " if s["name"] else ""
            tip = f"{name}confidence {confidence:.2f}: {100 * right / n:.1f}\u00a0% right ({100 * lo:.1f}…{100 * hi:.1f}), n = {n}"
            if s["tone"] == "large":
                out += f'<rect class="f-large" data-tip="{tip}" x="{px}" y="{py}" width="9" height="9" transform="translate(-4.5 -4.5)"/>'
            else:
                out += f'<circle class="f-small" data-tip="{tip}" cx="{px}" cy="{py}" r="4.5"/>'
    return out


def write_reliability(folder):
    small = {"tone": "small", "name": "small", "bins": [[20, 8, .6524, .2188, .6134], [20, 13, .8304, .4329, .8188], [20, 20, .9908, .8389, 1]]}
    large = {"tone": "large", "name": "large", "bins": [[21, 15, .7333, .5004, .8619], [20, 19, .9512, .7639, .9911]]}
    alone = {"tone": "small", "name": "", "bins": [[50, 10, .4, .1124, .3304]]}
    cases = [([small, large], [.6, 1], [20, 100]), ([alone], [.35, .45], [0, 40]), ([alone], [.4, .5], [0, 35])]
    golden = [{"series": s, "x": x, "y": y, "svg": reliability(s, x, y)} for s, x, y in cases]
    (folder / "reliability.json").write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def shape(svg):
    """The row without its numbers."""
    return re.sub(r"-?\d+(\.\d+)?", "#", re.sub(r' stroke-width="1"', "", svg))


def check(prototype):
    text = pathlib.Path(prototype).read_text(encoding="utf-8")
    rows = re.findall(r'<svg class="row-svg" role="img" aria-label="difference .*?</svg>', text)
    assert len(rows) >= 10
    for theirs in rows:
        d, lo, hi = (float(x.replace("\u2212", "-")) / 100 for x in
                     re.search(r"difference (\S+)\u00a0pp, interval (\S+?)…(\S+?)\"", theirs).groups())
        tone = {"s-small": "small", "s-hyb": "both", "s-oth": "other"}[re.search(r'class="ci (\S+)"', theirs).group(1)]
        ours = row(tone, d, lo, hi)
        assert shape(ours) == shape(theirs), (ours, theirs)
        for a, b in zip(re.findall(r'="(-?[\d.]+)%?"', ours), re.findall(r'="(-?[\d.]+)%?"', re.sub(r' stroke-width="1"', "", theirs))):
            assert abs(float(a) - float(b)) < 0.1, (a, b, theirs)


def main():
    if len(sys.argv) > 1:
        check(sys.argv[1])
    cases = [("small", -0.008, -0.0194, 0.0025), ("other", -0.233, -0.388, -0.088), ("other", -0.048, -0.23, 0.118),
             ("other", -0.447, -0.65, -0.197), ("other", -0.61, -0.8, -0.55), ("both", -0.051, -0.066, -0.038),
             ("small", 0.013, -0.011, 0.041)]
    golden = [{"tone": t, "difference": d, "lo": lo, "hi": hi, "margin": MARGIN, "svg": row(t, d, lo, hi)} for t, d, lo, hi in cases]
    path = pathlib.Path(__file__).parent.parent / "golden" / "reports" / "forest_rows.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write_history(path.parent)
    write_costs(path.parent)
    write_reliability(path.parent)


main()
