// A store with one invented, deterministic run: two or three models, three tasks, 410 samples. Numbers are
// made up; they are consistent: results are the means of the scores, details agree with texts.
#pragma once

#include <filesystem>
#include <string>

#include "core/json/json.h"
#include "harness/store/store.h"

namespace sizeup {

struct InventedRun {
  int models = 2;
  bool hostile = false;  // names and texts of an enemy
  bool prices = true;
  Json assumptions = Json::object();  // the key `cost` of its run file
  bool timings = true;
  bool without_due = false;         // the timings do not say when their requests were due
  std::string scenario = "single";  // of the timings; with another one rates under load are stored
  bool variants = false;            // handbook asks each document as it is, with typos, and at length
  bool energy = false;              // measured, of the first model
  bool ladder = false;              // the models are one at Q8_0, F16 and Q4_0, from three files
  // For a store with several runs: the day (and name) of this one, the first of its models, and their
  // version; another version has other weights and other luck.
  std::string day = "2026-11-21";
  int first_model = 0;
  int version = 0;
  bool other_data = false;  // the tasks' data are others
};

// Adds the run to the file, which is made if need be. Throws std::runtime_error if the store refuses: a
// broken fixture fails its test.
Store make_invented_run(const std::filesystem::path& file, const InventedRun& what);

// The enemy's texts: markup, ends of script elements, direction overrides, NUL, broken UTF-8, great length.
extern const char* const kScriptAnswer;
std::string enemy_text();

}  // namespace sizeup
