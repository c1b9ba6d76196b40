-- Version 6: what answering took of the machine's power.

ALTER TABLE measurement ADD COLUMN pass_joules REAL;  -- of the processors, in the whole pass; NULL: not measured
