#include <algorithm>

#include "core/json/json.h"
#include "reports/format.h"
#include "reports/html/sections.h"
#include "reports/samples_index.h"
#include "reports/text.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

constexpr size_t kMostPrinted = 16;   // flips in the table that stands in for the browser
constexpr size_t kPrintedText = 160;  // code points of a text in it
constexpr size_t kMostOptions = 400;  // values in the slice filter; more would be no help

Html option(const std::string& value, const std::string& text) {
  return html("<option value=\"{}\">{}</option>", value, text);
}

Html select(const char* id, const char* label, const Html& options) {
  return html("<label>{}<select id=\"{}\">{}</select></label>", label, id, options);
}

Html slice_options(const ReportData& data) {
  Html out = option("", "all slices");
  size_t count = 0;
  for (const SliceColumn& slice : slice_columns(data)) {
    if (slice.values.size() < 2) continue;
    Html group;
    for (const std::string& value : slice.values) {
      if (count++ < kMostOptions)
        group += option(slice_option(slice.field, value), slice.field + " " + value);
    }
    if (!group.empty()) out += html("<optgroup label=\"{}\">{}</optgroup>", slice.field, group);
  }
  return out;
}

Html filters(const ReportData& data) {
  Html tasks = option("", "all tasks");
  for (const ReportTask& task : data.tasks) tasks += option(task.name, task.name);
  Html controls = select("f-task", "task", tasks);
  controls += select("f-slice", "slice", slice_options(data));
  Html outcomes = option("", "any");
  outcomes += option("right", "right");
  outcomes += option("wrong", "wrong");
  outcomes += option("unusable", "unusable answer");
  std::vector<std::string> listed_kinds;
  for (const ReportHallucination& kind : data.hallucination) {
    if (std::find(listed_kinds.begin(), listed_kinds.end(), kind.sample_key) != listed_kinds.end()) continue;
    listed_kinds.push_back(kind.sample_key);
    outcomes += option(kind.sample_key, "invented: " + kind.kind);
  }
  controls += select("f-outcome", data.is_pair() ? "outcome of small" : "outcome", outcomes);
  if (data.is_pair()) {
    Html flips = option("", "any or none");
    flips += option("any", "models differ");
    flips += option("lost", "only large right, or better");
    flips += option("gained", "only small right, or better");
    flips += option("none", "models agree");
    controls += select("f-flip", "flip", flips);
  }
  return html(
      "<form class=\"filters\" id=\"filters\" role=\"search\" aria-label=\"samples\">{}<label>{}<input "
      "type=\"search\" id=\"f-q\" "
      "autocomplete=\"off\" spellcheck=\"false\"></label><button type=\"button\" "
      "id=\"f-clear\">Clear</button></form>",
      controls, data.texts ? "search all texts" : "search names");
}

// What stands in for the browser on paper and without a script.
Html printed(const ReportData& data) {
  if (!data.texts) return {};
  Html rows;
  size_t shown = 0;
  size_t all = 0;
  for (const ReportSample& sample : data.samples) {
    const bool wanted = data.is_pair() ? sample.baseline.right() && !sample.candidate.right()
                                       : sample.candidate.score && !sample.candidate.right();
    if (!wanted) continue;
    ++all;
    if (shown == kMostPrinted) continue;
    ++shown;
    const auto cell = [&](const std::string& text) {
      return html("<td dir=\"auto\">{}</td>", boxed_text(snippet(text, kPrintedText)));
    };
    rows +=
        html("<tr><th scope=\"row\">{}</th>{}{}{}</tr>", boxed_text(sample.id), cell(sample.expected),
             data.is_pair() ? cell(sample.baseline.text) : cell(sample.input), cell(sample.candidate.text));
  }
  if (rows.empty()) return {};
  const std::string title =
      data.is_pair() ? "Samples that only large got right" : "Samples that were answered wrong";
  return html(
      "<div class=\"print-only\"><h3>{} ({} of {})</h3>{}</div>", title, shown,
      format_count(static_cast<int64_t>(all)),
      scrolling(
          "samples, printed",
          html("<table class=\"tn\"><caption class=\"vh\">{}</caption><thead><tr><th "
               "scope=\"col\">sample</th><th scope=\"col\">expected</th>"
               "<th scope=\"col\">{}</th><th scope=\"col\">{}</th></tr></thead><tbody>{}</tbody></table>",
               title, data.is_pair() ? "large" : "input", data.is_pair() ? "small" : "answer", rows)));
}

Html heading(const ReportData& data) {
  int64_t count = 0;
  for (const ReportSample& sample : data.samples) {
    const bool both = sample.candidate.score && sample.baseline.score;
    count += data.is_pair() ? (both && *sample.candidate.score != *sample.baseline.score ? 1 : 0)
                            : (sample.candidate.score && !sample.candidate.right() ? 1 : 0);
  }
  return data.is_pair() ? html("Read the {} samples on which the models differ", format_count(count))
                        : html("Read the {} samples that were answered wrong", format_count(count));
}

}  // namespace

std::optional<Section> samples_section(const ReportData& data) {
  if (data.samples.empty()) return std::nullopt;
  Section out;
  out.id = "samples";
  out.link = "Samples";
  out.kicker = "Samples";
  out.heading = heading(data);
  if (data.texts) {
    out.side.push_back(
        html("{}Wavy lines mark spans that the source does not support. Arrow keys move through the list; "
             "the address bar always links to "
             "the sample shown.{}",
             data.is_pair() ? html("Underlined words differ between the two answers. ") : Html{},
             data.redacted ? html(" What the patterns of <code>--redact</code> match reads [redacted].")
                           : Html{}));
  } else {
    out.side.push_back(html(
        "This report was written with <code>--no-text</code>: prompts and answers are in the store only."));
  }
  const size_t embedded = embedded_samples(data).size();
  if (embedded < data.samples.size()) {
    out.side.push_back(
        html("Of {} samples these are {}: all on which the models differ or fail that fit, and every k-th of "
             "the others. The store "
             "and samples.csv have the rest.",
             format_count(static_cast<int64_t>(data.samples.size())),
             format_count(static_cast<int64_t>(embedded))));
  }
  out.main = filters(data);
  out.main += html(
      "<p class=\"count\" id=\"count\" aria-live=\"polite\"></p><div class=\"browser\"><div id=\"list\" "
      "role=\"listbox\" tabindex=\"0\" "
      "aria-label=\"samples\"><div id=\"space\" role=\"presentation\"></div><div id=\"rows\" "
      "role=\"presentation\"></div>"
      "<p id=\"none\" class=\"count\" hidden>No sample matches these filters.</p></div><div id=\"detail\" "
      "role=\"region\" "
      "aria-label=\"sample\" tabindex=\"0\"><noscript>The browser of all samples needs JavaScript. The same "
      "rows are in "
      "<code>sizeup report --csv</code>.</noscript></div></div>");
  out.main += printed(data);
  return out;
}

Html sample_blocks(const ReportData& data) {
  if (data.samples.empty()) return {};
  const std::vector<const ReportSample*> samples = embedded_samples(data);
  Html out = html("<script type=\"application/octet-stream\" id=\"samples-index\">{}</script>\n",
                  packed_block(to_line(samples_index(data))));
  if (!data.texts) return out;
  for (size_t block = 0; block * kSamplesInBlock < samples.size(); ++block) {
    out += html("<script type=\"application/octet-stream\" id=\"samples-text-{}\">{}</script>\n", block,
                packed_block(to_line(samples_texts(samples, block, data.is_pair()))));
  }
  return out;
}

}  // namespace sizeup
