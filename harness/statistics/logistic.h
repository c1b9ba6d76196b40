// Logistic regression with a ridge penalty: the chance of a yes from a few numbers.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace sizeup {

double sigmoid(double z);

struct LogisticModel {
  double intercept = 0.0;
  std::vector<double> weights;  // of the features as given

  double probability(std::span<const double> features) const;
};

// Minimises sum log(1 + exp(-y z)) + |w|^2 / (2 strength) over w and b, with y = 1 or -1 and z = b + w x, x
// being the features with mean 0 and variance 1, by Newton's method: scikit-learn's LogisticRegression(C =
// strength) after its StandardScaler. `features` holds `columns` numbers for each label, row by row. A
// feature that never varies gets weight 0. Where all labels are the same there is nothing to fit: every
// weight is 0, and the probability is (k + 1/2) / (n + 1) for k yes of n.
LogisticModel fit_logistic(std::span<const double> features, const std::vector<bool>& labels, size_t columns,
                           double strength = 1.0);

}  // namespace sizeup
