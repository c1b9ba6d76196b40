// Where a row's prompt, its expected answer and its choices stand: by the fields' names first, then by what
// they hold.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tasks/own_data/fields.h"
#include "tasks/own_data/own_data.h"

namespace sizeup {

struct TargetForm {
  std::string text;   // doc_to_target: a field's name or a template
  std::string value;  // the same as an expression within a template; empty if the user wrote a template
  std::string name;   // what it is called in a prompt: "queue"
  std::vector<std::string> fields;
  Values values;
  std::string reason;
};

struct InputForm {
  std::string text;         // a template
  std::string description;  // a template of the system message, or empty
  bool instructs = false;   // says itself what is to be done
  bool is_question = false;
  std::string passage;     // the field with the text that the answer stands in, or empty
  std::string only_field;  // where the prompt is one text alone, its field
  std::vector<std::string> fields;
  std::string reason;
};

struct ChoiceForm {
  std::string list;    // an expression within a template; empty where the cells are list literals
  std::string field;   // of the literals
  std::string labels;  // an expression that gives the choices' own labels (ARC), or empty
  std::vector<std::vector<std::string>> texts;        // of each row
  std::vector<std::vector<std::string>> label_texts;  // likewise; empty without labels
  std::vector<std::string> fields;
  std::string reason;
};

// A conversation's last message where there is no other target.
struct Conversation {
  std::string field;
  std::string role;               // the key: "role" or "from"
  std::string content;            // "content" or "value"
  bool ends_with_answer = false;  // in every row
  bool has_system = false;        // in some row
  bool has_turns = false;         // more than one question in some row
};
std::optional<Conversation> find_conversation(const Fields& fields);

Result<TargetForm> find_target(const Fields& fields, const OwnData& data,
                               const std::optional<Conversation>& conversation);
Result<InputForm> find_input(const Fields& fields, const OwnData& data,
                             const std::optional<Conversation>& conversation, const TargetForm& target,
                             const std::vector<std::string>& choice_fields);
Result<std::optional<ChoiceForm>> find_choices(const Fields& fields, const OwnData& data);

// A, B, C, ...: a list, or a template where the rows have differently many choices.
Json letters_of(const ChoiceForm& choices);

// doc_to_target where the rows name the right choice by a letter, an index, a label or its text. A usage
// error if they share none of these.
Result<std::string> find_right_choice(const Fields& fields, const ChoiceForm& choices,
                                      const TargetForm& target);

}  // namespace sizeup
