// Which way of asking a run uses, and multiple choice asked as a question to be answered in writing.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "harness/run/run_settings.h"
#include "tasks/task.h"

namespace sizeup {

enum class Protocol { likelihood, generative };

const char* name_of(Protocol protocol);

struct TaskKind {
  std::string name;
  OutputType output_type;
};

// One protocol for all models of a run, since numbers of different protocols cannot be compared: likelihood
// when every model can score, else generative. An error names the model and the task that stand in the way.
Result<Protocol> choose_protocol(ProtocolChoice choice, std::span<const ModelCard* const> models,
                                 std::span<const TaskKind> tasks);

// The protocol of one task in such a run: written answers stay written.
Protocol protocol_of(OutputType output_type, Protocol run_protocol);

// The one request that replaces the choices of a multiple-choice sample under the generative protocol.
AskGenerate written_choice();

// A multiple-choice sample as a question to be answered in writing.
struct WrittenQuestion {
  PromptText prompt;
  std::vector<std::string> names;  // what names each choice in an answer
};

// Choices that the prompt shows (or letters) are named by themselves. Others stand below the question under
// letters, and their letters name them: a model cannot write a choice that it does not see.
WrittenQuestion written_question(const Sample& sample);

// Which of the choices a written answer names; nothing if none or several do. In this order: the whole
// answer, its beginning (the longest choice), the only choice that occurs in it as a word.
std::optional<size_t> named_choice(std::string_view answer, std::span<const std::string> choices);

// The probability of the chosen name among all names, by the most probable first tokens of the written answer
// and their log-probabilities. A token stands for the name that it is, begins with, or alone begins. NaN: the
// most probable one does not stand for the chosen name (the answer begins with other words), or tokens that
// begin several names weigh more than a hundredth of the rest.
double named_probability(std::span<const std::pair<std::string, double>> first_tokens,
                         std::span<const std::string> names, size_t chosen);

}  // namespace sizeup
