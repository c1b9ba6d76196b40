#include "harness/store/read_outcomes.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "harness/store/connection.h"

namespace sizeup {

using sqlite::Database;
using sqlite::Statement;

namespace {

// Most samples share their slices with others, the next one above all: each text is parsed once.
class SliceTexts {
 public:
  std::shared_ptr<const Slices> parse(std::string_view text) {
    if (last_ != parsed_.end() && last_->first == text) return last_->second;
    constexpr size_t kMostKept = 10'000;
    if (parsed_.size() > kMostKept) parsed_.clear();
    bool is_new = false;
    std::tie(last_, is_new) = parsed_.try_emplace(std::string(text));
    if (is_new) last_->second = std::make_shared<const Slices>(text_map(last_->first));
    return last_->second;
  }

 private:
  using Parsed = std::unordered_map<std::string, std::shared_ptr<const Slices>>;
  Parsed parsed_;
  Parsed::iterator last_ = parsed_.end();
};

}  // namespace

const std::string* OutcomeRow::slice(const std::string& field) const {
  if (slices == nullptr) return nullptr;
  const auto found = slices->find(field);
  return found == slices->end() ? nullptr : &found->second;
}

Result<std::vector<OutcomeRow>> read_outcomes(const Store& store, int64_t evaluation_id,
                                              const std::string& metric) {
  return with_database(store, [&](Database& database) {
    Statement statement(
        database,
        "SELECT sample.id, document_id, document_hash, prompt_hash, slices, no_answer, invalid, truncated, "
        "error IS NOT NULL, sample.row FROM answer JOIN sample ON sample.id = answer.sample_id "
        "WHERE answer.evaluation_id = ? ORDER BY answer.sample_id");
    statement.bind(evaluation_id);
    // Both tables are walked through side by side: to look each score up takes SQLite longer than all else.
    Statement scores(database,
                     "SELECT sample_id, value FROM score WHERE evaluation_id = ? AND metric = ? "
                     "ORDER BY sample_id");
    bool scored = scores.bind(evaluation_id, metric).step();
    SliceTexts slices;
    std::vector<OutcomeRow> rows;
    while (statement.step()) {
      OutcomeRow row;
      row.sample_id = statement.integer(0);
      row.document_id = statement.text(1);
      row.document_hash = statement.text(2);
      row.prompt_hash = statement.text(3);
      row.slices = slices.parse(statement.view(4));
      row.no_answer = statement.integer(5) != 0;
      row.invalid = statement.integer(6) != 0;
      row.truncated = statement.integer(7) != 0;
      row.failed = statement.integer(8) != 0;
      row.row = statement.integer(9);
      while (scored && scores.integer(0) < row.sample_id) scored = scores.step();
      if (scored && scores.integer(0) == row.sample_id) row.score = scores.real(1);
      rows.push_back(std::move(row));
    }
    // Samples are stored in the order of the data, as a rule: SQLite's sorting would copy every row.
    const auto in_order = [](const OutcomeRow& a, const OutcomeRow& b) {
      return std::tie(a.row, a.sample_id) < std::tie(b.row, b.sample_id);
    };
    if (!std::is_sorted(rows.begin(), rows.end(), in_order)) std::sort(rows.begin(), rows.end(), in_order);
    return rows;
  });
}

Result<void> for_each_score(const Store& store, int64_t evaluation_id, const std::string& metric,
                            const ScoreVisitor& visit) {
  return with_database(store, [&](Database& database) {
    Statement statement(database,
                        "SELECT sample_id, sample.row, document_hash, value FROM score "
                        "JOIN sample ON sample.id = sample_id "
                        "WHERE evaluation_id = ? AND metric = ? AND value IS NOT NULL ORDER BY sample_id");
    statement.bind(evaluation_id, metric);
    while (statement.step()) {
      visit(statement.integer(0), statement.integer(1), statement.text(2), statement.real(3));
    }
  });
}

Result<AnswerText> read_answer_text(const Store& store, int64_t evaluation_id, int64_t sample_id) {
  return with_database(store, [&](Database& database) {
    Statement statement(database,
                        "SELECT answer, target FROM answer JOIN sample ON sample.id = answer.sample_id "
                        "WHERE evaluation_id = ? AND sample_id = ?");
    if (!statement.bind(evaluation_id, sample_id).step()) return AnswerText{};
    return AnswerText{statement.text(0), statement.text(1)};
  });
}

}  // namespace sizeup
