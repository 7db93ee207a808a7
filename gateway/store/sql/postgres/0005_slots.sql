-- The binds that SMSC servers allow all nodes together. Who holds a slot may bind, while its node's lease runs.
CREATE TABLE slots (
    server      TEXT COLLATE "C" NOT NULL,   -- system_id@host:port
    n           INTEGER          NOT NULL,
    node        TEXT COLLATE "C" NOT NULL DEFAULT '',
    epoch       BIGINT           NOT NULL DEFAULT 0,    -- of that node, when it took the slot
    lease_until TIMESTAMPTZ      NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (server, n)
) WITH (fillfactor = 50);

-- Who wants slots of a server, so that they can be dealt out evenly.
CREATE TABLE slot_seekers (
    server TEXT COLLATE "C" NOT NULL,
    node   TEXT COLLATE "C" NOT NULL,
    epoch  BIGINT           NOT NULL,
    until  TIMESTAMPTZ      NOT NULL,
    PRIMARY KEY (server, node)
) WITH (fillfactor = 50);
