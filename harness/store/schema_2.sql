-- Version 2: groups of tasks.

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
