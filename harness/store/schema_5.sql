-- Version 5: tokens that endpoints count apart; NULL where nobody said.

ALTER TABLE response ADD COLUMN cached_prompt_tokens INTEGER;  -- of prompt_tokens
ALTER TABLE response ADD COLUMN reasoning_tokens INTEGER;      -- of completion_tokens; not in the text
ALTER TABLE measurement ADD COLUMN cached_input_tokens INTEGER;  -- of input_tokens
