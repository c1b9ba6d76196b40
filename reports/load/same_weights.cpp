#include "reports/load/same_weights.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

#include "harness/store/model_text.h"
#include "reports/load/load_parts.h"

namespace sizeup {
namespace {

// Options of a model reference that leave the weights what they are, but for their precision.
constexpr std::array<std::string_view, 6> kHarmless = {"quant",    "dtype", "device",
                                                       "cpu_tier", "draft", "now"};

// "model.gguf?adapter=x" of "small=model.gguf?dtype=float32&adapter=x".
std::string source_of(const ModelRow& row) {
  const std::string_view reference = without_name(row);
  const size_t options = reference.find('?');
  std::string source(reference.substr(0, options));
  std::set<std::string_view> kept;
  for (size_t begin = options; begin != std::string_view::npos;) {
    const size_t end = reference.find('&', begin + 1);
    const std::string_view option =
        reference.substr(begin + 1, end == std::string_view::npos ? end : end - begin - 1);
    const std::string_view key = option.substr(0, option.find('='));
    if (std::find(kHarmless.begin(), kHarmless.end(), key) == kHarmless.end()) kept.insert(option);
    begin = end;
  }
  for (const std::string_view option : kept) source += "?" + std::string(option);
  return source;
}

using Shape = std::tuple<std::string, int64_t, int64_t, int>;

Shape shape_of(const ReportModel& model) {
  return {model.architecture, model.parameters, model.vocabulary, model.context_length};
}

bool can_be_compared(const ReportModel& model) {
  return model.backend == "engine" && model.parameters > 0 && !model.weight_format.empty();
}

// Models of one file each, in the order of their first members.
std::vector<std::vector<int>> by_file(const std::vector<ModelRow>& rows,
                                      const std::vector<ReportModel>& models) {
  std::vector<std::vector<int>> files;
  const auto same_file = [&](int a, int b) {
    const ModelRow& one = rows[static_cast<size_t>(a)];
    const ModelRow& other = rows[static_cast<size_t>(b)];
    return one.fingerprint == other.fingerprint || source_of(one) == source_of(other);
  };
  for (int i = 0; i < static_cast<int>(models.size()); ++i) {
    if (!can_be_compared(models[static_cast<size_t>(i)])) continue;
    const auto known = std::find_if(files.begin(), files.end(),
                                    [&](const std::vector<int>& file) { return same_file(file.front(), i); });
    if (known == files.end()) {
      files.push_back({i});
    } else {
      known->push_back(i);
    }
  }
  return files;
}

bool share_a_format(const std::vector<std::vector<int>>& files, const std::vector<ReportModel>& models) {
  std::set<std::string> seen;
  for (const std::vector<int>& file : files) {
    std::set<std::string> own;
    for (const int model : file) own.insert(models[static_cast<size_t>(model)].weight_format);
    for (const std::string& format : own) {
      if (!seen.insert(format).second) return true;
    }
  }
  return false;
}

bool differ_in_precision(const std::vector<int>& family, const std::vector<ReportModel>& models) {
  const ReportModel& first = models[static_cast<size_t>(family.front())];
  return std::any_of(family.begin(), family.end(), [&](int index) {
    const ReportModel& model = models[static_cast<size_t>(index)];
    return model.weight_format != first.weight_format || model.precision != first.precision;
  });
}

}  // namespace

std::vector<WeightFamily> same_weights(const std::vector<ModelRow>& rows,
                                       const std::vector<ReportModel>& models) {
  std::vector<std::pair<Shape, std::vector<std::vector<int>>>> shapes;  // in the run's order
  for (std::vector<int>& file : by_file(rows, models)) {
    const Shape shape = shape_of(models[static_cast<size_t>(file.front())]);
    const auto known =
        std::find_if(shapes.begin(), shapes.end(), [&](const auto& entry) { return entry.first == shape; });
    if (known == shapes.end()) {
      shapes.push_back({shape, {std::move(file)}});
    } else {
      known->second.push_back(std::move(file));
    }
  }
  std::vector<WeightFamily> families;
  const auto add = [&](std::vector<int> members, const char* reason) {
    std::sort(members.begin(), members.end());
    if (differ_in_precision(members, models)) families.push_back({std::move(members), reason});
  };
  for (auto& [shape, files] : shapes) {
    if (files.size() > 1 && !share_a_format(files, models)) {
      std::vector<int> all;
      for (const std::vector<int>& file : files) all.insert(all.end(), file.begin(), file.end());
      add(std::move(all), "files of one architecture, number of parameters, vocabulary and context");
      continue;
    }
    for (std::vector<int>& file : files) add(std::move(file), "one file, loaded at several precisions");
  }
  return families;
}

}  // namespace sizeup
