-- EXACT_SCAN
SET LOCAL parallel_tuple_cost = 0; SET LOCAL parallel_setup_cost = 0; SET LOCAL jit = off;

-- SEARCH
SELECT hit.id, hit.image_id, max(hit.similarity) AS similarity
FROM (
    SELECT f.id, f.image_id, -(f.embedding <#> p.probe) AS similarity
    FROM matching_face f
    JOIN unnest(%s::halfvec[]) AS p (probe) ON f.embedding <#> p.probe <= %s
    OFFSET 0
) AS hit
GROUP BY hit.id, hit.image_id
ORDER BY similarity DESC, hit.id;

-- SEARCH_SHOWN
SELECT hit.id, hit.image_id, max(hit.similarity) AS similarity
FROM (
    SELECT f.id, f.image_id, -(f.embedding <#> p.probe) AS similarity
    FROM matching_face f
    JOIN unnest(%s::halfvec[]) AS p (probe) ON f.embedding <#> p.probe <= %s
    OFFSET 0
) AS hit
JOIN matching_harvestedimage i ON i.id = hit.image_id
WHERE i.hidden_at IS NULL
GROUP BY hit.id, hit.image_id
ORDER BY similarity DESC, hit.id
LIMIT %s;

-- SHOWN
SELECT DISTINCT f.image_id
FROM matching_face f
JOIN matching_harvestedimage i ON i.id = f.image_id
WHERE i.hidden_at IS NULL AND f.image_id = ANY(%s);

-- ADD
COPY matching_face (image_id, box_left, box_top, box_right, box_bottom, score, embedding)
FROM STDIN (FORMAT BINARY);

-- EMBEDDINGS
SELECT embedding::text FROM matching_face WHERE id = ANY(%s) ORDER BY id;

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

-- HOLDS
SELECT image_id FROM matching_face WHERE image_id = ANY(%s)
UNION
SELECT id FROM matching_harvestedimage WHERE id = ANY(%s);

-- SIZE
SELECT count(*) FROM matching_face;
