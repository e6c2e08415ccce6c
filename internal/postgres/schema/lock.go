package schema

// AdvisoryLock returns the expression that takes the lock with a key until the end of the
// transaction. It waits for the lock, or else tells whether it was free. A database
// without such locks needs another expression here alone.
func AdvisoryLock(key string, waits bool) string {
	if waits {
		return "pg_advisory_xact_lock(" + key + ")"
	}
	return "pg_try_advisory_xact_lock(" + key + ")"
}
