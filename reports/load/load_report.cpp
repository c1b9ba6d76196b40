#include "reports/load/load_parts.h"
#include "reports/report.h"
#include "reports/text.h"

namespace sizeup {

Result<ReportData> load_report(const Store& store, const std::string& run, const ReportOptions& options) {
  Result<Redactor> redactor = Redactor::compile(options.redact);
  if (!redactor) return forward_error(redactor);
  Result<RunContent> content = read_run_content(store, run);
  if (!content) return forward_error(content);
  ReportData data;
  ReportOptions shown = options;
  shown.no_text = options.no_text || content->run.texts == "none";
  data.redacted = redactor->active() || content->run.texts == "redacted";
  data.texts = !shown.no_text;
  data.store = clean_name(store.file().filename().string());
  describe_run(*content, data);
  if (auto chosen = choose_pair(options, data); !chosen) return forward_error(chosen);
  compare_pair(*content, *redactor, data);
  measure_latency(*content, data);
  sum_costs(*content, data);
  count_hallucinations(*content, data);
  rank_models(*content, data);
  if (auto built = build_ladders(*content, options, data); !built) return forward_error(built);
  if (auto done = collect_samples(store, *content, *redactor, shown, data); !done) return forward_error(done);
  return data;
}

}  // namespace sizeup
