-- What CPEs are asked to do by somebody, or by a job that waits for their tests.

-- name: add_cpe_task(device, kind, body, job, attempt, terms, actor, expires_at, now)^
INSERT INTO cpe_task (device, kind, body, job, attempt, terms, actor, state, due_at, expires_at, created_at)
VALUES (:device, :kind, :body, :job, :attempt, :terms, :actor, 'due', :now, :expires_at, :now)
RETURNING *;

-- name: open_cpe_tasks(device)
-- What a CPE has still to do, the oldest first; there are few.
SELECT * FROM cpe_task WHERE device = :device AND ended_at IS NULL ORDER BY id;

-- name: get_cpe_task(id)^
SELECT * FROM cpe_task WHERE id = :id;

-- name: cpe_tasks(device, after, limit)
SELECT * FROM cpe_task WHERE device = :device AND id > :after ORDER BY id LIMIT :limit;

-- name: cpe_tests_of_job(job, attempt)
SELECT * FROM cpe_task WHERE job = :job AND attempt = :attempt AND terms <> '' ORDER BY id;

-- name: give_cpe_task(session, expires_at, due_at, now, id)!
-- The CPE has taken it and does it in its own time; it is due to be looked at when the CPE has not told by then.
UPDATE cpe_task SET state = 'given', turn = turn + 1, session = :session, expires_at = :expires_at, due_at = :due_at,
    given_at = COALESCE(given_at, :now), fault = ''
WHERE id = :id AND ended_at IS NULL;

-- name: begin_cpe_task_anew(expires_at, now, id)!
-- What the CPE had taken is lost.
UPDATE cpe_task SET state = 'due', turn = turn + 1, tries = tries + 1, due_at = :now, given_at = NULL,
    expires_at = :expires_at, fault = ''
WHERE id = :id AND ended_at IS NULL;

-- name: put_off_cpe_task(fault, id)^
-- What the CPE answered last, while it is to be tried again.
UPDATE cpe_task SET fault = :fault WHERE id = :id AND ended_at IS NULL RETURNING *;

-- name: end_cpe_task(state, result, fault, trouble, now, id)^
UPDATE cpe_task SET state = :state, result = :result, fault = :fault, trouble = :trouble, turn = turn + 1,
    ended_at = :now
WHERE id = :id AND ended_at IS NULL
RETURNING *;

-- name: overdue_cpe_tasks(now, limit)
SELECT * FROM cpe_task WHERE ended_at IS NULL AND expires_at <= :now ORDER BY expires_at, id LIMIT :limit;

-- name: forget_cpe_tasks(device, kept)!
-- Of what is over, a device keeps the last ones, and those by which a job is still to be judged.
DELETE FROM cpe_task WHERE device = :device AND ended_at IS NOT NULL AND id NOT IN (
    SELECT id FROM cpe_task WHERE device = :device AND ended_at IS NOT NULL ORDER BY id DESC LIMIT :kept)
    AND NOT EXISTS (
        SELECT 1 FROM job j WHERE j.id = cpe_task.job AND j.attempt = cpe_task.attempt AND j.state = 'verifying');
