-- Files on their way to and from CPEs: upgrades of firmware, one-time URLs, what CPEs sent.

-- name: firmware_place(device)^
-- The active service that a device belongs to; a device in quarantine is given nothing.
SELECT s.id AS service, s.profile FROM device d JOIN service s ON s.id = d.service
WHERE d.id = :device AND d.state = 'bound' AND s.state = 'active';

-- name: last_job_of_service(service)^
SELECT id, visit FROM job WHERE service = :service ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: cpe_firmware(device)^
SELECT * FROM cpe_firmware WHERE device = :device;

-- name: last_upgrade(device)
-- As people see it; one row or none.
SELECT campaign, version, from_version, state, fault, failures, retry_at, offered_at, given_at, transferred_at, ended_at
FROM cpe_firmware WHERE device = :device;

-- name: offer_firmware(device, attempt, campaign, version, from_version, service, file, sha256, timeout_s, succeeds_on_timeout, due_at, now)!
-- Failures of the same campaign and version are counted on; those of another are past.
INSERT INTO cpe_firmware (device, attempt, campaign, version, from_version, service, file, sha256, timeout_s,
    succeeds_on_timeout, state, due_at, offered_at)
VALUES (:device, :attempt, :campaign, :version, :from_version, :service, :file, :sha256, :timeout_s,
    :succeeds_on_timeout, 'offered', :due_at, :now)
ON CONFLICT (device) DO UPDATE SET attempt = excluded.attempt,
    failures = CASE WHEN cpe_firmware.campaign = excluded.campaign AND cpe_firmware.version = excluded.version
        THEN cpe_firmware.failures ELSE 0 END,
    campaign = excluded.campaign, version = excluded.version, from_version = excluded.from_version,
    service = excluded.service, file = excluded.file, sha256 = excluded.sha256, timeout_s = excluded.timeout_s,
    succeeds_on_timeout = excluded.succeeds_on_timeout, state = excluded.state, due_at = excluded.due_at,
    offered_at = excluded.offered_at, given_at = NULL, transferred_at = NULL, ended_at = NULL, booted_at = NULL;

-- name: give_firmware(due_at, now, device)!
UPDATE cpe_firmware SET state = 'given', given_at = :now, due_at = :due_at WHERE device = :device;

-- name: transfer_firmware(due_at, now, device)!
UPDATE cpe_firmware SET state = 'transferred', given_at = COALESCE(given_at, :now), transferred_at = :now,
    due_at = :due_at
WHERE device = :device;

-- name: boot_firmware(now, device)!
UPDATE cpe_firmware SET booted_at = :now WHERE device = :device;

-- name: confirm_firmware(now, device)!
UPDATE cpe_firmware SET state = 'confirmed', ended_at = :now, failures = 0, fault = '', retry_at = NULL
WHERE device = :device;

-- name: fail_firmware(fault, failures, retry_at, now, device)!
UPDATE cpe_firmware SET state = 'failed', given_at = COALESCE(given_at, :now), ended_at = :now, failed_at = :now,
    failures = :failures, fault = :fault, retry_at = :retry_at
WHERE device = :device;

-- name: lapse_firmware(fault, retry_at, now, device)!
UPDATE cpe_firmware SET state = 'lapsed', ended_at = :now, fault = :fault, retry_at = :retry_at
WHERE device = :device;

-- name: overdue_firmware(now, limit)
SELECT * FROM cpe_firmware WHERE ended_at IS NULL AND due_at <= :now ORDER BY due_at LIMIT :limit;

-- name: firmware_under_way(campaign)^
SELECT COUNT(*) AS cpes FROM cpe_firmware WHERE campaign = :campaign AND ended_at IS NULL;

-- name: firmware_failures(campaign, version, since)^
-- CPEs that failed since then and have not come through.
SELECT COUNT(*) AS cpes FROM cpe_firmware
WHERE campaign = :campaign AND version = :version AND failures > 0 AND failed_at > :since;

-- name: firmware_campaign(name, version)^
SELECT * FROM firmware_campaign WHERE name = :name AND version = :version;

-- name: stop_firmware(name, version, reason, now)!
INSERT INTO firmware_campaign (name, version, stopped_at, reason) VALUES (:name, :version, :now, :reason)
ON CONFLICT (name, version) DO UPDATE SET stopped_at = excluded.stopped_at, reason = excluded.reason;

-- name: wake_firmware(name, version, now)!
INSERT INTO firmware_campaign (name, version, woken_at) VALUES (:name, :version, :now)
ON CONFLICT (name, version) DO UPDATE SET woken_at = excluded.woken_at;

-- name: put_cpe_behind(campaign, device)!
UPDATE cpe SET behind = :campaign WHERE device = :device;

-- name: cpes_behind(campaign, version, now, limit)
-- CPEs that a campaign may upgrade and that may be asked to inform; those that were never asked come first.
SELECT c.* FROM cpe c LEFT JOIN cpe_waking w ON w.device = c.device LEFT JOIN cpe_firmware f ON f.device = c.device
WHERE c.behind = :campaign AND (w.device IS NULL OR w.next_at <= :now)
    AND (f.device IS NULL OR f.ended_at IS NOT NULL)
    AND (f.retry_at IS NULL OR f.retry_at <= :now OR f.version <> :version)
    AND NOT EXISTS (
        SELECT 1 FROM cpe_handover h WHERE h.device = c.device AND h.state IN ('told', 'accepted', 'left'))
ORDER BY COALESCE(w.next_at, ''), c.device LIMIT :limit;

-- name: resume_firmware(now, actor, name, version)!
-- What failed before is not held against it any more.
UPDATE firmware_campaign SET stopped_at = NULL, reason = '', counted_from = :now, resumed_by = :actor
WHERE name = :name AND version = :version;

-- name: firmware_fleet()
-- Which models and versions run in active services, by profile.
SELECT s.profile, c.manufacturer, c.oui, c.product_class, c.hardware_version, c.software_version, COUNT(*) AS cpes
FROM cpe c JOIN device d ON d.id = c.device JOIN service s ON s.id = d.service
WHERE s.state = 'active' AND d.state = 'bound'
GROUP BY s.profile, c.manufacturer, c.oui, c.product_class, c.hardware_version, c.software_version;

-- name: firmware_states(campaign, version)
SELECT state, COUNT(*) AS cpes FROM cpe_firmware WHERE campaign = :campaign AND version = :version GROUP BY state;

-- name: firmware_failed(campaign, version, limit)
SELECT device, from_version, fault, failures, failed_at, retry_at FROM cpe_firmware
WHERE campaign = :campaign AND version = :version AND failures > 0 ORDER BY failed_at DESC, device LIMIT :limit;

-- name: firmware_now(campaign, limit)
SELECT device, from_version, version, state, offered_at, due_at FROM cpe_firmware
WHERE campaign = :campaign AND ended_at IS NULL ORDER BY offered_at, device LIMIT :limit;

-- name: move_cpe_firmware(device, joined)!
UPDATE cpe_firmware SET device = :device
WHERE device = :joined AND NOT EXISTS (SELECT 1 FROM cpe_firmware WHERE device = :device);

-- name: drop_cpe_firmware(device)!
DELETE FROM cpe_firmware WHERE device = :device;

-- name: add_cpe_grant(token, device, command_key, direction, file, size, sha256, expires_at)!
INSERT INTO cpe_grant (token, device, command_key, direction, file, size, sha256, expires_at)
VALUES (:token, :device, :command_key, :direction, :file, :size, :sha256, :expires_at);

-- name: cpe_grant(token, now)^
SELECT * FROM cpe_grant WHERE token = :token AND expires_at > :now;

-- name: bind_cpe_grant(peer, token)!
UPDATE cpe_grant SET peer = :peer WHERE token = :token AND peer IS NULL;

-- name: refuse_cpe_grants(refused, device, command_key)!
UPDATE cpe_grant SET refused = :refused WHERE device = :device AND command_key = :command_key;

-- name: refused_cpe_grant(device, command_key)^
SELECT refused FROM cpe_grant WHERE device = :device AND command_key = :command_key AND refused <> '' LIMIT 1;

-- name: end_cpe_grants(device, command_key)!
DELETE FROM cpe_grant WHERE device = :device AND command_key = :command_key;

-- name: expire_cpe_grants(now)!
DELETE FROM cpe_grant WHERE expires_at <= :now;

-- name: move_cpe_grants(device, joined)!
UPDATE cpe_grant SET device = :device WHERE device = :joined;

-- name: put_cpe_upload(device, task, what, file, size, sha256, now)!
-- The CPE sent it, or sent it again because our answer was lost.
INSERT INTO cpe_upload (device, task, what, file, size, sha256, received_at)
VALUES (:device, :task, :what, :file, :size, :sha256, :now)
ON CONFLICT (task) DO UPDATE SET file = excluded.file, size = excluded.size, sha256 = excluded.sha256,
    received_at = excluded.received_at;

-- name: cpe_upload_of_task(task)^
SELECT * FROM cpe_upload WHERE task = :task;

-- name: cpe_upload(device, id)^
SELECT * FROM cpe_upload WHERE device = :device AND id = :id;

-- name: cpe_uploads(device, after, limit)
SELECT * FROM cpe_upload WHERE device = :device AND id > :after ORDER BY id LIMIT :limit;

-- name: all_cpe_uploads()
-- The newest first.
SELECT id, file, size, received_at FROM cpe_upload ORDER BY received_at DESC, id DESC;

-- name: drop_cpe_upload(id)!
DELETE FROM cpe_upload WHERE id = :id;

-- name: move_cpe_uploads(device, joined)!
UPDATE cpe_upload SET device = :device WHERE device = :joined;

-- name: cpe_whose_session(session)^
-- The CPE whose last Inform opened this session.
SELECT * FROM cpe WHERE session = :session;
