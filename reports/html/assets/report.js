
"use strict";
// Everything on this page is readable without this script; it adds sorting, tooltips and the sample browser.
// Texts from models and data reach the page through textContent only.
const $ = (s, r = document) => r.querySelector(s), $$ = (s, r = document) => [...r.querySelectorAll(s)];
const data = JSON.parse($("#data").textContent);
const pair = Boolean(data.models.large);
function el(tag, props = {}, ...kids) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(props)) {
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (k === "text") e.textContent = v;
    else if (v !== false && v != null) e.setAttribute(k, v === true ? "" : v);
  }
  e.append(...kids.filter(k => k != null));
  return e;
}
const grouped = x => x.toLocaleString("en-US");
const duration = ms => ms < 1000 ? Number(ms.toPrecision(3)) + " ms" : (ms / 1000).toPrecision(3) + " s";

// ---- theme: system, light, dark
const themes = ["system", "light", "dark"], themeButton = $("#theme");
let theme = "system";
try { theme = localStorage.getItem("sizeup-theme") || "system"; } catch { /* storage may be off */ }
function setTheme(t) {
  theme = themes.includes(t) ? t : "system";
  if (theme === "system") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = theme;
  themeButton.textContent = "Theme: " + theme;
  try { localStorage.setItem("sizeup-theme", theme); } catch { /* same */ }
}
setTheme(theme);
themeButton.hidden = false;
themeButton.addEventListener("click", () => setTheme(themes[(themes.indexOf(theme) + 1) % 3]));

// ---- navigation: mark the section in view
const spy = new IntersectionObserver(es => es.forEach(e => {
  const a = $(`nav.toc a[href="#${e.target.id}"]`);
  if (!a || !e.isIntersecting) return;
  $$("nav.toc a[aria-current]").forEach(x => x.removeAttribute("aria-current"));
  a.setAttribute("aria-current", "true");
  a.parentNode.scrollTo({ left: a.offsetLeft - 160 });
}), { rootMargin: "-60px 0px -75% 0px" });
$$("main > section, main > div[id]").forEach(s => spy.observe(s));

// ---- tooltips: glossary terms and plot marks
const tip = $("#tip");
function showTip(target, text) {
  tip.textContent = text; tip.hidden = false;
  const r = target.getBoundingClientRect(), w = tip.offsetWidth, h = tip.offsetHeight;
  const x = Math.max(8, Math.min(r.left + r.width / 2 - w / 2, document.documentElement.clientWidth - w - 8));
  tip.style.left = x + scrollX + "px";
  tip.style.top = (r.top - h - 8 > 50 ? r.top - h - 8 : r.bottom + 8) + scrollY + "px";
  target.setAttribute("aria-describedby", "tip");
}
function hideTip() {
  tip.hidden = true;
  tip.style.left = tip.style.top = "0";
  $$("[aria-describedby=tip]").forEach(e => e.removeAttribute("aria-describedby"));
}
function tipText(t) {
  if (t.dataset.tip) return t.dataset.tip;
  const def = document.getElementById(t.getAttribute("href").slice(1));
  return def ? def.nextElementSibling.textContent : "";
}
for (const type of ["mouseover", "focusin"]) document.addEventListener(type, e => {
  const t = e.target.closest?.("a.term, [data-tip]");
  if (t) showTip(t, tipText(t)); else if (!tip.hidden) hideTip();
});
document.addEventListener("focusout", hideTip);
document.addEventListener("keydown", e => { if (e.key === "Escape") hideTip(); });

// ---- sortable tables: cells carry data-v
for (const table of $$("table.sortable")) {
  const heads = $$("thead th", table), body = table.tBodies[0];
  heads.forEach((th, col) => {
    if (!th.dataset.sort) return;
    const label = th.textContent;
    th.replaceChildren(el("button", { type: "button", text: label, onclick: sort }));
    function sort() {
      const up = th.getAttribute("aria-sort") ? th.getAttribute("aria-sort") === "descending" : th.dataset.sort === "up";
      heads.forEach(h => h.removeAttribute("aria-sort"));
      th.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = r => { const v = r.cells[col].dataset.v; return v === "" ? NaN : +v; };
      [...body.rows].map(r => [key(r), r]).sort(([a], [b]) => {
        if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
        if (Number.isNaN(b)) return -1;
        return up ? a - b : b - a;
      }).forEach(([, r]) => body.append(r));
    }
  });
}

// ---- cost: any volume
const volume = $("#volume");
function setVolume() {
  const requests = Math.max(0, Number(volume.value) || 0) * 1000;
  for (const cell of $$("[data-per-request]")) {
    const set = cell.dataset, capacity = Number(set.capacity);
    const machines = capacity ? Math.max(1, Math.ceil(requests / capacity)) : 1;
    const amount = Number(set.perRequest) * requests + Number(set.fixed) + Number(set.machine) * machines, digits = amount >= 100 ? 0 : 2;
    cell.textContent = cell.dataset.symbol + amount.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }
}
if (volume) volume.addEventListener("input", setVolume);

// ---- routing: another share sent on
const share = $("#share"), percent = (x, digits) => (100 * x).toFixed(digits) + "\u00a0%";
function setShare() {
  const F = data.routing.frontier, i = Number(share.value), mark = $("#op"), set = mark.dataset;
  mark.setAttribute("x", 100 * F.share[i] + "%");
  mark.setAttribute("y", 100 - 100 * (100 * F.accuracy[i] - set.lo) / (set.hi - set.lo) + "%");
  const range = F.lo[i] == null ? "no interval" : (100 * F.lo[i]).toFixed(1) + "…" + (100 * F.hi[i]).toFixed(1);
  $("#r-share").textContent = percent(F.share[i], 0);
  $("#r-below").textContent = F.threshold[i] == null ? "all" : F.threshold[i] > 0 ? Number(F.threshold[i].toPrecision(3)) : "none";
  $("#r-right").textContent = percent(F.accuracy[i], 1);
  $("#r-range").textContent = range;
  if (F.cost_per_1000[i] != null) $("#r-cost").textContent = percent(F.cost_per_1000[i] / data.routing.large_cost_per_1000, 0);
  if (F.p95_ms[i] != null) $("#r-p95").textContent = duration(F.p95_ms[i]);
  share.setAttribute("aria-valuetext", percent(F.share[i], 0) + " sent on, accuracy " + percent(F.accuracy[i], 1));
}
if (share) share.addEventListener("input", setShare);

// ---- sample browser
const ROW = 58, M = data.samples, CUT = 20000;
const b64 = s => Uint8Array.from(atob(s), c => c.charCodeAt(0));
async function unpack(id) {
  const stream = new Blob([b64($("#" + id).textContent.trim())]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}
const chunks = new Map();                     // text blocks are unpacked when first needed
const chunk = k => chunks.get(k) || chunks.set(k, unpack("samples-text-" + k)).get(k);
const textOf = async i => M.text ? (await chunk(Math.floor(i / M.chunk)))[i % M.chunk] : null;
const list = $("#list"), detail = $("#detail"), count = $("#count"), ctl = {};
let rows = [], shown = [], current = -1, haystack = null;

const word = ok => ok === null ? "not scored" : ok ? "right" : "wrong";
const mark = ok => el("span", { class: ok === null ? "na" : ok ? "ok" : "bad", text: ok === null ? "–" : ok ? "✓" : "✕", "aria-hidden": "true" });
const traits = r => M.slices.filter(s => M.enums[s.column].length > 1).map(s => r[s.column]).filter(v => v !== null).join(" · ");
// Flips compare the two scores, so that a link from a difference lands on exactly the samples it counts.
const flipOf = r => r.small_score === null || r.large_score === null || r.small_score === r.large_score ? "none" : r.small_score > r.large_score ? "gained" : "lost";
function passes(r) {
  const f = k => ctl[k] ? ctl[k].value : "";
  if (f("task") && r.task !== f("task")) return false;
  if (f("slice")) {
    const at = f("slice").indexOf(":"), field = decodeURIComponent(f("slice").slice(0, at));
    const s = M.slices.find(x => x.field === field);
    if (!s || r[s.column] !== f("slice").slice(at + 1)) return false;
  }
  const o = f("outcome");
  if (o === "right" && r.small !== true || o === "wrong" && r.small !== false || o === "unusable" && !r.status) return false;
  const kind = M.invented.indexOf(o);
  if (kind >= 0 && !(r.invented >> kind & 1)) return false;
  return !f("flip") || f("flip") === r.flip || f("flip") === "any" && r.flip !== "none";
}
const fold = s => s.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
async function search() {                      // unpacks every block once, then a scan per keystroke
  if (haystack) return;
  const found = [], started = performance.now();
  for (let k = 0; k * M.chunk < rows.length; k++) {
    if (performance.now() - started > 300) count.textContent = `Reading texts: ${grouped(found.length)} of ${grouped(rows.length)}…`;
    for (const t of M.text ? await chunk(k) : rows.slice(k * M.chunk, (k + 1) * M.chunk))
      found.push(fold([t.input, t.source, t.expected, t.small, t.large].filter(Boolean).join("\n")));
  }
  haystack = found;
}
let ticket = 0;
async function apply() {
  const mine = ++ticket, q = fold(ctl.q.value.trim());
  if (q) await search();
  if (mine !== ticket) return;
  shown = rows.filter(r => passes(r) && (!q || haystack[r.i].includes(q) || fold(r.id).includes(q)));
  const number = flip => shown.filter(r => r.flip === flip).length;
  count.textContent = `${grouped(shown.length)} of ${grouped(rows.length)} samples` + (pair ? ` · only or more right: large ${grouped(number("lost"))}, small ${grouped(number("gained"))}` : "");
  $("#space").style.height = shown.length * ROW + "px";
  if (!shown.some(r => r.i === current)) list.scrollTop = 0;
  draw();
}
function draw() {                              // only the rows in view exist
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4), last = Math.min(shown.length, first + Math.ceil(list.clientHeight / ROW) + 9);
  const kids = [];
  for (let k = first; k < last; k++) {
    const r = shown[k];
    const label = pair ? `${r.id}, large ${word(r.large)}, small ${word(r.small)}. ${r.snippet}` : `${r.id}, ${word(r.small)}. ${r.snippet}`;
    const e = el("div", { class: "r", role: "option", id: "row-" + r.i, "aria-setsize": shown.length, "aria-posinset": k + 1, "aria-selected": String(r.i === current), "aria-label": label },
      el("p", { class: "top" }, el("b", { text: r.id }), el("span", { class: "tr", text: traits(r) }),
        pair ? el("span", { class: "o" }, "large ", mark(r.large), "  small ", mark(r.small)) : el("span", { class: "o" }, mark(r.small))),
      el("p", { dir: "auto" }));
    show(e.lastChild, r.snippet);
    e.style.top = k * ROW + "px";
    e.addEventListener("click", () => select(r.i, true));
    kids.push(e);
  }
  $("#rows").replaceChildren(...kids);
  if (shown.slice(first, last).some(r => r.i === current)) list.setAttribute("aria-activedescendant", "row-" + current);
  else list.removeAttribute("aria-activedescendant");
  $("#none").hidden = shown.length > 0;
}
function reveal(i) {
  const k = shown.findIndex(r => r.i === i);
  if (k < 0) return;
  const top = list.scrollTop, h = list.clientHeight, y = k * ROW;
  if (y < top - h || y > top + 2 * h) list.scrollTop = y - h / 3;      // far away: show what is around it
  else if (y < top) list.scrollTop = y;
  else if (y + ROW > top + h) list.scrollTop = y + ROW - h;
}
// controls, bidi overrides and invisible characters are shown as their code points, never obeyed
const ODD = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;
function show(parent, text) {
  let at = 0;
  for (const m of text.matchAll(ODD)) {
    parent.append(text.slice(at, m.index), el("span", { class: "ctl", text: "U+" + m[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0") }));
    at = m.index + m[0].length;
  }
  parent.append(text.slice(at));
}
// word difference: common ends cut off, then longest common subsequence on what is left
function diff(a, b) {
  const cut = s => [...s.matchAll(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu)].map(m => ({ t: m[0], at: m.index }));
  const A = cut(a), B = cut(b);
  let p = 0, q = 0;
  while (p < A.length && p < B.length && A[p].t === B[p].t) p++;
  while (q < A.length - p && q < B.length - p && A[A.length - 1 - q].t === B[B.length - 1 - q].t) q++;
  const n = A.length - p - q, m = B.length - p - q, onlyA = new Set(), onlyB = new Set();
  if (n * m > 1e6) { for (let i = 0; i < n; i++) onlyA.add(p + i); for (let j = 0; j < m; j++) onlyB.add(p + j); }   // too long to align: whole middle
  else {
    const L = new Uint16Array((n + 1) * (m + 1)), w = m + 1;
    for (let i = n - 1; i >= 0; i--) for (let j = m - 1; j >= 0; j--)
      L[i * w + j] = A[p + i].t === B[p + j].t ? L[(i + 1) * w + j + 1] + 1 : Math.max(L[(i + 1) * w + j], L[i * w + j + 1]);
    let i = 0, j = 0;
    while (i < n || j < m) {
      if (i < n && j < m && A[p + i].t === B[p + j].t) { i++; j++; }
      else if (j >= m || (i < n && L[(i + 1) * w + j] >= L[i * w + j + 1])) onlyA.add(p + i++);
      else onlyB.add(p + j++);
    }
  }
  const spans = (s, T, only) => {                 // neighbours join across the spaces between them
    const out = [];
    T.forEach((x, k) => {
      if (!only.has(k) || !x.t.trim()) return;
      const end = out.at(-1)?.[1];
      if (end !== undefined && !s.slice(end, x.at).trim()) out.at(-1)[1] = x.at + x.t.length;
      else out.push([x.at, x.at + x.t.length]);
    });
    return out;
  };
  return [spans(a, A, onlyA), spans(b, B, onlyB)];
}
// A text of any length: the first part, and a button for the rest. paint(parent, from, to) writes a part.
function cutAt(text) {
  if (text.length <= CUT) return text.length;
  let units = 0, points = 0;
  for (const c of text) { if (points++ === CUT) return units; units += c.length; }
  return units;
}
function long(p, text, paint) {
  const end = cutAt(text);
  paint(0, end);
  if (end < text.length)
    p.append(el("button", { type: "button", class: "more", text: `Show all ${grouped([...text].length)} characters`, onclick: e => { e.target.remove(); paint(end, text.length); } }));
  return p;
}
function painted(text, diffs, marks) {         // cut the text at every edge, then wrap each piece
  const p = el("p", { class: "txt", dir: "auto" });
  if (!text) { p.append(el("span", { class: "ctl", text: "empty answer" })); return p; }
  const inside = (spans, x) => spans.find(s => s[0] <= x && x < s[1]);
  return long(p, text, (from, to) => {
    const edges = [...new Set([from, to, ...diffs.flat(), ...marks.flatMap(m => [m[0], m[1]])])].filter(x => from <= x && x <= to).sort((x, y) => x - y);
    for (let k = 0; k + 1 < edges.length; k++) {
      let at = p;
      const e = inside(marks, edges[k]);
      if (e) { const m = el("mark", { class: "e", title: e[2] }); at.append(m); at = m; }
      if (inside(diffs, edges[k])) { const d = el("span", { class: "d" }); at.append(d); at = d; }
      show(at, text.slice(edges[k], edges[k + 1]));
    }
  });
}
const marking = { diff: true, ev: true };
const markingClass = () => (marking.diff ? "" : "nodiff ") + (marking.ev ? "" : "noev");
function answerView(key, r, t, diffs) {
  const model = data.models[key], ok = r[key], marks = (t.evidence || {})[key] || [];
  const sure = key === "small" ? r.confidence : r.large_confidence;
  const facts = [r[key + "_ms"] === null ? null : duration(r[key + "_ms"]), sure === null ? null : `confidence ${sure.toFixed(2)}`,
    r[key + "_score"] !== null && r[key + "_score"] !== 0 && r[key + "_score"] !== 1 ? `score ${r[key + "_score"].toFixed(2)}` : null, (key === "small" ? r.status : r.large_status).replace("_", " ")].filter(Boolean);
  const taken = (t.extracted || {})[key], extracted = el("p", { class: "m" });
  if (taken !== undefined) { extracted.append("taken as the answer: "); show(extracted, taken); }
  return el("div", { class: "a-" + key }, el("h3", {}, el("span", { class: "k-" + key, text: model.name }), el("span", { class: "v " + (ok === null ? "na" : ok ? "yes" : "no"), text: word(ok) })),
    painted(t[key], diffs, marks), taken === undefined ? null : extracted,
    ...marks.map(m => el("p", { class: "why", text: `“${t[key].slice(m[0], m[1])}” — ${m[2]}` })),
    facts.length ? el("p", { class: "m", text: facts.join(", ") }) : null);
}
async function select(i, byUser) {
  current = i;
  const r = rows[i], t = await textOf(i);
  if (current !== i) return;
  const block = (name, text) => { const p = el("p", { class: "txt", dir: "auto" }); return [el("h4", { text: name }), long(p, text, (a, b) => show(p, text.slice(a, b)))]; };
  const step = d => { const k = shown.findIndex(x => x.i === i) + d; if (shown[k]) select(shown[k].i, true); };
  const body = el("div", { class: markingClass() },
    el("h3", {}, el("span", { text: r.id }), el("small", { text: [r.task, traits(r)].filter(Boolean).join(" · ") }),
      el("span", { class: "tools" }, el("button", { type: "button", text: "Previous", onclick: () => step(-1) }), el("button", { type: "button", text: "Next", onclick: () => step(1) }))));
  if (!t) body.append(el("p", { text: "This report was written without texts. " + (pair ? `Large ${word(r.large)}, small ${word(r.small)}.` : `Answer ${word(r.small)}.`) }));
  else {
    const [dl, ds] = pair ? diff(t.large, t.small) : [[], []];
    body.append(...(t.source ? block("Passage", t.source) : []), ...block("Input", t.input), ...block("Expected", t.expected),
      el("div", { class: pair ? "ans" : "ans one" }, ...(pair ? [answerView("large", r, t, dl)] : []), answerView("small", r, t, ds)));
    const options = [pair ? ["diff", "mark words that differ"] : null, r.marks || r.large_marks ? ["ev", "mark unsupported spans"] : null].filter(Boolean);
    body.append(el("div", { class: "opts" }, ...options.map(([k, label]) =>
      el("label", {}, el("input", { type: "checkbox", checked: marking[k], onchange: e => { marking[k] = e.target.checked; body.className = markingClass(); } }), label))));
  }
  detail.replaceChildren(body);
  detail.scrollTop = 0;
  reveal(i);
  draw();
  if (byUser) history.replaceState(null, "", "#sample=" + encodeURIComponent(r.id));
}

// ---- deep links: #sample=ID, or any filters such as #task=extraction&slice=length:long&flip=lost
function setFilters(p) {
  for (const k in ctl) {
    ctl[k].value = p.get(k) || "";
    if (ctl[k].selectedIndex === -1) ctl[k].value = "";      // a value that this report does not have
  }
}
async function fromHash() {
  if (!location.hash.includes("=")) return;
  const p = new URLSearchParams(location.hash.slice(1));
  if (p.has("sample")) {
    const r = rows.find(x => x.id === p.get("sample"));
    if (!r) {
      current = -1;
      const said = el("p", {}, "No sample is named “");
      show(said, p.get("sample"));
      said.append("”.");
      detail.replaceChildren(said);
      draw();
    } else { if (!passes(r)) setFilters(new URLSearchParams()); await apply(); await select(r.i, false); }
  } else {
    setFilters(p); await apply();
    if (shown.length) await select(shown[0].i, false);
  }
  $("#samples").scrollIntoView();
  if (!p.has("sample")) list.focus({ preventScroll: true });
}
async function start() {
  for (const k of ["task", "slice", "outcome", "flip", "q"]) if ($("#f-" + k)) ctl[k] = $("#f-" + k);
  list.addEventListener("scroll", draw, { passive: true });
  list.addEventListener("keydown", e => {
    const at = shown.findIndex(r => r.i === current), page = Math.floor(list.clientHeight / ROW);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: shown.length - 1 }[e.key];
    if (to === undefined || !shown.length) return;
    e.preventDefault();
    select(shown[Math.max(0, Math.min(shown.length - 1, to))].i, true);
  });
  const cols = await unpack(M.index);
  const value = (k, v) => v === null || !Object.hasOwn(M.enums, k) ? v : M.enums[k][v];
  rows = cols.id.map((_, i) => Object.fromEntries([["i", i], ...Object.keys(cols).map(k => [k, value(k, cols[k][i])])]));
  for (const r of rows) {
    const side = score => score === null ? null : score >= 0.5;
    r.small = side(r.small_score); r.large = pair ? side(r.large_score) : null; r.flip = pair ? flipOf(r) : "none";
  }
  let wait;
  for (const k in ctl) ctl[k].addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(apply, k === "q" ? 90 : 0); });
  $("#filters").addEventListener("submit", e => e.preventDefault());
  $("#f-clear").addEventListener("click", () => { setFilters(new URLSearchParams()); apply(); });
  await apply();
  if (location.hash.includes("=")) await fromHash();
  else await select(M.first, false);
  addEventListener("hashchange", fromHash);
}
// ---- print: open every table, then put things back
const opened = [];
addEventListener("beforeprint", () => $$("details.tb:not([open])").forEach(d => { d.open = true; opened.push(d); }));
addEventListener("afterprint", () => { while (opened.length) opened.pop().open = false; });

if (list) {
  const ready = () => { document.documentElement.dataset.ready = "1"; };
  if (typeof DecompressionStream === "undefined") detail.textContent = "This browser cannot unpack the samples (it has no DecompressionStream); everything else on the page works.";
  else start().then(ready, e => { detail.textContent = "The samples could not be unpacked in this browser: " + e.message; });
}
