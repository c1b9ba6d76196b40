// Reading what belongs to single samples: texts, answers, responses, timings.
#include <fmt/format.h>

#include <unordered_map>

#include "harness/store/connection.h"
#include "harness/store/read.h"

namespace sizeup {
namespace {

using sqlite::Database;
using sqlite::Statement;

void read_scores(Database& database, int64_t evaluation_id, std::vector<AnswerRow>& answers) {
  std::unordered_map<int64_t, AnswerRow*> by_sample;
  for (AnswerRow& answer : answers) by_sample[answer.sample_id] = &answer;
  Statement statement(database, "SELECT sample_id, metric, value FROM score WHERE evaluation_id = ?");
  statement.bind(evaluation_id);
  while (statement.step()) {
    const auto found = by_sample.find(statement.integer(0));
    if (found != by_sample.end()) found->second->scores[statement.text(1)] = statement.real(2);
  }
}

}  // namespace

Result<std::vector<AnswerRow>> read_answers(const Store& store, int64_t evaluation_id) {
  return with_database(store, [&](Database& database) {
    Statement statement(database,
                        "SELECT sample_id, answer, no_answer, invalid, truncated, error, confidence, details "
                        "FROM answer JOIN sample ON sample.id = sample_id WHERE evaluation_id = ? "
                        "ORDER BY sample.row, sample.id");
    statement.bind(evaluation_id);
    std::vector<AnswerRow> rows;
    while (statement.step()) {
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
      rows.push_back(std::move(row));
    }
    read_scores(database, evaluation_id, rows);
    return rows;
  });
}

Result<std::vector<SampleRow>> read_samples(const Store& store, int64_t evaluation_id) {
  return with_database(store, [&](Database& database) {
    Statement statement(
        database,
        "SELECT id, document_id, document_hash, row, prompt, target, source, slices FROM sample "
        "WHERE id IN (SELECT sample_id FROM answer WHERE evaluation_id = ?1 "
        "             UNION SELECT sample_id FROM timing WHERE evaluation_id = ?1) "
        "ORDER BY row, id");
    statement.bind(evaluation_id);
    std::vector<SampleRow> rows;
    while (statement.step()) {
      rows.push_back({statement.integer(0), statement.text(1), statement.text(2), statement.integer(3),
                      statement.text(4), statement.text(5), statement.text(6), text_map(statement.text(7))});
    }
    return rows;
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

Result<std::unordered_map<int64_t, std::string>> read_written_texts(const Store& store,
                                                                    int64_t evaluation_id) {
  return with_database(store, [&](Database& database) {
    // In the order of the table's key: the first ask of a sample comes first.
    Statement statement(
        database,
        "SELECT sample_id, text FROM sample_response JOIN response ON response.id = response_id "
        "WHERE evaluation_id = ? AND text IS NOT NULL ORDER BY sample_id, ask");
    statement.bind(evaluation_id);
    std::unordered_map<int64_t, std::string> texts;
    while (statement.step()) texts.try_emplace(statement.integer(0), statement.text(1));
    return texts;
  });
}

Result<std::vector<TimingRow>> read_timings(const Store& store, int64_t evaluation_id) {
  return with_database(store, [&](Database& database) {
    Statement statement(
        database,
        "SELECT sample_id, ttft_ms, total_ms, prompt_tokens, completion_tokens FROM timing "
        "JOIN sample ON sample.id = sample_id WHERE evaluation_id = ? ORDER BY sample.row, sample.id");
    statement.bind(evaluation_id);
    std::vector<TimingRow> rows;
    while (statement.step()) {
      rows.push_back({evaluation_id, statement.integer(0), statement.real(1), statement.real(2),
                      static_cast<int>(statement.integer(3)), static_cast<int>(statement.integer(4))});
    }
    return rows;
  });
}

}  // namespace sizeup
