-- compatible: 1

-- The purge finds the tasks that were deleted earliest.
CREATE INDEX tasks_deleted_at ON docket.tasks (deleted_at ASC) WHERE deleted_at IS NOT NULL;
