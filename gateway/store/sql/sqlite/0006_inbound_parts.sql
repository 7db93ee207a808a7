-- Messages from handsets are joined of their parts.
ALTER TABLE inbound ADD COLUMN part_count INTEGER NOT NULL DEFAULT 1;
ALTER TABLE inbound ADD COLUMN missing_parts INTEGER NOT NULL DEFAULT 0;
