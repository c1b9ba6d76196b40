// The steps of process_docs, for the files that define them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "core/json/json.h"
#include "tasks/documents.h"
#include "tasks/yaml.h"

namespace sizeup {

using DocumentStep = std::function<Result<void>(Documents&)>;

// A field of the row at `place`; bad_input if it is none of that kind.
Result<std::string> text_field(const Json& row, const char* field, const std::string& place);
Result<std::vector<std::string>> list_field(const Json& row, const char* field, const std::string& place);

// Appends a document made of row number `row`: it stands where that row stands, and counts among those of
// `out`.
void append_derived(Documents& out, const Documents& from, size_t row, Json document);

// {function: each_field, fields: {FIELD: LABEL, ...}, text: NAME, label: NAME}
Result<DocumentStep> each_field(const YamlNode& node);

// {function: passage_test, passage: FIELD, answers: FIELD, declined: TEXT, label: NAME}
Result<DocumentStep> passage_test(const YamlNode& node);

}  // namespace sizeup
