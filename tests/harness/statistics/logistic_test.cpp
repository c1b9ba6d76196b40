#include "harness/statistics/logistic.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/random/counter_random.h"
#include "tests/harness/statistics/golden.h"

namespace sizeup {
namespace {

std::vector<bool> labels_of(const Json& array) {
  std::vector<bool> out;
  for (const Json& label : array) out.push_back(label.get<int>() == 1);
  return out;
}

TEST(Logistic, AgreesWithScikitLearn) {
  const Json golden = Json::parse(read_whole(golden_folder() / "logistic.json"));
  for (const auto& [name, one] : golden.items()) {
    SCOPED_TRACE(name);
    const std::vector<double> features = doubles(one["features"]);
    const auto columns = one["columns"].get<size_t>();
    const LogisticModel model =
        fit_logistic(features, labels_of(one["labels"]), columns, one["strength"].get<double>());
    ASSERT_EQ(model.weights.size(), columns);
    for (size_t i = 0; i < columns; ++i) {
      const double expected = one["weights"][i].get<double>();
      EXPECT_NEAR(model.weights[i], expected, 1e-7 * (1.0 + std::abs(expected))) << i;
    }
    EXPECT_NEAR(model.intercept, one["intercept"].get<double>(), 1e-6);
    for (size_t row = 0; row < one["probabilities"].size(); ++row) {
      EXPECT_NEAR(model.probability(std::span(features).subspan(row * columns, columns)),
                  one["probabilities"][row].get<double>(), 1e-8);
    }
  }
}

TEST(Logistic, WhatNeverVariesHasNoWeight) {
  std::vector<double> features;
  std::vector<bool> labels;
  for (uint64_t i = 0; i < 60; ++i) {
    features.insert(features.end(), {0.1, uniform(1, 0, i)});
    labels.push_back(uniform(1, 1, i) < features.back());
  }
  const LogisticModel model = fit_logistic(features, labels, 2);
  EXPECT_EQ(model.weights[0], 0.0);
  EXPECT_GT(model.weights[1], 0.0);
}

TEST(Logistic, LabelsThatAreAllTheSameGiveTheirShare) {
  const std::vector<double> features{1.0, 2.0, 3.0};
  const LogisticModel yes = fit_logistic(features, {true, true, true}, 1);
  EXPECT_EQ(yes.weights[0], 0.0);
  EXPECT_NEAR(yes.probability(std::vector{7.0}), 3.5 / 4.0, 1e-12);
  EXPECT_NEAR(fit_logistic(features, {false, false, false}, 1).probability(std::vector{7.0}), 0.5 / 4.0,
              1e-12);
  EXPECT_NEAR(fit_logistic({}, {}, 2).probability(std::vector{1.0, 2.0}), 0.5, 1e-12);
}

TEST(Logistic, FindsTheWeightsThatMadeTheLabels) {
  std::vector<double> features;
  std::vector<bool> labels;
  for (uint64_t i = 0; i < 40'000; ++i) {
    const double a = 4.0 * uniform(2, 0, i) - 2.0;
    const double b = uniform(2, 1, i);
    features.insert(features.end(), {a, b});
    labels.push_back(uniform(2, 2, i) < sigmoid(0.5 + 1.5 * a - 2.0 * b));
  }
  const LogisticModel model = fit_logistic(features, labels, 2);
  EXPECT_NEAR(model.intercept, 0.5, 0.1);
  EXPECT_NEAR(model.weights[0], 1.5, 0.1);
  EXPECT_NEAR(model.weights[1], -2.0, 0.15);
}

}  // namespace
}  // namespace sizeup
