-- What earlier versions recorded stays where it is until it is rewritten in the background (store/earlier-rows.ts).
ALTER TABLE "iterations" RENAME TO "earlier_iterations";
ALTER TABLE "earlier_iterations" RENAME CONSTRAINT "iterations_pkey" TO "earlier_iterations_pkey";
ALTER TABLE "earlier_iterations" RENAME CONSTRAINT "iterations_experiment_id_fkey" TO "earlier_iterations_experiment_id_fkey";
ALTER TABLE "allocations" RENAME TO "earlier_allocations";
ALTER TABLE "earlier_allocations" RENAME CONSTRAINT "allocations_pkey" TO "earlier_allocations_pkey";
ALTER TABLE "earlier_allocations" RENAME CONSTRAINT "allocations_experiment_id_fkey" TO "earlier_allocations_experiment_id_fkey";
ALTER TABLE "neuron_segments" RENAME TO "earlier_neuron_segments";
ALTER TABLE "earlier_neuron_segments" RENAME CONSTRAINT "neuron_segments_pkey" TO "earlier_neuron_segments_pkey";
ALTER TABLE "earlier_neuron_segments" RENAME CONSTRAINT "neuron_segments_experiment_id_fkey" TO "earlier_neuron_segments_experiment_id_fkey";

-- CreateTable
CREATE TABLE "ledger_blocks" (
    "experiment_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "split" TEXT NOT NULL,
    "from" INTEGER NOT NULL,
    "to" INTEGER NOT NULL,
    "columns" TEXT[],
    "data" BYTEA NOT NULL,

    CONSTRAINT "ledger_blocks_pkey" PRIMARY KEY ("experiment_id","kind","split","from")
);

-- AddForeignKey
ALTER TABLE "ledger_blocks" ADD CONSTRAINT "ledger_blocks_experiment_id_fkey" FOREIGN KEY ("experiment_id") REFERENCES "experiments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Digits of measured sums: trying to compress them costs time and gains nothing.
ALTER TABLE "ledger_blocks" ALTER COLUMN "data" SET STORAGE EXTERNAL;

-- One column of a block as numbers; NULL where it has none of that name. A little-endian double is put together from its
-- bits (operators of one rank: the parentheses count): (−1)^s · m · 2^e with m < 2^53, exact in every step (2^e in two factors, for either may be too small alone).
CREATE FUNCTION "ledger_column"("columns" text[], "data" bytea, "wanted" text) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  width int := 0;
  before int := 0;
  size int;
  bytes bytea;
  name text;
  total int;
BEGIN
  FOREACH name IN ARRAY columns LOOP
    IF split_part(name, ' ', 1) = wanted THEN
      before := width;
      size := CASE split_part(name, ' ', 2) WHEN 'f8' THEN 8 WHEN 'i4' THEN 4 END;
    END IF;
    width := width + CASE split_part(name, ' ', 2) WHEN 'f8' THEN 8 WHEN 'i4' THEN 4 END;
  END LOOP;
  IF size IS NULL THEN RETURN NULL; END IF;
  total := octet_length(data) / width;
  bytes := substring(data FROM 1 + before * total FOR size * total);
  IF size = 4 THEN
    RETURN (
      SELECT array_agg((get_byte(bytes, i) | (get_byte(bytes, i + 1) << 8) | (get_byte(bytes, i + 2) << 16)
                        | (get_byte(bytes, i + 3) << 24))::float8 ORDER BY i)
        FROM generate_series(0, 4 * total - 1, 4) AS i);
  END IF;
  RETURN (
    SELECT array_agg(
             CASE WHEN exponent = 2047 AND mantissa <> 0 THEN 'NaN'::float8
                  WHEN exponent = 2047 THEN sign * 'Infinity'::float8
                  ELSE sign * (mantissa + CASE exponent WHEN 0 THEN 0 ELSE 4503599627370496 END)::float8
                         * power(2::float8, (greatest(exponent, 1) - 1075) / 2)
                         * power(2::float8, (greatest(exponent, 1) - 1075) - (greatest(exponent, 1) - 1075) / 2)
             END ORDER BY i)
      FROM (SELECT i, (bits >> 52)::int & 2047 AS exponent, bits & 4503599627370495 AS mantissa,
                   CASE WHEN bits < 0 THEN -1::float8 ELSE 1::float8 END AS sign
              FROM (SELECT i, get_byte(bytes, i)::bigint | (get_byte(bytes, i + 1)::bigint << 8)
                              | (get_byte(bytes, i + 2)::bigint << 16) | (get_byte(bytes, i + 3)::bigint << 24)
                              | (get_byte(bytes, i + 4)::bigint << 32) | (get_byte(bytes, i + 5)::bigint << 40)
                              | (get_byte(bytes, i + 6)::bigint << 48) | (get_byte(bytes, i + 7)::bigint << 56) AS bits
                      FROM generate_series(0, 8 * total - 1, 8) AS i OFFSET 0) read OFFSET 0) parted);
END $$;

-- The same tables as before, for whoever reads the ledger with SQL; name the experiment, or all of them are unpacked.
CREATE VIEW "iterations" AS
SELECT b.experiment_id, b.split, (b."from" + v.position - 1)::int AS iteration, v.loss_before, v.loss_after, v.lca,
       v.residual, v.splits::int AS splits, v.helped::int AS helped, v.hurt::int AS hurt
  FROM "ledger_blocks" b
 CROSS JOIN LATERAL unnest(
         ledger_column(b.columns, b.data, 'lossBefore'), ledger_column(b.columns, b.data, 'lossAfter'),
         ledger_column(b.columns, b.data, 'lca'), ledger_column(b.columns, b.data, 'residual'),
         ledger_column(b.columns, b.data, 'splits'), ledger_column(b.columns, b.data, 'helped'),
         ledger_column(b.columns, b.data, 'hurt'))
       WITH ORDINALITY AS v (loss_before, loss_after, lca, residual, splits, helped, hurt, position)
 WHERE b.kind = 'iterations'
 UNION ALL
SELECT experiment_id, split, iteration, loss_before, loss_after, lca, residual, splits, helped, hurt
  FROM "earlier_iterations";

CREATE VIEW "allocations" AS
SELECT b.experiment_id, b.split, (b."from" + (v.position - 1) / s.variables)::int AS iteration,
       ((v.position - 1) % s.variables)::int AS variable, v.lca, v.helping, v.hurting, v.squared, v.moved,
       v.helped::int AS helped, v.hurt::int AS hurt
  FROM "ledger_blocks" b
 CROSS JOIN LATERAL (SELECT count(*) AS variables FROM "variables" WHERE experiment_id = b.experiment_id) s
 CROSS JOIN LATERAL unnest(
         ledger_column(b.columns, b.data, 'lca'), ledger_column(b.columns, b.data, 'helping'),
         ledger_column(b.columns, b.data, 'hurting'), ledger_column(b.columns, b.data, 'squared'),
         ledger_column(b.columns, b.data, 'moved'), ledger_column(b.columns, b.data, 'helped'),
         ledger_column(b.columns, b.data, 'hurt'))
       WITH ORDINALITY AS v (lca, helping, hurting, squared, moved, helped, hurt, position)
 WHERE b.kind = 'allocations'
 UNION ALL
SELECT experiment_id, split, iteration, variable, lca, helping, hurting, squared, moved, helped, hurt
  FROM "earlier_allocations";

CREATE VIEW "neuron_segments" AS
SELECT b.experiment_id, b.split, s."index" AS segment, ledger_column(b.columns, b.data, 'lca') AS lca,
       ledger_column(b.columns, b.data, 'helping') AS helping, ledger_column(b.columns, b.data, 'hurting') AS hurting
  FROM "ledger_blocks" b JOIN "segments" s ON s.experiment_id = b.experiment_id AND s."from" = b."from"
 WHERE b.kind = 'neurons'
 UNION ALL
SELECT experiment_id, split, segment, lca, helping, hurting FROM "earlier_neuron_segments";
