// Reading what belongs to single samples: texts, answers, responses, timings.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "harness/store/connection.h"
#include "harness/store/read.h"

namespace sizeup {
namespace {

using sqlite::Database;
using sqlite::Statement;

// Into answers that are in the order of their samples' ids, as the scores come from their table.
void read_scores(Database& database, int64_t evaluation_id, std::vector<AnswerRow>& answers) {
  Statement statement(
      database, "SELECT sample_id, metric, value FROM score WHERE evaluation_id = ? ORDER BY sample_id");
  statement.bind(evaluation_id);
  auto answer = answers.begin();
  while (statement.step()) {
    const int64_t sample = statement.integer(0);
    while (answer != answers.end() && answer->sample_id < sample) ++answer;
    if (answer != answers.end() && answer->sample_id == sample)
      answer->scores[statement.text(1)] = statement.real(2);
  }
}

// From the order of ids to that of the data: mostly it is the same, and nothing has to be sorted, which
// SQLite would do with all texts, in a file.
template <class Row>
std::vector<Row> in_order_of_data(std::vector<Row> rows, const std::vector<int64_t>& places) {
  if (std::is_sorted(places.begin(), places.end())) return rows;
  std::vector<size_t> order(rows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return places[a] < places[b]; });
  std::vector<Row> sorted;
  sorted.reserve(rows.size());
  for (const size_t index : order) sorted.push_back(std::move(rows[index]));
  return sorted;
}

Result<std::vector<int64_t>> read_ids(const Store& store, const char* query, int64_t evaluation_id,
                                      int64_t first, int64_t last) {
  return with_database(store, [&](Database& database) {
    Statement statement(database, query);
    statement.bind(evaluation_id, first, last);
    std::vector<int64_t> ids;
    while (statement.step()) ids.push_back(statement.integer(0));
    return ids;
  });
}

// Ids of the answered samples, in the order of the data.
std::vector<int64_t> answered_in_order(Database& database, int64_t evaluation_id) {
  struct Place {
    int64_t row = 0;
    int64_t id = 0;
    auto operator<=>(const Place&) const = default;
  };
  Statement statement(database,
                      "SELECT sample.row, sample_id FROM answer JOIN sample ON sample.id = sample_id "
                      "WHERE evaluation_id = ?");
  statement.bind(evaluation_id);
  std::vector<Place> places;
  while (statement.step()) places.push_back({statement.integer(0), statement.integer(1)});
  std::sort(places.begin(), places.end());
  std::vector<int64_t> ids;
  for (const Place& place : places) ids.push_back(place.id);
  return ids;
}

constexpr std::string_view kAnswerColumns =
    "sample_id, answer, no_answer, invalid, truncated, error, confidence, details";
constexpr std::string_view kAnswerColumnsWithoutText =
    "sample_id, '', no_answer, invalid, truncated, error, confidence, details";

// These columns, the first ones of the statement's.
AnswerRow answer_of(const Statement& statement, int64_t evaluation_id) {
  AnswerRow row;
  row.evaluation_id = evaluation_id;
  row.sample_id = statement.integer(0);
  row.answer = statement.text(1);
  row.no_answer = statement.integer(2) != 0;
  row.invalid = statement.integer(3) != 0;
  row.truncated = statement.integer(4) != 0;
  row.error = statement.optional_text(5);
  row.confidence = statement.real(6);
  row.details = text_map(statement.text(7));
  return row;
}

}  // namespace

Result<std::vector<UseOfResponse>> read_uses(const Store& store, const std::string& response_key) {
  return with_database(store, [&](Database& database) {
    Statement statement(database,
                        "SELECT ask, details FROM response "
                        "JOIN sample_response ON response_id = response.id "
                        "JOIN answer USING (evaluation_id, sample_id) "
                        "WHERE response.key = ? ORDER BY evaluation_id DESC, sample_id, ask");
    statement.bind(response_key);
    std::vector<UseOfResponse> rows;
    while (statement.step())
      rows.push_back({static_cast<int>(statement.integer(0)), text_map(statement.text(1))});
    return rows;
  });
}

Result<std::vector<SampleTokens>> read_sample_tokens(const Store& store, int64_t evaluation_id) {
  return with_database(store, [&](Database& database) {
    Statement statement(
        database,
        "SELECT sample_id, SUM(prompt_tokens), COALESCE(SUM(cached_prompt_tokens), 0), "
        "SUM(completion_tokens) FROM sample_response JOIN response ON response.id = response_id "
        "WHERE evaluation_id = ? GROUP BY sample_id ORDER BY sample_id");
    statement.bind(evaluation_id);
    std::vector<SampleTokens> rows;
    while (statement.step()) {
      rows.push_back(
          {statement.integer(0), statement.integer(1), statement.integer(2), statement.integer(3)});
    }
    return rows;
  });
}

Result<std::vector<int64_t>> read_answered_samples(const Store& store, int64_t evaluation_id, int64_t first,
                                                   int64_t last) {
  return read_ids(store,
                  "SELECT sample_id FROM answer WHERE evaluation_id = ? AND sample_id BETWEEN ? AND ? AND "
                  "error IS NULL",
                  evaluation_id, first, last);
}

Result<std::vector<int64_t>> read_timed_samples(const Store& store, int64_t evaluation_id, int64_t first,
                                                int64_t last) {
  return read_ids(store, "SELECT sample_id FROM timing WHERE evaluation_id = ? AND sample_id BETWEEN ? AND ?",
                  evaluation_id, first, last);
}

Result<void> for_each_answer(const Store& store, int64_t evaluation_id, const AnswerVisitor& visit) {
  return with_database(store, [&](Database& database) {
    Statement find(
        database,
        fmt::format("SELECT {}, slices, document_hash FROM answer JOIN sample ON sample.id = sample_id "
                    "WHERE evaluation_id = ? AND sample_id = ?",
                    kAnswerColumns));
    Statement scores(database, "SELECT metric, value FROM score WHERE evaluation_id = ? AND sample_id = ?");
    for (const int64_t id : answered_in_order(database, evaluation_id)) {
      find.bind(evaluation_id, id).step();
      AnswerRow row = answer_of(find, evaluation_id);
      scores.bind(evaluation_id, id);
      while (scores.step()) row.scores[scores.text(0)] = scores.real(1);
      visit(row, text_map(find.text(8)), find.text(9));
    }
  });
}

Result<std::vector<AnswerRow>> read_answers(const Store& store, int64_t evaluation_id, Texts texts) {
  return with_database(store, [&](Database& database) {
    Statement statement(
        database, fmt::format("SELECT {}, sample.row FROM answer JOIN sample ON sample.id = sample_id WHERE "
                              "evaluation_id = ? ORDER BY sample_id",
                              texts == Texts::read ? kAnswerColumns : kAnswerColumnsWithoutText));
    statement.bind(evaluation_id);
    std::vector<AnswerRow> rows;
    std::vector<int64_t> places;
    while (statement.step()) {
      rows.push_back(answer_of(statement, evaluation_id));
      places.push_back(statement.integer(8));
    }
    read_scores(database, evaluation_id, rows);
    return in_order_of_data(std::move(rows), places);
  });
}

Result<std::vector<SampleRow>> read_samples(const Store& store, int64_t evaluation_id, Texts texts) {
  return with_database(store, [&](Database& database) {
    Statement statement(
        database, fmt::format("SELECT id, document_id, document_hash, row, {}, slices FROM sample "
                              "WHERE id IN (SELECT sample_id FROM answer WHERE evaluation_id = ?1 "
                              "             UNION SELECT sample_id FROM timing WHERE evaluation_id = ?1) "
                              "ORDER BY id",
                              texts == Texts::read ? "prompt, target, source" : "'', '', ''"));
    statement.bind(evaluation_id);
    std::vector<SampleRow> rows;
    std::vector<int64_t> places;
    while (statement.step()) {
      rows.push_back({statement.integer(0), statement.text(1), statement.text(2), statement.integer(3),
                      statement.text(4), statement.text(5), statement.text(6), text_map(statement.text(7))});
      places.push_back(rows.back().row);
    }
    return in_order_of_data(std::move(rows), places);
  });
}

Result<std::vector<ResponseRow>> read_responses(const Store& store, int64_t evaluation_id,
                                                int64_t sample_id) {
  return with_database(store, [&](Database& database) {
    Statement statement(
        database, fmt::format("SELECT {} FROM sample_response JOIN response ON response.id = response_id "
                              "JOIN prompt ON prompt.id = response.prompt_id "
                              "WHERE evaluation_id = ? AND sample_id = ? ORDER BY ask",
                              kResponseColumns));
    statement.bind(evaluation_id, sample_id);
    std::vector<ResponseRow> rows;
    while (statement.step()) rows.push_back(read_response(statement, 0));
    return rows;
  });
}

Result<std::vector<WrittenText>> read_written_texts(const Store& store, int64_t evaluation_id) {
  return with_database(store, [&](Database& database) {
    // In the order of the table's key: the first ask of a sample comes first.
    Statement statement(
        database,
        "SELECT sample_id, text FROM sample_response JOIN response ON response.id = response_id "
        "WHERE evaluation_id = ? AND text IS NOT NULL ORDER BY sample_id, ask");
    statement.bind(evaluation_id);
    std::vector<WrittenText> texts;
    while (statement.step()) {
      const int64_t sample = statement.integer(0);
      if (texts.empty() || texts.back().sample != sample) texts.push_back({sample, statement.text(1)});
    }
    return texts;
  });
}

Result<std::vector<TimingRow>> read_timings(const Store& store, int64_t evaluation_id) {
  return with_database(store, [&](Database& database) {
    Statement statement(
        database,
        "SELECT sample_id, ttft_ms, total_ms, prompt_tokens, completion_tokens, due_ms FROM timing "
        "JOIN sample ON sample.id = sample_id WHERE evaluation_id = ? ORDER BY sample.row, sample.id");
    statement.bind(evaluation_id);
    std::vector<TimingRow> rows;
    while (statement.step()) {
      rows.push_back({evaluation_id, statement.integer(0), statement.real(1), statement.real(2),
                      static_cast<int>(statement.integer(3)), static_cast<int>(statement.integer(4)),
                      statement.real(5)});
    }
    return rows;
  });
}

}  // namespace sizeup
