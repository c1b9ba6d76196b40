#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/glossary.h"
#include "reports/html/sections.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

Html fact(const std::string& name, const Html& content) {
  return html("<dt>{}</dt><dd>{}</dd>", boxed_text(name), content);
}

std::string shortened(const std::string& hash) {
  constexpr size_t kShown = 12;  // of 64 digits; the whole is in the JSON
  return hash.size() > kShown ? hash.substr(0, kShown) + "…" : hash;
}

Html model_fact(const ReportData& data, const ReportModel& model) {
  Html out = html("{}, <code>{}</code>", boxed_text(model_facts(model)), boxed_text(model.reference));
  if (model.bytes > 0) out += html(", {}", format_bytes(model.bytes));
  if (model.context_length > 0) out += html(", context {}", format_count(model.context_length));
  if (!model.fingerprint.empty() && !model.fingerprint.starts_with("unknown:")) {
    out += html(", SHA-256 <span class=\"mono\" title=\"{}\">{}</span>", model.fingerprint,
                shortened(model.fingerprint));
  }
  for (const std::string& note : model.notes) out += html("; {}", boxed_text(note));
  (void)data;
  return out;
}

Html task_fact(const ReportTask& task) {
  const std::string shots =
      task.num_fewshot ? fmt::format("{}-shot", *task.num_fewshot) : "shots as the task file says";
  Html out = html("{} samples, {}, {}{}", format_count(task.n),
                  boxed_text(task.protocol.empty() ? task.output_type : task.protocol), shots,
                  task.chat_template ? html(", each model’s chat template") : html(", no chat template"));
  if (!task.version.empty()) out += html(", version {}", boxed_text(task.version));
  if (!task.metric.empty()) out += html(", headline {}", boxed_text(task.metric));
  if (!task.pair_metric.empty() && task.pair_metric != task.metric)
    out += html(", compared by {}", boxed_text(task.pair_metric));
  if (!task.sandbox.empty()) out += html(", generated code run in a sandbox ({})", boxed_text(task.sandbox));
  out += html(
      ", definition <span class=\"mono\" title=\"{}\">{}</span>, data <span class=\"mono\" "
      "title=\"{}\">{}</span>",
      task.definition_hash, shortened(task.definition_hash), task.data_hash, shortened(task.data_hash));
  if (!task.description.empty()) out += html("<br><small>{}</small>", boxed_text(task.description));
  return out;
}

std::string command(const ReportData& data) {
  std::string out = "sizeup run";
  for (const ReportModel& model : data.models) out += " --model " + model.name + "=" + model.reference;
  out += "\n ";
  for (const ReportTask& task : data.tasks) out += " --task " + task.name;
  if (data.run.protocol != "mixed") out += " --protocol " + data.run.protocol;
  if (data.run.limit > 0) out += fmt::format(" --limit {}", data.run.limit);
  if (!data.store.empty()) out += " --db " + data.store;
  return out + "\nsizeup report " + data.run.name + " --html report.html";
}

Html unusable(const ReportData& data) {
  Html out;
  for (size_t model = 0; model < data.models.size(); ++model) {
    int64_t answered = 0;
    int64_t no_answer = 0;
    int64_t invalid = 0;
    int64_t errors = 0;
    int64_t truncated = 0;
    int64_t planned = 0;
    for (const ReportScore& score : data.scores) {
      if (score.model != static_cast<int>(model)) continue;
      planned += score.planned;
      answered += score.answered;
      no_answer += score.no_answer;
      invalid += score.invalid;
      errors += score.errors;
      truncated += score.truncated;
    }
    out += html("{}{}: no answer {}, no valid label or form {}, failed {}, prompt cut {}, of {}",
                out.empty() ? Html{} : html("<br>"), boxed_text(data.models[model].name),
                format_count(no_answer), format_count(invalid), format_count(errors), format_count(truncated),
                format_count(answered));
    if (answered < planned) out += html(" ({} planned)", format_count(planned));
  }
  return out;
}

Html generated(const ReportWork& work) {
  Html out = html(", {} generated", format_count(work.tokens_generated));
  if (work.tokens_drafted > 0) {
    out += html(" ({} drafted, {} accepted: {} a step)", format_count(work.tokens_drafted),
                format_count(work.tokens_accepted), format_significant(work.accepted_per_step(), 2));
  }
  return out;
}

Html work(const ReportData& data) {
  Html out;
  for (const ReportWork& work : data.work) {
    Html line;
    if (work.tokens_asked > 0) {
      line +=
          html("{} tokens asked, {} after shared beginnings, {} computed", format_count(work.tokens_asked),
               format_count(work.tokens_unique), format_count(work.tokens_computed));
      const double saved = work.tokens_computed > 0 ? static_cast<double>(work.tokens_asked) /
                                                          static_cast<double>(work.tokens_computed)
                                                    : 0.0;
      if (saved > 1.05) line += html(" ({}× less work)", format_significant(saved, 2));
      if (work.tokens_recomputed > 0) {
        line += html(", {} of them again for want of memory", format_count(work.tokens_recomputed));
      }
      if (work.tokens_generated > 0) line += generated(work);
    }
    if (!std::isnan(work.wall_ms))
      line += html("{}{}", line.empty() ? Html{} : html("; "), format_duration(work.wall_ms));
    if (line.empty()) continue;
    out += fact(data.models[static_cast<size_t>(work.model)].name + ", " + work.scenario, line);
  }
  return out;
}

}  // namespace

std::optional<Section> method_section(const ReportData& data) {
  Section out;
  out.id = "method";
  out.link = "Method";
  out.kicker = "How this was made";
  out.heading = html("Everything needed to run it again");
  out.side.push_back(
      html("Numbers without their conditions are not printed. The store{} holds every request, answer and "
           "timing behind this page.",
           data.store.empty() ? Html{} : html(" <code>{}</code>", boxed_text(data.store))));
  Html facts = fact("command", html("<pre>{}</pre>", boxed_text(command(data))));
  facts += fact(
      "run", html("{}, started {}, {}", boxed_text(data.run.name), data.run.created,
                  data.run.finished.empty() ? std::string("not finished") : "finished " + data.run.finished));
  if (!data.run.program.empty()) facts += fact("version", boxed_text(data.run.program));
  Html machine;
  for (const auto& [name, value] : data.run.machine)
    machine += html("{}{} {}", machine.empty() ? Html{} : html(", "), boxed_text(name), boxed_text(value));
  if (!machine.empty()) facts += fact("machine", machine);
  for (const ReportModel& model : data.models) facts += fact(model.name, model_fact(data, model));
  for (const ReportTask& task : data.tasks) facts += fact(task.name, task_fact(task));
  facts += fact("protocol", html("{}; time inside templates fixed at {}", data.run.protocol, data.run.now));
  facts +=
      fact("seeds", html("run {}, bootstrap {}; results do not depend on batch, threads, order or resume",
                         data.run.seed, BootstrapOptions{}.seed));
  if (data.is_pair() && !data.tasks.empty()) {
    std::vector<std::string> margins;
    for (const ReportTask& task : data.tasks) {
      const std::string text = format_margin(task.margin) + "\u00a0pp";
      if (std::find(margins.begin(), margins.end(), text) == margins.end()) margins.push_back(text);
    }
    facts += fact("margin", html("{}, one-sided at 2.5\u00a0% (the lower end of the 95\u00a0% interval)",
                                 listed(margins, "and")));
  }
  facts += fact("unusable answers", unusable(data));
  if (data.repaired_texts > 0)
    facts += fact("texts repaired", html("{} texts with bytes that are not UTF-8, shown as U+FFFD",
                                         format_count(data.repaired_texts)));
  if (data.redacted)
    facts += fact("redacted", html("what the given patterns match in any text reads [redacted]"));
  out.main = html("<dl class=\"facts\">{}</dl>", facts);
  const Html done = work(data);
  if (!done.empty()) out.main += html("<h3>Work done</h3><dl class=\"facts\">{}</dl>", done);
  for (const std::string& line : data.missing) out.main += caption(boxed_text(line));
  return out;
}

std::optional<Section> glossary_section(const ReportData&) {
  Html entries;
  for (const GlossaryEntry& entry : kGlossary)
    entries += html("<dt id=\"g-{}\">{}</dt><dd>{}</dd>", entry.id, entry.word, entry.meaning);
  Section out;
  out.id = "glossary";
  out.kicker = "Glossary";
  out.heading = html("The words, plainly");
  out.main = html("<dl class=\"gl\">{}</dl>", entries);
  return out;
}

}  // namespace sizeup
