#include "backends/openai/openai_backend.h"

#include <fmt/format.h>

#include <utility>

#include "backends/openai/endpoint_options.h"
#include "backends/openai/endpoint_run.h"
#include "backends/openai/first_use.h"
#include "backends/openai/probe.h"
#include "backends/openai/request_body.h"
#include "core/hub/settings.h"

namespace sizeup {
namespace {

class Endpoint : public Backend {
 public:
  Endpoint(const ModelReference& reference, EndpointOptions options, ProbeFindings found)
      : options_(std::move(options)), found_(std::move(found)) {
    EndpointIdentity identity{options_.base_urls, options_.model, found_.system_fingerprint};
    card_.takes_schema = options_.response_format != ResponseFormat::none;
    if (card_.takes_schema) identity.response_format = name_of(options_.response_format);
    const FirstUse use = first_use_of(identity, HubSettings::from_environment().sizeup_home / "endpoints");
    card_.name = reference.name;
    card_.reference = reference.text;
    card_.fingerprint = fingerprint_of(identity, use.day);
    card_.context_length = options_.context_length > 0 ? options_.context_length : found_.context_length;
    card_.backend = "openai";
    card_.can_score = found_.dialect.scores;
    card_.can_generate = true;
    card_.has_chat_template = found_.dialect.chat;
    card_.scores_conversations = false;
    card_.notes.push_back(fmt::format("weights unknown: an endpoint, first asked on {}", use.day));
    card_.notes.insert(card_.notes.end(), found_.notes.begin(), found_.notes.end());
    card_.notes.insert(card_.notes.end(), options_.notes.begin(), options_.notes.end());
    if (!use.note.empty()) card_.notes.push_back(use.note);
  }

  const ModelCard& card() const override { return card_; }

  Result<std::string> render(const Prompt& prompt) const override {
    return sent_prompt(prompt, options_.name, found_.dialect);
  }

  Result<RunCounts> run(RequestSource& source, ResponseSink& sink, const RunOptions& options,
                        std::stop_token stop) override {
    EndpointRun run(options_, found_.dialect, found_.system_fingerprint, sink, options, std::move(stop));
    return run.answer(source);
  }

 private:
  EndpointOptions options_;
  ProbeFindings found_;
  ModelCard card_;
};

}  // namespace

Result<std::unique_ptr<Backend>> open_endpoint(const ModelReference& reference) {
  Result<EndpointOptions> options = endpoint_options(reference);
  if (!options) return forward_error(options);
  Result<ProbeFindings> found = probe_endpoint(*options);
  if (!found) return forward_error(found);
  return std::make_unique<Endpoint>(reference, std::move(*options), std::move(*found));
}

}  // namespace sizeup
