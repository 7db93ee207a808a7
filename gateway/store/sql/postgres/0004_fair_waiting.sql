-- What waits is fetched account by account, so that the backlog of one does not stand before the others'.
DROP INDEX messages_waiting;
CREATE INDEX messages_waiting ON messages (node, uplink, account, priority DESC, key) WHERE state = 'queued';
