-- compatible: 1

-- This step is apart from the one before, because it keeps tasks from being written for
-- as long as it takes: a write that has locked its owner waits for it. Where these
-- indexes were made beforehand, with CREATE INDEX CONCURRENTLY, it takes no time.

-- Live tasks in the order of creation, however many are deleted.
CREATE INDEX IF NOT EXISTS tasks_live ON docket.tasks (user_id, id) WHERE deleted_at IS NULL;

-- The trash in the order in which its tasks were deleted. The condition is in these
-- words so that only statements about one user's trash match it: IS NOT NULL would
-- match the index of the purge too, which spans all users.
CREATE INDEX IF NOT EXISTS tasks_trash ON docket.tasks (user_id, version) WHERE coalesce(deleted_at, 'infinity') < 'infinity';
