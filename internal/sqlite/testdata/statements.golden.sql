-- addSQL
INSERT INTO owners (user_id, epoch, counter, live, fresh, fresh_from) VALUES (?1, ?2, ?3, ?3, ?6 IS NOT NULL, ?6)
ON CONFLICT (user_id) DO UPDATE SET counter = counter + ?3, live = live + ?3, fresh = fresh + excluded.fresh, fresh_from = coalesce(min(fresh_from, ?6), fresh_from, ?6)
WHERE live + ?3 <= ?4 AND (trash = 0 OR NOT EXISTS (SELECT 1 FROM trash WHERE user_id = ?1 AND id = ?5)) RETURNING counter, trash, fresh;

-- advanceClockSQL
INSERT INTO clock (one, believed) VALUES (1, ?1)
ON CONFLICT (one) DO UPDATE SET believed = min(?1, believed + ?2) RETURNING believed;

-- apiKeysSQL
SELECT id, hash, created_at, expires_at, used_on, scopes, name FROM api_keys WHERE user_id = ?1 ORDER BY id;

-- bumpSQL
UPDATE owners SET counter = counter + 1, live = live + ?2, trash = trash - ?2 WHERE user_id = ?1 AND live < ?3 RETURNING counter, trash;

-- burySQL
UPDATE owners SET counter = counter + ?2, trash = trash + ?2 WHERE user_id = ?1;

-- changesSQL
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, NULL FROM tasks WHERE user_id = ?1 AND fresh = 0 AND version > ?2 AND version <= ?3
UNION ALL SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, NULL FROM tasks WHERE user_id = ?1 AND id >= (SELECT fresh_from FROM owners WHERE user_id = ?1) AND fresh = 1 AND version > ?2 AND version <= ?3
UNION ALL SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND version > ?2 AND version <= ?3
ORDER BY version LIMIT ?4;

-- checkpointSQL
PRAGMA wal_checkpoint(PASSIVE);

-- countAPIKeysSQL
SELECT count(*) FROM api_keys WHERE user_id = ?1;

-- countSQL
SELECT count(*) FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END;

-- countTrashSQL
SELECT count(*) FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END;

-- countersSQL
SELECT user_id, epoch, counter, purged_through FROM owners WHERE user_id IN (SELECT value FROM json_each(?1));

-- deleteSQL
DELETE FROM tasks WHERE user_id = ?1 AND id = ?2;

-- eraseAPIKeysSQL
DELETE FROM api_keys WHERE user_id = ?1;

-- eraseKeysSQL
DELETE FROM idempotency_keys WHERE user_id = ?1 AND key IN
(SELECT key FROM idempotency_keys WHERE user_id = ?1 ORDER BY key LIMIT ?2) RETURNING length(result);

-- eraseOwnerSQL
DELETE FROM owners WHERE user_id = ?1;

-- eraseTasksSQL
DELETE FROM tasks WHERE user_id = ?1 AND id IN (SELECT id FROM tasks WHERE user_id = ?1 ORDER BY id LIMIT ?2);

-- eraseTrashSQL
DELETE FROM trash WHERE user_id = ?1 AND id IN (SELECT id FROM trash WHERE user_id = ?1 ORDER BY id LIMIT ?2);

-- expireAPIKeysSQL
DELETE FROM api_keys WHERE user_id = ?1 AND expires_at <= ?2;

-- expireKeysSQL
DELETE FROM idempotency_keys WHERE rowid IN (SELECT rowid FROM idempotency_keys WHERE expires_at <= ?1 ORDER BY expires_at, rowid LIMIT ?2);

-- findAPIKeySQL
SELECT id, hash, created_at, expires_at, used_on, scopes, name FROM api_keys WHERE user_id = ?1 AND id = ?2;

-- findKeySQL
SELECT fingerprint FROM idempotency_keys WHERE user_id = ?1 AND key = ?2;

-- findTrashSQL
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND id = ?2;

-- getSQL
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND id = ?2;

-- hasSQL
SELECT EXISTS (SELECT 1 FROM tasks WHERE user_id = ?1 AND id = ?2) OR EXISTS (SELECT 1 FROM trash WHERE user_id = ?1 AND id = ?2);

-- insertAPIKeySQL
INSERT INTO api_keys (user_id, id, hash, created_at, expires_at, used_on, scopes, name) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- insertSQL
INSERT INTO tasks (user_id, id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, title_folded, description_folded, tags_folded, due_at, fresh)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- insertTrashSQL
INSERT INTO trash (user_id, id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, title_folded, description_folded, tags_folded, due_at, deleted_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- keepKeySQL
INSERT INTO idempotency_keys (user_id, key, fingerprint, result, expires_at) VALUES (?1, ?2, ?3, ?4, ?5);

-- keptSQL
SELECT kept FROM owners WHERE user_id = ?1;

-- lengthSQL
PRAGMA wal_checkpoint(NOOP);

-- listSQL by creation
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND (?3 = 0 OR in_time())
AND id > ?4 ORDER BY id LIMIT ?2 OFFSET ?3;

-- listSQL by creation, descending
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND (?3 = 0 OR in_time())
AND id < ?4 ORDER BY id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by creation, descending, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND id < ?4 ORDER BY id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by creation, descending, trash
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND (?3 = 0 OR in_time())
AND id < ?4 ORDER BY id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by creation, descending, trash, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND id < ?4 ORDER BY id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by creation, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND id > ?4 ORDER BY id LIMIT ?2 OFFSET ?3;

-- listSQL by creation, trash
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND (?3 = 0 OR in_time())
AND id > ?4 ORDER BY id LIMIT ?2 OFFSET ?3;

-- listSQL by creation, trash, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND id > ?4 ORDER BY id LIMIT ?2 OFFSET ?3;

-- listSQL by due date
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (coalesce(due_at, 9223372036854775807), id) > (?4, ?5)) ORDER BY coalesce(due_at, 9223372036854775807), id LIMIT ?2 OFFSET ?3;

-- listSQL by due date, descending
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (coalesce(due_at, -9223372036854775807), id) < (?4, ?5)) ORDER BY coalesce(due_at, -9223372036854775807) DESC, id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by due date, descending, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (coalesce(due_at, -9223372036854775807), id) < (?4, ?5)) ORDER BY coalesce(due_at, -9223372036854775807) DESC, id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by due date, descending, trash
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (coalesce(due_at, -9223372036854775807), id) < (?4, ?5)) ORDER BY coalesce(due_at, -9223372036854775807) DESC, id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by due date, descending, trash, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (coalesce(due_at, -9223372036854775807), id) < (?4, ?5)) ORDER BY coalesce(due_at, -9223372036854775807) DESC, id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by due date, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (coalesce(due_at, 9223372036854775807), id) > (?4, ?5)) ORDER BY coalesce(due_at, 9223372036854775807), id LIMIT ?2 OFFSET ?3;

-- listSQL by due date, trash
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (coalesce(due_at, 9223372036854775807), id) > (?4, ?5)) ORDER BY coalesce(due_at, 9223372036854775807), id LIMIT ?2 OFFSET ?3;

-- listSQL by due date, trash, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (coalesce(due_at, 9223372036854775807), id) > (?4, ?5)) ORDER BY coalesce(due_at, 9223372036854775807), id LIMIT ?2 OFFSET ?3;

-- listSQL by priority
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (priority, id) > (?4, ?5)) ORDER BY priority, id LIMIT ?2 OFFSET ?3;

-- listSQL by priority, descending
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (priority, id) < (?4, ?5)) ORDER BY priority DESC, id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by priority, descending, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (priority, id) < (?4, ?5)) ORDER BY priority DESC, id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by priority, descending, trash
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (priority, id) < (?4, ?5)) ORDER BY priority DESC, id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by priority, descending, trash, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (priority, id) < (?4, ?5)) ORDER BY priority DESC, id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by priority, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (priority, id) > (?4, ?5)) ORDER BY priority, id LIMIT ?2 OFFSET ?3;

-- listSQL by priority, trash
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (priority, id) > (?4, ?5)) ORDER BY priority, id LIMIT ?2 OFFSET ?3;

-- listSQL by priority, trash, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (priority, id) > (?4, ?5)) ORDER BY priority, id LIMIT ?2 OFFSET ?3;

-- listSQL by title
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (title, id) > (?4, ?5)) ORDER BY title, id LIMIT ?2 OFFSET ?3;

-- listSQL by title, descending
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (title, id) < (?4, ?5)) ORDER BY title DESC, id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by title, descending, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (title, id) < (?4, ?5)) ORDER BY title DESC, id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by title, descending, trash
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (title, id) < (?4, ?5)) ORDER BY title DESC, id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by title, descending, trash, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (title, id) < (?4, ?5)) ORDER BY title DESC, id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by title, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (title, id) > (?4, ?5)) ORDER BY title, id LIMIT ?2 OFFSET ?3;

-- listSQL by title, trash
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (title, id) > (?4, ?5)) ORDER BY title, id LIMIT ?2 OFFSET ?3;

-- listSQL by title, trash, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (title, id) > (?4, ?5)) ORDER BY title, id LIMIT ?2 OFFSET ?3;

-- listSQL by update
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (updated_at, id) > (?4, ?5)) ORDER BY updated_at, id LIMIT ?2 OFFSET ?3;

-- listSQL by update, descending
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (updated_at, id) < (?4, ?5)) ORDER BY updated_at DESC, id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by update, descending, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (updated_at, id) < (?4, ?5)) ORDER BY updated_at DESC, id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by update, descending, trash
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (updated_at, id) < (?4, ?5)) ORDER BY updated_at DESC, id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by update, descending, trash, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (updated_at, id) < (?4, ?5)) ORDER BY updated_at DESC, id DESC LIMIT ?2 OFFSET ?3;

-- listSQL by update, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (updated_at, id) > (?4, ?5)) ORDER BY updated_at, id LIMIT ?2 OFFSET ?3;

-- listSQL by update, trash
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (updated_at, id) > (?4, ?5)) ORDER BY updated_at, id LIMIT ?2 OFFSET ?3;

-- listSQL by update, trash, filtered
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version, deleted_at FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (updated_at, id) > (?4, ?5)) ORDER BY updated_at, id LIMIT ?2 OFFSET ?3;

-- lowerKeptSQL
UPDATE owners SET kept = kept - d.bytes
FROM (SELECT user_id, sum(bytes) AS bytes FROM (SELECT user_id, length(result) AS bytes FROM idempotency_keys WHERE expires_at <= ?1 ORDER BY expires_at, rowid LIMIT ?2) GROUP BY user_id) AS d WHERE owners.user_id = d.user_id;

-- markAPIKeySQL
UPDATE api_keys SET used_on = ?3 WHERE user_id = ?1 AND id = ?2 AND (used_on IS NULL OR used_on < ?3);

-- nextOwnersSQL
SELECT user_id FROM owners WHERE user_id > ?1 ORDER BY user_id LIMIT 500;

-- overflowSQL
UPDATE owners SET purged_through = max(purged_through, ?2), trash = trash - 1 WHERE user_id = ?1;

-- pageSQL
SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?1;

-- purgeFirstSQL
DELETE FROM trash WHERE user_id = ?1 AND version = (SELECT min(version) FROM trash WHERE user_id = ?1) RETURNING version;

-- purgeSQL
DELETE FROM trash WHERE (user_id, id) IN (SELECT user_id, id FROM trash WHERE deleted_at < ?1 ORDER BY deleted_at, user_id, id LIMIT ?2);

-- raiseKeptSQL
UPDATE owners SET kept = kept + ?2 WHERE user_id = ?1 AND kept + ?2 <= ?3;

-- raisePurgedSQL
UPDATE owners SET purged_through = max(purged_through, d.version), trash = trash - d.n
FROM (SELECT user_id, max(version) AS version, count(*) AS n FROM (SELECT user_id, version FROM trash WHERE deleted_at < ?1 ORDER BY deleted_at, user_id, id LIMIT ?2) GROUP BY user_id) AS d WHERE owners.user_id = d.user_id;

-- renewOwnerSQL
UPDATE owners SET epoch = ?2, counter = counter + ?3 WHERE user_id = ?1;

-- renewSQL
UPDATE owners SET epoch = ?2, live = live - ?3, trash = trash - ?4, kept = kept - ?5 WHERE user_id = ?1;

-- resultSQL
SELECT fingerprint, result FROM idempotency_keys WHERE user_id = ?1 AND key = ?2;

-- revokeAPIKeySQL
DELETE FROM api_keys WHERE user_id = ?1 AND id = ?2;

-- roomSQL
SELECT live, trash FROM owners WHERE user_id = ?1;

-- settleSQL
UPDATE tasks SET fresh = 0 WHERE user_id = ?1 AND id >= (SELECT fresh_from FROM owners WHERE user_id = ?1) AND fresh = 1;

-- settledSQL
UPDATE owners SET fresh = 0, fresh_from = NULL WHERE user_id = ?1;

-- sizesSQL by due date
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM tasks WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (coalesce(due_at, 9223372036854775807), id) > (?4, ?5)) ORDER BY coalesce(due_at, 9223372036854775807), id LIMIT ?2 OFFSET ?3;

-- sizesSQL by due date, descending
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM tasks WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (coalesce(due_at, -9223372036854775807), id) < (?4, ?5)) ORDER BY coalesce(due_at, -9223372036854775807) DESC, id DESC LIMIT ?2 OFFSET ?3;

-- sizesSQL by due date, descending, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (coalesce(due_at, -9223372036854775807), id) < (?4, ?5)) ORDER BY coalesce(due_at, -9223372036854775807) DESC, id DESC LIMIT ?2 OFFSET ?3;

-- sizesSQL by due date, descending, trash
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM trash WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (coalesce(due_at, -9223372036854775807), id) < (?4, ?5)) ORDER BY coalesce(due_at, -9223372036854775807) DESC, id DESC LIMIT ?2 OFFSET ?3;

-- sizesSQL by due date, descending, trash, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (coalesce(due_at, -9223372036854775807), id) < (?4, ?5)) ORDER BY coalesce(due_at, -9223372036854775807) DESC, id DESC LIMIT ?2 OFFSET ?3;

-- sizesSQL by due date, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (coalesce(due_at, 9223372036854775807), id) > (?4, ?5)) ORDER BY coalesce(due_at, 9223372036854775807), id LIMIT ?2 OFFSET ?3;

-- sizesSQL by due date, trash
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM trash WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (coalesce(due_at, 9223372036854775807), id) > (?4, ?5)) ORDER BY coalesce(due_at, 9223372036854775807), id LIMIT ?2 OFFSET ?3;

-- sizesSQL by due date, trash, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (coalesce(due_at, 9223372036854775807), id) > (?4, ?5)) ORDER BY coalesce(due_at, 9223372036854775807), id LIMIT ?2 OFFSET ?3;

-- sizesSQL by priority
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM tasks WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (priority, id) > (?4, ?5)) ORDER BY priority, id LIMIT ?2 OFFSET ?3;

-- sizesSQL by priority, descending
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM tasks WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (priority, id) < (?4, ?5)) ORDER BY priority DESC, id DESC LIMIT ?2 OFFSET ?3;

-- sizesSQL by priority, descending, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (priority, id) < (?4, ?5)) ORDER BY priority DESC, id DESC LIMIT ?2 OFFSET ?3;

-- sizesSQL by priority, descending, trash
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM trash WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (priority, id) < (?4, ?5)) ORDER BY priority DESC, id DESC LIMIT ?2 OFFSET ?3;

-- sizesSQL by priority, descending, trash, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (priority, id) < (?4, ?5)) ORDER BY priority DESC, id DESC LIMIT ?2 OFFSET ?3;

-- sizesSQL by priority, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (priority, id) > (?4, ?5)) ORDER BY priority, id LIMIT ?2 OFFSET ?3;

-- sizesSQL by priority, trash
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM trash WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (priority, id) > (?4, ?5)) ORDER BY priority, id LIMIT ?2 OFFSET ?3;

-- sizesSQL by priority, trash, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (priority, id) > (?4, ?5)) ORDER BY priority, id LIMIT ?2 OFFSET ?3;

-- sizesSQL by title
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM tasks WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (title, id) > (?4, ?5)) ORDER BY title, id LIMIT ?2 OFFSET ?3;

-- sizesSQL by title, descending
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM tasks WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (title, id) < (?4, ?5)) ORDER BY title DESC, id DESC LIMIT ?2 OFFSET ?3;

-- sizesSQL by title, descending, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (title, id) < (?4, ?5)) ORDER BY title DESC, id DESC LIMIT ?2 OFFSET ?3;

-- sizesSQL by title, descending, trash
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM trash WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (title, id) < (?4, ?5)) ORDER BY title DESC, id DESC LIMIT ?2 OFFSET ?3;

-- sizesSQL by title, descending, trash, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (title, id) < (?4, ?5)) ORDER BY title DESC, id DESC LIMIT ?2 OFFSET ?3;

-- sizesSQL by title, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (title, id) > (?4, ?5)) ORDER BY title, id LIMIT ?2 OFFSET ?3;

-- sizesSQL by title, trash
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM trash WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (title, id) > (?4, ?5)) ORDER BY title, id LIMIT ?2 OFFSET ?3;

-- sizesSQL by title, trash, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (title, id) > (?4, ?5)) ORDER BY title, id LIMIT ?2 OFFSET ?3;

-- sizesSQL by update
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM tasks WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (updated_at, id) > (?4, ?5)) ORDER BY updated_at, id LIMIT ?2 OFFSET ?3;

-- sizesSQL by update, descending
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM tasks WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (updated_at, id) < (?4, ?5)) ORDER BY updated_at DESC, id DESC LIMIT ?2 OFFSET ?3;

-- sizesSQL by update, descending, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (updated_at, id) < (?4, ?5)) ORDER BY updated_at DESC, id DESC LIMIT ?2 OFFSET ?3;

-- sizesSQL by update, descending, trash
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM trash WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (updated_at, id) < (?4, ?5)) ORDER BY updated_at DESC, id DESC LIMIT ?2 OFFSET ?3;

-- sizesSQL by update, descending, trash, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (updated_at, id) < (?4, ?5)) ORDER BY updated_at DESC, id DESC LIMIT ?2 OFFSET ?3;

-- sizesSQL by update, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (updated_at, id) > (?4, ?5)) ORDER BY updated_at, id LIMIT ?2 OFFSET ?3;

-- sizesSQL by update, trash
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM trash WHERE user_id = ?1 AND in_time()
AND (?4 IS NULL OR (updated_at, id) > (?4, ?5)) ORDER BY updated_at, id LIMIT ?2 OFFSET ?3;

-- sizesSQL by update, trash, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END FROM trash WHERE user_id = ?1 AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END
AND (?4 IS NULL OR (updated_at, id) > (?4, ?5)) ORDER BY updated_at, id LIMIT ?2 OFFSET ?3;

-- snapshotSQL
SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND fresh = 0 AND version > ?2 AND version <= ?3
UNION ALL SELECT id, title, description, completed, priority, due_date, tags, metadata, created_at, updated_at, completed_at, version FROM tasks WHERE user_id = ?1 AND id >= (SELECT fresh_from FROM owners WHERE user_id = ?1) AND fresh = 1 AND version > ?2 AND version <= ?3
ORDER BY version LIMIT ?4;

-- stateSQL
SELECT epoch, counter, purged_through, live, trash FROM owners WHERE user_id = ?1;

-- truncateSQL
PRAGMA wal_checkpoint(TRUNCATE);

-- undeleteSQL
DELETE FROM trash WHERE user_id = ?1 AND id = ?2;

-- updateSQL
UPDATE tasks SET title = ?3, description = ?4, completed = ?5, priority = ?6, due_date = ?7, tags = ?8, metadata = ?9, created_at = ?10, updated_at = ?11, completed_at = ?12, version = ?13, title_folded = ?14, description_folded = ?15, tags_folded = ?16, due_at = ?17
WHERE user_id = ?1 AND id = ?2;

-- writePageSQL
UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1;

