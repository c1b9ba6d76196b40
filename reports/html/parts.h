// What the sections of the page share: their frame, tables, names of models and links to samples.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/html/html.h"
#include "reports/html/svg.h"
#include "reports/report_data.h"

namespace sizeup {

struct Section {
  std::string id;          // of the section element and its heading; our own words only
  std::string link;        // in the navigation; empty: no link
  std::string kicker;      // the small line above the heading
  Html heading;            // a finding, or a description
  std::vector<Html> side;  // paragraphs beside the plot
  Html main;
};
Html section(const Section& content);

// A plain table of numbers; the first cell of a row is its header.
Html number_table(const std::string& caption, const std::vector<std::string>& columns,
                  const std::vector<std::vector<Html>>& rows);
// The same, closed, under a plot.
Html table_behind(const std::string& caption, const std::vector<std::string>& columns,
                  const std::vector<std::vector<Html>>& rows);
// A wide thing that scrolls by itself, by keyboard too.
Html scrolling(const std::string& label, const Html& content);
Html caption(const Html& text);
Html legend(const std::vector<Html>& entries, bool narrow_only = false);

Html value(std::string_view text);  // a table cell's text
Html term(std::string_view text, std::string_view glossary_id);

Tone tone_of(const ReportData& data, int model);
Html model_name(const ReportData& data, int model);  // in the model's colour
Html pair_legend(const ReportData& data);            // small: NAME, large: NAME
std::string model_facts(const ReportModel& model);   // "36.4 M parameters, Q8_0, cpu avx512"
Html verdict_mark(Verdict verdict);
// A headline's value, "84.1 %" or "12.3", and its interval, "82.4…85.6".
std::string score_text(const ReportTask& task, double value);
std::string score_range(const ReportTask& task, const Estimate& estimate);
const ReportScore* score_of(const ReportData& data, int model, int task);

// "#task=helpdesk&slice=language:de&flip=any"; parts that are empty are left out.
struct SampleLink {
  std::string task;
  std::string slice_field;
  std::string slice_value;
  std::string flip;
  std::string outcome;
};
Html sample_link(const SampleLink& link);                                      // for an href
std::string slice_option(const std::string& field, const std::string& value);  // a filter's value

// "a, b and c" with this word before the last one.
std::string listed(const std::vector<std::string>& items, std::string_view last_word);

}  // namespace sizeup
