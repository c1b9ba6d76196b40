// The scores that differences compare: the metric that every model of the run has them by, and one list a
// cell.
#include <algorithm>
#include <cmath>
#include <tuple>

#include "harness/decide/pairs.h"
#include "harness/store/read_outcomes.h"
#include "reports/load/load_parts.h"
#include "reports/load/run_data.h"

namespace sizeup {
namespace {

bool in_order(const SampleScore& a, const SampleScore& b) {
  return std::tie(a.row, a.sample) < std::tie(b.row, b.sample);
}

// From the store, sample by sample, where the answers themselves are not kept.
Result<void> read_scores(const Store& store, const std::string& metric, DocumentNumbers& documents,
                         Cell& cell) {
  cell.scores.reserve(static_cast<size_t>(cell.answered));
  auto read =
      for_each_score(store, cell.evaluation.id, metric,
                     [&](int64_t sample, int64_t row, const std::string& document_hash, double score) {
                       if (std::isfinite(score)) {
                         cell.scores.push_back({row, sample, documents.number_of(document_hash), score});
                       }
                     });
  if (!read) return forward_error(read);
  if (!std::is_sorted(cell.scores.begin(), cell.scores.end(), in_order))
    std::sort(cell.scores.begin(), cell.scores.end(), in_order);
  return {};
}

// From the answers, whose samples are among `samples` and in the same order.
void take_scores(const std::string& metric, const std::vector<SampleRow>& samples,
                 const std::vector<int64_t>& documents, Cell& cell) {
  size_t at = 0;
  for (const AnswerRow& answer : cell.answers) {
    while (at < samples.size() && samples[at].id != answer.sample_id) ++at;
    require(at < samples.size(), "the sample of every answer was read, in the order of the answers");
    const double* score = answer.error ? nullptr : find_score(answer, metric);
    if (score != nullptr) cell.scores.push_back({samples[at].row, answer.sample_id, documents[at], *score});
  }
}

std::vector<int64_t> documents_of(const std::vector<SampleRow>& samples) {
  DocumentNumbers numbers;
  std::vector<int64_t> out;
  out.reserve(samples.size());
  for (const SampleRow& sample : samples) out.push_back(numbers.number_of(sample.document_hash));
  return out;
}

}  // namespace

Result<void> read_pair_scores(const Store& store, Rows rows, RunContent& content) {
  for (size_t task = 0; task < content.tasks.size(); ++task) {
    const std::vector<SampleRow>& samples = content.samples[task];
    const std::vector<int64_t> documents = documents_of(samples);
    // Fills the cells by one metric, and says what the scores span.
    const auto fill = [&](const std::string& metric) -> Result<ScoreRange> {
      DocumentNumbers numbers;
      ScoreRange range;
      for (std::vector<Cell>& row : content.cells) {
        Cell& cell = row[task];
        cell.scores.clear();
        if (rows != Rows::scores_alone) {
          take_scores(metric, samples, documents, cell);
        } else if (cell.answered > 0) {
          if (auto read = read_scores(store, metric, numbers, cell); !read) return forward_error(read);
        }
        for (const SampleScore& score : cell.scores) range.add(score.value);
      }
      return range;
    };
    Result<std::string> metric = comparable_metric(content.tasks[task].metrics, fill);
    if (!metric) return forward_error(metric);
    if (metric->empty()) {
      for (std::vector<Cell>& row : content.cells) row[task].scores.clear();
    }
    content.pair_metrics.push_back(std::move(*metric));
  }
  return {};
}

}  // namespace sizeup
