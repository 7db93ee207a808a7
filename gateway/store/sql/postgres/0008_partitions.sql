-- Messages, their parts and timelines in partitions by ranges of the message's key (gateway/store/postgres_partitions.py).
-- What is there becomes the first of them: nothing is copied.

ALTER TABLE events ALTER COLUMN n DROP IDENTITY;
CREATE SEQUENCE event_numbers CACHE 100;
SELECT setval('event_numbers', coalesce((SELECT max(n) FROM events), 0) + 1);
ALTER TABLE events ALTER COLUMN n SET DEFAULT nextval('event_numbers');

DO $$
DECLARE
    -- The key of a moment: milliseconds since 2024-01-01, and 14 bits to count with. Some hours ahead, for clocks differ.
    boundary BIGINT := (((extract(epoch FROM clock_timestamp()) - 1704067200) * 1000)::bigint + 21600000) << 14;
    names TEXT[] := ARRAY['messages', 'parts', 'events'];
    columns TEXT[] := ARRAY['key', 'key', 'message'];
    bits INTEGER[] := ARRAY[0, 8, 0];
    name TEXT;
    top BIGINT;
    one RECORD;
BEGIN
    SELECT greatest(boundary, coalesce(max(key), 0) + 1) INTO boundary FROM messages;
    FOR i IN 1 .. 3 LOOP
        name := names[i];
        top := boundary << bits[i];
        EXECUTE format('ALTER TABLE %I RENAME TO %I', name, name || '_before');
        -- The names of its indexes are those of the whole table from now on.
        FOR one IN SELECT indexname FROM pg_indexes
            WHERE tablename = name || '_before' AND schemaname = current_schema() LOOP
            EXECUTE format('ALTER INDEX %I RENAME TO %I', one.indexname, one.indexname || '_before');
        END LOOP;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING INDEXES) PARTITION BY RANGE (%I)',
            name, name || '_before', columns[i]);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%s)',
            name, name || '_before', top);
        EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', name || '_other', name);
    END LOOP;
END $$;
