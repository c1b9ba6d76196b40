-- Version 2: groups of tasks; what answering took, so that a rerun from the store has a cost.

-- Of the samples that were asked in the evaluation's own run: a rerun whose answers all come from the store is
-- priced by the latest measurement of the same model, task and machine.
CREATE TABLE measurement (
  evaluation_id INTEGER PRIMARY KEY REFERENCES evaluation(id),
  samples       INTEGER NOT NULL,              -- that were asked; the others came from the store
  input_tokens  INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  pass_ms       REAL NOT NULL,                 -- of the whole backend run that answered them
  pass_share    REAL NOT NULL                  -- of its tokens that belong to this evaluation
);
-- On what a cost was measured: '25.0 % of the pass''s time, by tokens'; may be empty.
ALTER TABLE cost ADD COLUMN measured TEXT NOT NULL DEFAULT '';

-- What a group of tasks came to for a model of a run: the mean over its members, in the order of the plan.
CREATE TABLE group_result (
  run_id        INTEGER NOT NULL REFERENCES run(id),
  model_id      INTEGER NOT NULL REFERENCES model(id),
  position      INTEGER NOT NULL,              -- a group stands before those it holds
  name          TEXT NOT NULL,
  version       TEXT NOT NULL,
  depth         INTEGER NOT NULL,              -- below the group that holds it
  tasks         INTEGER NOT NULL,              -- members, those of its groups included
  metric        TEXT NOT NULL,
  value         REAL,                          -- NULL: undefined
  lo            REAL,                          -- NULL where no interval exists
  hi            REAL,
  n             INTEGER NOT NULL,              -- samples of all members
  PRIMARY KEY (run_id, position)
) WITHOUT ROWID;

CREATE VIEW group_results AS
SELECT run.name AS run, model.name AS model, group_result.name AS "group", group_result.tasks, group_result.metric,
       group_result.value, group_result.lo, group_result.hi, group_result.n
FROM group_result
JOIN run ON run.id = group_result.run_id
JOIN model ON model.id = group_result.model_id
ORDER BY run.id, group_result.position, group_result.model_id;
