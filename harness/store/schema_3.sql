-- Version 3: standard errors of groups of tasks.

-- lm-evaluation-harness's of the group's mean; NULL where a member has none.
ALTER TABLE group_result ADD COLUMN standard_error REAL;
