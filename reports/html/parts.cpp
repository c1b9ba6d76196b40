#include "reports/html/parts.h"

#include "reports/format.h"

namespace sizeup {

Html section(const Section& content) {
  Html side;
  for (const Html& paragraph : content.side) side += html("<p>{}</p>", paragraph);
  return html(
      "<section id=\"{}\" aria-labelledby=\"h-{}\"><div class=\"wrap\"><div class=\"side\"><p "
      "class=\"k\">{}</p>"
      "<h2 id=\"h-{}\">{}</h2>{}</div><div class=\"main\">{}</div></div></section>\n",
      content.id, content.id, content.kicker, content.id, content.heading, side, content.main);
}

Html scrolling(const std::string& label, const Html& content) {
  return html("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">{}</div>", label,
              content);
}

Html number_table(const std::string& caption, const std::vector<std::string>& columns,
                  const std::vector<std::vector<Html>>& rows) {
  Html head;
  for (const std::string& column : columns) head += html("<th scope=\"col\">{}</th>", column);
  Html body;
  for (const std::vector<Html>& row : rows) {
    Html cells;
    for (size_t i = 0; i < row.size(); ++i) {
      cells += i == 0 ? html("<th scope=\"row\">{}</th>", row[i]) : html("<td>{}</td>", row[i]);
    }
    body += html("<tr>{}</tr>", cells);
  }
  return scrolling(caption,
                   html("<table class=\"tn\"><caption class=\"vh\">{}</caption><thead><tr>{}</tr></thead>"
                        "<tbody>{}</tbody></table>",
                        caption, head, body));
}

Html table_behind(const std::string& caption, const std::vector<std::string>& columns,
                  const std::vector<std::vector<Html>>& rows) {
  return html("<details class=\"tb\"><summary>Table behind this: {}</summary>{}</details>", caption,
              number_table(caption, columns, rows));
}

Html caption(const Html& text) {
  return html("<p class=\"cap\">{}</p>", text);
}

Html legend(const std::vector<Html>& entries, bool narrow_only) {
  Html spans;
  for (const Html& entry : entries) spans += html("<span>{}</span>", entry);
  return html("<p class=\"legend{}\">{}</p>", narrow_only ? html(" narrow") : Html{}, spans);
}

Html value(std::string_view text) {
  return html("{}", text);
}

Html term(std::string_view text, std::string_view glossary_id) {
  return html("<a class=\"term\" href=\"#g-{}\">{}</a>", glossary_id, text);
}

Tone tone_of(const ReportData& data, int model) {
  if (model == data.candidate) return Tone::small;
  return model == data.baseline ? Tone::large : Tone::other;
}

Html model_name(const ReportData& data, int model) {
  const std::string& name = data.models[static_cast<size_t>(model)].name;
  switch (tone_of(data, model)) {
    case Tone::small:
      return html("<span class=\"k-small\">{}</span>", boxed_text(name));
    case Tone::large:
      return html("<span class=\"k-large\">{}</span>", boxed_text(name));
    default:
      return html("<span class=\"k-oth\">{}</span>", boxed_text(name));
  }
}

Html pair_legend(const ReportData& data) {
  std::vector<Html> entries;
  const auto entry = [&](int model, std::string_view role) {
    entries.push_back(html("{}{}{}", legend_mark(tone_of(data, model)), role,
                           boxed_text(data.models[static_cast<size_t>(model)].name)));
  };
  entry(data.candidate, data.is_pair() ? "small: " : "");
  if (data.is_pair()) entry(data.baseline, "large: ");
  return legend(entries);
}

std::string model_facts(const ReportModel& model) {
  std::string out;
  const auto add = [&](const std::string& fact) {
    if (fact.empty()) return;
    if (!out.empty()) out += ", ";
    out += fact;
  };
  const bool mixture = model.active_parameters > 0 && model.active_parameters < model.parameters;
  const std::string active = mixture ? " (" + format_parameters(model.active_parameters) + " active)" : "";
  if (model.parameters > 0) add(format_parameters(model.parameters) + " parameters" + active);
  add(model.weight_format);
  add(model.device.empty() || model.tier.empty() ? model.device : model.device + " " + model.tier);
  if (model.device.empty() && model.backend != "engine") add("endpoint");
  if (model.precision != model.weight_format) add(model.precision);
  if (model.fingerprint.starts_with("unknown:")) add("weights unknown");
  return out;
}

Html verdict_mark(Verdict verdict) {
  switch (verdict) {
    case Verdict::yes:
      return html("<span class=\"v yes\">yes</span>");
    case Verdict::no:
      return html("<span class=\"v no\">no</span>");
    case Verdict::not_enough_data:
      break;
  }
  return html("<span class=\"v open\">not enough data</span>");
}

std::string score_text(const ReportTask& task, double value) {
  return task.share ? format_percent(value) : format_significant(value);
}

std::string score_range(const ReportTask& task, const Estimate& estimate) {
  if (!estimate.has_interval()) return "no interval";
  if (task.share) return format_percent_range(estimate.lo, estimate.hi);
  return format_significant(estimate.lo) + "…" + format_significant(estimate.hi);
}

const ReportScore* score_of(const ReportData& data, int model, int task) {
  for (const ReportScore& score : data.scores) {
    if (score.model == model && score.task == task) return &score;
  }
  return nullptr;
}

std::string slice_option(const std::string& field, const std::string& value) {
  return percent_encoded(field) + ":" + value;
}

Html sample_link(const SampleLink& link) {
  std::string out;
  const auto add = [&](std::string_view key, const std::string& part) {
    if (part.empty()) return;
    out += out.empty() ? "#" : "&";
    out += std::string(key) + "=" + percent_encoded(part);
  };
  add("task", link.task);
  if (!link.slice_field.empty()) add("slice", slice_option(link.slice_field, link.slice_value));
  add("outcome", link.outcome);
  add("flip", link.flip);
  return html("{}", out.empty() ? "#samples" : out);
}

std::string listed(const std::vector<std::string>& items, std::string_view last_word) {
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += i + 1 == items.size() ? " " + std::string(last_word) + " " : ", ";
    out += items[i];
  }
  return out;
}

}  // namespace sizeup
