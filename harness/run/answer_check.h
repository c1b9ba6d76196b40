// What a router asks of an answer before it keeps it: what scoring finds in it anyway.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "backends/backend.h"
#include "harness/run/batch.h"

namespace sizeup {

// Nothing where these responses are not all that the sample asks, as the turns of a conversation are not, or
// where they cannot be scored. From any thread.
std::optional<AnswerFacts> facts_of_answer(const Batch& batch, std::span<const Response> responses,
                                           const std::string& think_end);

}  // namespace sizeup
