#include "harness/answers/recorded_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "backends/registry.h"
#include "core/io/sha256.h"
#include "harness/answers/answer_file.h"

namespace sizeup {
namespace {

Result<AnswerFileOptions> options_of(const ModelReference& reference) {
  AnswerFileOptions options;
  for (const auto& [key, value] : reference.options) {
    if (key == "answer") {
      options.answer = value;
    } else if (key == "id") {
      options.id = value;
    } else if (key == "currency") {
      options.currency = value;
    } else if (key != "now") {  // what templates see as the time; there are none
      return usage_error(fmt::format("model '{}': recorded answers have no option '{}'", reference.text, key),
                         "answer=FIELD, id=FIELD, currency=EUR");
    }
  }
  return options;
}

// Where a model would have stopped: before the first of the stop texts.
void cut(std::string& text, const std::vector<std::string>& stops) {
  size_t end = text.size();
  for (const std::string& stop : stops) end = std::min(end, text.find(stop));
  text.resize(end);
}

class RecordedAnswers : public Backend {
 public:
  RecordedAnswers(const ModelReference& reference, const AnswerFileOptions& options, AnswerFile file)
      : file_(std::move(file)) {
    card_.name = reference.name;
    card_.reference = reference.text;
    card_.fingerprint = sha256_hex(fmt::format("{}\n{}\n{}", file_.hash, options.answer, options.id));
    card_.backend = "answers";
    card_.can_generate = true;
    card_.has_chat_template = true;  // whatever it was: it does not stand in the way of the other models
    card_.recorded = true;
    card_.has_latencies = has([](const RecordedAnswer& answer) { return answer.total_ms.has_value(); });
    card_.currency = file_.currency;
    card_.notes = file_.notes;
  }

  const ModelCard& card() const override { return card_; }

  Result<std::string> render(const Prompt& prompt) const override {
    if (const auto* text = std::get_if<std::string>(&prompt)) return *text;
    std::string joined;
    for (const ChatMessage& message : std::get<std::vector<ChatMessage>>(prompt)) joined += message.content;
    return joined;
  }

  Result<RunCounts> run(RequestSource& source, ResponseSink& sink, const RunOptions&,
                        std::stop_token stop) override {
    std::vector<Request> requests;
    std::set<std::string> tasks;
    bool any = false;
    while (std::optional<Request> request = source.next()) {
      tasks.insert(request->asked_for.task);
      any = any || find(request->asked_for) != nullptr;
      requests.push_back(std::move(*request));
    }
    if (!file_.names_tasks && tasks.size() > 1) {
      return unavailable(card_.reference,
                         fmt::format("the answers name no task, and the run has {}", tasks.size()),
                         "a field 'task' in the file, or a run for each task");
    }
    if (!requests.empty() && !any) return nothing_fits(requests.front().asked_for);
    for (const Request& request : requests) {
      if (stop.stop_requested()) break;
      sink.on_response(answer(request));
    }
    return RunCounts{};
  }

 private:
  template <class Holds>
  bool has(Holds holds) const {
    for (const auto& [task, documents] : file_.answers) {
      for (const auto& [id, answers] : documents) {
        if (std::any_of(answers.begin(), answers.end(), holds)) return true;
      }
    }
    return false;
  }

  const std::vector<RecordedAnswer>* find(const AskedFor& asked) const {
    const auto documents = file_.answers.find(file_.names_tasks ? asked.task : std::string());
    if (documents == file_.answers.end()) return nullptr;
    const auto found = documents->second.find(file_.by_row ? std::to_string(asked.row) : asked.document);
    return found == documents->second.end() ? nullptr : &found->second;
  }

  Response answer(const Request& request) const {
    Response response;
    response.id = request.id;
    const auto* asked = std::get_if<Generate>(&request.ask);
    const std::vector<RecordedAnswer>* answers = find(request.asked_for);
    const auto index = static_cast<size_t>(request.asked_for.answer);
    const auto failed = [&](std::string message) {
      response.error = Error{ErrorKind::unavailable, "", std::move(message), "", ""};
      return response;
    };
    if (asked == nullptr) return failed("recorded answers have no probabilities of given texts");
    if (answers == nullptr) return failed("no answer is recorded for this document");
    if (index >= answers->size())
      return failed(fmt::format("only {} answers are recorded for this document", answers->size()));
    const RecordedAnswer& recorded = (*answers)[index];
    if (recorded.error) return failed(*recorded.error);
    response.text = recorded.text;
    cut(response.text, asked->stop);
    response.finish = FinishReason::stop;
    response.prompt_tokens = recorded.prompt_tokens.value_or(0);
    response.completion_tokens = recorded.completion_tokens.value_or(0);
    response.cost = recorded.cost;
    response.timing.total_ms = recorded.total_ms.value_or(std::numeric_limits<double>::quiet_NaN());
    response.timing.ttft_ms = recorded.ttft_ms.value_or(response.timing.total_ms);
    return response;
  }

  tl::unexpected<Error> nothing_fits(const AskedFor& asked) const {
    const auto& documents = file_.answers.begin()->second;
    return bad_input(
        card_.reference, "no document of the task has an answer in the file",
        fmt::format("the ids of the documents, such as '{}'; the file has '{}'",
                    file_.by_row ? std::to_string(asked.row) : asked.document, documents.begin()->first),
        "FILE?id=FIELD names the field with the documents' ids; without ids the order counts");
  }

  AnswerFile file_;
  ModelCard card_;
};

}  // namespace

Result<std::unique_ptr<Backend>> open_recorded_answers(const ModelReference& reference) {
  Result<AnswerFileOptions> options = options_of(reference);
  if (!options) return forward_error(options);
  Result<AnswerFile> file = read_answer_file(reference.target, *options);
  if (!file) return forward_error(file);
  return std::make_unique<RecordedAnswers>(reference, *options, std::move(*file));
}

Result<std::unique_ptr<Backend>> open_model(const ModelReference& reference) {
  return reference.scheme == "answers" ? open_recorded_answers(reference) : open_backend(reference);
}

}  // namespace sizeup
