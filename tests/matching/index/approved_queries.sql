-- ADD
COPY matching_face (image_id, box_left, box_top, box_right, box_bottom, score, embedding)
FROM STDIN (FORMAT BINARY);

-- BUILD
CREATE INDEX IF NOT EXISTS {name} ON {partition} USING hnsw ((embedding::halfvec({dim})) halfvec_ip_ops);

-- BYTES
SELECT sum(pg_relation_size(name::regclass)) FROM unnest(%s::text[]) AS name;

-- DROP
DROP INDEX IF EXISTS {name};

-- EMBEDDINGS
SELECT halfvec_send(embedding) FROM matching_face WHERE id = ANY(%s) ORDER BY id;

-- EXACT_SCAN
SET LOCAL parallel_tuple_cost = 0; SET LOCAL parallel_setup_cost = 0; SET LOCAL jit = off;

-- FACES_OF
SELECT id, box_left, box_top, box_right, box_bottom FROM matching_face WHERE image_id = %s ORDER BY id;

-- HAS_CAST
SELECT EXISTS (
    SELECT FROM pg_cast WHERE castsource = 'halfvec'::regtype AND casttarget = 'bytea'::regtype AND castmethod = 'b'
);

-- HIDDEN
SELECT id FROM matching_harvestedimage WHERE hidden_at IS NOT NULL AND id = ANY(%s);

-- IMAGES_OF
SELECT id, image_id FROM matching_face WHERE id = ANY(%s);

-- NEAR
f.embedding <#> %s::halfvec <= %s;

-- NEAREST
SELECT id FROM matching_face ORDER BY embedding::halfvec({dim}) <#> %s::halfvec({dim}) LIMIT %s;

-- NEW_IDS
SELECT nextval(pg_get_serial_sequence('matching_face', 'id')) FROM generate_series(1, %s);

-- NOTE_RESIDUE
INSERT INTO matching_residue (image_id, relation, deleted_in)
SELECT image_id, relation, pg_current_xact_id()::text::bigint
FROM unnest(%s::uuid[], %s::text[]) AS dead (image_id, relation);

-- PARTITIONS
SELECT relid::regclass::text FROM pg_partition_tree('matching_face') WHERE isleaf ORDER BY 1;

-- PRESENT
SELECT image_id FROM matching_face WHERE image_id = ANY(%s)
UNION
SELECT id FROM matching_harvestedimage WHERE id = ANY(%s);

-- REMOVE
WITH face AS (
    DELETE FROM matching_face WHERE image_id = ANY(%s) RETURNING image_id, tableoid::regclass::text AS relation
), image AS (
    DELETE FROM matching_harvestedimage WHERE id = ANY(%s)
    RETURNING id AS image_id, tableoid::regclass::text AS relation
)
INSERT INTO matching_residue (image_id, relation, deleted_in)
SELECT image_id, relation, pg_current_xact_id()::text::bigint FROM face
UNION
SELECT image_id, relation, pg_current_xact_id()::text::bigint FROM image;

-- SAMPLE
SELECT halfvec_send(embedding) FROM matching_face ORDER BY random() LIMIT %s;

-- SEARCH
SELECT f.id, f.image_id, halfvec_send(f.embedding) FROM matching_face f WHERE {near};

-- SEARCHABLE
SELECT DISTINCT f.image_id
FROM matching_face f
JOIN matching_harvestedimage i ON i.id = f.image_id
WHERE i.hidden_at IS NULL AND f.image_id = ANY(%s);

-- SETTINGS
SET LOCAL hnsw.ef_search = {ef}; SET LOCAL enable_seqscan = off;

-- SIZE
SELECT count(*) FROM matching_face;

-- STORED
COPY (
    SELECT bunch.ids, bunch.faces
    FROM generate_series(
        0, pg_relation_size('{partition}') / current_setting('block_size')::int, 64
    ) AS page,
    LATERAL (
        SELECT string_agg(int8send(id), '') AS ids, string_agg(embedding::bytea, '') AS faces
        FROM ONLY {partition}
        WHERE ctid >= format('(%s,0)', page)::tid AND ctid < format('(%s,0)', page + 64)::tid
    ) AS bunch
    WHERE bunch.faces IS NOT NULL
) TO STDOUT (FORMAT BINARY);
