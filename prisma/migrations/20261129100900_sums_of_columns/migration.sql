-- An lca that is helping + hurting to the last bit, as it is of allocations and neurons, lies in no bytes: `lca sum`.
-- One column of a block as numbers; NULL where it has none of that name. A little-endian double is put together from its
-- bits (operators of one rank: the parentheses count): (−1)^s · m · 2^e with m < 2^53, exact in every step (2^e in two factors, for either may be too small alone).
CREATE OR REPLACE FUNCTION "ledger_column"("columns" text[], "data" bytea, "wanted" text) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  width int := 0;
  before int := 0;
  size int;
  bytes bytea;
  name text;
  total int;
  is_sum boolean := false;
BEGIN
  FOREACH name IN ARRAY columns LOOP
    IF split_part(name, ' ', 1) = wanted THEN
      is_sum := split_part(name, ' ', 2) = 'sum';
      before := width;
      size := CASE split_part(name, ' ', 2) WHEN 'f8' THEN 8 WHEN 'i4' THEN 4 WHEN 'u2' THEN 2 END;
    END IF;
    width := width + CASE split_part(name, ' ', 2) WHEN 'f8' THEN 8 WHEN 'i4' THEN 4 WHEN 'u2' THEN 2 WHEN 'sum' THEN 0 END;
  END LOOP;
  IF is_sum THEN
    RETURN (
      SELECT array_agg(a + b ORDER BY n)
        FROM unnest(ledger_column(columns, data, 'helping'), ledger_column(columns, data, 'hurting'))
             WITH ORDINALITY AS parts (a, b, n));
  END IF;
  IF size IS NULL THEN RETURN NULL; END IF;
  total := octet_length(data) / width;
  bytes := substring(data FROM 1 + before * total FOR size * total);
  IF size = 2 THEN
    RETURN (
      SELECT array_agg((get_byte(bytes, i) | (get_byte(bytes, i + 1) << 8))::float8 ORDER BY i)
        FROM generate_series(0, 2 * total - 1, 2) AS i);
  END IF;
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
