-- CPEs that are looked at, whether they are still as their service wants, and those that were found not to be.

-- name: drift_place(device)^
-- The active service that a device belongs to and the order that it stands on, while nobody works on it.
SELECT s.id AS service, s.standing FROM device d JOIN service s ON s.id = d.service
WHERE d.id = :device AND d.state = 'bound' AND s.state = 'active' AND s.standing IS NOT NULL AND NOT EXISTS
    (SELECT 1 FROM job j WHERE j.service = s.id AND j.state NOT IN ('completed', 'cancelled'));

-- name: put_cpe_configured(device, job, look_at)!
-- A job made the CPE what its service wants.
UPDATE cpe SET configured = :job, look_at = :look_at WHERE device = :device;

-- name: look_at_cpe(device, look_at)^
-- When a CPE is to be looked at next.
UPDATE cpe SET look_at = :look_at WHERE device = :device RETURNING *;

-- name: cpe_drift(device)
SELECT * FROM cpe_drift WHERE device = :device;

-- name: put_cpe_drift(device, state, found, fault, found_at, times, restored_at, restore_at)!
INSERT INTO cpe_drift (device, state, found, fault, found_at, times, restored_at, restore_at)
VALUES (:device, :state, :found, :fault, :found_at, :times, :restored_at, :restore_at)
ON CONFLICT (device) DO UPDATE SET state = excluded.state, found = excluded.found, fault = excluded.fault,
    found_at = excluded.found_at, times = excluded.times, restored_at = excluded.restored_at,
    restore_at = excluded.restore_at;

-- name: drop_cpe_drift(device)!
DELETE FROM cpe_drift WHERE device = :device;
