#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/html/sections.h"
#include "reports/recommendation.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

// More tiles or rows than this push the evidence off the first screen; the sections below have them all.
constexpr size_t kMostTiles = 10;
constexpr size_t kMostRows = 8;

// "−1.9…+0.3" stays on one line.
Html unbroken_ranges(const std::string& text) {
  Html out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    out +=
        word.find("…") == std::string::npos ? html("{}", word) : html("<span class=\"nw\">{}</span>", word);
    if (end < text.size()) out += html(" ");
    at = end + 1;
  }
  return out;
}

Html headline(const ReportData& data) {
  Html out;
  for (const SentencePart& part : verdict_parts(data, data.is_pair() ? "Small" : data.small().name)) {
    switch (part.kind) {
      case SentencePart::Kind::plain:
        out += boxed_text(part.text);
        break;
      case SentencePart::Kind::strong:
        out += html("<b>{}</b>", boxed_text(part.text));
        break;
      case SentencePart::Kind::number:
        out += html("<span class=\"num\">{}</span>", unbroken_ranges(part.text));
        break;
    }
  }
  return html("<h1>{}</h1>", out);
}

Html eyebrow(const ReportData& data) {
  std::vector<std::string> names;
  int64_t samples = 0;
  for (const ReportTask& task : data.tasks) {
    names.push_back(task.name);
    samples += task.n;
  }
  const std::string tasks =
      names.size() <= 4 ? listed(names, "and") : format_count(static_cast<int64_t>(names.size())) + " tasks";
  const Html state = data.run.finished.empty()
                         ? html("not finished")
                         : html("finished {} {} UTC", data.run.finished.substr(0, 10),
                                data.run.finished.substr(std::min<size_t>(11, data.run.finished.size()), 5));
  return html(
      "<p class=\"eyebrow\">{} &nbsp;·&nbsp; {}, {} samples &nbsp;·&nbsp; run {}, {}</p>",
      data.is_pair() ? "Is the small model enough for this job?" : "How good is this model at this job?",
      boxed_text(tasks), format_count(samples), boxed_text(data.run.name), state);
}

Html who(const ReportData& data) {
  const auto facts = [](const ReportModel& model) {
    const std::string text = model_facts(model);
    return text.empty() ? Html{} : html(" ({})", text);
  };
  if (!data.is_pair()) {
    return html("<p class=\"who\"><span class=\"k-small\">{}</span>{}.</p>", boxed_text(data.small().name),
                facts(data.small()));
  }
  const bool one = std::all_of(data.tasks.begin(), data.tasks.end(), [&](const ReportTask& task) {
    return task.margin == data.tasks.front().margin;
  });
  const std::string size_of_margin = one && !data.tasks.empty()
                                         ? " of " + format_margin(data.tasks.front().margin) + "\u00a0pp"
                                         : " of each task";
  return html(
      "<p class=\"who\"><span class=\"k-small\">Small</span> is {}{}. <span class=\"k-large\">Large</span> "
      "is {}{}. “Good "
      "enough” means {}: with 95\u00a0% confidence, small loses less than the {}{}.</p>",
      boxed_text(data.small().name), facts(data.small()), boxed_text(data.large().name), facts(data.large()),
      term("non-inferior", "noninf"), term("margin", "margin"), size_of_margin);
}

Html pair_tile(const ReportData& data, const ReportDifference& difference) {
  Html more;
  if (difference.result.verdict == Verdict::not_enough_data && difference.result.more) {
    more = html(", about {} more would decide", format_count(*difference.result.more));
  }
  return html("<a href=\"#differences\"><b>{}</b>{}<small>{}<br>n = {}{}</small></a>",
              boxed_text(task_name(data, difference.task)), verdict_mark(difference.result.verdict),
              difference_text(difference, margin_of(data, difference)),
              format_count(difference.result.difference.n), more);
}

Html single_tile(const ReportData& data, const ReportScore& score) {
  const ReportTask& task = data.tasks[static_cast<size_t>(score.task)];
  return html(
      "<a href=\"#models\"><b>{}</b><span class=\"big\">{}</span><small>{} ({})<br>n = {}</small></a>",
      boxed_text(task.name), score_text(task, score.headline.value), task.metric,
      score_range(task, score.headline), format_count(score.headline.n));
}

Html tiles(const ReportData& data) {
  Html out;
  size_t count = 0;
  if (data.is_pair()) {
    for (const ReportDifference& difference : data.differences) {
      if (count++ < kMostTiles) out += pair_tile(data, difference);
    }
  } else {
    for (const ReportScore& score : data.scores) {
      if (score.model == data.candidate && count++ < kMostTiles) out += single_tile(data, score);
    }
  }
  if (out.empty()) return {};
  const Html rest = count > kMostTiles ? html("<p class=\"cap\">{} more tasks are in the tables below.</p>",
                                              count - kMostTiles)
                                       : Html{};
  return html("<div class=\"tiles\">{}</div>{}", out, rest);
}

class SideBySide {
 public:
  explicit SideBySide(const ReportData& data) : data_(data) {}

  Html table() {
    scores();
    for (const ReportDifference& difference : data_.differences) retention(difference);
    if (data_.overall) retention(*data_.overall);
    leaders();
    facts();
    Html head = html("<th scope=\"col\"></th><th scope=\"col\"><span class=\"k-small\">{}</span></th>",
                     data_.is_pair() ? "small" : "result");
    if (data_.is_pair()) head += html("<th scope=\"col\"><span class=\"k-large\">large</span></th>");
    return scrolling(
        "side by side",
        html("<table class=\"sbs\"><caption class=\"vh\">side by side</caption><thead><tr>{}</tr>"
             "</thead><tbody>{}</tbody></table>",
             head, rows_));
  }

 private:
  void row(const std::string& name, const std::string& note, const Html& small, const Html& large) {
    rows_ += html("<tr><th scope=\"row\">{}<small>{}</small></th><td>{}</td>", boxed_text(name), note, small);
    if (data_.is_pair()) rows_ += html("<td>{}</td>", large);
    rows_ += html("</tr>");
  }

  Html score_cell(int model, int task) const {
    const ReportScore* score = score_of(data_, model, task);
    if (!score || std::isnan(score->headline.value)) return value(kNone);
    const ReportTask& about = data_.tasks[static_cast<size_t>(task)];
    return html("{}<small>{}</small>", score_text(about, score->headline.value),
                score_range(about, score->headline));
  }

  void scores() {
    for (size_t task = 0; task < std::min(data_.tasks.size(), kMostRows); ++task) {
      const int index = static_cast<int>(task);
      const Html large = data_.is_pair() ? score_cell(data_.baseline, index) : Html{};
      row(data_.tasks[task].name, data_.tasks[task].metric, score_cell(data_.candidate, index), large);
    }
  }

  // Small as a share of large; with several tasks only the one over all of them.
  void retention(const ReportDifference& difference) {
    if (data_.overall && difference.task >= 0) return;
    const Retention& kept = difference.kept;
    if (std::isnan(kept.value)) return;
    const std::string range = kept.bootstrap.lo <= kept.bootstrap.hi
                                  ? format_percent_range(kept.bootstrap.lo, kept.bootstrap.hi)
                                  : "no interval";
    row("Kept of large’s score", task_name(data_, difference.task),
        html("{}<small>{}</small>", format_percent(kept.value), range), value("100 %"));
  }

  Html money(int model) const {
    for (const ReportCost& cost : data_.cost) {
      if (cost.model == model && cost.task < 0 && cost.per_1000)
        return value(format_money(*cost.per_1000, cost.currency));
    }
    return value("unknown");
  }

  Html time(int model, Estimate ReportLeader::*which) const {
    const ReportLeader* leader = leader_of(data_, model);
    if (!leader || std::isnan((leader->*which).value)) return value(kNone);
    return value(format_duration((leader->*which).value));
  }

  bool any(Estimate ReportLeader::*which) const {
    return std::any_of(data_.leaderboard.begin(), data_.leaderboard.end(),
                       [&](const ReportLeader& leader) { return !std::isnan((leader.*which).value); });
  }

  template <class Cell>
  void both(const std::string& name, const std::string& note, Cell cell) {
    row(name, note, cell(data_.candidate), data_.is_pair() ? cell(data_.baseline) : Html{});
  }

  void leaders() {
    if (any(&ReportLeader::p50_ms)) {
      both("Median time to full answer", "one request at a time",
           [&](int model) { return time(model, &ReportLeader::p50_ms); });
    }
    if (any(&ReportLeader::p95_ms)) {
      both("p95 time to full answer", "95 of 100 take no longer",
           [&](int model) { return time(model, &ReportLeader::p95_ms); });
    }
    if (!data_.cost.empty())
      both("Cost of 1,000 requests", "at the stated prices", [&](int model) { return money(model); });
    both("Unusable answers", "count as wrong", [&](int model) {
      const ReportLeader* leader = leader_of(data_, model);
      return value(leader ? format_percent(leader->unusable) : std::string(kNone));
    });
  }

  void facts() {
    const auto model = [&](int index) -> const ReportModel& {
      return data_.models[static_cast<size_t>(index)];
    };
    both("Size", "parameters, weights as stored", [&](int index) {
      const ReportModel& about = model(index);
      if (about.parameters == 0 && about.bytes == 0) return value("unknown");
      return html("{}<small>{}</small>",
                  about.parameters > 0 ? format_parameters(about.parameters) : std::string("unknown"),
                  about.bytes > 0 ? format_bytes(about.bytes) : std::string("unknown"));
    });
  }

  const ReportData& data_;
  Html rows_;
};

Html fit_cell(const RequirementsReport& report, const ModelFacts& model, const Judged& judged) {
  // The class is one of our own words.
  return html("<td><span class=\"v {}\">{}</span><small>{}</small></td>", fit_class(judged.fit),
              fit_word(judged.fit), boxed_text(found_words(report, model, judged)));
}

// "4 met, 1 not met, 1 open".
std::string together(const ModelJudgement& judgement) {
  int64_t met = 0;
  int64_t not_met = 0;
  int64_t open = 0;
  for (const Judged& judged : judgement.requirements) {
    met += judged.fit == Fit::met;
    not_met += judged.fit == Fit::not_met;
    open += judged.fit == Fit::open || judged.fit == Fit::unknown;
  }
  return fmt::format("{} met, {} not met, {} open", met, not_met, open);
}

// Requirement by requirement: small, the pair with small first where that was measured, large.
Html requirements_table(const RequirementsReport& report) {
  const std::vector<ModelJudgement>& judged = report.result.models;
  const bool pair = judged.size() > 1;
  Html head =
      html("<th scope=\"col\">requirement</th><th scope=\"col\"><span class=\"k-small\">{}</span></th>",
           pair ? "small" : "result");
  if (judged.size() > 2)
    head += html("<th scope=\"col\"><b class=\"k-hyb\">{}</b></th>", report.candidates.models[1].name);
  if (pair) head += html("<th scope=\"col\"><span class=\"k-large\">large</span></th>");
  Html rows;
  for (size_t row = 0; row < judged.front().requirements.size(); ++row) {
    const RequirementWords words = requirement_words(report, judged.front().requirements[row], "large");
    rows += html("<tr><th scope=\"row\">{}<small>{}</small></th>", boxed_text(words.text),
                 boxed_text(words.limit));
    for (size_t model = 0; model < judged.size(); ++model)
      rows += fit_cell(report, report.candidates.models[model], judged[model].requirements[row]);
    rows += html("</tr>");
  }
  rows += html("<tr><th scope=\"row\">Together</th>");
  for (const ModelJudgement& judgement : judged) rows += html("<td>{}</td>", together(judgement));
  rows += html("</tr>");
  return html("<h3>Your requirements, from <code>{}</code></h3>{}", boxed_text(report.requirements.source),
              scrolling("requirements", html("<table class=\"sbs req\"><caption "
                                             "class=\"vh\">requirements</caption><thead><tr>{}</tr></thead>"
                                             "<tbody>{}</tbody></table>",
                                             head, rows)));
}

// The slice of a task with the lowest interval of those shown to be worse; nothing if none is.
const ReportDifference* worst_slice(const ReportData& data, int task) {
  const ReportDifference* worst = nullptr;
  for (const ReportDifference& slice : data.slices) {
    const PairedDifference& d = slice.result.difference;
    if (slice.task != task || !(d.hi < 0.0)) continue;
    if (!worst || d.difference < worst->result.difference.difference) worst = &slice;
  }
  return worst;
}

Html slice_note(const ReportData& data, const ReportDifference& difference) {
  const ReportDifference* slice = worst_slice(data, difference.task);
  if (!slice) return {};
  const std::string& task = data.tasks[static_cast<size_t>(difference.task)].name;
  return html(" The slice {} {} loses most, {}: <a href=\"{}\">see them</a>.", boxed_text(slice->slice_field),
              boxed_text(slice->slice_value), difference_text(*slice, margin_of(data, difference)),
              sample_link({task, slice->slice_field, slice->slice_value, "lost", {}}));
}

Html step(const ReportData& data, const ReportDifference& difference) {
  const ReportTask& task = data.tasks[static_cast<size_t>(difference.task)];
  const Html name = boxed_text(task.name);
  switch (difference.result.verdict) {
    case Verdict::yes:
      return html("<li><b>Move {} to small.</b> Its whole interval lies above −{} pp.{}</li>\n", name,
                  format_margin(task.margin), slice_note(data, difference));
    case Verdict::no:
      return html(
          "<li><b>Keep {} on large.</b> On <a href=\"{}\">{} samples</a> only large was right or "
          "better.{}</li>\n",
          name, sample_link({task.name, {}, {}, "lost", {}}),
          format_count(difference.result.difference.losses), slice_note(data, difference));
    case Verdict::not_enough_data:
      break;
  }
  if (difference.result.more) {
    return html(
        "<li><b>Collect about {} more samples of {}</b> to decide it, or accept a wider margin.</li>\n",
        format_count(*difference.result.more), name);
  }
  return html(
      "<li><b>Collect more samples of {}.</b> The difference measured so far lies at the margin "
      "itself.</li>\n",
      name);
}

Html invented(const ReportData& data) {
  for (const ReportHallucination& kind : data.hallucination) {
    const HallucinationCount& small = kind.models[static_cast<size_t>(data.candidate)];
    const HallucinationCount& large = kind.models[static_cast<size_t>(data.baseline)];
    if (small.of == 0 || large.of == 0 || !(small.interval.lo > large.interval.hi)) continue;
    return html(
        "<li><b>{}: small invents more.</b> {} against {} (<a href=\"#hallucination\">by kind</a>).</li>\n",
        kind.kind, format_percent(small.rate()), format_percent(large.rate()));
  }
  return {};
}

Html what_follows(const ReportData& data) {
  Html steps;
  if (data.is_pair()) {
    size_t count = 0;
    for (const ReportDifference& difference : data.differences) {
      if (count++ < kMostRows) steps += step(data, difference);
    }
    steps += invented(data);
  } else {
    steps += html(
        "<li><b>Compare it.</b> Name a second model and every difference gets an interval and a verdict: "
        "<code>sizeup run --model small=… --model large=… --task …</code></li>\n");
  }
  if (!data.samples.empty() && data.texts) {
    steps += html(
        "<li><b>Read some answers</b> before you believe a number: <a href=\"#samples\">the "
        "samples</a>.</li>\n");
  }
  return html("<div><h3>What follows</h3><ol class=\"next\">{}</ol></div>", steps);
}

}  // namespace

Html verdict_header(const ReportData& data) {
  const std::string side_title = data.is_pair() ? "Side by side" : "Results";
  return html(
      "<div id=\"verdict\"><div class=\"wrap\">{}{}{}{}<div "
      "class=\"two\"><div>{}<h3>{}</h3>{}</div>{}</div></div></div>\n",
      eyebrow(data), headline(data), who(data), tiles(data),
      data.requirements ? requirements_table(*data.requirements) : Html{}, side_title,
      SideBySide(data).table(), what_follows(data));
}

}  // namespace sizeup
