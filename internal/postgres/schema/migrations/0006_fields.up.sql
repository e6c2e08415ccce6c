-- compatible: 3

-- What is null is at its default, so an older program that inserts a task leaves all
-- of these at theirs, and no row is rewritten now.
ALTER TABLE docket.tasks
  ADD COLUMN priority     smallint,    -- -1 low, 1 high
  ADD COLUMN due_date     text,        -- in the form in which it was given
  ADD COLUMN due_at       timestamptz, -- the moment at which it counts in orders and filters, by the program
  ADD COLUMN tags         text,        -- a JSON array
  ADD COLUMN tags_folded  bytea,       -- each tag, folded, between zero bytes, which no text holds
  ADD COLUMN metadata     text,        -- a JSON object, as it was written: jsonb would change its numbers
  ADD COLUMN completed_at timestamptz; -- as an older program leaves it, it may be missing, or left over
