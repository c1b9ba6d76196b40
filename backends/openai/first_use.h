// The day on which an endpoint was first asked: part of what stands for the fingerprint of weights that
// nobody sees.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

struct EndpointIdentity {
  std::vector<std::string> base_urls;
  std::string model;
  std::string system_fingerprint;    // as the server reports it, or empty
  std::string response_format = {};  // that answers are held to; empty: to none
};

struct FirstUse {
  std::string day;   // "2026-11-26"
  std::string note;  // why it could not be kept; empty if all is well
};

// Read from a small file in `folder`, or today's (UTC) and kept there, so that a run which is continued
// tomorrow still matches.
FirstUse first_use_of(const EndpointIdentity& identity, const std::filesystem::path& folder);

// "unknown:" and a hash of it all.
std::string fingerprint_of(const EndpointIdentity& identity, const std::string& day);

}  // namespace sizeup
